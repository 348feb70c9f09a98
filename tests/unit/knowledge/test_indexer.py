"""The indexer makes the published index say what the documents say, however it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from frontdesk.knowledge.indexer import IndexingContended
from frontdesk.platform.errors import UpstreamUnavailable
from tests.unit.knowledge.builders import TENANT, a_deadline
from tests.unit.knowledge.fakes import WordEmbedder

if TYPE_CHECKING:
    from tests.unit.knowledge.agency import Agency


def test_uploaded_documents_are_published_and_marked(agency: Agency) -> None:
    agency.upload(1, b"# Visa\nKenya asks for a visa.", visibility="internal", tags=["africa"])
    agency.upload(2, b"# Dogs\nDogs are welcome.", language="de")
    agency.run()
    assert agency.texts() == ["Kenya asks for a visa.", "Dogs are welcome."]
    assert [agency.status(number) for number in (1, 2)] == ["indexed", "indexed"]
    index = agency.index()
    assert index.manifest.version == agency.books.index_version
    first, second = index.documents
    assert (first.title, first.visibility, first.tags) == (
        "Document 1",
        "internal",
        frozenset({"africa"}),
    )
    assert second.language == "de"


def test_a_second_event_for_the_same_change_builds_nothing(agency: Agency) -> None:
    agency.upload(1, b"# Visa\nKenya asks for a visa.")
    agency.run()
    generation = agency.generation()
    agency.run()
    assert agency.generation() == generation


def test_only_new_text_is_read_and_embedded(agency: Agency) -> None:
    unchanged = agency.upload(1, b"# Visa\nKenya asks for a visa.")
    agency.run()
    agency.embedder.embedded.clear()
    agency.storage.reads.clear()
    agency.upload(2, b"# Dogs\nDogs are welcome.")
    agency.run()
    assert agency.embedder.embedded == ["Document 2 > Dogs\nDogs are welcome."]
    assert agency.storage.reads[unchanged] == 0
    assert len(agency.texts()) == 2


def test_a_new_embedder_embeds_everything_again(agency: Agency) -> None:
    agency.upload(1, b"# Visa\nKenya asks for a visa.")
    agency.run()
    agency.embedder = WordEmbedder(dimensions=32, name="another")
    agency.run()
    assert len(agency.embedder.embedded) == 1
    assert agency.index().manifest.embedder_id == "another"


def test_a_deleted_document_leaves_index_and_storage(agency: Agency) -> None:
    name = agency.upload(1, b"# Visa\nKenya asks for a visa.")
    agency.upload(2, b"# Dogs\nDogs are welcome.")
    agency.run()
    agency.delete(1)
    agency.run()
    assert agency.texts() == ["Dogs are welcome."]
    names = [i.name for i in agency.storage.list(agency.bucket, "", deadline=a_deadline())]
    assert name not in names
    agency.delete(2)
    agency.run()
    assert agency.texts() == []


def test_a_document_that_cannot_be_read_fails_alone_with_its_reason(agency: Agency) -> None:
    agency.upload(1, b"# Visa\nKenya asks for a visa.")
    agency.upload(2, b"%PDF-1.4 broken", filename="broken.pdf")
    lost = agency.upload(3, b"# Lost")
    agency.storage.delete(agency.bucket, lost, deadline=a_deadline())
    tampered = agency.upload(4, b"# Mine")
    agency.storage.tamper(agency.bucket, tampered, b"# Theirs")
    agency.run()
    assert agency.texts() == ["Kenya asks for a visa."]
    assert [agency.status(number) for number in (1, 2, 3, 4)] == ["indexed"] + ["failed"] * 3
    reasons = [agency.books.documents[str(UUID(int=n))]["reason"] for n in (2, 3, 4)]
    assert "damaged" in reasons[0]
    assert "missing" in reasons[1]
    assert "not the one" in reasons[2]


def test_of_two_indexers_at_once_the_loser_starts_again_from_the_newest(agency: Agency) -> None:
    agency.upload(1, b"# Visa\nKenya asks for a visa.")

    def another_is_faster() -> None:
        agency.books.before_reply = lambda: None
        agency.upload(2, b"# Dogs\nDogs are welcome.")
        agency.run()

    agency.books.before_reply = another_is_faster
    agency.run()
    assert sorted(agency.texts()) == ["Dogs are welcome.", "Kenya asks for a visa."]
    assert agency.index().manifest.version == agency.books.index_version
    assert [agency.status(number) for number in (1, 2)] == ["indexed", "indexed"]


def test_a_change_during_the_build_is_built_too(agency: Agency) -> None:
    agency.upload(1, b"# Visa\nKenya asks for a visa.")

    def meanwhile() -> None:
        agency.books.before_reply = lambda: None
        agency.upload(2, b"# Dogs\nDogs are welcome.")

    agency.books.before_reply = meanwhile
    agency.run()
    assert len(agency.texts()) == 2


def test_endless_changes_go_back_to_the_queue(agency: Agency) -> None:
    numbers = iter(range(1, 100))
    agency.books.before_reply = lambda: agency.upload(next(numbers), b"# More\nText.") and None
    with pytest.raises(IndexingContended):
        agency.run()


def test_a_crash_between_publishing_and_marking_is_mended(agency: Agency) -> None:
    agency.upload(1, b"# Visa\nKenya asks for a visa.")
    agency.run()
    agency.books.documents[str(UUID(int=1))]["status"] = "pending"
    agency.books.index_version = None
    agency.run()
    assert agency.status(1) == "indexed"
    assert agency.books.index_version == agency.index().manifest.version


def test_a_damaged_earlier_version_only_costs_time(agency: Agency) -> None:
    agency.upload(1, b"# Visa\nKenya asks for a visa.")
    agency.run()
    version = agency.books.index_version
    bucket = agency.services.settings.faiss_bucket_name
    for name in ("embeddings.npz", "manifest.json"):
        agency.storage.tamper(bucket, f"indexes/{TENANT}/{version}/{name}", b"damaged")
        agency.upload(2, f"# {name}\nDogs are welcome.".encode())
        agency.run()
        assert len(agency.texts()) == 2
        version = agency.books.index_version


def test_a_version_without_its_manifest_is_built_anew_though_nothing_changed(
    agency: Agency,
) -> None:
    """So a nudge mends what somebody took away."""
    agency.upload(1, b"# Visa\nKenya asks for a visa.")
    agency.run()
    version = agency.books.index_version
    bucket = agency.services.settings.faiss_bucket_name
    manifest = f"indexes/{TENANT}/{version}/manifest.json"
    agency.storage.delete(bucket, manifest, deadline=a_deadline())
    agency.run()
    assert agency.books.index_version not in {None, version}
    assert agency.texts() == ["Kenya asks for a visa."]


def test_an_outage_is_raised_so_that_the_event_comes_again(agency: Agency) -> None:
    agency.upload(1, b"# Visa\nKenya asks for a visa.")
    agency.embedder.failure = UpstreamUnavailable()
    with pytest.raises(UpstreamUnavailable):
        agency.run()
    assert agency.status(1) == "pending"
    agency.embedder.failure = None
    agency.run()
    assert agency.status(1) == "indexed"


def test_a_purged_tenants_knowledge_does_not_come_back(agency: Agency) -> None:
    agency.upload(1, b"# Visa\nKenya asks for a visa.")
    agency.books.status = "purging"
    agency.run()
    assert agency.generation() == 0


def test_an_interrupted_build_goes_on_where_it_was(agency: Agency) -> None:
    for house in range(1, 4):
        rules = (f"## Rule {n}\nRule number {n} of house {house}.\n" for n in range(1, 101))
        agency.upload(house, f"# House {house}\n{''.join(rules)}".encode())
    agency.embedder.fails_after = 256
    with pytest.raises(UpstreamUnavailable):
        agency.run()
    assert agency.status(1) == "pending"
    agency.embedder.fails_after = None
    agency.embedder.embedded.clear()
    agency.run()
    assert len(agency.embedder.embedded) == 300 - 256
    assert len(agency.texts()) == 300
    bucket = agency.services.settings.faiss_bucket_name
    names = [i.name for i in agency.storage.list(bucket, "", deadline=a_deadline())]
    assert not [name for name in names if name.endswith("progress.npz")]
