"""Maximal marginal relevance on stored vectors, beside langchain-core's: the same picks, faster.

The comparison of picks stands here and not among the tests: langchain-core brings langsmith, whose
pytest plugin would be loaded by every run of the tests.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.harness import Figure, median, paired
from frontdesk.knowledge.mmr import maximal_marginal_relevance

DIMENSIONS = 768
LAMBDA = 0.5
MICROSECONDS = 1e6
# (candidates, picks, how many times faster than the baseline it has to be)
CASES = ((200, 8, 30), (1000, 8, 30), (200, 50, 60), (1000, 50, 60))


COMPARED = 1_000  # random cases in which both have to make the same picks


def run() -> list[Figure]:
    """Every case, after checking that both make the same picks in it and in `COMPARED` others.

    Raises:
        AssertionError: the picks differ.
    """
    from langchain_core.vectorstores import utils as langchain

    random = np.random.default_rng(20)
    for case in range(COMPARED):
        _compare(random, case)
    figures = []
    for candidates, picks, times in CASES:
        vectors = _unit(random.standard_normal((candidates, DIMENSIONS), dtype=np.float32))
        query = _unit(random.standard_normal((1, DIMENSIONS), dtype=np.float32))[0]
        rows = list(vectors)
        ours_call = partial(maximal_marginal_relevance, query, vectors, k=picks, lambda_=LAMBDA)
        theirs_call = partial(
            langchain.maximal_marginal_relevance, query, rows, lambda_mult=LAMBDA, k=picks
        )
        assert list(ours_call()) == theirs_call(), "the same picks"
        ours, theirs = paired(
            ours_call,
            theirs_call,
            rounds=7,
            calls=3,
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
                note=f"budget: {times} times faster, same picks, also in {COMPARED:,} others",
            )
        )
    return figures


def _compare(random: np.random.Generator, case: int) -> None:
    """One random case: 1 to 80 candidates of 4 to 128 dimensions, 1 to 20 picks, any λ."""
    from langchain_core.vectorstores import utils as langchain

    count, dimensions, picks = (
        int(random.integers(*span)) for span in ((1, 81), (4, 129), (1, 21))
    )
    lambda_ = float(random.random())
    vectors = _unit(random.standard_normal((count, dimensions), dtype=np.float32))
    query = _unit(random.standard_normal((1, dimensions), dtype=np.float32))[0]
    ours = maximal_marginal_relevance(query, vectors, picks, lambda_)
    theirs = langchain.maximal_marginal_relevance(
        query, list(vectors), lambda_mult=lambda_, k=picks
    )
    assert list(ours) == theirs, f"case {case}: {count} × {dimensions}, {picks} picks, λ {lambda_}"


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths: NDArray[np.float32] = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / lengths
