"""A loaded index: dense search, lexical search and passages, all behind one filter."""

from __future__ import annotations

import json
import math
import sqlite3
import threading
import weakref
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from queue import LifoQueue
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import numpy as np

from frontdesk.knowledge.chunkfile import decompress, unpack_spans
from frontdesk.knowledge.details import DetailVectors
from frontdesk.knowledge.manifest import CHUNKS_FILE, DETAILS_FILE, VECTORS_FILE, IndexInvalid
from frontdesk.knowledge.vectorfile import VectorIndex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from frontdesk.knowledge.embedder import Vectors
    from frontdesk.knowledge.manifest import Manifest
    from frontdesk.knowledge.sentences import Span
    from frontdesk.knowledge.tokens import QueryTerm

# One request reads at a time per connection; more wait in line.
_CONNECTIONS = 4
# FTS5 scores every posting of every term: the commonest terms cost most and say least. 98,086
# chunks: 13 ms with them, 2 without.
_POSTINGS_BUDGET = 3_000
_BM25 = "bm25(1.0, 1.0)"  # body and context weigh the same
_REMEMBERED_FILTERS = 64
_VARIANTS_AT_ONCE = 500  # SQLite takes at least 999 parameters


@dataclass(frozen=True, slots=True)
class Filters:
    """What may be found; applied before the best are taken, in both halves of the search.

    Attributes:
        visibilities: None for all.
        tags: a document must have one of them; None for any.
        languages: None for all.
        document_ids: None for all.
    """

    visibilities: frozenset[str] | None = None
    tags: frozenset[str] | None = None
    languages: frozenset[str] | None = None
    document_ids: frozenset[UUID] | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing is filtered."""
        return self == _NO_FILTERS

    def allow(self, document: IndexedDocument) -> bool:
        """Whether the document's chunks may be found."""
        return (
            (self.visibilities is None or document.visibility in self.visibilities)
            and (self.languages is None or document.language in self.languages)
            and (self.document_ids is None or document.document_id in self.document_ids)
            and (self.tags is None or not self.tags.isdisjoint(document.tags))
        )


_NO_FILTERS = Filters()
PUBLIC_ONLY = Filters(visibilities=frozenset({"public"}))


