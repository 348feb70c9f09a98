"""What a search result looks like when the answer is there, in numbers.

A small calibrated model elsewhere turns them into "do we know?"; here they are only measured.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from frontdesk.knowledge.tokens import TermFinder, fold, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from frontdesk.knowledge.index import Hit, StoredChunk
    from frontdesk.knowledge.tokens import QueryTerm

_MARGIN_RANKS = 10  # the top cosine is compared with the mean of the next ones up to here
_TOP = 5  # candidates that count as the top
_SOFT_PREFIX = 5  # letters that two words must share from the start
_SOFT_PART = 5  # a part of a compound is longer than this many letters
_COMPOUND = 9  # letters of the shortest compound


@dataclass(frozen=True, slots=True)
class Features:
    """Measured before MMR; all are 0 when nothing was found.

    Attributes:
        top_cosine: of the nearest chunk; 0 when the question could not be embedded.
        margin: top cosine less the mean of ranks 2 to 10: is the best one special?
        coverage: the largest idf-weighted share of the question's terms in one of the top 5.
        soft_coverage: the same, where a term also counts by its first 5 letters or as part of a
            compound.
        union_coverage: the share of the terms that the top 5 hold together.
        unknown: idf-weighted share of terms that no chunk of the whole index holds.
        lexical_score: best BM25 over the sum of the terms' idf.
        agreement: share of the dense top 5 that is in the lexical top 5 too.
        terms: number of content words in the question.
    """

    top_cosine: float
    margin: float
    coverage: float
    soft_coverage: float
    union_coverage: float
    unknown: float
    lexical_score: float
    agreement: float
    terms: float

    @classmethod
    def nothing(cls) -> Features:
        """Of an empty result."""
        return cls(*(0.0 for _ in fields(cls)))


def measure(
    *,
    terms: Sequence[QueryTerm],
    frequencies: Sequence[int],
    weights: Sequence[float],
    passages: Sequence[StoredChunk],
    dense: Sequence[Hit],
    lexical: Sequence[Hit],
) -> tuple[Features, list[float]]:
    """The features of a search, and each passage's coverage.

    Args:
        terms: the question's content words.
        frequencies: in how many chunks of the index each occurs.
        weights: inverse document frequency of each.
        passages: fused candidates, best first.
        dense: the dense half's ranking.
        lexical: the lexical half's ranking.
    """
    total = sum(weights) or 1.0
    finder = TermFinder(terms)
    texts = [f"{passage.context}\n{passage.text}" for passage in passages]
    found = [
        finder.find(text, passage.document.language)
        for text, passage in zip(texts, passages, strict=True)
    ]
    coverages = [_share(weights, held, total) for held in found]
    top = found[:_TOP]
    union = [any(column) for column in zip(*top, strict=True)]
    soft = [
        _share(weights, _softly(terms, held, text), total)
        for held, text in zip(top, texts, strict=False)
    ]
    unknown = [frequency == 0 for frequency in frequencies]
    cosines = [hit.score for hit in dense[:_MARGIN_RANKS]]
    rest = cosines[1:]
    best = {hit.chunk for hit in dense[:_TOP]}
    features = Features(
        top_cosine=cosines[0] if cosines else 0.0,
        margin=cosines[0] - sum(rest) / len(rest) if rest else 0.0,
        coverage=max(coverages[:_TOP], default=0.0),
        soft_coverage=max(soft, default=0.0),
        union_coverage=_share(weights, union, total) if union else 0.0,
        unknown=_share(weights, unknown, total),
        lexical_score=lexical[0].score / total if lexical else 0.0,
        agreement=len(best & {hit.chunk for hit in lexical[:_TOP]}) / _TOP,
        terms=float(len(terms)),
    )
    return features, coverages


def _share(weights: Sequence[float], marks: Sequence[bool], total: float) -> float:
    return sum(weight for weight, mark in zip(weights, marks, strict=True) if mark) / total


def _softly(terms: Sequence[QueryTerm], held: Sequence[bool], text: str) -> list[bool]:
    """Which terms the text holds at least in part."""
    folded = [fold(word) for word in words(text)]
    line = f" {' '.join(folded)} "
    parts = [word for word in set(folded) if len(word) > _SOFT_PART]
    return [
        hit or any(_occurs_softly(variant, line, parts) for variant in term.variants)
        for hit, term in zip(held, terms, strict=True)
    ]


def _occurs_softly(variant: str, line: str, parts: Sequence[str]) -> bool:
    """A word begins like it, a compound contains it, or it is a compound of one of the words."""
    if len(variant) < _SOFT_PREFIX:
        return False
    return (
        f" {variant[:_SOFT_PREFIX]}" in line
        or (len(variant) > _SOFT_PART and variant in line)
        or (len(variant) >= _COMPOUND and any(part in variant for part in parts))
    )
