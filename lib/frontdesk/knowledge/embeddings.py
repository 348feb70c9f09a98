"""Vectors that were made before, so that only what changed is embedded again."""

from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from frontdesk.knowledge.manifest import IndexInvalid
from frontdesk.knowledge.progress import Progress, Step, silently

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from frontdesk.knowledge.embedder import Embedder
    from frontdesk.platform.resilience import Deadline

    HalfVectors = NDArray[np.float16]

_BATCH = 128  # texts whose work is lost at most when the time is over


def content_hash(text: str) -> str:
    """Equal hashes mean equal vectors (of one embedder)."""
    return hashlib.sha256(text.encode()).hexdigest()


class KnownVectors:
    """One embedder's vectors by the hash of what was embedded, in half precision.

    They lie beside each index version, and new ones are rounded the same way: a rebuild gives the
    very bytes that a build from nothing would.
    """

    def __init__(self) -> None:
        self._vectors: dict[str, HalfVectors] = {}

    def __len__(self) -> int:
        return len(self._vectors)

    def get(self, text: str) -> HalfVectors | None:
        """The vector of that text, if it was made before."""
        return self._vectors.get(content_hash(text))

    def of(
        self,
        texts: Sequence[str],
        embedder: Embedder,
        deadline: Deadline,
        progress: Progress = silently,
    ) -> HalfVectors:
        """Vectors (len(texts), d); what is not known is embedded, once per content, and kept.

        Raises:
            UpstreamUnavailable: the embedder failed; what it made so far is kept.
            DeadlineExceeded: the deadline passed; the same.
        """
        hashes = [content_hash(text) for text in texts]
        new = {
            key: text for key, text in zip(hashes, texts, strict=True) if key not in self._vectors
        }
        pending = list(new.items())
        progress(Step.EMBEDDING, 0, len(pending))
        for start in range(0, len(pending), _BATCH):
            batch = pending[start : start + _BATCH]
            made = embedder.embed([text for _, text in batch], deadline=deadline)
            for (key, _), vector in zip(batch, made.astype(np.float16), strict=True):
                self._vectors[key] = vector
            progress(Step.EMBEDDING, start + len(batch), len(pending))
        vectors: NDArray[Any] = np.empty((len(texts), embedder.dimensions), np.float16)
        for row, key in enumerate(hashes):
            vectors[row] = self._vectors[key]
        return vectors

    def update(self, path: Path, embedder_id: str) -> None:
        """Add that embedder's vectors, as `write` wrote them.

        Raises:
            IndexInvalid: damaged, or of another embedder.
        """
        try:
            # Opened here: NumPy leaves a damaged file open.
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                made_by = str(stored["embedder_id"])
                hashes, vectors = stored["hashes"], stored["vectors"]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as damaged:
            raise IndexInvalid("Stored embeddings can't be read.") from damaged
        if made_by != embedder_id:
            raise IndexInvalid("Stored embeddings are another embedder's.")
        self._vectors.update(
            (bytes(key).hex(), row) for key, row in zip(hashes, vectors, strict=True)
        )

    def write(self, path: Path, embedder_id: str, texts: Iterable[str] | None = None) -> None:
        """Keep vectors in a file, under the hash of what was embedded; `update` reads them.

        Args:
            texts: whose vectors; None for all.
        """
        hashes = list(self._vectors) if texts is None else list(map(content_hash, texts))
        hashes = list(dict.fromkeys(hashes))
        keys = np.frombuffer(b"".join(map(bytes.fromhex, hashes)), np.uint8).reshape(-1, 32)
        vectors = np.array([self._vectors[key] for key in hashes], np.float16)
        with path.open("wb") as stream:
            np.savez(stream, embedder_id=np.array(embedder_id), hashes=keys, vectors=vectors)
