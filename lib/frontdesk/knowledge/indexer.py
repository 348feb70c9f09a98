"""Makes the published index of a tenant say what its documents say.

What to index, SQL says; whether there is anything to do, the pointer says. Of two indexers at once
the pointer's precondition lets one win; the other starts again from the newest knowledge, finds its
work done, and stops. Chunks of unchanged documents and vectors of unchanged chunks come from the
version before.
"""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from frontdesk.knowledge.bounded import INDEXING, extract_bounded
from frontdesk.knowledge.build import SourceDocument, build_index
from frontdesk.knowledge.chunk import chunk
from frontdesk.knowledge.document_files import is_object_of
from frontdesk.knowledge.manifest import PROGRESS_FILE, IndexInvalid
from frontdesk.knowledge.publish import PointerMoved
from frontdesk.knowledge.reuse import EarlierBuild
from frontdesk.knowledge.serving import embedder_of, shelf_of
from frontdesk.platform.database import Rpc
from frontdesk.platform.errors import (
    DeadlineExceeded,
    Unprocessable,
    UnsupportedMediaType,
    UpstreamUnavailable,
)
from frontdesk.platform.logging import get_logger
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.storage import ObjectNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from frontdesk.knowledge.chunk import Chunk
    from frontdesk.knowledge.embedder import Embedder
    from frontdesk.knowledge.embeddings import KnownVectors
    from frontdesk.knowledge.manifest import Manifest
    from frontdesk.knowledge.publish import Current, IndexShelf
    from frontdesk.platform.services import Services

log = get_logger(__name__)

# Raised when extraction or chunking changes what it makes of the same bytes.
EXTRACTION_FORMAT = 2
_ROUNDS = 5  # builds that may lose to another before the event goes back to the queue
_INDEXER_THREADS = 2
# Kept back to store what an interrupted build made.
_RESERVED_SECONDS = 30.0
_RESERVED_SHARE = 0.2
_DONE_WITH = frozenset({"purging", "deleted"})  # tenants whose knowledge must not come back


class _Listed(BaseModel):
    """A document as SQL lists it for the indexer."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: UUID
    title: str
    filename: str
    content_type: str
    sha256: str
    object_name: str
    visibility: str
    language: str | None
    tags: tuple[str, ...]
    status: str

    @property
    def source_key(self) -> str:
        """Of everything that the document's chunks depend on."""
        parts = (str(EXTRACTION_FORMAT), str(self.id), self.sha256, self.title, self.language or "")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class _Source(BaseModel):
    """What SQL wants indexed."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    tenant_status: str
    knowledge_version: int
    index_version: str | None
    documents: tuple[_Listed, ...]
    deleted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Failed:
    """A document that can't be read, and why, for the person who uploaded it."""

    document_id: UUID
    reason: str


class IndexingContended(UpstreamUnavailable):
    """Other indexers won every round; the event comes again."""


