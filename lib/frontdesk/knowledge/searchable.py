"""What a vector index has to be: the protocol that every engine implements.

`frontdesk.knowledge.index.LoadedIndex` is the engine in use: files, mapped into this process. One
that lies elsewhere, such as a table with pgvector, implements `SearchableIndex`, and `Indexes` to
hand it out; nothing above `frontdesk.knowledge.retrieve` sees the difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from frontdesk.knowledge.embedder import Vectors
    from frontdesk.knowledge.index import Filters, Hit, StoredChunk
    from frontdesk.knowledge.tokens import QueryTerm
    from frontdesk.platform.resilience import Deadline


class IndexFacts(Protocol):
    """What an index says about itself; a published index's `Manifest` says it."""

    @property
    def version(self) -> str:
        """Another one after each build; ids of chunks mean something within it alone."""
        ...

    @property
    def embedder_id(self) -> str:
        """What its vectors were made with: another embedder's question is not compared to them."""
        ...

    @property
    def chunks(self) -> int:
        """How many passages it holds."""
        ...

    @property
    def languages(self) -> tuple[str, ...]:
        """Of its documents; a question's words are stemmed in each."""
        ...

    @property
    def shared(self) -> bool:
        """Whether every agency searches it, beside its own."""
        ...

    @property
    def parts(self) -> Sequence[IndexFacts]:
        """Of the indexes that are searched as this one; of itself when it is one."""
        ...


class SearchableIndex(Protocol):
    """One version of one tenant's index, searched by several threads at once.

    An engine behind a network is given its deadline by `Indexes.get`, whose result serves one
    request; it raises UpstreamUnavailable and DeadlineExceeded.
    """

    @property
    def manifest(self) -> IndexFacts:
        """What it says about itself."""
        ...

    def allowed(self, filters: Filters) -> Any:
        """The filters in the engine's own form, for `dense` and `lexical`; None for no filter."""
        ...

    def dense(self, query: Vectors, k: int, allowed: Any = None) -> list[Hit]:
        """The k nearest allowed chunks to a unit vector with their cosine, best first."""
        ...

    def lexical(self, terms: Sequence[QueryTerm], k: int, allowed: Any = None) -> list[Hit]:
        """The k best allowed chunks that hold one of the terms, best first; scores are its own."""
        ...

    def vectors(self, chunks: Sequence[int]) -> Vectors:
        """Unit vectors of chunks, float32 (n, d): maximal marginal relevance compares them."""
        ...

    def sentence_vectors(self, chunk: int) -> Vectors | None:
        """Vectors of a chunk's sentences, float32 (sentences, d), each under its heading.

        None when they are not kept; see `frontdesk.knowledge.details`.
        """
        ...

    def word_vectors(self, words: Sequence[str]) -> Mapping[str, Vectors]:
        """Vectors of those lower-case words that are kept, float32 (d,)."""
        ...

    def read(self, chunks: Sequence[int]) -> list[StoredChunk]:
        """Passages in the order asked for."""
        ...

    def frequencies(self, terms: Sequence[QueryTerm]) -> list[int]:
        """In how many chunks each term occurs, by its commonest variant."""
        ...

    def weights(self, terms: Sequence[QueryTerm]) -> list[float]:
        """The weight of each term, by its frequency; see `idf`."""
        ...

    def idf(self, frequencies: Sequence[int]) -> list[float]:
        """Weights of terms that occur in so many chunks; largest for one that no chunk has."""
        ...


class Indexes(Protocol):
    """Where indexes come from."""

    def get(self, tenant_id: UUID, *, deadline: Deadline) -> SearchableIndex | None:
        """The tenant's current index; None when nothing was ever published for it."""
        ...
