"""A tenant's index and the shared one, searched as if they were one.

Nothing is copied: chunks of the shared index follow the tenant's own in number, and each question
is put to both. Their results are made comparable before they are merged:

- **dense**: cosines of one embedder compare. A shared index of another embedder takes part with its
  words alone.
- **lexical**: BM25 weighs a word by its rarity in its own corpus, so a word that is everyday in the
  tenant's documents would win in a small shared index where it is rare. Words are counted over both
  here, and every chunk is scored with the joint rarity: chunks of equal length get the scores that
  one index of all documents would give them. What stays each index's own is the mean length that
  lengths are compared with.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from frontdesk.knowledge.index import Hit, idf, rarest, rarity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from numpy.typing import NDArray

    from frontdesk.knowledge.embedder import Vectors
    from frontdesk.knowledge.index import Filters, LoadedIndex, StoredChunk
    from frontdesk.knowledge.loader import IndexStore
    from frontdesk.knowledge.manifest import Manifest
    from frontdesk.knowledge.searchable import SearchableIndex
    from frontdesk.knowledge.tokens import QueryTerm
    from frontdesk.platform.resilience import Deadline


@dataclass(frozen=True, slots=True)
class JoinedFacts:
    """What two indexes say about themselves together; the embedder is the tenant's own."""

    own: Manifest
    common: Manifest

    @property
    def version(self) -> str:
        """Changes with either."""
        return f"{self.own.version}+{self.common.version}"

    @property
    def embedder_id(self) -> str:
        """What a question is embedded by."""
        return self.own.embedder_id

    @property
    def chunks(self) -> int:
        """Of both."""
        return self.own.chunks + self.common.chunks

    @property
    def languages(self) -> tuple[str, ...]:
        """Of the documents of both."""
        return tuple(sorted({*self.own.languages, *self.common.languages}))

    @property
    def shared(self) -> bool:
        """Not as a whole."""
        return False

    @property
    def parts(self) -> tuple[Manifest, Manifest]:
        """The tenant's own first."""
        return (self.own, self.common)


class _Allowed(NamedTuple):
    """What a filter allows in each part; None for all."""

    own: NDArray[np.bool_] | None
    common: NDArray[np.bool_] | None