@dataclass(frozen=True, slots=True)
class IndexedDocument:
    """Metadata of a document in the index.

    Attributes:
        shared: it is of the index that every agency searches.
    """

    document_id: UUID
    title: str
    language: str
    visibility: str
    tags: frozenset[str]
    first_chunk: int
    chunks: int
    shared: bool = False


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A passage as read from the index.

    Attributes:
        id: row in this index version.
        sentences: spans of ``text``.
    """

    id: int
    document: IndexedDocument
    context: str
    text: str
    sentences: tuple[Span, ...]


class Hit(NamedTuple):
    """A found chunk; what the score means, the search says."""

    chunk: int
    score: float


class LoadedIndex:
    """One index version on local disk, open for reading. Safe to share between threads.

    The vectors are mapped and the connections opened at once, so the folder may be removed while
    readers go on. With the last reader the memory goes, at once.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Open a verified folder; a few milliseconds whatever its size.

        Raises:
            IndexInvalid: the files don't fit the manifest.
        """
        self.folder = folder
        self.manifest = manifest
        self._dense = VectorIndex(folder / VECTORS_FILE)
        if (self._dense.count, self._dense.dimensions) != (manifest.chunks, manifest.dimensions):
            raise IndexInvalid("The vector index is not the one that its manifest describes.")
        self._connections: LifoQueue[sqlite3.Connection] = LifoQueue()
        # A connection and its cache of statements refer to each other, so that without this they
        # would stay until some later garbage collection: those of many versions at once.
        weakref.finalize(self, _close_all, self._connections)
        try:
            for _ in range(_CONNECTIONS):
                self._connections.put(_open(folder / CHUNKS_FILE))
            with self._connection() as database:
                self._dictionary: bytes = database.execute(
                    "select value from meta where key = 'dictionary'"
                ).fetchone()[0]
        except (sqlite3.Error, TypeError) as unreadable:
            raise IndexInvalid("The chunk file can't be read.") from unreadable
        self._details = (
            DetailVectors(
                folder / DETAILS_FILE, chunks=manifest.chunks, dimensions=manifest.dimensions
            )
            if DETAILS_FILE in manifest.files
            else None
        )
        self._masks: dict[Filters, NDArray[np.bool_]] = {}
        self._masks_lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """Bytes of its files: on Cloud Run, where local disk is memory, what it takes there."""
        return sum(file.size for file in self.manifest.served_files.values())

    @cached_property
    def documents(self) -> tuple[IndexedDocument, ...]:
        """All documents in the order of their chunks."""
        with self._connection() as database:
            rows = database.execute(
                "select document_id, title, language, visibility, tags, first_chunk, chunks"
                " from documents order by id"
            ).fetchall()
        return tuple(
            IndexedDocument(
                UUID(row[0]),
                row[1],
                row[2],
                row[3],
                frozenset(json.loads(row[4])),
                row[5],
                row[6],
                self.manifest.shared,
            )
            for row in rows
        )

    def allowed(self, filters: Filters) -> NDArray[np.bool_] | None:
        """Which chunks the filters allow, bool (chunks,); None when they allow all."""
        if filters.is_empty:
            return None
        known = self._masks.get(filters)
        if known is not None:
            return known
        documents = self.documents
        mask = np.repeat(
            np.fromiter((filters.allow(document) for document in documents), np.bool_),
            np.fromiter((document.chunks for document in documents), np.int64),
        )
        with self._masks_lock:
            if len(self._masks) >= _REMEMBERED_FILTERS:
                self._masks.clear()
            self._masks[filters] = mask
        return mask

    def dense(self, query: Vectors, k: int, allowed: NDArray[np.bool_] | None = None) -> list[Hit]:
        """The k nearest allowed chunks with their cosine, best first."""
        rows, scores = self._dense.search(query, k, allowed)
        return [Hit(int(row), float(score)) for row, score in zip(rows, scores, strict=True)]

    def vectors(self, chunks: Sequence[int]) -> Vectors:
        """Stored vectors of chunks, float32 (n, d)."""
        return self._dense.read(np.asarray(chunks, np.int64))

    def sentence_vectors(self, chunk: int) -> Vectors | None:
        """Vectors of a chunk's sentences under their heading, float32 (sentences, d); or None.

        See `frontdesk.knowledge.details`; they are rounded to half precision.
        """
        return None if self._details is None else self._details.of_sentences(chunk)

    def word_vectors(self, words: Sequence[str]) -> Mapping[str, Vectors]:
        """Vectors of those lower-case words that are stored, float32 (d,), rounded alike."""
        return {} if self._details is None else self._details.of_words(words)

    def lexical(
        self, terms: Sequence[QueryTerm], k: int, allowed: NDArray[np.bool_] | None = None
    ) -> list[Hit]:
        """The k best allowed chunks that hold one of the terms, with their BM25, best first.

        The commonest terms are left out once the rarer ones have enough postings between them.
        """
        kept = rarest(self.document_frequencies(terms))
        if not kept:
            return []
        match = " OR ".join(_quoted(token) for token in kept)
        with self._connection() as database:
            cursor = database.execute(
                "select rowid, rank from lexical where lexical match ? and rank match ?"
                " order by rank",
                (match, _BM25),
            )
            hits: list[Hit] = []
            for row, rank in cursor:
                if allowed is None or allowed[row]:
                    hits.append(Hit(row, -rank))
                    if len(hits) == k:
                        break
            cursor.close()
        return hits

    def occurrences(self, token: str, frequency: int) -> list[Hit]:
        """The chunks that hold a token, with their BM25 for it but for the token's rarity.

        Times a `rarity` that another index was counted for too, scores of several indexes compare.

        Args:
            frequency: in how many chunks of this index it occurs.
        """
        own = rarity(self.manifest.chunks, frequency)
        with self._connection() as database:
            rows = database.execute(
                "select rowid, rank from lexical where lexical match ? and rank match ?",
                (_quoted(token), _BM25),
            ).fetchall()
        return [Hit(row, -rank / own) for row, rank in rows]

    def document_frequencies(self, terms: Sequence[QueryTerm]) -> dict[str, int]:
        """In how many chunks each variant of the terms occurs; 0 for those that don't."""
        variants = list(dict.fromkeys(variant for term in terms for variant in term.variants))
        found = dict.fromkeys(variants, 0)
        with self._connection() as database:
            for start in range(0, len(variants), _VARIANTS_AT_ONCE):
                part = variants[start : start + _VARIANTS_AT_ONCE]
                marks = ",".join("?" * len(part))
                found.update(
                    database.execute(
                        f"select term, documents from terms where term in ({marks})",  # noqa: S608 - question marks
                        part,
                    ).fetchall()
                )
        return found

    def frequencies(self, terms: Sequence[QueryTerm]) -> list[int]:
        """In how many chunks each term occurs, by its commonest variant."""
        by_variant = self.document_frequencies(terms)
        return [max(by_variant[variant] for variant in term.variants) for term in terms]

    def weights(self, terms: Sequence[QueryTerm]) -> list[float]:
        """Inverse document frequency of each term; see `idf`."""
        return self.idf(self.frequencies(terms))

    def idf(self, frequencies: Sequence[int]) -> list[float]:
        """Weights of terms that occur in so many chunks, natural logarithm.

        ``ln(1 + (N - n + 0.5) / (n + 0.5))``: never negative, largest for a term that no chunk has.
        """
        return idf(self.manifest.chunks, frequencies)

    def read(self, chunks: Sequence[int]) -> list[StoredChunk]:
        """Passages in the order asked for."""
        if not chunks:
            return []
        marks = ",".join("?" * len(chunks))
        with self._connection() as database:
            rows = database.execute(
                f"select id, context, text, sentences from chunks where id in ({marks})",  # noqa: S608 - question marks
                [int(chunk) for chunk in chunks],
            ).fetchall()
        found = {
            row[0]: StoredChunk(
                row[0],
                self.document_of(row[0]),
                row[1],
                decompress(row[2], self._dictionary),
                unpack_spans(row[3]),
            )
            for row in rows
        }
        return [found[chunk] for chunk in chunks]

    def document_of(self, chunk: int) -> IndexedDocument:
        """The document that a chunk belongs to."""
        position = int(np.searchsorted(self._first_chunks, chunk, side="right")) - 1
        return self.documents[position]

    @cached_property
    def _first_chunks(self) -> NDArray[np.int64]:
        return np.fromiter((document.first_chunk for document in self.documents), np.int64)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection = self._connections.get()
        try:
            yield connection
        finally:
            self._connections.put(connection)


