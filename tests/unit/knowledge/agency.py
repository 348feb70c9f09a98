"""An agency in memory: documents in storage and in the books, and an indexer for them."""

from __future__ import annotations

import copy
import hashlib
from typing import TYPE_CHECKING, Any
from uuid import UUID

from frontdesk.knowledge.documents import document_object
from frontdesk.knowledge.index import LoadedIndex
from frontdesk.knowledge.indexer import Indexer
from frontdesk.knowledge.loader import IndexStore
from frontdesk.knowledge.publish import IndexShelf
from frontdesk.platform.database import Rpc
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.services import Services
from frontdesk.platform.settings import Settings
from tests.support.clock import ManualClock
from tests.unit.knowledge.builders import TENANT, a_deadline
from tests.unit.knowledge.fakes import MemoryStore, WordEmbedder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from frontdesk.knowledge.manifest import Manifest


class Arrivals(ManualClock):
    """A clock on which things happen while somebody sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self._agenda: list[tuple[float, Callable[[], object]]] = []

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Let it happen so many seconds from now, during a sleep."""
        self._agenda.append((self.monotonic() + seconds, action))

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        due = [entry for entry in self._agenda if entry[0] <= self.monotonic()]
        self._agenda = [entry for entry in self._agenda if entry not in due]
        for _, action in due:
            action()


class Books:
    """The two platform functions that the indexer calls, over documents in memory."""

    def __init__(self) -> None:
        self.status = "active"
        self.knowledge_version = 0
        self.erased_version = 0
        self.rebuild_version = 0
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
                "tenant_id": str(TENANT),
                "tenant_slug": "coral",
                "tenant_status": self.status,
                "knowledge_version": self.knowledge_version,
                "erased_version": self.erased_version,
                "rebuild_version": self.rebuild_version,
                "index_version": self.index_version,
                "documents": copy.deepcopy(list(self.documents.values())),
                "deleted": list(self.deleted),
            }
            self.before_reply()
            return reply
        assert rpc is Rpc.PLATFORM_MARK_INDEXED
        if self.index_version is not None and params["p_version"] < self.index_version:
            return {"current": False}
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
        self.clock = Arrivals()
        self.books = Books()
        self.storage = MemoryStore(self.clock)
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
        """Add a document, or replace its file."""
        document_id = UUID(int=number)
        digest = hashlib.sha256(data).hexdigest()
        name = document_object(TENANT, document_id, digest)
        self.storage.write(
            self.bucket, name, data, content_type="text/markdown", deadline=a_deadline()
        )
        former = self.books.documents.get(str(document_id))
        self.books.knowledge_version += 1
        if former is not None and former["object_name"] != name:
            self.books.deleted.append(former["object_name"])
            self.books.erased_version = self.books.knowledge_version
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
        return name

    def delete(self, number: int) -> None:
        gone = self.books.documents.pop(str(UUID(int=number)))
        self.books.deleted.append(gone["object_name"])
        self.books.knowledge_version += 1
        self.books.erased_version = self.books.knowledge_version

    def run(self, *, seconds: float = 590, force: bool = False) -> Manifest | None:
        deadline = Deadline.after(seconds, self.clock)
        return Indexer(self.services, deadline, embedder=self.embedder).run(TENANT, force=force)

    def stored(self) -> list[str]:
        """Names of all objects."""
        settings = self.services.settings
        return [
            item.name
            for bucket in (settings.documents_bucket_name, settings.faiss_bucket_name)
            for item in self.storage.list(bucket, "", deadline=a_deadline())
        ]

    def versions(self) -> list[str]:
        """Version folders, finished or not, the oldest first."""
        names = [name.split("/") for name in self.stored() if name.startswith("indexes/")]
        return sorted({parts[2] for parts in names if len(parts) > 3})

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
