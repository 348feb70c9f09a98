"""Maximal marginal relevance on stored vectors, beside langchain-core's."""

from __future__ import annotations

import numpy as np

from bench.harness import Figure, median, paired
from frontdesk.knowledge.mmr import mmr

DIMENSIONS = 768
LAMBDA = 0.5
MICROSECONDS = 1e6
# (candidates, picks, how many times faster than the baseline it has to be)
CASES = ((200, 8, 30), (1000, 8, 30), (200, 50, 60), (1000, 50, 60))


def run() -> list[Figure]:
    """Every case, after checking that both make the same picks."""
    from langchain_core.vectorstores.utils import maximal_marginal_relevance

    random = np.random.default_rng(20)
    figures = []
    for candidates, picks, times in CASES:
        vectors = _unit(random.standard_normal((candidates, DIMENSIONS), dtype=np.float32))
        query = _unit(random.standard_normal((1, DIMENSIONS), dtype=np.float32))[0]
        rows = list(vectors)
        assert list(mmr(query, vectors, k=picks, lambda_=LAMBDA)) == maximal_marginal_relevance(
            query, rows, lambda_mult=LAMBDA, k=picks
        )
        ours, theirs = paired(
            lambda: mmr(query, vectors, k=picks, lambda_=LAMBDA),  # noqa: B023 -- called at once
            lambda: maximal_marginal_relevance(query, rows, lambda_mult=LAMBDA, k=picks),  # noqa: B023
            rounds=9,
            warmup=1,
        )
        figures.append(
            Figure(
                f"mmr: {picks} of {candidates} × {DIMENSIONS}",
                median(ours) * MICROSECONDS,
                "µs",
                budget=median(theirs) * MICROSECONDS / times,
                baseline=median(theirs) * MICROSECONDS,
                baseline_name="langchain-core",
                note=f"budget: {times} times faster, same picks",
            )
        )
    return figures


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
