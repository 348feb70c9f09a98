"""The indexer makes the published index say what the documents say, however it is called."""

from __future__ import annotations

import copy
import hashlib
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from frontdesk.knowledge.document_files import document_object
from frontdesk.knowledge.index import LoadedIndex
from frontdesk.knowledge.indexer import Indexer, IndexingContended
from frontdesk.knowledge.loader import IndexStore
from frontdesk.knowledge.publish import IndexShelf
from frontdesk.platform.database import Rpc
from frontdesk.platform.errors import UpstreamUnavailable
from frontdesk.platform.services import Services
from frontdesk.platform.settings import Settings
from tests.support.clock import ManualClock
from tests.unit.knowledge.builders import TENANT, a_deadline
from tests.unit.knowledge.fakes import MemoryStore, WordEmbedder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from frontdesk.platform.resilience import Deadline


class Books:
    """The two platform functions that the indexer calls, over documents in memory."""

    def __init__(self) -> None:
        self.status = "active"
        self.knowledge_version = 0
        self.index_version: str | None = None
        self.documents: dict[str, dict[str, Any]] = {}
        self.deleted: list[str] = []
        self.before_reply: Callable[[], None] = lambda: None

    def as_service(self) -> Books:
        return self

    def call(
        self, rpc: Rpc, params: Mapping[str, Any], *, deadline: Deadline, idempotent: bool
    ) -> Any:
        deadline.timeout(1)
        assert params["p_tenant"] == str(TENANT)
        if rpc is Rpc.PLATFORM_INDEX_SOURCE:
            reply = {
                "tenant_status": self.status,
                "knowledge_version": self.knowledge_version,
                "index_version": self.index_version,
                "documents": copy.deepcopy(list(self.documents.values())),
                "deleted": list(self.deleted),
            }
            self.before_reply()
            return reply
        assert rpc is Rpc.PLATFORM_MARK_INDEXED
        for result in params["p_results"]:
            document = self.documents.get(result["document_id"])
            if document is not None:
                document["status"] = result["state"]
                document["reason"] = result.get("reason")
        self.index_version = params["p_version"]
        return {"current": params["p_knowledge_version"] == self.knowledge_version}


class Agency:
    """Documents in storage and in the books, and an indexer for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock()
        self.books = Books()
        self.storage = MemoryStore()
        self.embedder = WordEmbedder()
        settings = Settings(index_cache_dir=str(folder / "cache"))
        self.services = Services(
            settings,
            clock=self.clock,
            database=self.books,  # type: ignore[arg-type]
            storage=self.storage,  # type: ignore[arg-type]
        )
        self.bucket = settings.documents_bucket_name
        self.shelf = IndexShelf(
            self.storage,  # type: ignore[arg-type]
            settings.faiss_bucket_name,
            settings.faiss_index_prefix,
        )

    def upload(self, number: int, data: bytes, **fields: Any) -> str:
        document_id = UUID(int=number)
        digest = hashlib.sha256(data).hexdigest()
        name = document_object(TENANT, document_id, digest)
        self.storage.write(
            self.bucket, name, data, content_type="text/markdown", deadline=a_deadline()
        )
        self.books.documents[str(document_id)] = {
            "id": str(document_id),
            "title": f"Document {number}",
            "filename": "file.md",
            "content_type": "text/markdown",
            "sha256": digest,
            "object_name": name,
            "visibility": "public",
            "language": None,
            "tags": [],
            "status": "pending",
        } | fields
        self.books.knowledge_version += 1
        return name

    def delete(self, number: int) -> None:
        gone = self.books.documents.pop(str(UUID(int=number)))
        self.books.deleted.append(gone["object_name"])
        self.books.knowledge_version += 1

    def run(self) -> None:
        Indexer(self.services, a_deadline(), embedder=self.embedder).run(TENANT)

    def status(self, number: int) -> str:
        return str(self.books.documents[str(UUID(int=number))]["status"])

    def index(self) -> LoadedIndex:
        store = IndexStore(self.shelf, self.folder / "serving", max_bytes=10**9, clock=self.clock)
        index = store.get(TENANT, deadline=a_deadline())
        assert index is not None
        return index

    def texts(self) -> list[str]:
        index = self.index()
        return [chunk.text for chunk in index.read(range(index.manifest.chunks))]

    def generation(self) -> int:
        return self.shelf.current(TENANT, deadline=a_deadline()).generation


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    return Agency(tmp_path)


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
    """How an operator has a damaged index rebuilt; see docs/operations.md."""
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
