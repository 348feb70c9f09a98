"""What the version before, and a build that was interrupted, leave to the next build.

Whatever is wrong with them only costs the time to make it anew.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from frontdesk.knowledge.chunkfile import read_chunks
from frontdesk.knowledge.embeddings import KnownVectors
from frontdesk.knowledge.manifest import (
    CHUNKS_FILE,
    EMBEDDINGS_FILE,
    PROGRESS_FILE,
    IndexInvalid,
    file_entry,
)
from frontdesk.platform.logging import get_logger
from frontdesk.platform.storage import ObjectNotFound

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from frontdesk.knowledge.chunk import Chunk
    from frontdesk.knowledge.manifest import Manifest
    from frontdesk.knowledge.publish import IndexShelf
    from frontdesk.platform.resilience import Deadline

log = get_logger(__name__)


class EarlierBuild:
    """Reads chunks and vectors of an earlier version.

    Args:
        shelf: where indexes are published.
        tenant_id: whose.
        manifest: of the version before; None when there is none that can be read.
        scratch: a folder to download into.
        deadline: for the downloads.
    """

    def __init__(
        self,
        shelf: IndexShelf,
        tenant_id: UUID,
        manifest: Manifest | None,
        scratch: Path,
        deadline: Deadline,
    ) -> None:
        self._shelf = shelf
        self._tenant_id = tenant_id
        self._manifest = manifest
        self._scratch = scratch
        self._deadline = deadline

    def chunks(self) -> dict[str, tuple[Chunk, ...]]:
        """Chunks by source key."""
        if self._manifest is None:
            return {}
        try:
            return read_chunks(self._fetch(self._manifest, CHUNKS_FILE))
        except (ObjectNotFound, IndexInvalid, sqlite3.Error) as unusable:
            log.warning("Earlier chunks can't be reused.", error=type(unusable).__name__)
            return {}

    def vectors(self, embedder_id: str) -> KnownVectors:
        """That embedder's vectors: of the version, and of a build after it that was interrupted."""
        vectors = KnownVectors()
        manifest = self._manifest
        try:
            if manifest is not None and manifest.embedder_id == embedder_id:
                vectors.update(self._fetch(manifest, EMBEDDINGS_FILE), embedder_id)
        except (ObjectNotFound, IndexInvalid) as unusable:
            log.warning("Earlier vectors can't be reused.", error=type(unusable).__name__)
        try:
            path = self._scratch / PROGRESS_FILE
            if self._shelf.progress(self._tenant_id, path, deadline=self._deadline):
                vectors.update(path, embedder_id)
        except IndexInvalid as unusable:
            log.warning("An interrupted build can't be reused.", error=type(unusable).__name__)
        return vectors

    def _fetch(self, manifest: Manifest, name: str) -> Path:
        """A file of the version, checked.

        Raises:
            ObjectNotFound: it was collected.
            IndexInvalid: it does not match its checksum.
        """
        path = self._scratch / name
        expected = manifest.files[name]
        self._shelf.download(
            self._tenant_id,
            manifest.version,
            name,
            path,
            deadline=self._deadline,
            size=expected.size,
        )
        if file_entry(path) != expected:
            raise IndexInvalid(f"{name} does not match its checksum.")
        return path
