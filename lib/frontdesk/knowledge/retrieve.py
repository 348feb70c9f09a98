"""From a question to passages: dense and lexical search, fused, measured, made diverse.

::

    question ──┬─ embed ── dense top-n ──┐
               └─ tokens ─ lexical top-n ┴─ reciprocal rank ─ candidates ─┬─ features (do we know?)
                                                                          └─ MMR ─ selected

Rank fusion says nothing about relevance, so the features that decide whether we know an answer are
measured on the candidates before MMR reorders them. If the question can't be embedded, the lexical
half answers alone and the retrieval says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np

from frontdesk.knowledge import tokens
from frontdesk.knowledge.features import Features, measure
from frontdesk.knowledge.fusion import reciprocal_rank
from frontdesk.knowledge.index import Filters
from frontdesk.knowledge.mmr import maximal_marginal_relevance
from frontdesk.platform.errors import DeadlineExceeded, NotConfigured, UpstreamUnavailable
from frontdesk.platform.logging import get_logger
from frontdesk.platform.resilience import Deadline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from frontdesk.knowledge.embedder import Vectors
    from frontdesk.knowledge.embedders import Embedders
    from frontdesk.knowledge.index import Hit, IndexedDocument, StoredChunk
    from frontdesk.knowledge.searchable import Indexes, SearchableIndex
    from frontdesk.knowledge.sentences import Span
    from frontdesk.knowledge.tokens import QueryTerm
    from frontdesk.platform.clock import Clock

log = get_logger(__name__)

# Each half ranks at least so many: fusion needs the overlap.
_MIN_DEPTH = 30
_EMBED_SECONDS = 5.0
_EMBED_SHARE = 0.6  # of the time left


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage with what each stage thought of it.

    Attributes:
        cosine: to the question's vector, whichever half found it; None without a vector of either.
        dense_rank: from 1; None when the dense half did not list it.
        lexical_rank: from 1; None when the lexical half did not list it.
        lexical_score: BM25; None when the lexical half did not list it.
        fused_score: sum of reciprocal ranks.
        coverage: share of the question's idf-weighted terms that the passage or its context holds.
    """

    chunk: StoredChunk
    cosine: float | None
    dense_rank: int | None
    lexical_rank: int | None
    lexical_score: float | None
    fused_score: float
    coverage: float

    @property
    def chunk_id(self) -> int:
        """Row in this index version; means nothing in another one."""
        return self.chunk.id

    @property
    def document(self) -> IndexedDocument:
        """Where the passage comes from."""
        return self.chunk.document

    @property
    def text(self) -> str:
        """The passage."""
        return self.chunk.text

    @property
    def context(self) -> str:
        """Title and headings above the passage."""
        return self.chunk.context

    @property
    def sentences(self) -> tuple[Span, ...]:
        """Spans of ``text``."""
        return self.chunk.sentences


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What was found for a question.

    Attributes:
        candidates: the fused list, best first, at most ``fetch_k``.
        selected: the candidates that MMR picked, in its order, at most ``k``; without MMR the
            first ``k`` candidates.
        features: what the decision "do we know?" is made of.
        query_vector: of the question, unit length; None when it could not be embedded.
        terms: the question's content words.
        index: the version that was searched: what is asked about the candidates later is asked of
            it, for chunk ids mean nothing in another one. None when the tenant has no index.
        degraded: why a half of the search is missing; None when nothing is.
        timings: milliseconds by stage.
    """

    candidates: tuple[Candidate, ...]
    selected: tuple[Candidate, ...]
    features: Features
    query_vector: Vectors | None
    terms: tuple[QueryTerm, ...]
    index: SearchableIndex | None
    degraded: str | None
    timings: dict[str, float] = field(default_factory=dict)

    @property
    def index_version(self) -> str | None:
        """None when the tenant has no index."""
        return None if self.index is None else self.index.manifest.version

    @property
    def embedder_id(self) -> str | None:
        """Of the index that was searched."""
        return None if self.index is None else self.index.manifest.embedder_id


class Retriever:
    """Searches tenants' indexes, each with the embedder that it was made with."""

    def __init__(self, indexes: Indexes, embedders: Embedders, *, clock: Clock) -> None:
        self._indexes = indexes
        self._embedders = embedders
        self._clock = clock

    def retrieve(
        self,
        question: str,
        tenant_id: UUID,
        *,
        filters: Filters | None = None,
        k: int = 5,
        fetch_k: int = 15,
        lambda_: float = 0.7,
        use_mmr: bool = True,
        deadline: Deadline,
    ) -> Retrieval:
        """The passages nearest to a question.

        Args:
            question: as asked, in any language.
            tenant_id: whose knowledge is searched.
            filters: what the caller may see; None for everything.
            k: passages wanted.
            fetch_k: candidates kept after fusion, from which MMR picks.
            lambda_: MMR's weight of relevance against diversity, 0 to 1.
            use_mmr: False keeps the fused order.
            deadline: for loading the index and for the embedder.

        Raises:
            UpstreamUnavailable: the index can't be loaded and no earlier version is at hand.
            DeadlineExceeded: the deadline passed.
        """
        watch = _StopWatch(self._clock)
        index = self._indexes.get(tenant_id, deadline=deadline)
        watch.lap("index")
        if index is None or index.manifest.chunks == 0:
            return Retrieval((), (), Features.nothing(), None, (), index, None, watch.laps)
        terms = tokens.query_terms(question, index.manifest.languages)
        vector, degraded = self._embed(question, index, deadline)
        watch.lap("embed")

        allowed = index.allowed(filters or Filters())
        depth = max(_MIN_DEPTH, fetch_k)
        dense = [] if vector is None else index.dense(vector, depth, allowed)
        watch.lap("dense")
        lexical = index.lexical(terms, depth, allowed)
        watch.lap("lexical")

        fused = reciprocal_rank([[hit.chunk for hit in ranking] for ranking in (dense, lexical)])
        kept = fused[: max(fetch_k, k)]
        stored = index.vectors([chunk for chunk, _ in kept])
        passages = index.read([chunk for chunk, _ in kept])
        watch.lap("read")
        frequencies = index.frequencies(terms)
        features, coverages = measure(
            terms=terms,
            frequencies=frequencies,
            weights=index.idf(frequencies),
            passages=passages,
            dense=dense,
            lexical=lexical,
        )
        candidates = _candidates(
            kept=kept,
            passages=passages,
            coverages=coverages,
            dense=dense,
            lexical=lexical,
            stored=stored,
            vector=vector,
        )
        watch.lap("measure")

        if use_mmr and vector is not None:
            picks = maximal_marginal_relevance(vector, stored, k, lambda_)
        else:
            picks = list(range(min(k, len(candidates))))
        watch.lap("mmr")
        return Retrieval(
            candidates=candidates,
            selected=tuple(candidates[pick] for pick in picks),
            features=features,
            query_vector=vector,
            terms=tuple(terms),
            index=index,
            degraded=degraded,
            timings=watch.laps,
        )

    def _embed(
        self, question: str, index: SearchableIndex, deadline: Deadline
    ) -> tuple[Vectors | None, str | None]:
        """The question's vector, or why there is none."""
        embedder = self._embedders.of(index.manifest.embedder_id)
        if embedder is None:
            log.warning(
                "The index was made by another embedder; only its lexical half is searched.",
                index_embedder=index.manifest.embedder_id,
                embedder=self._embedders.configured.id,
            )
            return None, "embedder_mismatch"
        # Not all the time that is left: lexical search and the answer need some.
        patience = Deadline.after(
            min(_EMBED_SECONDS, deadline.remaining() * _EMBED_SHARE), self._clock
        )
        try:
            vectors = embedder.embed([question], deadline=patience)
        except (UpstreamUnavailable, DeadlineExceeded, NotConfigured) as failure:
            if deadline.expired:
                raise DeadlineExceeded from failure
            log.warning("The question could not be embedded.", error=type(failure).__name__)
            return None, "embedding_unavailable"
        return np.ascontiguousarray(vectors[0]), None


