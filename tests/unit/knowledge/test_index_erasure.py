"""What left the documents leaves storage, whatever goes wrong on the way."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from frontdesk.knowledge.documents import document_object
from frontdesk.platform.errors import UpstreamUnavailable
from tests.unit.knowledge.builders import TENANT, a_deadline

if TYPE_CHECKING:
    from tests.unit.knowledge.agency import Agency

VISA = b"# Visa\nKenya asks for a visa."
DOGS = b"# Dogs\nDogs are welcome."


class Crash(BaseException):
    """The process dies here."""


def crash_at(agency: Agency, method: str, ending: str) -> None:
    """Let the process die before that call."""

    def die(called: str, name: str) -> None:
        if called == method and name.endswith(ending):
            agency.storage.before = lambda _method, _name: None
            raise Crash

    agency.storage.before = die


def test_versions_from_before_a_deletion_are_not_kept(agency: Agency) -> None:
    agency.upload(1, VISA)
    agency.run()
    agency.upload(2, DOGS)
    agency.run()
    assert len(agency.versions()) == 2
    agency.delete(1)
    agency.run()
    assert agency.versions() == [agency.books.index_version]
    agency.upload(3, b"# Cats\nCats are welcome.")
    agency.run()
    assert len(agency.versions()) == 2


def test_versions_from_before_a_replacement_are_not_kept(agency: Agency) -> None:
    old = agency.upload(1, VISA)
    agency.run()
    agency.upload(1, DOGS)
    agency.run()
    assert agency.versions() == [agency.books.index_version]
    assert old not in agency.stored()


def test_a_collection_that_failed_is_made_up_for_when_the_event_comes_again(
    agency: Agency,
) -> None:
    agency.upload(1, VISA)
    agency.upload(2, DOGS)
    agency.run()
    agency.delete(1)

    def refuse(method: str, _name: str) -> None:
        if method == "delete":
            raise UpstreamUnavailable

    agency.storage.before = refuse
    with pytest.raises(UpstreamUnavailable):
        agency.run()
    assert agency.texts() == ["Dogs are welcome."]
    agency.storage.before = lambda _method, _name: None
    agency.run()
    assert agency.versions() == [agency.books.index_version]


def test_what_an_interrupted_build_stored_goes_with_the_next_one(agency: Agency) -> None:
    agency.upload(1, VISA)
    agency.upload(2, DOGS)
    crash_at(agency, "write", "manifest.json")
    with pytest.raises(Crash):
        agency.run()
    assert len(agency.versions()) == 1
    agency.delete(1)
    agency.run()
    assert agency.versions() == [agency.books.index_version]


def test_a_finished_version_that_never_served_goes_when_it_holds_erased_text(
    agency: Agency,
) -> None:
    agency.upload(1, VISA)
    agency.upload(2, DOGS)
    crash_at(agency, "write", "current.json")
    with pytest.raises(Crash):
        agency.run()
    agency.delete(1)
    agency.run()
    assert agency.versions() == [agency.books.index_version]


def test_what_a_slower_indexer_left_behind_goes_though_its_version_is_newer(
    agency: Agency,
) -> None:
    """It read the documents before the deletion, and dies after the deletion was published."""
    agency.upload(1, VISA)
    agency.upload(2, DOGS)

    def deletion_is_published(method: str, name: str) -> None:
        if method == "read" and "documents/" in name:
            agency.storage.before = lambda _method, _name: None
            agency.delete(1)
            agency.run()
            crash_at(agency, "write", "current.json")

    agency.storage.before = deletion_is_published
    with pytest.raises(Crash):
        agency.run()
    assert len(agency.versions()) == 2
    agency.run()
    assert agency.versions() == [agency.books.index_version]
    assert agency.texts() == ["Dogs are welcome."]


def test_an_upload_whose_command_never_came_goes_after_a_day(agency: Agency) -> None:
    agency.upload(1, VISA)
    orphan = document_object(TENANT, UUID(int=99), "f" * 64)
    agency.storage.write(
        agency.bucket, orphan, b"never written down", content_type="x", deadline=a_deadline()
    )
    agency.run()
    assert orphan in agency.stored()
    agency.clock.advance(timedelta(days=1, seconds=1).total_seconds())
    agency.run()
    assert orphan not in agency.stored()
    assert agency.status(1) == "indexed"
    assert agency.texts() == ["Kenya asks for a visa."]
    assert any("documents/" in name for name in agency.stored())


def test_a_file_that_was_put_back_during_the_build_stays(agency: Agency) -> None:
    old = agency.upload(1, VISA)
    agency.run()
    agency.upload(1, DOGS)

    def put_back(method: str, name: str) -> None:
        if method == "list" and "documents/" in name:
            agency.storage.before = lambda _method, _name: None
            agency.upload(1, VISA)
            agency.books.deleted.remove(old)

    agency.storage.before = put_back
    agency.run()
    assert old in agency.stored()
    agency.run()
    assert agency.texts() == ["Kenya asks for a visa."]


def test_folders_of_builds_that_crashed_long_ago_go(agency: Agency) -> None:
    hours_ago = {"crashed": 7, "at work": 1}
    for name, hours in hours_ago.items():
        folder = agency.folder / "cache" / f".building-{name}"
        folder.mkdir(parents=True)
        (folder / "chunks.sqlite").write_bytes(VISA)
        begun = (agency.clock.now() - timedelta(hours=hours)).timestamp()
        os.utime(folder, (begun, begun))
    agency.upload(1, VISA)
    agency.run()
    left = [folder.name for folder in (agency.folder / "cache").glob(".building-*")]
    assert left == [".building-at work"]
