"""Maximal marginal relevance on stored vectors, beside langchain-core's: the same picks, faster.

A unit test holds ours to langchain-core's recorded picks in a thousand random cases; this run holds
the record to langchain-core. After its picks changed: ``python -m bench.mmr`` records them anew.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.harness import Figure, median, paired
from frontdesk.knowledge.mmr import maximal_marginal_relevance
from tests.support import mmr_cases

DIMENSIONS = 768
LAMBDA = 0.5
MICROSECONDS = 1e6
# (candidates, picks, how many times faster than the baseline it has to be)
CASES = ((200, 8, 30), (1000, 8, 30), (200, 50, 60), (1000, 50, 60))


def run() -> list[Figure]:
    """Every case, after checking that both make the same picks in it, and that the record holds.

    Raises:
        AssertionError: the picks differ.
    """
    from langchain_core.vectorstores import utils as langchain

    assert _theirs() == mmr_cases.recorded_picks(), "what was recorded of langchain-core"
    random = np.random.default_rng(20)
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
                note=f"budget: {times} times faster, same picks",
            )
        )
    return figures


def _theirs() -> list[list[int]]:
    """What langchain-core picks in each of the recorded cases."""
    from langchain_core.vectorstores import utils as langchain

    return [
        langchain.maximal_marginal_relevance(
            case.query, list(case.vectors), lambda_mult=case.lambda_, k=case.picks
        )
        for case in mmr_cases.cases()
    ]


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths: NDArray[np.float32] = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / lengths


if __name__ == "__main__":
    mmr_cases.record(_theirs())
