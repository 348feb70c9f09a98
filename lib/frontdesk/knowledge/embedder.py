"""What turns text into vectors: the protocol, and OpenAI's embeddings behind it.

An index knows the id of the embedder that made its vectors; another embedder's query vector would
be compared with numbers that mean something else, so it is refused, not searched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from frontdesk.platform.errors import UpstreamUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from frontdesk.platform.resilience import Deadline

    Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def id(self) -> str:
        """Names the model and its weights; equal ids mean comparable vectors."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of each vector."""
        ...

    def embed(self, texts: Sequence[str], *, deadline: Deadline) -> Vectors:
        """Unit vectors, float32 (len(texts), dimensions), in the order of the texts.

        Raises:
            UpstreamUnavailable: the model can't be reached or answered nonsense.
            DeadlineExceeded: the deadline passed first.
        """
        ...


class EmbeddingClient(Protocol):
    """The part of the language-model adapter that embeds."""

    def embed(self, texts: Sequence[str], *, deadline: Deadline) -> list[list[float]]:
        """One vector a text."""
        ...


# text-embedding-3-* and ada-002: lengths from OpenAI's model reference.
_OPENAI_DIMENSIONS = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
_OPENAI_BATCH = 128


class OpenAIEmbedder:
    """OpenAI's embeddings, sent in batches, checked and scaled to unit length."""

    def __init__(self, client: EmbeddingClient, model: str, dimensions: int | None = None) -> None:
        self._client = client
        self._id = f"openai/{model}"
        self._dimensions = dimensions or _OPENAI_DIMENSIONS.get(model, 1536)

    @property
    def id(self) -> str:
        """``openai/<model>``."""
        return self._id

    @property
    def dimensions(self) -> int:
        """Length of each vector."""
        return self._dimensions

    def embed(self, texts: Sequence[str], *, deadline: Deadline) -> Vectors:
        """See `Embedder.embed`."""
        import numpy as np

        rows: list[list[float]] = []
        for start in range(0, len(texts), _OPENAI_BATCH):
            batch = list(texts[start : start + _OPENAI_BATCH])
            rows.extend(self._client.embed(batch, deadline=deadline))
        if not texts:
            return np.zeros((0, self._dimensions), np.float32)
        if len(rows) != len(texts) or any(len(row) != self._dimensions for row in rows):
            raise UpstreamUnavailable(
                "The embedding service answered with vectors of another shape."
            )
        return unit(np.asarray(rows, dtype=np.float32))


def unit(vectors: NDArray[Any]) -> Vectors:
    """Rows scaled to length 1.

    Raises:
        UpstreamUnavailable: a row is zero or not a number, so it has no direction.
    """
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.all(np.isfinite(lengths)) or np.any(lengths == 0):
        raise UpstreamUnavailable("The embedding service answered with a vector without direction.")
    return np.ascontiguousarray(vectors / lengths, dtype=np.float32)
