"""Deleted is deleted: after the next publish no stored object holds a deleted document's words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from frontdesk.knowledge.document_files import document_object, is_object_of
from frontdesk.knowledge.documents import DocumentPath, delete_document
from frontdesk.knowledge.indexer import Indexer
from frontdesk.knowledge.manifest import CHUNKS_FILE
from frontdesk.knowledge.publish import shelf_of
from frontdesk.local.storage.faults import Fault
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.errors import UpstreamUnavailable
from frontdesk.platform.services import Services
from frontdesk.platform.storage import ObjectStore
from tests.integration.knowledge.conftest import BUCKETS, Agency, a_deadline
from tests.support.clock import ManualClock
from tests.support.stored_text import objects_with

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

CANARY = "Quorvexil"
SECRET = f"# Offers\nThe code word for the house is {CANARY}.".encode()
RULES = [f"# Rule {n}\nRule number {n} of the house is kept by everybody.".encode() for n in (1, 2)]


class Crash(BaseException):
    """The process dies here."""


class DyingStore(ObjectStore):
    """The real client in a process that dies before it writes a certain object."""

    ending = "nothing ends like this"

    def write(self, bucket: str, name: str, *arguments: object, **named: object) -> int:
        if name.endswith(self.ending):
            raise Crash
        return super().write(bucket, name, *arguments, **named)  # type: ignore[arg-type]


@dataclass
class Searcher:
    """Looks through all that is stored."""

    agency: Agency
    scratch: Path

    def found(self) -> list[str]:
        storage = self.agency.services.storage
        return objects_with(CANARY, storage, BUCKETS, self.scratch, a_deadline())


@pytest.fixture
def searcher(agency: Agency, tmp_path: Path) -> Searcher:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Searcher(agency, scratch)


def delete(agency: Agency, document_id: UUID) -> None:
    delete_document(agency.context(), DocumentPath(document_id=document_id))


def changed(sql: psycopg.Connection, agency: Agency) -> None:
    """What every command does after it changed documents."""
    sql.execute("select app.knowledge_changed(%s)", (agency.tenant.id,))


def crash_at(agency: Agency, ending: str) -> None:
    """Run an indexer that dies before it writes that object."""
    settings = agency.services.settings
    storage = DyingStore(settings)
    storage.ending = ending
    services = Services(settings, storage=storage)
    with pytest.raises(Crash):
        Indexer(services, a_deadline()).run(agency.tenant.id)
    services.close()


def test_a_deleted_documents_words_are_in_no_stored_object(
    agency: Agency, searcher: Searcher
) -> None:
    secret = agency.upload(SECRET)
    agency.upload(RULES[0])
    agency.index()
    agency.upload(RULES[1])
    agency.index()
    uploaded, *indexed = sorted(searcher.found(), key=lambda name: name.endswith(CHUNKS_FILE))
    assert is_object_of(agency.tenant.id, secret.id, uploaded)
    assert indexed
    assert all(name.endswith(CHUNKS_FILE) for name in indexed)
    delete(agency, secret.id)
    agency.index()
    assert searcher.found() == []
    retrieval = agency.ask("the rules of the house")
    assert retrieval.index_version is not None


def test_nor_after_builds_that_were_interrupted(agency: Agency, searcher: Searcher) -> None:
    secret = agency.upload(SECRET)
    agency.upload(RULES[0])
    for ending in ("embeddings.npz", "manifest.json", "current.json"):
        crash_at(agency, ending)
    assert len(searcher.found()) == 1 + 3
    delete(agency, secret.id)
    crash_at(agency, "current.json")
    assert len(searcher.found()) == 3
    agency.index()
    assert searcher.found() == []


def test_nor_after_a_collection_that_failed(agency: Agency, searcher: Searcher) -> None:
    secret = agency.upload(SECRET)
    agency.upload(RULES[0])
    agency.index()
    outage = Fault(method="DELETE", status=503, times=0)
    agency.storage.faults.add(outage)
    delete(agency, secret.id)
    with pytest.raises(UpstreamUnavailable):
        agency.index()
    assert len(searcher.found()) == 2
    agency.storage.faults.clear()
    agency.index()
    assert searcher.found() == []


def test_nor_a_day_after_an_upload_whose_command_never_came(
    agency: Agency, searcher: Searcher
) -> None:
    agency.upload(RULES[0])
    agency.services.storage.write(
        BUCKETS[0],
        document_object(agency.tenant.id, uuid4(), str(uuid4())),
        SECRET,
        content_type="text/markdown",
        if_generation_match=0,
        deadline=a_deadline(),
    )
    agency.index()
    assert len(searcher.found()) == 1
    later = ManualClock(SystemClock().now() + timedelta(days=1, minutes=1))
    tomorrow = Services(agency.services.settings, storage=agency.services.storage, clock=later)
    Indexer(tomorrow, a_deadline()).run(agency.tenant.id)
    tomorrow.close()
    assert searcher.found() == []
    assert len(shelf_of(agency.services).versions(agency.tenant.id, deadline=a_deadline())) == 1


def test_a_replaced_file_stays_until_the_newer_one_is_indexed_and_then_goes(
    agency: Agency, searcher: Searcher
) -> None:
    secret = agency.upload(SECRET)
    agency.index()
    agency.replace(secret.id, RULES[0])
    crash_at(agency, "current.json")
    assert any(is_object_of(agency.tenant.id, secret.id, name) for name in searcher.found())
    agency.index()
    assert searcher.found() == []
    # And back: what is the document's file again stays.
    agency.replace(secret.id, SECRET)
    agency.index()
    (stored,) = agency.objects()
    assert stored in searcher.found()


def test_a_hidden_documents_older_versions_are_not_kept(
    agency: Agency, sql: psycopg.Connection
) -> None:
    document = agency.upload(SECRET, visibility="public")
    agency.index()
    sql.execute(
        "update app.knowledge_documents set visibility = 'internal' where id = %s", (document.id,)
    )
    changed(sql, agency)
    agency.index()
    versions = shelf_of(agency.services).versions(agency.tenant.id, deadline=a_deadline())
    assert len(versions) == 1
