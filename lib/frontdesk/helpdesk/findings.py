"""What the agency's documents hold on a question, and whether that is an answer.

::

    classify → retrieve (dense + lexical, fused) → weigh the sentences → do we know? → MMR's picks

One ``Finder`` a process; it remembers the vectors of sentences that it met and no index keeps.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

from frontdesk.helpdesk.classify import AnswerParameters, QueryType, classify, parameters_for
from frontdesk.helpdesk.evidence import Evidence, weigh_up
from frontdesk.helpdesk.passages import Passage
from frontdesk.helpdesk.question import take_apart
from frontdesk.helpdesk.relevance import calibration_for, has_calibration
from frontdesk.helpdesk.vectors import QuestionVectors, TextVectors
from frontdesk.knowledge.index import PUBLIC_ONLY, Filters
from frontdesk.platform.context import Role
from frontdesk.platform.errors import UpstreamUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from frontdesk.knowledge.embedder import Vectors
    from frontdesk.knowledge.embedders import Embedders
    from frontdesk.knowledge.retrieve import Candidate, Retrieval, Retriever
    from frontdesk.platform.clock import Clock
    from frontdesk.platform.resilience import Deadline

T = TypeVar("T")


class ChosenFilters(Protocol):
    """Which documents somebody wants to be answered from; None leaves a choice open."""

    @property
    def document_ids(self) -> Sequence[UUID] | None: ...
    @property
    def tags(self) -> Sequence[str] | None: ...
    @property
    def languages(self) -> Sequence[str] | None: ...


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found for a question.

    Attributes:
        passages: the candidates, by their number in the evidence; all that may be cited.
        order: numbers of the passages that an answer rests on, best first, at most ``k``.
        evidence: the sentences of the passages with their numbers; None when nothing was found.
        scores: of the sentences.
        probability: that the passages hold an answer.
        threshold: the probability from which on it is; 0 when nothing was found to judge.
        known: whether that is enough to answer.
        retrieval: what the search came to, stage by stage.
        limited: the asker may not see all of the knowledge that was searched.
        degraded: why the search was less than it could be; None when it was not.
        timings: milliseconds by stage.
    """

    query_type: QueryType
    parameters: AnswerParameters
    passages: tuple[Passage, ...]
    order: tuple[int, ...]
    evidence: Evidence | None
    scores: Vectors | None
    probability: float
    threshold: float
    known: bool
    retrieval: Retrieval
    limited: bool
    degraded: str | None
    timings: dict[str, float]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was found, before it is judged.

    Attributes:
        evidence: None when nothing was found.
        dense: whether its cosines were measured.
    """

    query_type: QueryType
    parameters: AnswerParameters
    retrieval: Retrieval
    evidence: Evidence | None
    dense: bool
    degraded: str | None
    timings: dict[str, float]


def visible_to(role: Role, chosen: ChosenFilters | None = None) -> Filters:
    """What a member may be answered from: a website visitor only from public documents.

    Args:
        chosen: what the asker wants to be answered from, within that.
    """
    visible = Filters() if role.at_least(Role.VIEWER) else PUBLIC_ONLY
    if chosen is None:
        return visible
    return replace(
        visible,
        tags=_any_of(chosen.tags),
        languages=_any_of(chosen.languages),
        document_ids=_any_of(chosen.document_ids),
    )


def _any_of(values: Sequence[T] | None) -> frozenset[T] | None:
    return None if values is None else frozenset(values)


class Finder:
    """Searches an agency's knowledge and judges what it finds. Safe to share between threads."""

    def __init__(self, retriever: Retriever, embedders: Embedders, *, clock: Clock) -> None:
        self._retriever = retriever
        self._embedders = embedders
        self._clock = clock
        self._lock = threading.Lock()
        self._vectors: dict[str, TextVectors] = {}

    def find(
        self, question: str, tenant_id: UUID, filters: Filters, *, deadline: Deadline
    ) -> Findings:
        """Search and judge.

        Raises:
            UpstreamUnavailable: the index can't be had.
            DeadlineExceeded: the deadline passed.
        """
        gathered = self.gather(question, tenant_id, filters, deadline=deadline)
        evidence, retrieval = gathered.evidence, gathered.retrieval
        if evidence is None:
            return _nothing(gathered, limited=filters.visibilities is not None)
        started = self._clock.monotonic()
        calibration = calibration_for(retrieval.embedder_id if gathered.dense else None)
        scores = calibration.rank(evidence)
        probability = calibration.probability(evidence, scores, retrieval.features)
        elapsed = (self._clock.monotonic() - started) * 1_000
        return Findings(
            query_type=gathered.query_type,
            parameters=gathered.parameters,
            passages=tuple(_passage(candidate) for candidate in retrieval.candidates),
            order=_order(evidence, scores, retrieval, gathered.parameters.k),
            evidence=evidence,
            scores=scores,
            probability=probability,
            threshold=calibration.threshold,
            known=probability >= calibration.threshold,
            retrieval=retrieval,
            limited=filters.visibilities is not None,
            degraded=gathered.degraded,
            timings={**gathered.timings, "judge": round(elapsed, 3)},
        )

    def gather(
        self, question: str, tenant_id: UUID, filters: Filters, *, deadline: Deadline
    ) -> Gathered:
        """Search, and measure the sentences; what calibration learns from.

        Raises:
            UpstreamUnavailable, DeadlineExceeded: as `find`.
        """
        query_type = classify(question)
        parameters = parameters_for(query_type)
        retrieval = self._retriever.retrieve(
            question,
            tenant_id,
            filters=filters,
            k=parameters.k,
            fetch_k=parameters.fetch_k,
            lambda_=parameters.mmr_lambda,
            use_mmr=parameters.mmr,
            deadline=deadline,
        )
        timings = dict(retrieval.timings)
        if retrieval.index is None or not retrieval.candidates:
            return Gathered(
                query_type, parameters, retrieval, None, False, retrieval.degraded, timings
            )
        started = self._clock.monotonic()
        asked = take_apart(question, retrieval.terms, retrieval.candidates, retrieval.index)
        vectors = self._vectors_for(question, retrieval)
        degraded = retrieval.degraded
        try:
            evidence = weigh_up(
                asked, retrieval.candidates, retrieval.query_vector, vectors, deadline=deadline
            )
        except UpstreamUnavailable:
            vectors, degraded = None, "embedding_unavailable"
            evidence = weigh_up(asked, retrieval.candidates, None, None, deadline=deadline)
        timings["evidence"] = round((self._clock.monotonic() - started) * 1_000, 3)
        return Gathered(
            query_type, parameters, retrieval, evidence, vectors is not None, degraded, timings
        )

    def _vectors_for(self, question: str, retrieval: Retrieval) -> QuestionVectors | None:
        """What the sentences are compared by; None when the question has no vector itself.

        None for an embedder whose cosines are not calibrated: a remote one's are left to the
        search.
        """
        embedder_id, index = retrieval.embedder_id, retrieval.index
        if retrieval.query_vector is None or index is None or embedder_id is None:
            return None
        embedder = self._embedders.of(embedder_id)
        if embedder is None or not has_calibration(embedder_id):
            return None
        with self._lock:
            made = self._vectors.setdefault(embedder_id, TextVectors(embedder))
        rounded = retrieval.query_vector.astype(np.float16).astype(np.float32)
        return QuestionVectors(made, index, {question: rounded})


