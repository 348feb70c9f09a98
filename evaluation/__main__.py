"""``python -m evaluation``: how good the helpdesk's answers are, and whether that is good enough.

Asks the labelled questions of both agencies, dev and held-out, as a member of staff without a
language model would, and scores what comes back; scores the classifier on them and on the questions
of ``classification.jsonl``. Exits with 1 when the held-out ones miss a binding target or are worse
than the baseline allows; ``--record`` makes what was measured the baseline. ``--misses`` shows the
dev questions that went wrong; the held-out ones stay unseen, so that nobody tunes on them.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from demo import question_set
from evaluation import baseline
from evaluation.classification import (
    CLASSIFICATION,
    PARAPHRASES,
    PRACTICE,
    Classified,
    accuracy,
    classify_demo,
    classify_labelled,
    classify_practice,
    terms_of,
)
from evaluation.laboratory import Laboratory, deadline, open_laboratory, tenant_of
from evaluation.scoring import TARGETS, Outcome, judge, score
from evaluation.tables import (
    print_answers,
    print_classifier,
    print_drops,
    print_misses,
    print_row,
    print_targets,
)
from frontdesk.helpdesk.answering import Responder
from frontdesk.knowledge.index import Filters

Measured = dict[str, float | None]


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
                terms=terms_of(question.tenant),
            ),
            laboratory.files,
        )
        for question in question_set.load(split)
    ]


def measured(
    outcomes: Sequence[Outcome], demo: Sequence[Classified], labelled: Sequence[Classified]
) -> Measured:
    """The scores by name: those of the answers, and the classifier's accuracy on both sets."""
    scores: Measured = asdict(score(outcomes))
    del scores["questions"]
    return {**scores, "classifier": accuracy(labelled), "classifier_demo": accuracy(demo)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 1 when a binding target is missed or something got worse."""
    chosen = _parse(arguments)
    splits = ("dev",) if chosen.dev else question_set.SPLITS
    classified: dict[str, tuple[list[Classified], list[Classified]]] = {}
    for split in splits:
        demo, labelled = classified[split] = classify_demo(split), classify_labelled(split)
        print_classifier(
            split,
            {"the demo agencies'": demo, CLASSIFICATION.name: labelled},
            aside=_aside(split),
        )
    outcomes = _ask(splits)
    if chosen.misses:
        print_misses(outcomes["dev"], [*classified["dev"][0], *classified["dev"][1]])
    scores = {split: measured(outcomes[split], *classified[split]) for split in splits}
    if chosen.json:
        chosen.json.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")
    if chosen.record:
        baseline.write(scores)
    return verdict(splits[-1], scores[splits[-1]], baseline.read())


def _aside(split: str) -> dict[str, list[Classified]]:
    """What the classifier makes of further questions, for information."""
    learnt = {"dev": (PRACTICE, PARAPHRASES)}.get(split, ())
    return {"demo, without own terms": classify_demo(split, with_terms=False)} | {
        file.name: classify_practice(file) for file in learnt
    }


def verdict(split: str, scores: Measured, recorded: dict[str, dict[str, float]]) -> int:
    """Print what was wanted and what became worse; 1 when either is a reason to fail."""
    worse = baseline.drops(scores, recorded[split])
    print_targets(split, scores, TARGETS)
    print_drops(split, worse)
    missed = any(target.binding and not target.met(scores[target.name]) for target in TARGETS)
    return 1 if missed or worse else 0


def _ask(splits: Sequence[str]) -> dict[str, list[Outcome]]:
    """Ask the splits' questions and print how they were answered."""
    logging.disable(logging.WARNING)
    with open_laboratory() as laboratory:
        responder = laboratory.responder()
        outcomes = {split: ask_all(laboratory, responder, split) for split in splits}
        lexical = score(ask_all(laboratory, laboratory.responder(lexical=True), splits[-1]))
    for split, answered in outcomes.items():
        print_answers(split, answered)
    print(f"\n{splits[-1]} without the embedder (lexical search alone), for information")
    print_row("all", lexical)
    return outcomes


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evaluation", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the scores to this file")
    parser.add_argument("--misses", action="store_true", help="show what went wrong on dev")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--dev", action="store_true", help="leave the held-out questions alone")
    either.add_argument("--record", action="store_true", help="make the scores the baseline")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
