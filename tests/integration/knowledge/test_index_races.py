"""Several indexers at once, on real storage with preconditions and a real database."""

from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from frontdesk.knowledge.documents import (
    DocumentPath,
    DocumentQuery,
    DocumentStatus,
    delete_document,
    list_documents,
)
from frontdesk.knowledge.index_source import mark_indexed, read_source
from frontdesk.knowledge.indexer import Indexer, IndexingContended
from frontdesk.knowledge.manifest import MANIFEST_FILE, POINTER_FILE
from frontdesk.knowledge.publish import KEPT_VERSIONS, shelf_of
from frontdesk.platform.services import Services
from frontdesk.platform.storage import ObjectStore
from tests.integration.knowledge.conftest import Agency, a_deadline

if TYPE_CHECKING:
    from uuid import UUID

    from frontdesk.platform.settings import Settings

INDEXERS = 2


def a_rule(number: int) -> bytes:
    return f"# Rule {number}\nRule number {number} of the house.".encode()


def index_alone(settings: Settings, tenant_id: UUID) -> None:
    """One indexer with services of its own, as another instance of the function has them."""
    services = Services(settings)
    try:
        Indexer(services, a_deadline()).run(tenant_id)
    finally:
        services.close()


def assert_whole(agency: Agency, documents: int) -> None:
    """All is indexed once, nothing is lost, and nothing of a loser is left."""
    page = list_documents(agency.context(), DocumentQuery(page_size=200))
    assert len(page.items) == documents
    assert {document.status for document in page.items} == {DocumentStatus.INDEXED}
    shelf = shelf_of(agency.services)
    versions = shelf.versions(agency.tenant.id, deadline=a_deadline())
    serving = versions[0].manifest
    assert serving.documents == documents
    source = read_source(agency.services, agency.tenant.id, a_deadline())
    assert (source.index_version, source.knowledge_version) == (
        serving.version,
        serving.knowledge_version,
    )
    prefix = f"indexes/{agency.tenant.id}/"
    stored = agency.services.storage.list(shelf.bucket, prefix, deadline=a_deadline())
    folders: dict[str, set[str]] = {}
    for item in stored:
        folder, slash, name = item.name[len(prefix) :].partition("/")
        if slash:
            folders.setdefault(folder, set()).add(name)
    assert len(folders) <= KEPT_VERSIONS
    assert all(MANIFEST_FILE in names for names in folders.values())
    assert max(folders) == serving.version


def test_of_threads_that_index_at_once_one_wins_and_nothing_is_lost(agency: Agency) -> None:
    together = threading.Barrier(INDEXERS)

    def indexer(_number: int) -> None:
        together.wait()
        index_alone(agency.services.settings, agency.tenant.id)

    for first in (1, 6):
        for number in range(first, first + 5):
            agency.upload(a_rule(number), f"rule-{number}.md")
        with ThreadPoolExecutor(INDEXERS) as pool:
            for done in pool.map(indexer, range(INDEXERS)):
                assert done is None
        assert_whole(agency, first + 4)


def test_of_processes_that_index_at_once_one_wins_and_nothing_is_lost(agency: Agency) -> None:
    for number in range(1, 6):
        agency.upload(a_rule(number), f"rule-{number}.md")
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=index_alone, args=(agency.services.settings, agency.tenant.id))
        for _ in range(INDEXERS)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * INDEXERS
    assert_whole(agency, 5)


def test_documents_that_come_and_go_under_two_indexers_end_up_right(agency: Agency) -> None:
    stop = threading.Event()

    def indexer() -> None:
        while not stop.is_set():
            # Nobody waits for a quiet moment here, and a build takes longer than a change: who is
            # overtaken too often gives up, and the queue brings the event again.
            with suppress(IndexingContended):
                index_alone(agency.services.settings, agency.tenant.id)

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(indexer) for _ in range(2)]
        try:
            for number in range(1, 7):
                document = agency.upload(a_rule(number), f"rule-{number}.md")
                if number % 3 == 0:
                    path = DocumentPath(document_id=document.id)
                    delete_document(agency.context(), path)
        finally:
            stop.set()
        for each in running:
            each.result()
    agency.index()
    assert_whole(agency, 4)


class CountingStore(ObjectStore):
    """The real client; counts how often a pointer was moved."""

    moved = 0

    def write(self, bucket: str, name: str, *arguments: object, **named: object) -> int:
        generation = super().write(bucket, name, *arguments, **named)  # type: ignore[arg-type]
        self.moved += name.endswith(POINTER_FILE)
        return generation


def test_twenty_uploads_told_one_by_one_become_a_handful_of_versions(agency: Agency) -> None:
    settings = agency.services.settings.model_copy(update={"index_quiet_seconds": 0.5})
    storage = CountingStore(settings)
    patient = replace(agency, services=Services(settings, storage=storage))
    with ThreadPoolExecutor(20) as pool:
        told = []
        for number in range(1, 21):
            agency.upload(a_rule(number), f"rule-{number}.md")
            told.append(pool.submit(patient.index))
        for each in told:
            each.result()
    patient.services.close()
    assert_whole(agency, 20)
    assert 1 <= storage.moved <= 5


def test_a_mark_that_comes_late_changes_nothing(agency: Agency) -> None:
    agency.upload(a_rule(1), "rule-1.md")
    agency.index()
    shelf = shelf_of(agency.services)
    (first,) = shelf.versions(agency.tenant.id, deadline=a_deadline())
    broken = agency.upload_broken()
    agency.index()
    before = read_source(agency.services, agency.tenant.id, a_deadline())
    assert not mark_indexed(agency.services, first.manifest, [], [], a_deadline())
    assert read_source(agency.services, agency.tenant.id, a_deadline()) == before
    assert {d.status for d in before.documents if d.id == broken.id} == {"failed"}