def _nothing(gathered: Gathered, *, limited: bool) -> Findings:
    return Findings(
        query_type=gathered.query_type,
        parameters=gathered.parameters,
        passages=(),
        order=(),
        evidence=None,
        scores=None,
        probability=0.0,
        threshold=0.0,
        known=False,
        retrieval=gathered.retrieval,
        limited=limited,
        degraded=gathered.degraded,
        timings=gathered.timings,
    )


def _passage(candidate: Candidate) -> Passage:
    relevance = candidate.coverage if candidate.cosine is None else candidate.cosine
    return Passage(
        document_id=str(candidate.document.document_id),
        title=candidate.document.title,
        text=candidate.text,
        language=candidate.document.language,
        score=min(1.0, max(0.0, relevance)),
    )


def _order(evidence: Evidence, scores: Vectors, retrieval: Retrieval, k: int) -> tuple[int, ...]:
    """The passages of the best sentence and of MMR's picks by turns, each once."""
    ranked = sorted(range(len(scores)), key=lambda row: -scores[row])
    by_sentence = list(dict.fromkeys(evidence.sentences[row].candidate for row in ranked))
    numbers = {candidate.chunk_id: n for n, candidate in enumerate(retrieval.candidates)}
    by_diversity = [numbers[candidate.chunk_id] for candidate in retrieval.selected]
    merged: dict[int, None] = {}
    for turn in range(max(len(by_sentence), len(by_diversity))):
        for ranking in (by_sentence, by_diversity):
            if turn < len(ranking):
                merged.setdefault(ranking[turn])
    return tuple(merged)[:k]