class JoinedIndex:
    """Two loaded indexes as one `SearchableIndex`; made for a question, and for little.

    Args:
        own: the tenant's; its chunks keep their numbers.
        common: the shared one; its chunks are numbered after them.
    """

    def __init__(self, own: LoadedIndex, common: LoadedIndex) -> None:
        self.manifest = JoinedFacts(own.manifest, common.manifest)
        self._own = own
        self._common = common
        self._first_common = own.manifest.chunks
        self._comparable = own.manifest.embedder_id == common.manifest.embedder_id

    def allowed(self, filters: Filters) -> _Allowed | None:
        """The filters, part by part; None when they allow all."""
        if filters.is_empty:
            return None
        return _Allowed(self._own.allowed(filters), self._common.allowed(filters))

    def dense(self, query: Vectors, k: int, allowed: _Allowed | None = None) -> list[Hit]:
        """The k nearest allowed chunks with their cosine, best first; of equals the tenant's."""
        masks = allowed or _Allowed(None, None)
        found = self._own.dense(query, k, masks.own)
        if self._comparable:
            found += self._renumbered(self._common.dense(query, k, masks.common))
        return sorted(found, key=lambda hit: -hit.score)[:k]

    def lexical(
        self, terms: Sequence[QueryTerm], k: int, allowed: _Allowed | None = None
    ) -> list[Hit]:
        """The k best allowed chunks that hold one of the terms, best first.

        The score is BM25 with the rarity of words in both; which words are left out is decided as
        in `LoadedIndex.lexical`, over both.
        """
        masks = allowed or _Allowed(None, None)
        own, common = (part.document_frequencies(terms) for part in (self._own, self._common))
        both = {token: count + common[token] for token, count in own.items()}
        scores: dict[int, float] = {}
        for token in rarest(both):
            weight = rarity(self.manifest.chunks, both[token])
            hits = self._own.occurrences(token, own[token]) if own[token] else []
            _score(scores, hits, weight, masks.own, 0)
            hits = self._common.occurrences(token, common[token]) if common[token] else []
            _score(scores, hits, weight, masks.common, self._first_common)
        best = heapq.nsmallest(k, scores.items(), key=lambda entry: (-entry[1], entry[0]))
        return [Hit(chunk, score) for chunk, score in best]

    def vectors(self, chunks: Sequence[int]) -> Vectors:
        """Stored vectors, float32 (n, d).

        Zero for a shared chunk of another embedder: like nothing, and unlike nothing.
        """
        own, common = self._split(chunks)
        vectors = np.zeros((len(chunks), self._own.manifest.dimensions), np.float32)
        places = np.asarray(chunks, np.int64) < self._first_common
        vectors[places] = self._own.vectors(own)
        if self._comparable:
            vectors[~places] = self._common.vectors(common)
        return vectors

    def read(self, chunks: Sequence[int]) -> list[StoredChunk]:
        """Passages in the order asked for, under their numbers here."""
        own, common = self._split(chunks)
        found = dict(zip(own, self._own.read(own), strict=True))
        for passage in self._common.read(common):
            number = passage.id + self._first_common
            found[number] = replace(passage, id=number)
        return [found[chunk] for chunk in chunks]

    def sentence_vectors(self, chunk: int) -> Vectors | None:
        """See `LoadedIndex.sentence_vectors`; None for another embedder's."""
        if chunk < self._first_common:
            return self._own.sentence_vectors(chunk)
        return (
            self._common.sentence_vectors(chunk - self._first_common) if self._comparable else None
        )

    def word_vectors(self, words: Sequence[str]) -> Mapping[str, Vectors]:
        """See `LoadedIndex.word_vectors`; one embedder makes the same of a word everywhere."""
        found = dict(self._own.word_vectors(words))
        missing = [word for word in words if word not in found]
        if missing and self._comparable:
            found.update(self._common.word_vectors(missing))
        return found

    def frequencies(self, terms: Sequence[QueryTerm]) -> list[int]:
        """In how many chunks of both each term occurs, by its commonest variant."""
        counts = Counter(self._own.document_frequencies(terms))
        counts.update(self._common.document_frequencies(terms))
        return [max(counts[variant] for variant in term.variants) for term in terms]

    def weights(self, terms: Sequence[QueryTerm]) -> list[float]:
        """Inverse document frequency of each term over both; see `idf`."""
        return self.idf(self.frequencies(terms))

    def idf(self, frequencies: Sequence[int]) -> list[float]:
        """See `LoadedIndex.idf`; of as many chunks as both hold."""
        return idf(self.manifest.chunks, frequencies)

    def _renumbered(self, hits: Sequence[Hit]) -> list[Hit]:
        return [Hit(hit.chunk + self._first_common, hit.score) for hit in hits]

    def _split(self, chunks: Sequence[int]) -> tuple[list[int], list[int]]:
        """Chunks of each part, under the part's own numbers."""
        first = self._first_common
        return (
            [chunk for chunk in chunks if chunk < first],
            [chunk - first for chunk in chunks if chunk >= first],
        )


class JoinedIndexes:
    """Hands out a tenant's index together with the shared one.

    Without a shared index the tenant's own is handed out, untouched; a tenant that has published
    nothing is answered from the shared one alone.
    """

    def __init__(self, store: IndexStore) -> None:
        self._store = store

    def get(self, tenant_id: UUID, *, deadline: Deadline) -> SearchableIndex | None:
        """What a question of the tenant is put to; None when nothing was published at all.

        Raises:
            UpstreamUnavailable, DeadlineExceeded: the tenant's own index can't be had; the shared
                one alone would make a failure look like ignorance.
        """
        own = self._store.get(tenant_id, deadline=deadline)
        common = self._store.shared(deadline=deadline)
        if common is None or common.manifest.chunks == 0:
            return own
        if own is None or own.manifest.chunks == 0:
            return common
        return JoinedIndex(own, common)


def _score(
    scores: dict[int, float],
    hits: Sequence[Hit],
    weight: float,
    allowed: NDArray[np.bool_] | None,
    first: int,
) -> None:
    for row, score in hits:
        if allowed is None or allowed[row]:
            scores[first + row] = scores.get(first + row, 0.0) + weight * score