def idf(total: int, frequencies: Sequence[int]) -> list[float]:
    """Weights of terms that occur in so many of ``total`` chunks; see `LoadedIndex.idf`."""
    return [math.log1p((total - count + 0.5) / (count + 0.5)) for count in frequencies]


def rarity(total: int, frequency: int) -> float:
    """The inverse document frequency in FTS5's own BM25 (``fts5_aux.c``)."""
    return max(math.log((total - frequency + 0.5) / (frequency + 0.5)), 1e-6)


def rarest(frequencies: Mapping[str, int]) -> list[str]:
    """The tokens worth searching, the rarest first; see `LoadedIndex.lexical`."""
    kept: list[str] = []
    postings = 0
    for token, frequency in sorted(frequencies.items(), key=lambda entry: entry[1]):
        if frequency == 0:
            continue
        if kept and postings + frequency > _POSTINGS_BUDGET:
            break
        kept.append(token)
        postings += frequency
    return kept


def _quoted(token: str) -> str:
    """As FTS5 reads it as a word, and never as syntax."""
    return f'"{token}"'


def _close_all(connections: LifoQueue[sqlite3.Connection]) -> None:
    while not connections.empty():
        connections.get_nowait().close()


def _open(path: Path) -> sqlite3.Connection:
    # immutable: no locks, no journal; check_same_thread: the queue hands it to one at a time.
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro&immutable=1",
        uri=True,
        check_same_thread=False,
        isolation_level=None,
        cached_statements=32,
    )
    # Not mapped: each connection would have pages of its own in memory, up to the whole file. Read
    # through the system's cache, a question takes as long.
    connection.execute("pragma mmap_size = 0")
    connection.execute("pragma cache_size = -1024")
    return connection