def _candidates(
    *,
    kept: Sequence[tuple[int, float]],
    passages: Sequence[StoredChunk],
    coverages: Sequence[float],
    dense: Sequence[Hit],
    lexical: Sequence[Hit],
    stored: Vectors,
    vector: Vectors | None,
) -> tuple[Candidate, ...]:
    dense_ranks = {hit.chunk: rank for rank, hit in enumerate(dense, start=1)}
    lexical_ranks = {hit.chunk: rank for rank, hit in enumerate(lexical, start=1)}
    cosines: list[float | None] = [None] * len(kept)
    if vector is not None:
        # A passage of another embedder's index has no vector here, which is all zeros.
        cosines = [
            float(cosine) if row.any() else None
            for cosine, row in zip(stored @ vector, stored, strict=True)
        ]
    return tuple(
        Candidate(
            chunk=passage,
            cosine=cosine,
            dense_rank=dense_ranks.get(chunk),
            lexical_rank=(rank := lexical_ranks.get(chunk)),
            lexical_score=None if rank is None else lexical[rank - 1].score,
            fused_score=score,
            coverage=coverage,
        )
        for (chunk, score), passage, coverage, cosine in zip(
            kept, passages, coverages, cosines, strict=True
        )
    )


class _StopWatch:
    """Milliseconds between laps."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = clock.monotonic()
        self.laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        now = self._clock.monotonic()
        self.laps[stage] = round((now - self._last) * 1_000, 3)
        self._last = now
