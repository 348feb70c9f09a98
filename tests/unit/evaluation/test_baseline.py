"""What counts as worse than the recorded baseline."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from evaluation import baseline
from evaluation.__main__ import verdict
from evaluation.baseline import Drop, NoBaseline, drops

if TYPE_CHECKING:
    from pathlib import Path

RECORDED = {
    "recall": 0.95,
    "mrr": 0.80,
    "span": 0.92,
    "false_refusals": 0.03,
    "precision": 0.9,
    "refused": 0.62,
    "foreign": 0,
    "classifier": 0.95,
    "classifier_demo": 0.8,
}
SAME: dict[str, float | None] = dict(RECORDED)


def now(**changes: float | None) -> dict[str, float | None]:
    return {**SAME, **changes}


@pytest.mark.parametrize("name", ["recall", "mrr", "span", "precision", "refused", "classifier"])
def test_a_share_may_fall_by_two_points_and_not_by_more(name: str) -> None:
    assert drops(now(**{name: RECORDED[name] - 0.02}), RECORDED) == []
    fallen = RECORDED[name] - 0.021
    assert drops(now(**{name: fallen}), RECORDED) == [Drop(name, RECORDED[name], fallen)]


def test_false_refusals_may_rise_by_two_points_and_not_by_more() -> None:
    assert drops(now(false_refusals=0.05), RECORDED) == []
    assert [drop.name for drop in drops(now(false_refusals=0.051), RECORDED)] == ["false_refusals"]


def test_a_single_foreign_citation_more_is_worse() -> None:
    assert [drop.name for drop in drops(now(foreign=1), RECORDED)] == ["foreign"]


def test_what_can_no_longer_be_measured_is_worse() -> None:
    assert drops(now(precision=None), RECORDED) == [Drop("precision", 0.9, None)]


def test_getting_better_is_never_worse() -> None:
    better = now(recall=1.0, mrr=1.0, false_refusals=0.0, refused=1.0)
    assert drops(better, RECORDED) == []


def test_what_is_recorded_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    baseline.write({"heldout": now(precision=None, mrr=0.87654321)}, path)
    assert baseline.read(path)["heldout"]["mrr"] == 0.8765
    assert "precision" not in baseline.read(path)["heldout"]


@pytest.mark.parametrize("text", [None, json.dumps({"format": 0, "splits": {}})])
def test_without_a_baseline_that_can_be_read_nothing_passes(
    tmp_path: Path, text: str | None
) -> None:
    path = tmp_path / "baseline.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(NoBaseline):
        baseline.read(path)


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({}, 0, "Nothing is worse"),
        ({"mrr": 0.75}, 1, "WORSE than the baseline (heldout): mrr 0.750, recorded 0.800"),
        ({"refused": 0.55}, 1, "WORSE than the baseline (heldout): refused"),
        ({"classifier": 0.94}, 0, "Nothing is worse"),
        ({"classifier_demo": 0.77}, 1, "WORSE than the baseline (heldout): classifier_demo"),
    ],
)
def test_a_drop_fails_the_evaluation_and_is_named(
    changes: dict[str, float], status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verdict("heldout", now(**changes), {"heldout": RECORDED}) == status
    assert says in capsys.readouterr().out


def test_a_missed_target_fails_the_evaluation_even_where_the_baseline_missed_it_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    low = {**RECORDED, "recall": 0.89}
    assert verdict("heldout", now(recall=0.89), {"heldout": low}) == 1
    assert "MISSED" in capsys.readouterr().out


def test_a_baseline_is_recorded_for_both_splits() -> None:
    recorded = baseline.read()
    assert set(recorded) == {"dev", "heldout"}
    assert set(recorded["heldout"]) == set(RECORDED)
