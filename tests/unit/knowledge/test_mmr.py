"""MMR picks what its definition says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from frontdesk.knowledge.mmr import maximal_marginal_relevance
from tests.support.mmr_cases import cases, recorded_picks

if TYPE_CHECKING:
    from numpy.typing import NDArray


def unit_vectors(seed: int, count: int, dimensions: int) -> NDArray[np.float32]:
    made = np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def by_definition(
    query: NDArray[np.float32], vectors: NDArray[np.float32], k: int, lambda_: float
) -> list[int]:
    """The quadratic form, pair by pair, as in the paper."""
    picked = [int(np.argmax(vectors @ query))]
    while len(picked) < min(k, len(vectors)):
        scores = {
            row: lambda_ * float(vectors[row] @ query)
            - (1 - lambda_) * max(float(vectors[row] @ vectors[other]) for other in picked)
            for row in range(len(vectors))
            if row not in picked
        }
        picked.append(max(scores, key=lambda row: scores[row]))
    return picked


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(1, 12), st.floats(0, 1))
def test_picks_equal_the_definition(seed: int, count: int, k: int, lambda_: float) -> None:
    query, *rows = unit_vectors(seed, count + 1, 16)
    vectors = np.array(rows)
    assert maximal_marginal_relevance(query, vectors, k, lambda_) == by_definition(
        query, vectors, k, lambda_
    )


def test_picks_equal_langchain_cores_in_a_thousand_random_cases() -> None:
    ours = [list(maximal_marginal_relevance(*case)) for case in cases()]
    assert len(ours) == 1_000
    assert ours == recorded_picks()


def test_a_twin_of_the_best_is_passed_over_for_something_new() -> None:
    query = np.array([1, 0, 0], np.float32)
    vectors = np.array([[0.9, 0.436, 0], [0.9, 0.436, 0], [0.8, 0, 0.6]], np.float32)
    assert maximal_marginal_relevance(query, vectors, 2, 0.5) == [0, 2]
    assert maximal_marginal_relevance(query, vectors, 2, 1.0) == [0, 1]


def test_nothing_to_pick_from_gives_nothing() -> None:
    query = unit_vectors(1, 1, 3)[0]
    assert maximal_marginal_relevance(query, np.empty((0, 3), np.float32), 5, 0.5) == []
    assert maximal_marginal_relevance(query, unit_vectors(2, 3, 3), 0, 0.5) == []
