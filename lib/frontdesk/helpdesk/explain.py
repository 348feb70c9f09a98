"""Why an answer is what it is: what each stage of the search thought of each passage.

Shown are only passages that the asker may see. Numbers that count words over all documents of an
index would tell a website visitor which words stand in documents that are not public, so a visitor
is not shown them: BM25, what the sentences scored, and what the decision was made of.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Final
from uuid import UUID

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from frontdesk.helpdesk.classify import QueryType
from frontdesk.helpdesk.relevance import DECISION_FEATURES, decision_row

if TYPE_CHECKING:
    from frontdesk.helpdesk.findings import Findings
    from frontdesk.knowledge.retrieve import Candidate

EXCERPT_LENGTH: Final = 240
"""Characters of a passage that are shown at most."""

_DIGITS: Final = 6


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class ExplainedParameters(_Part):
    """How this type of question is searched and answered."""

    k: int = Field(description="Passages that an answer may rest on.")
    fetch_k: int = Field(description="Candidates that they are chosen from.")
    mmr: bool = Field(description="Whether diversity counts.")
    mmr_lambda: float = Field(description="1 is relevance alone, 0 is diversity alone.")
    temperature: float
    max_tokens: int


class ExplainedIndex(_Part):
    """An index version that was searched."""

    version: str
    embedder: str = Field(description="What its vectors were made with.")
    shared: bool = Field(description="Every agency searches it, beside its own.")


class ExplainedCandidate(_Part):
    """A passage that was found, and what each stage thought of it; ranks count from 1."""

    document_id: UUID
    title: str
    shared: bool = Field(description="Of the shared index.")
    excerpt: str = Field(description=f"Its first {EXCERPT_LENGTH} characters.")
    dense_rank: int | None = Field(description="Null when the dense half did not list it.")
    cosine: float | None = Field(description="To the question; null when it can't be measured.")
    lexical_rank: int | None = Field(description="Null when the lexical half did not list it.")
    bm25: float | None = Field(
        description="Null when the lexical half did not list it, and for website visitors."
    )
    fused_rank: int
    fused_score: float = Field(description="Sum of reciprocal ranks.")
    mmr_rank: int | None = Field(description="Null when it was not picked.")
    answer_rank: int | None = Field(description="Null when the answer may not rest on it.")
    best_sentence: str | None = Field(description="Null when its sentences were not weighed.")
    sentence_score: float | None = Field(
        description="Of that sentence, comparable within one answer; null for website visitors."
    )


class ExplainedDecision(_Part):
    """Do the passages hold an answer?"""

    known: bool
    threshold: float = Field(description="The probability from which on they are said to.")
    probability: float | None = Field(description="Null for website visitors.")
    features: dict[str, float | None] = Field(
        description="What the probability was computed from; null could not be measured. Empty "
        "when nothing was found, and for website visitors."
    )


class Explanation(_Part):
    """How an answer came about."""

    query_type: QueryType
    parameters: ExplainedParameters
    indexes: list[ExplainedIndex]
    embedder: str | None = Field(description="Of the question; null when only words were searched.")
    degraded: str | None = Field(description="Why the search was less than it could be.")
    candidates: list[ExplainedCandidate] = Field(description="In their fused order.")
    decision: ExplainedDecision
    timings: dict[str, float] = Field(description="Milliseconds by stage.")


def explanation_of(findings: Findings) -> Explanation:
    """How findings came about, as far as their asker may see it."""
    retrieval = findings.retrieval
    facts = [] if retrieval.index is None else retrieval.index.manifest.parts
    return Explanation(
        query_type=findings.query_type,
        parameters=ExplainedParameters.model_validate(asdict(findings.parameters)),
        indexes=[
            ExplainedIndex(version=part.version, embedder=part.embedder_id, shared=part.shared)
            for part in facts
        ],
        embedder=None if retrieval.query_vector is None else retrieval.embedder_id,
        degraded=findings.degraded,
        candidates=_candidates(findings),
        decision=ExplainedDecision(
            known=findings.known,
            threshold=findings.threshold,
            probability=None if findings.limited else _rounded(findings.probability),
            features={} if findings.limited else _features(findings),
        ),
        timings=dict(findings.timings),
    )


def _candidates(findings: Findings) -> list[ExplainedCandidate]:
    retrieval = findings.retrieval
    picked = {each.chunk_id: rank for rank, each in enumerate(retrieval.selected, start=1)}
    answers = {number: rank for rank, number in enumerate(findings.order, start=1)}
    best = _best_sentences(findings)
    shown: list[ExplainedCandidate] = []
    for number, candidate in enumerate(retrieval.candidates):
        sentence, score = best.get(number, (None, None))
        shown.append(
            ExplainedCandidate(
                document_id=candidate.document.document_id,
                title=candidate.document.title,
                shared=candidate.document.shared,
                excerpt=_excerpt(candidate),
                dense_rank=candidate.dense_rank,
                cosine=_rounded(candidate.cosine),
                lexical_rank=candidate.lexical_rank,
                bm25=None if findings.limited else _rounded(candidate.lexical_score),
                fused_rank=number + 1,
                fused_score=round(candidate.fused_score, _DIGITS),
                mmr_rank=picked.get(candidate.chunk_id),
                answer_rank=answers.get(number),
                best_sentence=sentence,
                sentence_score=None if findings.limited else _rounded(score),
            )
        )
    return shown


def _best_sentences(findings: Findings) -> dict[int, tuple[str, float]]:
    """The best sentence of each candidate with its score."""
    if findings.evidence is None or findings.scores is None:
        return {}
    best: dict[int, tuple[str, float]] = {}
    for row in np.argsort(-findings.scores, kind="stable"):
        sentence = findings.evidence.sentences[row]
        best.setdefault(sentence.candidate, (sentence.text, float(findings.scores[row])))
    return best


def _features(findings: Findings) -> dict[str, float | None]:
    evidence, scores = findings.evidence, findings.scores
    if evidence is None or scores is None or not evidence.sentences:
        return {}
    row = decision_row(evidence, scores, findings.retrieval.features)
    return dict(zip(DECISION_FEATURES, map(_rounded, map(float, row)), strict=True))


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(value, _DIGITS)


def _excerpt(candidate: Candidate) -> str:
    text = candidate.text
    return text if len(text) <= EXCERPT_LENGTH else text[: EXCERPT_LENGTH - 1].rstrip() + "…"
