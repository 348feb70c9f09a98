"""``details.npy``: vectors of what the passages are made of, their sentences and words.

Whoever weighs up passages sentence by sentence compares a question with dozens of sentences and
words. Embedded when the index is built, they cost nothing when the question is asked.

The file is three arrays in NumPy's format, one behind the other:

- int64 (chunks + 1,): chunk c has the sentences in rows ``offsets[c]`` to ``offsets[c + 1]``;
- uint64 (words,): keys of the words, ascending; their rows follow the sentences' in this order;
- float16 (sentences + words, d): the vectors.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from frontdesk.knowledge import language
from frontdesk.knowledge.manifest import IndexInvalid
from frontdesk.knowledge.minilm import EMBEDDER_ID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from frontdesk.knowledge.chunk import Chunk
    from frontdesk.knowledge.embedder import Vectors
    from frontdesk.knowledge.sentences import Span

    HalfVectors = NDArray[np.float16]

DETAILED: Final = frozenset({EMBEDDER_ID})
"""Embedders whose vectors of sentences and words are worth keeping: those for which the helpdesk
has learnt what their cosines mean."""

MAX_DETAILS: Final = 30_000
"""Sentences and words of an index at most: 23 MB at 384 dimensions and two minutes of embedding. A
larger index has no such file, and what a question needs of it is embedded when it is asked."""

WORD: Final = re.compile(r"[^\W_]+")
_SHORTEST: Final = 3
_STOP_WORDS: Final = frozenset[str]().union(*language.STOP_WORDS.values())


def headed(context: str, text: str, spans: Sequence[Span]) -> list[str]:
    """A passage's sentences as they are embedded: each under the nearest heading."""
    heading = context.rsplit(" > ", 1)[-1]
    return [f"{heading}: {text[start:end]}" for start, end in spans]


def meaningful_words(text: str) -> list[str]:
    """Words as they are embedded: lower case, each once, without short ones and stop words."""
    words = dict.fromkeys(match[0].lower() for match in WORD.finditer(text))
    return [word for word in words if len(word) >= _SHORTEST and word not in _STOP_WORDS]


class Details:
    """The sentences and words of passages, before they have vectors.

    Attributes:
        offsets: of each chunk's first sentence, and of the end.
        texts: what is embedded, in the order of the rows.
    """

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        sentences = [headed(chunk.context, chunk.text, chunk.sentences) for chunk in chunks]
        words = {word for chunk in chunks for word in meaningful_words(chunk.text)}
        by_key = {_key(word): word for word in words}
        keys = sorted(by_key)
        self.offsets: NDArray[np.int64] = np.cumsum([0, *map(len, sentences)], dtype=np.int64)
        self.texts = [text for texts in sentences for text in texts] + [by_key[key] for key in keys]
        self._keys = np.asarray(keys, np.uint64)

    @property
    def are_kept(self) -> bool:
        """Whether the file is worth its size; see `MAX_DETAILS`."""
        return 0 < len(self.texts) <= MAX_DETAILS

    def write(self, path: Path, vectors: HalfVectors) -> None:
        """Write the file.

        Args:
            vectors: float16 (len(texts), d).
        """
        with path.open("wb") as stream:
            for array in (self.offsets, self._keys, vectors):
                np.save(stream, array, allow_pickle=False)


class DetailVectors:
    """The file, mapped: pages are read when they are asked for. Safe to share between threads."""

    def __init__(self, path: Path, *, chunks: int, dimensions: int) -> None:
        """Open it.

        Raises:
            IndexInvalid: it is damaged, or not of an index of that shape.
        """
        try:
            with path.open("rb") as stream:
                offsets, keys = (np.load(stream, allow_pickle=False) for _ in range(2))
                vectors = _mapped(path, stream)
        except (OSError, ValueError, EOFError) as damaged:
            raise IndexInvalid("The vectors of sentences can't be read.") from damaged
        if (
            (offsets.dtype, offsets.shape) != (np.dtype(np.int64), (chunks + 1,))
            or (keys.dtype, keys.ndim) != (np.dtype(np.uint64), 1)
            or vectors.dtype != np.dtype(np.float16)
            or vectors.shape != (offsets[-1] + len(keys), dimensions)
            or offsets[0] != 0
            or np.any(np.diff(offsets) < 0)
        ):
            raise IndexInvalid("The vectors of sentences are not those of this index.")
        self._offsets: NDArray[np.int64] = offsets
        self._keys: NDArray[np.uint64] = keys
        self._vectors: HalfVectors = vectors

    def of_sentences(self, chunk: int) -> Vectors:
        """Vectors of a chunk's sentences, float32 (sentences, d)."""
        start, end = self._offsets[chunk : chunk + 2]
        return self._vectors[start:end].astype(np.float32)

    def of_words(self, words: Sequence[str]) -> dict[str, Vectors]:
        """Vectors of those words that the index holds, float32 (d,)."""
        if not len(self._keys) or not words:
            return {}
        keys = np.asarray([_key(word) for word in words], np.uint64)
        places = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        first = int(self._offsets[-1])
        return {
            word: self._vectors[first + place].astype(np.float32)
            for word, key, place in zip(words, keys, places, strict=True)
            if self._keys[place] == key
        }


def _mapped(path: Path, stream: Any) -> Any:
    """The array that comes next in the file, as a read-only map."""
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"an array of format {version}")
    shape, by_column, dtype = np.lib.format.read_array_header_1_0(stream)
    if by_column or dtype.hasobject:
        raise ValueError("not a plain array")
    start = stream.tell()
    if path.stat().st_size != start + dtype.itemsize * int(np.prod(shape)):
        raise ValueError("the file is torn")
    return np.memmap(path, dtype=dtype, mode="r", offset=start, shape=shape)


def _key(word: str) -> int:
    """64 bits of the word's SHA-256: 30,000 words meet by chance once in 40 billion indexes."""
    return int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
