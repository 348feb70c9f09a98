"""What is made again and what is not: replaced documents, other embedders, builds on request."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from frontdesk.knowledge.indexer import DocumentsPostponed
from frontdesk.platform.errors import UpstreamUnavailable
from tests.unit.knowledge.builders import TENANT, a_deadline
from tests.unit.knowledge.fakes import WordEmbedder

if TYPE_CHECKING:
    from tests.unit.knowledge.agency import Agency

VISA = b"# Visa\nKenya asks for a visa."
DOGS = b"# Dogs\nDogs are welcome."
TWO_RULES = b"# Rules\nNo smoking here.\n\n# Pets\nOne pet a room."


def reason(agency: Agency, number: int) -> str | None:
    found: str | None = agency.books.documents[str(UUID(int=number))]["reason"]
    return found


def test_replacing_a_document_embeds_its_changed_passages_alone(agency: Agency) -> None:
    for number in range(1, 11):
        agency.upload(number, f"# Rule {number}\nRule number {number}.".encode())
    agency.upload(11, TWO_RULES)
    agency.run()
    agency.embedder.embedded.clear()
    agency.upload(11, TWO_RULES.replace(b"One pet", b"Two pets"))
    agency.run()
    assert agency.embedder.embedded == ["Document 11 > Rules > Pets\nTwo pets a room."]
    assert "Two pets a room." in agency.texts()
    assert "One pet a room." not in agency.texts()


def test_a_change_of_visibility_embeds_and_reads_nothing(agency: Agency) -> None:
    name = agency.upload(1, VISA)
    agency.run()
    agency.embedder.embedded.clear()
    agency.storage.reads.clear()
    agency.upload(1, VISA, visibility="internal")
    agency.storage.reads.clear()
    agency.run()
    assert agency.embedder.embedded == []
    assert agency.storage.reads[name] == 0
    assert agency.index().documents[0].visibility == "internal"


def test_a_document_that_failed_keeps_its_reason_and_is_not_read_again(agency: Agency) -> None:
    broken = agency.upload(1, b"%PDF-1.4 broken", filename="broken.pdf")
    agency.run()
    agency.storage.reads.clear()
    agency.upload(2, DOGS)
    agency.run()
    assert agency.storage.reads[broken] == 0
    assert agency.status(1) == "failed"
    assert "damaged" in (reason(agency, 1) or "")
    assert agency.texts() == ["Dogs are welcome."]


def test_a_good_replacement_clears_the_reason(agency: Agency) -> None:
    agency.upload(1, b"%PDF-1.4 broken", filename="broken.pdf")
    agency.run()
    agency.upload(1, DOGS)
    agency.run()
    assert (agency.status(1), reason(agency, 1)) == ("indexed", None)


def test_a_document_that_storage_keeps_back_waits_while_the_others_are_published(
    agency: Agency,
) -> None:
    kept_back = agency.upload(1, VISA)
    agency.upload(2, DOGS)

    def refuse(_method: str, name: str) -> None:
        if name == kept_back:
            raise UpstreamUnavailable

    agency.storage.before = refuse
    for _ in range(3):  # the event comes again, and again
        with pytest.raises(DocumentsPostponed):
            agency.run()
    assert agency.texts() == ["Dogs are welcome."]
    assert [agency.status(number) for number in (1, 2)] == ["pending", "indexed"]
    assert len(agency.versions()) == 1
    agency.storage.before = lambda _method, _name: None
    agency.run()
    assert agency.status(1) == "indexed"
    assert len(agency.texts()) == 2


def test_another_embedders_version_grows_beside_the_old_one(agency: Agency) -> None:
    agency.upload(1, VISA)
    agency.run()
    before = agency.generation()
    agency.embedder = WordEmbedder(dimensions=32, name="another")
    served: list[str] = []
    agency.embedder.on_embed = lambda: served.append(agency.index().manifest.embedder_id)
    agency.run()
    assert served == ["words"]
    assert agency.generation() != before
    assert agency.index().manifest.embedder_id == "another"


def test_another_embedders_interrupted_build_goes_on_and_the_old_one_serves(
    agency: Agency,
) -> None:
    for number in range(1, 301):
        agency.upload(number, f"# Rule {number}\nRule number {number}.".encode())
    agency.run()
    agency.embedder = WordEmbedder(dimensions=32, name="another")
    agency.embedder.fails_after = 256
    with pytest.raises(UpstreamUnavailable):
        agency.run()
    assert agency.index().manifest.embedder_id == "words"
    agency.embedder.fails_after = None
    agency.embedder.embedded.clear()
    agency.run()
    assert len(agency.embedder.embedded) == 300 - 256
    assert agency.index().manifest.embedder_id == "another"


def test_a_forced_build_reads_and_embeds_everything(agency: Agency) -> None:
    name = agency.upload(1, VISA)
    agency.run()
    agency.embedder.embedded.clear()
    agency.storage.reads.clear()
    assert agency.run() is None
    manifest = agency.run(force=True)
    assert manifest is not None
    assert manifest.version == agency.books.index_version == agency.index().manifest.version
    assert len(agency.embedder.embedded) == 1
    assert agency.storage.reads[name] == 1


def test_a_build_that_was_asked_for_reads_everything_once(agency: Agency) -> None:
    agency.upload(1, VISA)
    broken = agency.upload(2, b"%PDF-1.4 broken", filename="broken.pdf")
    agency.run()
    agency.books.knowledge_version += 1
    agency.books.rebuild_version = agency.books.knowledge_version
    agency.embedder.embedded.clear()
    agency.storage.reads.clear()
    agency.run()
    agency.run()
    assert len(agency.embedder.embedded) == 1
    assert agency.storage.reads[broken] == 1


def test_an_index_that_somebody_went_back_to_is_left_alone_until_a_change(agency: Agency) -> None:
    agency.upload(1, VISA)
    agency.run()
    first = agency.books.index_version
    assert first is not None
    agency.upload(2, DOGS)
    agency.run()
    agency.shelf.go_back(
        TENANT,
        first,
        stands_for=agency.books.knowledge_version,
        expected_generation=agency.generation(),
        deadline=a_deadline(),
    )
    agency.books.index_version = first
    assert agency.run() is None
    assert agency.texts() == ["Kenya asks for a visa."]
    agency.upload(3, b"# Cats\nCats are welcome.")
    agency.run()
    assert len(agency.texts()) == 3


def test_older_knowledge_is_never_published_over_newer(agency: Agency) -> None:
    """The pointer is read before the documents, so who read old ones has lost already."""
    agency.upload(1, VISA)
    agency.upload(2, DOGS)
    generations: list[int] = []

    def deletion_is_published() -> None:
        agency.books.before_reply = lambda: None
        agency.delete(1)
        agency.run()
        generations.append(agency.generation())

    agency.books.before_reply = deletion_is_published
    agency.run(seconds=9)
    assert [agency.generation()] == generations
    assert agency.texts() == ["Dogs are welcome."]
