"""The vector index is an interface: another engine answers through the same retriever."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np

from frontdesk.knowledge.embedders import Embedders
from frontdesk.knowledge.index import PUBLIC_ONLY, Filters, Hit, LoadedIndex
from frontdesk.knowledge.retrieve import Retriever
from frontdesk.platform.clock import SystemClock
from tests.unit.knowledge.builders import TENANT, a_deadline, build, document
from tests.unit.knowledge.fakes import WordEmbedder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from frontdesk.knowledge.embedder import Vectors
    from frontdesk.knowledge.index import StoredChunk
    from frontdesk.knowledge.searchable import IndexFacts, SearchableIndex
    from frontdesk.knowledge.tokens import QueryTerm
    from frontdesk.platform.resilience import Deadline

DOCUMENTS = (
    document(1, "# Baggage\nOne suitcase of 23 kg flies free with every adult."),
    document(2, "# Commission\nPartners earn 8 percent on a suitcase.", visibility="internal"),
    document(3, "# Visa\nKenya asks for a visa. It costs 50 dollars."),
)


class Table:
    """Rows in lists, searched by brute force, with filters as a predicate: as a database would.

    It takes over the passages of a built index; nothing of that one is asked when it is searched.
    """

    def __init__(self, built: LoadedIndex) -> None:
        self.manifest: IndexFacts = built.manifest
        numbers = range(built.manifest.chunks)
        self._rows = built.read(list(numbers))
        self._vectors = built.vectors(list(numbers))
        self._words = [
            (row.context + " " + row.text).lower().replace(".", " ").split() for row in self._rows
        ]

    def allowed(self, filters: Filters) -> Filters | None:
        return None if filters.is_empty else filters

    def _hits(self, scores: Sequence[float], k: int, allowed: Filters | None) -> list[Hit]:
        hits = [
            Hit(row.id, float(score))
            for row, score in zip(self._rows, scores, strict=True)
            if score > 0 and (allowed is None or allowed.allow(row.document))
        ]
        return sorted(hits, key=lambda hit: -hit.score)[:k]

    def dense(self, query: Vectors, k: int, allowed: Filters | None = None) -> list[Hit]:
        return self._hits((self._vectors @ query).tolist(), k, allowed)

    def lexical(
        self, terms: Sequence[QueryTerm], k: int, allowed: Filters | None = None
    ) -> list[Hit]:
        scores = [float(sum(self._holds(words, term) for term in terms)) for words in self._words]
        return self._hits(scores, k, allowed)

    @staticmethod
    def _holds(words: list[str], term: QueryTerm) -> bool:
        return any(word.startswith(variant) for word in words for variant in term.variants)

    def vectors(self, chunks: Sequence[int]) -> Vectors:
        return np.ascontiguousarray(self._vectors[list(chunks)])

    def sentence_vectors(self, chunk: int) -> None:
        return None  # such an engine keeps none

    def word_vectors(self, words: Sequence[str]) -> dict[str, Vectors]:
        return {}

    def read(self, chunks: Sequence[int]) -> list[StoredChunk]:
        return [self._rows[chunk] for chunk in chunks]

    def frequencies(self, terms: Sequence[QueryTerm]) -> list[int]:
        return [sum(self._holds(words, term) for words in self._words) for term in terms]

    def weights(self, terms: Sequence[QueryTerm]) -> list[float]:
        return self.idf(self.frequencies(terms))

    def idf(self, frequencies: Sequence[int]) -> list[float]:
        return [float(np.log1p(len(self._rows) / (count + 1))) for count in frequencies]


class Always:
    def __init__(self, index: SearchableIndex) -> None:
        self._index = index

    def get(self, tenant_id: UUID, *, deadline: Deadline) -> SearchableIndex | None:
        return self._index


def titles(index: SearchableIndex, question: str, filters: Filters) -> list[str]:
    retriever = Retriever(Always(index), Embedders(WordEmbedder()), clock=SystemClock())
    found = retriever.retrieve(question, TENANT, filters=filters, deadline=a_deadline())
    assert found.degraded is None
    return [candidate.document.title for candidate in found.candidates]


def test_another_engine_finds_what_the_one_in_process_finds(tmp_path: Path) -> None:
    loaded = LoadedIndex(tmp_path, build(tmp_path, DOCUMENTS, WordEmbedder()))
    for question in ("a suitcase of 23 kg for an adult", "What does a visa for Kenya cost?"):
        for filters in (Filters(), PUBLIC_ONLY):
            ours, theirs = (titles(index, question, filters) for index in (loaded, Table(loaded)))
            assert ours[0] == theirs[0]
            assert set(theirs) <= set(ours)
            assert ("Commission" in theirs) <= (filters is not PUBLIC_ONLY)
