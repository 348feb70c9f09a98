"""Documents in chunks become the files of one index version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from frontdesk.knowledge.chunkfile import write_chunk_file
from frontdesk.knowledge.embedder import unit
from frontdesk.knowledge.manifest import (
    CHUNKS_FILE,
    EMBEDDINGS_FILE,
    MANIFEST_FILE,
    VECTORS_FILE,
    Manifest,
    file_entry,
)
from frontdesk.knowledge.vectorfile import build_vector_index

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from numpy.typing import NDArray

    from frontdesk.knowledge.chunk import Chunk
    from frontdesk.knowledge.embedder import Embedder, Vectors
    from frontdesk.platform.resilience import Deadline

_EMBED_BATCH = 512  # chunks between two looks at the deadline


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


class KnownVectors:
    """Vectors of an earlier build by content hash, so that only what changed is embedded.

    They are kept in half precision beside the index, and a build rounds new ones the same way: a
    rebuild gives the very bytes that a build from nothing would.
    """

    def __init__(self, vectors: Mapping[str, NDArray[np.float16]] | None = None) -> None:
        self._vectors = dict(vectors or {})

    def __len__(self) -> int:
        return len(self._vectors)

    def get(self, content_hash: str) -> NDArray[np.float16] | None:
        """The vector of that content, if an earlier build had it."""
        return self._vectors.get(content_hash)

    @classmethod
    def read(cls, path: Path) -> KnownVectors:
        """Read what `write_embeddings` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            hashes, vectors = stored["hashes"], stored["vectors"]
        return cls({bytes(key).hex(): row for key, row in zip(hashes, vectors, strict=True)})


def write_embeddings(path: Path, hashes: Sequence[str], vectors: NDArray[np.float16]) -> None:
    """Keep vectors under the SHA-256 of what was embedded; `KnownVectors.read` reads them."""
    keys = np.frombuffer(b"".join(bytes.fromhex(key) for key in hashes), np.uint8).reshape(-1, 32)
    with path.open("wb") as stream:
        np.savez(stream, hashes=keys, vectors=vectors)


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
) -> Manifest:
    """Write manifest, vectors, chunks and embeddings of an index into an empty folder.

    Args:
        folder: exists and is empty.
        version: names this build; unique.
        knowledge_version: of the tenant's documents at the time they were read.
        documents: may be empty: an index of nothing replaces knowledge that was deleted.
        embedder: embeds the chunks that ``known`` does not hold.
        known: vectors made by the same embedder.
        deadline: checked between batches.

    Raises:
        UpstreamUnavailable: the embedder failed.
        DeadlineExceeded: the deadline passed.
    """
    ordered = sorted(documents, key=lambda document: str(document.document_id))
    chunks = [chunk for document in ordered for chunk in document.chunks]
    vectors = _vectors(chunks, embedder, known, deadline)
    _write_vectors(folder / VECTORS_FILE, unit(vectors) if chunks else vectors.astype(np.float32))
    write_chunk_file(folder / CHUNKS_FILE, ordered)
    write_embeddings(folder / EMBEDDINGS_FILE, [chunk.content_hash for chunk in chunks], vectors)
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
        files={
            name: file_entry(folder / name) for name in (VECTORS_FILE, CHUNKS_FILE, EMBEDDINGS_FILE)
        },
    )
    (folder / MANIFEST_FILE).write_bytes(manifest.encode())
    return manifest


def _write_vectors(path: Path, vectors: Vectors) -> None:
    import faiss

    faiss.write_index(build_vector_index(vectors), str(path))


def _vectors(
    chunks: Sequence[Chunk], embedder: Embedder, known: KnownVectors, deadline: Deadline
) -> NDArray[np.float16]:
    """Half-precision vectors (len(chunks), d), each distinct content embedded once."""
    vectors: NDArray[Any] = np.empty((len(chunks), embedder.dimensions), np.float16)
    new: dict[str, list[int]] = {}
    for row, chunk in enumerate(chunks):
        key = chunk.content_hash
        found = known.get(key)
        if found is None:
            new.setdefault(key, []).append(row)
        else:
            vectors[row] = found
    pending = list(new.values())
    for start in range(0, len(pending), _EMBED_BATCH):
        batch = pending[start : start + _EMBED_BATCH]
        made = embedder.embed([chunks[rows[0]].embedded_text for rows in batch], deadline=deadline)
        for rows, vector in zip(batch, made, strict=True):
            vectors[rows] = vector
    return vectors
