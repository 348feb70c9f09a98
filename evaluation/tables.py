"""What the evaluation prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evaluation.baseline import Drop
from evaluation.classification import Classified, accuracy, confusions, grouped
from evaluation.scoring import Outcome, Scores, Target, score

_COLUMNS = {
    "recall": "recall@5",
    "mrr": "MRR@10",
    "span": "span",
    "false_refusals": "false ref.",
    "precision": "refusal p.",
    "refused": "refusal r.",
}
_LABEL = 28
_CELL = 12


def print_answers(split: str, outcomes: Sequence[Outcome]) -> None:
    """The scores of a split by language, query type and agency."""
    titles = ("questions", *_COLUMNS.values(), "foreign")
    print(f"\n{f'answers ({split})':{_LABEL}}" + "".join(f"{title:>{_CELL}}" for title in titles))
    groups: tuple[tuple[str, Callable[[Outcome], str]], ...] = (
        ("language", lambda outcome: outcome.question.language),
        ("query type", lambda outcome: outcome.question.query_type),
        ("agency", lambda outcome: outcome.question.tenant),
    )
    for name, key in groups:
        for value in sorted({key(outcome) for outcome in outcomes}):
            chosen = score(outcome for outcome in outcomes if key(outcome) == value)
            print_row(f"{name} {value}", chosen)
    print_row("all", score(outcomes))


def print_row(label: str, scores: Scores) -> None:
    """One line of scores."""
    cells = "".join(f"{_share(getattr(scores, name)):>{_CELL}}" for name in _COLUMNS)
    print(f"{label:{_LABEL}}{scores.questions:>{_CELL}}{cells}{scores.foreign:>{_CELL}}")


def print_classifier(
    split: str, sets: dict[str, list[Classified]], aside: dict[str, list[Classified]]
) -> None:
    """The classifier's accuracy on some sets of questions, then on all of them in detail.

    Args:
        aside: sets that are only shown.
    """
    print(f"\n{f'classifier ({split})':{_LABEL}}{'questions':>{_CELL}}{'accuracy':>{_CELL}}")
    for name, classified in {**sets, **aside}.items():
        _print_accuracy(name, classified)
    every = [one for classified in sets.values() for one in classified]
    keys: tuple[tuple[str, Callable[[Classified], str]], ...] = (
        ("language", lambda one: one.language),
        ("query type", lambda one: one.wanted),
    )
    for name, key in keys:
        for value, classified in grouped(every, key).items():
            _print_accuracy(f"{name} {value}", classified)
    _print_accuracy("all", every)
    for (wanted, found), count in confusions(every):
        print(f"  {count:3} {wanted} taken for {found}")


def print_misses(outcomes: Sequence[Outcome], classified: Sequence[Classified]) -> None:
    """The questions that went wrong, with what was said."""
    for one in classified:
        if not one.right:
            print(f"\n{one.wanted} taken for {one.found}: {one.question}")
    for outcome in outcomes:
        question = outcome.question
        wrong = (
            not outcome.refused
            if not outcome.answerable
            else outcome.refused or not outcome.found or not outcome.holds_span
        )
        if wrong:
            kind = "refused" if outcome.refused else "answered" if outcome.found else "astray"
            print(f"\n{question.id} {kind}: {question.question}\n  wanted {question.answer_spans}")
            print("  " + outcome.response.text.replace("\n\n", "\n  "))


def print_targets(split: str, measured: dict[str, float | None], targets: Sequence[Target]) -> None:
    """What was wanted and what came."""
    print(f"\n{f'target ({split})':{_LABEL}}{'wanted':>{_CELL}}{'measured':>{_CELL}}")
    for target in targets:
        value = measured[target.name]
        verdict = "met" if target.met(value) else "MISSED" if target.binding else "missed, known"
        print(f"{target.name:{_LABEL}}{target!s:>{_CELL}}{_share(value):>{_CELL}}  {verdict}")


def print_drops(split: str, drops: Sequence[Drop]) -> None:
    """What has become worse than the baseline allows."""
    for drop in drops:
        print(
            f"WORSE than the baseline ({split}): {drop.name} {_share(drop.now)}, "
            f"recorded {_share(drop.recorded)}"
        )
    if not drops:
        print(f"Nothing is worse than the baseline allows ({split}).")


def _print_accuracy(label: str, classified: Sequence[Classified]) -> None:
    print(f"{label:{_LABEL}}{len(classified):>{_CELL}}{_share(accuracy(classified)):>{_CELL}}")


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
