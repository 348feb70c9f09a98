"""Reciprocal ranks add up."""

from __future__ import annotations

import pytest

from frontdesk.knowledge.fusion import reciprocal_rank


def test_an_item_that_both_rankings_list_wins() -> None:
    fused = reciprocal_rank([["a", "b", "c"], ["c", "d"]])
    assert [item for item, _ in fused] == ["c", "a", "b", "d"]
    assert fused[0][1] == pytest.approx(1 / 63 + 1 / 61)


def test_of_equal_sums_the_earlier_ranking_comes_first() -> None:
    assert [item for item, _ in reciprocal_rank([["a"], ["b"]])] == ["a", "b"]


def test_empty_rankings_give_nothing() -> None:
    assert reciprocal_rank([[], []]) == []
