"""Reciprocal rank fusion: several rankings become one, without comparing their scores.

Cormack, Clarke & Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank
Learning Methods", SIGIR 2009; the constant 60 is theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

RANK_CONSTANT = 60

T = TypeVar("T", bound="Hashable")


def reciprocal_rank(
    rankings: Iterable[Sequence[T]], *, rank_constant: int = RANK_CONSTANT
) -> list[tuple[T, float]]:
    """Items with the sum of ``1 / (rank_constant + rank)`` over the rankings, best first.

    Ranks start at 1. Of equal sums the item met first comes first: earlier rankings win ties.
    """
    scores: dict[T, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + 1.0 / (rank_constant + rank)
    return sorted(scores.items(), key=lambda entry: -entry[1])
