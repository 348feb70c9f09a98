"""A synthetic knowledge base of the size that the budgets name: texts, vectors and questions.

Texts: words of the embedder's own vocabulary, which lists them by how common they are in English,
drawn by Zipf's law (Mandelbrot's form) one by one, in sentences, paragraphs and sections of random
length that our own chunker cuts. Independent words compress worse than a real text's.

Vectors: a chunk is its topic, its document and itself, in these shares, along axes whose variance
falls by a power law, around a common offset: embeddings of real texts are clustered and uneven in
the same way.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from frontdesk.knowledge.build import SourceDocument
from frontdesk.knowledge.chunk import chunk
from frontdesk.knowledge.embedder import unit
from frontdesk.knowledge.extract import Block, Extracted, Section
from frontdesk.platform.resilience import Deadline

CHUNKS = 98_086
SEED = 29

_WORDS = 60_000
_MANDELBROT = 2.7  # Mandelbrot's shift of the rank
_INTERNAL_EVERY = 10  # documents
_QUESTION_WORDS = 10

_TOPICS = 400
_SHARES = (1.0, 0.8, 0.8)  # of topic, document and the text itself, in standard deviations
_OFFSET = 0.5
_SPECTRUM = -0.5  # standard deviation of the j-th axis: j to this power


class Texts:
    """Documents and questions, each the same whenever it is made from the same vocabulary."""

    def __init__(self, tokenizer: Path) -> None:
        """Read the vocabulary from the embedder's ``tokenizer.json``."""
        pieces: dict[str, int] = json.loads(tokenizer.read_text("utf-8"))["model"]["vocab"]
        common = [piece for piece in sorted(pieces, key=pieces.__getitem__) if _is_word(piece)]
        self._words = np.array(_with_rare_ones(common, list(pieces)))
        weights = 1 / (np.arange(1, _WORDS + 1) + _MANDELBROT)
        self._cumulated = np.cumsum(weights / weights.sum())

    def documents(self) -> Iterator[SourceDocument]:
        """Whole documents in the order of their ids, `CHUNKS` chunks in all."""
        left = CHUNKS
        for number in count(1):
            document = self._document(number)
            yield replace(document, chunks=document.chunks[:left])
            left -= len(document.chunks)
            if left <= 0:
                return

    def question(self, document: SourceDocument, random: np.random.Generator) -> str:
        """Some words in a row from one of the document's passages, as a question."""
        words = document.chunks[random.integers(len(document.chunks))].text.split()
        start = random.integers(max(1, len(words) - _QUESTION_WORDS))
        return " ".join(words[start : start + _QUESTION_WORDS]).rstrip(".") + "?"

    def _document(self, number: int) -> SourceDocument:
        random = np.random.default_rng((SEED, number))
        title = self._phrase(random, 5)
        sections = tuple(
            Section(
                (self._phrase(random, 3),),
                tuple(Block(self._paragraph(random)) for _ in range(random.integers(1, 6))),
            )
            for _ in range(random.integers(4, 16))
        )
        return SourceDocument(
            document_id=UUID(int=number),
            source_key=f"{number:064x}",
            title=title,
            language="en",
            visibility="public" if number % _INTERNAL_EVERY else "internal",
            tags=("bench",),
            chunks=tuple(chunk(Extracted(title, "en", sections))),
        )

    def _paragraph(self, random: np.random.Generator) -> str:
        return " ".join(
            self._phrase(random, random.integers(6, 24)) + "." for _ in range(random.integers(1, 6))
        )

    def _phrase(self, random: np.random.Generator, words: int | np.int64) -> str:
        ranks = np.searchsorted(self._cumulated, random.random(words))
        return " ".join(self._words[np.minimum(ranks, _WORDS - 1)]).capitalize()


class SyntheticEmbedder:
    """Gives every text its vector from its own bytes; the first heading says which document."""

    def __init__(self, identifier: str, dimensions: int) -> None:
        random = np.random.default_rng((SEED, dimensions))
        self.id = identifier
        self.dimensions = dimensions
        self._scale = (np.arange(1, dimensions + 1) ** _SPECTRUM).astype(np.float32)
        square = random.standard_normal((dimensions, dimensions), dtype=np.float32)
        self._axes = np.linalg.qr(square)[0]
        self._topics = self._draws(random, _TOPICS)
        self._offset = self._draws(random, 1)

    def embed(self, texts: Sequence[str], *, deadline: Deadline) -> NDArray[np.float32]:
        """See `Embedder.embed`."""
        deadline.timeout(1)
        titles = [text.split("\n", 1)[0].split(" > ", 1)[0] for text in texts]
        topic, document, own = _SHARES
        mixed = (
            topic * self._topics[[_hash(title) % _TOPICS for title in titles]]
            + document * self._of(titles)
            + own * self._of(texts)
            + _OFFSET * self._offset
        )
        return unit(mixed @ self._axes)

    def _of(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.concatenate([self._draws(np.random.default_rng(_hash(t)), 1) for t in texts])

    def _draws(self, random: np.random.Generator, rows: int) -> NDArray[np.float32]:
        drawn: NDArray[np.float32] = random.standard_normal((rows, len(self._scale)), np.float32)
        return drawn * self._scale


def _with_rare_ones(common: list[str], pieces: list[str]) -> list[str]:
    """The vocabulary's words, then longer ones made of theirs as names of places are."""
    random = np.random.default_rng(SEED)
    tails = [piece[2:] for piece in pieces if piece.startswith("##") and _is_word(piece[2:])]
    words = dict.fromkeys(common)
    while len(words) < _WORDS:
        head, tail = common[random.integers(len(common))], tails[random.integers(len(tails))]
        words[head + tail] = None
    return list(words)[:_WORDS]


def _is_word(piece: str) -> bool:
    return len(piece) > 1 and piece.isascii() and piece.isalpha()


def _hash(text: str) -> int:
    return zlib.crc32(text.encode())
