"""Makes the published index of a tenant say what its documents say.

What to index, SQL says; whether there is anything to do, the pointer says. Of two indexers at once
the pointer's precondition lets one win; the other starts again from the newest knowledge, finds its
work done, and stops. Chunks of unchanged documents and vectors of unchanged chunks come from the
version before.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from frontdesk.knowledge.build import build_index
from frontdesk.knowledge.index_source import mark_indexed, read_source
from frontdesk.knowledge.manifest import PROGRESS_FILE, IndexInvalid
from frontdesk.knowledge.progress import Progress, silently
from frontdesk.knowledge.publish import PointerMoved, shelf_of
from frontdesk.knowledge.reading import read_documents
from frontdesk.knowledge.reuse import EarlierBuild
from frontdesk.knowledge.serving import embedder_of
from frontdesk.knowledge.tidy import BUILDING_PREFIX, tidy
from frontdesk.platform.errors import DeadlineExceeded, UpstreamUnavailable
from frontdesk.platform.logging import get_logger
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.storage import ObjectNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from frontdesk.knowledge.embedder import Embedder
    from frontdesk.knowledge.embeddings import KnownVectors
    from frontdesk.knowledge.index_source import Source
    from frontdesk.knowledge.manifest import Manifest
    from frontdesk.knowledge.publish import Current, IndexShelf
    from frontdesk.knowledge.reading import Reading
    from frontdesk.platform.services import Services

log = get_logger(__name__)

_ROUNDS: Final = 5  # builds that may lose to another before the event goes back to the queue
_INDEXER_THREADS: Final = 2
# Kept back to store what an interrupted build made.
_RESERVED_SECONDS: Final = 30.0
_RESERVED_SHARE: Final = 0.2
# A burst of changes is waited for so long in all, and for no more than this share of the time left.
_PATIENCE_SECONDS: Final = 10.0
_PATIENCE_SHARE: Final = 0.1
_DONE_WITH = frozenset({"purging", "deleted"})  # tenants whose knowledge must not come back


class IndexingContended(UpstreamUnavailable):
    """Other indexers won every round; the event comes again."""


class DocumentsPostponed(UpstreamUnavailable):
    """Some documents could not be fetched; the others are published, and the event comes again."""


class Indexer:
    """Builds one tenant's index until it is current.

    Args:
        services: with the service key.
        deadline: for all of it.
        embedder: by default the one that the settings choose.
        progress: told how far a build is.
    """

    def __init__(
        self,
        services: Services,
        deadline: Deadline,
        *,
        embedder: Embedder | None = None,
        progress: Progress = silently,
    ) -> None:
        self._services = services
        self._deadline = deadline
        self._embedder = embedder or embedder_of(services, threads=_INDEXER_THREADS)
        self._shelf: IndexShelf = shelf_of(services)
        self._progress = progress

    def run(self, tenant_id: UUID, *, force: bool = False) -> Manifest | None:
        """Build and publish until the index is current; at once when it is.

        Args:
            tenant_id: whose.
            force: build at least one version from the documents alone, though nothing changed.

        Returns:
            What was published; None when nothing had to be.

        Raises:
            NotFound: there is no such tenant.
            UpstreamUnavailable: storage, database or embedder failed, or other indexers won every
                round.
            DeadlineExceeded: the time was too short.
        """
        published: Manifest | None = None
        patience = _PATIENCE_SECONDS
        for _ in range(_ROUNDS):
            # The pointer first: knowledge that is older than what it leads to is never published.
            current = self._shelf.current(tenant_id, deadline=self._deadline)
            source = read_source(self._services, tenant_id, self._deadline)
            if source.tenant_status in _DONE_WITH:
                return published
            before = self._manifest(tenant_id, current)
            if not force and self._is_current(source, current, before):
                tidy(self._services, self._shelf, source, self._deadline)
                return published
            if before is None or before.knowledge_version != source.knowledge_version:
                source, patience = self._settled(source, patience)
                if self._has_moved(tenant_id, current):
                    continue
            from_nothing = force or (
                before is not None and before.knowledge_version < source.rebuild_version
            )
            try:
                published, is_current = self._build(source, current, before, from_nothing)
            except PointerMoved:
                log.info("Another indexer was faster; starting from the newest knowledge.")
                continue
            force = False
            if is_current:
                tidy(self._services, self._shelf, source, self._deadline)
                return published
        raise IndexingContended("The documents change faster than they can be indexed.")

    def _manifest(self, tenant_id: UUID, current: Current) -> Manifest | None:
        if current.pointer is None:
            return None
        try:
            return self._shelf.manifest(tenant_id, current.pointer, deadline=self._deadline)
        except (ObjectNotFound, IndexInvalid):
            log.warning("The published index can't be read; it is built from nothing.")
            return None

    def _has_moved(self, tenant_id: UUID, current: Current) -> bool:
        newer = self._shelf.changed(tenant_id, current.generation, deadline=self._deadline)
        return newer is not None and newer.generation != current.generation

    def _is_current(self, source: Source, current: Current, published: Manifest | None) -> bool:
        """Published from this knowledge by this embedder, and written down as such.

        So is an older version that somebody went back to, until the documents change.
        """
        if published is None or current.pointer is None:
            return False
        stands_for = current.pointer.stands_for
        if stands_for is None:
            stands_for = published.knowledge_version
        return (
            stands_for == source.knowledge_version
            and published.embedder_id == self._embedder.id
            and published.version == source.index_version
            and source.waiting == 0
        )

    def _settled(self, source: Source, patience: float) -> tuple[Source, float]:
        """The documents once they were quiet for a moment: a burst of changes becomes one build.

        Returns:
            The documents, and how much of the patience in seconds is left.
        """
        quiet = self._services.settings.index_quiet_seconds
        while 0 < quiet <= min(patience, self._deadline.remaining() * _PATIENCE_SHARE):
            self._services.clock.sleep(quiet)
            patience -= quiet
            latest = read_source(self._services, source.tenant_id, self._deadline)
            if latest.knowledge_version == source.knowledge_version:
                return latest, patience
            source = latest
        return source, patience

    def _build(
        self, source: Source, current: Current, before: Manifest | None, from_nothing: bool
    ) -> tuple[Manifest, bool]:
        """Build, publish and mark.

        Returns:
            What was published, and whether the documents are still the same.

        Raises:
            PointerMoved: another indexer published meanwhile.
            DocumentsPostponed: documents could not be fetched; the others are published.
        """
        tenant_id = source.tenant_id
        cache = Path(self._services.settings.index_cache_dir)
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=BUILDING_PREFIX) as scratch_name:
            scratch = Path(scratch_name)
            earlier = EarlierBuild(
                self._shelf, tenant_id, None if from_nothing else before, scratch, self._deadline
            )
            reading = read_documents(
                self._services,
                source,
                earlier.chunks(),
                retry_failed=from_nothing,
                progress=self._progress,
                deadline=self._deadline,
            )
            _require_news(reading, source, before)
            vectors = earlier.vectors(self._embedder.id)
            folder = scratch / "index"
            folder.mkdir()
            with self._keeping_progress(tenant_id, vectors, scratch):
                manifest = build_index(
                    folder,
                    tenant_id=tenant_id,
                    version=str(self._services.ids.new_id()),
                    knowledge_version=source.knowledge_version,
                    documents=[document for _, document in reading.ready],
                    embedder=self._embedder,
                    known=vectors,
                    created_at=self._services.clock.now(),
                    deadline=self._build_deadline(),
                    progress=self._progress,
                )
            self._shelf.publish(
                folder,
                manifest,
                expected_generation=current.generation,
                deadline=self._deadline,
                progress=self._progress,
            )
        log.info(
            "An index was published.",
            index_version=manifest.version,
            documents=len(reading.ready),
            failed=len(reading.failed),
            chunks=manifest.chunks,
        )
        is_current = mark_indexed(
            self._services, manifest, reading.ready, reading.failed, self._deadline
        )
        if reading.postponed:
            tidy(self._services, self._shelf, source, self._deadline)
            raise _postponed(reading)
        return manifest, is_current

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


def _require_news(reading: Reading, source: Source, before: Manifest | None) -> None:
    """When all that is to be done is what can't be done now, nothing is published.

    Raises:
        DocumentsPostponed: then.
    """
    is_published = before is not None and before.knowledge_version == source.knowledge_version
    nothing_yet = before is None and not reading.ready
    if reading.postponed and not reading.is_news and (is_published or nothing_yet):
        raise _postponed(reading)


def _postponed(reading: Reading) -> DocumentsPostponed:
    return DocumentsPostponed(f"{len(reading.postponed)} documents could not be fetched.")