class Indexer:
    """Builds one tenant's index until it is current."""

    def __init__(
        self, services: Services, deadline: Deadline, *, embedder: Embedder | None = None
    ) -> None:
        self._services = services
        self._deadline = deadline
        self._embedder = embedder or embedder_of(services, threads=_INDEXER_THREADS)
        self._shelf: IndexShelf = shelf_of(services)

    def run(self, tenant_id: UUID) -> None:
        """Build and publish until the index is current; at once when it is.

        Raises:
            NotFound: there is no such tenant.
            UpstreamUnavailable: storage, database or embedder failed, or other indexers won every
                round.
            DeadlineExceeded: the time was too short.
        """
        for _ in range(_ROUNDS):
            source = self._source(tenant_id)
            if source.tenant_status in _DONE_WITH:
                return
            current = self._shelf.current(tenant_id, deadline=self._deadline)
            before = self._manifest(tenant_id, current)
            if self._is_current(source, before):
                self._tidy(tenant_id, source)
                return
            try:
                is_current = self._build(tenant_id, source, current, before)
            except PointerMoved:
                log.info("Another indexer was faster; starting from the newest knowledge.")
                continue
            if is_current:
                self._tidy(tenant_id, source)
                return
        raise IndexingContended("The documents change faster than they can be indexed.")

    def _source(self, tenant_id: UUID) -> _Source:
        reply = self._services.database.as_service().call(
            Rpc.PLATFORM_INDEX_SOURCE,
            {"p_tenant": str(tenant_id)},
            deadline=self._deadline,
            idempotent=True,
        )
        return _Source.model_validate(reply)

    def _manifest(self, tenant_id: UUID, current: Current) -> Manifest | None:
        if current.pointer is None:
            return None
        try:
            return self._shelf.manifest(tenant_id, current.pointer, deadline=self._deadline)
        except (ObjectNotFound, IndexInvalid):
            log.warning("The published index can't be read; it is built from nothing.")
            return None

    def _is_current(self, source: _Source, published: Manifest | None) -> bool:
        """Published from this knowledge by this embedder, and written down as such."""
        return (
            published is not None
            and published.knowledge_version == source.knowledge_version
            and published.embedder_id == self._embedder.id
            and published.version == source.index_version
            and all(document.status != "pending" for document in source.documents)
        )

    def _build(
        self, tenant_id: UUID, source: _Source, current: Current, before: Manifest | None
    ) -> bool:
        """Build, publish and mark; returns whether the documents are still the same.

        Raises:
            PointerMoved: another indexer published meanwhile.
        """
        cache = Path(self._services.settings.index_cache_dir)
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".building-") as scratch_name:
            scratch = Path(scratch_name)
            earlier = EarlierBuild(self._shelf, tenant_id, before, scratch, self._deadline)
            ready, failed = self._documents(tenant_id, source, earlier.chunks())
            vectors = earlier.vectors(self._embedder.id)
            folder = scratch / "index"
            folder.mkdir()
            with self._keeping_progress(tenant_id, vectors, scratch):
                manifest = build_index(
                    folder,
                    tenant_id=tenant_id,
                    version=str(self._services.ids.new_id()),
                    knowledge_version=source.knowledge_version,
                    documents=ready,
                    embedder=self._embedder,
                    known=vectors,
                    created_at=self._services.clock.now(),
                    deadline=self._build_deadline(),
                )
            self._shelf.publish(
                folder,
                manifest,
                expected_generation=current.generation,
                deadline=self._deadline,
            )
        log.info(
            "An index was published.",
            index_version=manifest.version,
            documents=len(ready),
            failed=len(failed),
            chunks=manifest.chunks,
        )
        return self._mark(tenant_id, manifest, ready, failed)

    def _build_deadline(self) -> Deadline:
        """Leaves time to store what was made when the build itself runs out of it."""
        remaining = self._deadline.remaining()
        return Deadline.after(
            remaining - min(_RESERVED_SECONDS, remaining * _RESERVED_SHARE), self._services.clock
        )

    @contextmanager
    def _keeping_progress(
        self, tenant_id: UUID, vectors: KnownVectors, scratch: Path
    ) -> Iterator[None]:
        """If the build fails, keep the vectors it made: the event comes again and goes on."""
        known = len(vectors)
        try:
            yield
        except (UpstreamUnavailable, DeadlineExceeded):
            if len(vectors) > known:
                path = scratch / PROGRESS_FILE
                vectors.write(path, self._embedder.id)
                self._shelf.keep_progress(tenant_id, path, deadline=self._deadline)
                log.info("A build was interrupted; its embeddings are kept.", chunks=len(vectors))
            raise

    def _documents(
        self, tenant_id: UUID, source: _Source, known: Mapping[str, tuple[Chunk, ...]]
    ) -> tuple[list[SourceDocument], list[_Failed]]:
        ready: list[SourceDocument] = []
        failed: list[_Failed] = []
        for listed in source.documents:
            try:
                chunks = known.get(listed.source_key) or self._read(tenant_id, listed)
            except ObjectNotFound:
                failed.append(_Failed(listed.id, "The stored file is missing; upload it again."))
            except (Unprocessable, UnsupportedMediaType) as unreadable:
                failed.append(_Failed(listed.id, unreadable.message))
            else:
                ready.append(
                    SourceDocument(
                        document_id=listed.id,
                        source_key=listed.source_key,
                        title=listed.title,
                        language=chunks[0].language,
                        visibility=listed.visibility,
                        tags=listed.tags,
                        chunks=chunks,
                    )
                )
        return ready, failed

    def _read(self, tenant_id: UUID, listed: _Listed) -> tuple[Chunk, ...]:
        """A document's chunks from its stored bytes.

        Raises:
            ObjectNotFound: the bytes are gone, or would be another document's.
            Unprocessable, UnsupportedMediaType: they can't be read.
        """
        if not is_object_of(tenant_id, listed.id, listed.object_name):
            raise ObjectNotFound(listed.object_name)
        blob = self._services.storage.read(
            self._services.settings.documents_bucket_name,
            listed.object_name,
            deadline=self._deadline,
        )
        if hashlib.sha256(blob.data).hexdigest() != listed.sha256:
            raise Unprocessable("The stored file is not the one that was uploaded.")
        document = extract_bounded(
            blob.data,
            listed.filename,
            listed.content_type,
            limits=INDEXING,
            deadline=self._deadline,
        )
        return tuple(chunk(document.named(listed.title, listed.language)))

    def _mark(
        self,
        tenant_id: UUID,
        manifest: Manifest,
        ready: list[SourceDocument],
        failed: list[_Failed],
    ) -> bool:
        results: list[dict[str, Any]] = [
            {"document_id": str(d.document_id), "state": "indexed", "chunks": len(d.chunks)}
            for d in ready
        ]
        results += [
            {"document_id": str(d.document_id), "state": "failed", "reason": d.reason}
            for d in failed
        ]
        reply = self._services.database.as_service().call(
            Rpc.PLATFORM_MARK_INDEXED,
            {
                "p_tenant": str(tenant_id),
                "p_version": manifest.version,
                "p_results": results,
                "p_knowledge_version": manifest.knowledge_version,
            },
            deadline=self._deadline,
            idempotent=True,
        )
        return bool(reply["current"])

    def _tidy(self, tenant_id: UUID, source: _Source) -> None:
        """Remove old versions and the bytes of deleted documents; the next build tries again."""
        bucket, storage = self._services.settings.documents_bucket_name, self._services.storage
        try:
            self._shelf.drop_progress(tenant_id, deadline=self._deadline)
            self._shelf.collect(tenant_id, deadline=self._deadline)
            if source.deleted:
                prefix = f"tenants/{tenant_id}/documents/"
                stored = {
                    item.name for item in storage.list(bucket, prefix, deadline=self._deadline)
                }
                for name in stored.intersection(source.deleted):
                    storage.delete(bucket, name, deadline=self._deadline)
        except UpstreamUnavailable as failure:
            log.warning("Old index versions were not removed.", error=type(failure).__name__)
