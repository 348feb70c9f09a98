"""Maximal marginal relevance: near to the question, far from what was picked already.

Carbonell & Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering Documents and
Producing Summaries", SIGIR 1998.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def maximal_marginal_relevance(
    query: NDArray[np.float32], vectors: NDArray[np.float32], k: int, lambda_: float
) -> list[int]:
    """Rows of ``vectors`` in the order of picking.

    Each step takes the row with the largest ``lambda_ · cos(row, query) - (1 - lambda_) · max
    cos(row, picked)``; the first of equals. Only the similarity to the newest pick is computed, so
    the whole costs O(k · n · d).

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
    picked = [int(np.argmax(relevance))]
    redundancy = np.full(len(vectors), -np.inf, vectors.dtype)
    weighted = lambda_ * relevance
    while len(picked) < count:
        np.maximum(redundancy, vectors @ vectors[picked[-1]], out=redundancy)
        score = weighted - (1 - lambda_) * redundancy
        score[picked] = -np.inf
        picked.append(int(np.argmax(score)))
    return picked
