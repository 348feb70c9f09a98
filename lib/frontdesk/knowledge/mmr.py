"""Maximal marginal relevance: near to the question, far from what was picked already.

Carbonell & Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering Documents and
Producing Summaries", SIGIR 1998.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Candidates per pick up to which the matrix product is the faster way, measured at d = 768.
_FEW = 4


def maximal_marginal_relevance(
    query: NDArray[np.float32], vectors: NDArray[np.float32], k: int, lambda_: float
) -> list[int]:
    """Rows of ``vectors`` in the order of picking.

    Each step takes the row with the largest ``lambda_ · cos(row, query) - (1 - lambda_) · max
    cos(row, picked)``; the first of equals. Only the similarity to the newest pick is needed, so
    the whole costs O(k · n · d). Where most rows will be picked, all similarities in one matrix
    product cost the same order and half the time.

    Args:
        query: unit vector, float32 (d,).
        vectors: unit vectors, float32 (n, d).
        k: how many to pick; fewer when there are fewer rows.
        lambda_: 1 is relevance alone, 0 is diversity alone.
    """
    count = min(k, len(vectors))
    if count <= 0:
        return []
    relevance = vectors @ query
    weighted = lambda_ * relevance
    # value = weighted - (1 - lambda_) · the largest similarity to a pick, kept as the smallest so
    # far of that difference: one pass a pick.
    value = np.full(len(vectors), np.inf, vectors.dtype)
    among_all = None
    if len(vectors) <= _FEW * count:
        among_all = vectors @ vectors.T
        among_all *= lambda_ - 1
        among_all += weighted
    newest = int(relevance.argmax())
    picked = [newest]
    while len(picked) < count:
        against_newest = (
            weighted - vectors @ ((1 - lambda_) * vectors[newest])
            if among_all is None
            else among_all[newest]
        )
        np.minimum(value, against_newest, out=value)
        value[newest] = -np.inf  # never picked again
        newest = int(value.argmax())
        picked.append(newest)
    return picked
