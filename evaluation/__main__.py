"""``python -m evaluation``: how good the helpdesk's answers are, and whether that is good enough.

Asks the labelled questions of both agencies, dev and held-out, as a member of staff without a
language model would, and scores what comes back. Exits with 1 when the held-out ones miss a
target. ``--misses`` shows the dev questions that went wrong; the held-out ones stay unseen, so that
nobody tunes on them.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from demo import question_set
from evaluation.laboratory import Laboratory, deadline, open_laboratory, tenant_of
from evaluation.scoring import TARGETS, Outcome, Scores, judge, score
from frontdesk.helpdesk.answering import Responder
from frontdesk.knowledge.index import Filters

_COLUMNS = ("questions", "recall@5", "span", "false ref.", "refused", "foreign")


def ask_all(laboratory: Laboratory, responder: Responder, split: str) -> list[Outcome]:
    """Each question of a split with its answer."""
    return [
        judge(
            question,
            responder.respond(
                question.question,
                tenant_of(question.tenant),
                Filters(),
                request_id=question.id,
                deadline=deadline(),
            ),
            laboratory.files,
        )
        for question in question_set.load(split)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m evaluation", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the scores to this file")
    parser.add_argument("--dev", action="store_true", help="leave the held-out questions alone")
    parser.add_argument("--misses", action="store_true", help="show what went wrong on dev")
    chosen = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    with open_laboratory() as laboratory:
        responder = laboratory.responder()
        splits = ("dev",) if chosen.dev else question_set.SPLITS
        outcomes = {split: ask_all(laboratory, responder, split) for split in splits}
        lexical = score(ask_all(laboratory, laboratory.responder(lexical=True), splits[-1]))
    for split, answered in outcomes.items():
        _print_table(split, answered)
    print(f"\n{splits[-1]} without the embedder (lexical search alone), for information")
    print(_row("all", lexical))
    if chosen.misses:
        _print_misses(outcomes["dev"])
    scores = {split: score(answered) for split, answered in outcomes.items()}
    if chosen.json:
        document = {split: asdict(found) for split, found in scores.items()}
        chosen.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return _print_verdict(splits[-1], scores[splits[-1]])


def _print_table(split: str, outcomes: Sequence[Outcome]) -> None:
    print(f"\n{split:24}" + "".join(f"{name:>12}" for name in _COLUMNS))
    groups: tuple[tuple[str, Callable[[Outcome], str]], ...] = (
        ("language", lambda outcome: outcome.question.language),
        ("query type", lambda outcome: outcome.question.query_type),
        ("agency", lambda outcome: outcome.question.tenant),
    )
    for name, key in groups:
        for value in sorted({key(outcome) for outcome in outcomes}):
            chosen = score(outcome for outcome in outcomes if key(outcome) == value)
            print(_row(f"{name} {value}", chosen))
    print(_row("all", score(outcomes)))


def _row(label: str, scores: Scores) -> str:
    values = (scores.recall, scores.span, scores.false_refusals, scores.refused)
    cells = "".join(f"{'–' if value is None else format(value, '.3f'):>12}" for value in values)
    return f"{label:24}{scores.questions:>12}{cells}{scores.foreign:>12}"


def _print_misses(outcomes: Sequence[Outcome]) -> None:
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


def _print_verdict(split: str, scores: Scores) -> int:
    print(f"\n{f'target ({split})':24}{'wanted':>12}{'measured':>12}")
    for target in TARGETS:
        value = getattr(scores, target.name)
        verdict = "met" if target.met(scores) else "MISSED"
        print(f"{target.name:24}{target!s:>12}{value:>12.3f}  {verdict}")
    return 0 if all(target.met(scores) for target in TARGETS) else 1


if __name__ == "__main__":
    sys.exit(main())
