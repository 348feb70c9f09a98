"""Documents in chunks become the files of one index version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from frontdesk.knowledge.chunkfile import write_chunk_file
from frontdesk.knowledge.details import DETAILED, Details
from frontdesk.knowledge.embedder import unit
from frontdesk.knowledge.embeddings import KnownVectors
from frontdesk.knowledge.manifest import (
    CHUNKS_FILE,
    DETAILS_FILE,
    EMBEDDINGS_FILE,
    MANIFEST_FILE,
    VECTORS_FILE,
    Manifest,
    file_entry,
)
from frontdesk.knowledge.progress import Progress, silently
from frontdesk.knowledge.vectorfile import build_vector_index

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from frontdesk.knowledge.chunk import Chunk
    from frontdesk.knowledge.embedder import Embedder, Vectors
    from frontdesk.platform.resilience import Deadline


__all__ = ["KnownVectors", "SourceDocument", "build_index"]


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A document ready for the index.

    Attributes:
        source_key: changes whenever the chunks could: of content, settings and chunking.
        visibility: ``public`` or ``internal``.
    """

    document_id: UUID
    source_key: str
    title: str
    language: str
    visibility: str
    tags: tuple[str, ...]
    chunks: tuple[Chunk, ...]


def build_index(
    folder: Path,
    *,
    tenant_id: UUID,
    version: str,
    knowledge_version: int,
    documents: Sequence[SourceDocument],
    embedder: Embedder,
    known: KnownVectors,
    created_at: datetime,
    deadline: Deadline,
    progress: Progress = silently,
) -> Manifest:
    """Write manifest, vectors, chunks, details and embeddings of an index into an empty folder.

    Args:
        folder: exists and is empty.
        version: names this build; unique.
        knowledge_version: of the tenant's documents at the time they were read.
        documents: may be empty: an index of nothing replaces knowledge that was deleted.
        embedder: embeds what ``known`` does not hold.
        known: vectors of the same embedder; new ones are added to it.
        deadline: checked between batches.
        progress: counts the passages that are embedded.

    Raises:
        UpstreamUnavailable: the embedder failed; ``known`` holds what it made.
        DeadlineExceeded: the deadline passed; the same.
    """
    ordered = sorted(documents, key=lambda document: str(document.document_id))
    chunks = [chunk for document in ordered for chunk in document.chunks]
    texts = [chunk.embedded_text for chunk in chunks]
    vectors = known.of(texts, embedder, deadline, progress)
    _write_vectors(folder / VECTORS_FILE, unit(vectors) if chunks else vectors.astype(np.float32))
    write_chunk_file(folder / CHUNKS_FILE, ordered)
    files = [VECTORS_FILE, CHUNKS_FILE, EMBEDDINGS_FILE]
    details = Details(chunks) if embedder.id in DETAILED else None
    if details is not None and details.are_kept:
        details.write(folder / DETAILS_FILE, known.of(details.texts, embedder, deadline))
        texts += details.texts
        files.append(DETAILS_FILE)
    known.write(folder / EMBEDDINGS_FILE, embedder.id, texts)
    manifest = Manifest(
        tenant_id=tenant_id,
        version=version,
        knowledge_version=knowledge_version,
        created_at=created_at,
        embedder_id=embedder.id,
        dimensions=embedder.dimensions,
        documents=len(ordered),
        chunks=len(chunks),
        languages=tuple(sorted({document.language for document in ordered})),
        files={name: file_entry(folder / name) for name in files},
    )
    (folder / MANIFEST_FILE).write_bytes(manifest.encode())
    return manifest


def _write_vectors(path: Path, vectors: Vectors) -> None:
    import faiss

    faiss.write_index(build_vector_index(vectors), str(path))
