"""``python -m evaluation.calibrate``: fit what decides between an answer and "I don't know".

It learns from the development questions, from ``practice.jsonl`` (short, plain questions as
visitors type them) and from ``paraphrases.jsonl`` (questions that hardly share a word with their
answer), never from the held-out ones. A question is also asked once more without the passages that
answer it: a near miss by construction, at a smaller weight.

The decision is fitted on rankings by models that did not see the question, and the threshold is
chosen on probabilities of models that did not see it either (cross-validation), so that it holds
for questions nobody saw.
"""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demo import question_set
from evaluation.classification import PARAPHRASES, PRACTICE, terms_of
from evaluation.fitting import Rows, conditional_logit, logistic
from evaluation.laboratory import Laboratory, deadline, open_laboratory, tenant_of
from frontdesk.helpdesk.evidence import FEATURES, Evidence
from frontdesk.helpdesk.relevance import (
    CALIBRATION_FORMAT,
    DECISION_FEATURES,
    INTERACTING,
    LEXICAL,
    LinearModel,
    calibration_path,
    decision_row,
)
from frontdesk.knowledge.features import Features
from frontdesk.knowledge.index import Filters

FOLDS = 10
ROUNDS = 4
RANKING_L2 = 3.0
DECISION_L2 = 60.0
FALSE_REFUSALS = 0.03  # of the development questions that have an answer; the target is 0.05
LABELLED_WEIGHT, PRACTICE_WEIGHT, PARAPHRASE_WEIGHT = 2.0, 1.0, 0.3
WITHHELD_WEIGHT = 0.15  # of a question whose answer was withheld, times its own
UNANSWERABLE_SHARE = 1.0  # weight of all that have no answer against all that have one


@dataclass(frozen=True)
class Example:
    """A question with what was found for it.

    Attributes:
        holds: which sentences hold the answer.
        passage_holds: which candidates do.
        labelled: it is one of the development questions, on which the result is reported.
        weight: how much it teaches.
    """

    evidence: Evidence
    features: Features
    holds: NDArray[np.bool_]
    answerable: bool
    labelled: bool
    weight: float

    @property
    def rows(self) -> Rows:
        """The sentences' features."""
        return self.evidence.features.astype(np.float64)

    def withheld(self) -> Example | None:
        """The same question without the passages that answer it; None when little is left."""
        answering = {
            s.candidate
            for s, holds in zip(self.evidence.sentences, self.holds, strict=True)
            if holds
        }
        kept = [n for n, s in enumerate(self.evidence.sentences) if s.candidate not in answering]
        if not self.answerable or not answering or len(kept) < FOLDS:
            return None
        evidence = replace(
            self.evidence,
            sentences=tuple(self.evidence.sentences[row] for row in kept),
            features=self.evidence.features[kept],
        )
        return replace(
            self, evidence=evidence, holds=np.zeros(len(kept), np.bool_), answerable=False
        )


def read_examples(laboratory: Laboratory, *, lexical: bool) -> list[Example]:
    """Ask all questions that may be learnt from."""
    asked = [
        (q.tenant, q.question, q.answer_spans, LABELLED_WEIGHT) for q in question_set.load("dev")
    ]
    for file, weight in ((PRACTICE, PRACTICE_WEIGHT), (PARAPHRASES, PARAPHRASE_WEIGHT)):
        asked += [
            (q["tenant"], q["question"], tuple(q["answer_spans"]), weight)
            for q in map(json.loads, file.read_text(encoding="utf-8").splitlines())
        ]
    finder = laboratory.finder(lexical=lexical)
    examples = []
    for tenant, question, spans, weight in asked:
        gathered = finder.gather(
            question,
            tenant_of(tenant),
            Filters(),
            terms=terms_of(tenant),
            deadline=deadline(),
        )
        if gathered.evidence is None:
            continue  # without a single passage there is nothing to weigh
        holds = [
            any(span in sentence.text for span in spans) for sentence in gathered.evidence.sentences
        ]
        examples.append(
            Example(
                gathered.evidence,
                gathered.retrieval.features,
                np.asarray(holds, np.bool_),
                answerable=bool(spans),
                labelled=weight == LABELLED_WEIGHT,
                weight=weight,
            )
        )
    return examples


def fit(examples: list[Example], seed: int = 0) -> dict[str, Any]:
    """The calibration document."""
    rng = np.random.default_rng(seed)
    chances = np.zeros(len(examples))
    training: list[tuple[Rows, NDArray[np.bool_], Rows]] = []
    for _ in range(ROUNDS):
        fold = rng.permutation(len(examples)) % FOLDS
        rows, withheld = _cross_ranked(examples, fold)
        for number in range(FOLDS):
            inside = fold != number
            model = _decision(_table(examples, rows, withheld, inside), DECISION_L2)
            chances[~inside] += _chance(model, rows[~inside]) / ROUNDS
        training.append(_table(examples, rows, withheld, np.ones(len(examples), np.bool_)))
    rows, known, weights = (np.concatenate(parts) for parts in zip(*training, strict=True))
    decision = _decision((rows, known, weights), DECISION_L2 * ROUNDS)
    threshold, refusals, refused = _threshold(examples, chances)
    ranking = conditional_logit([(e.rows, e.holds) for e in examples], RANKING_L2)
    return {
        "format": CALIBRATION_FORMAT,
        "sentences": ranking.as_json(FEATURES),
        "decision": decision.as_json(DECISION_FEATURES),
        "threshold": round(threshold, 4),
        "cross_validated": {
            "questions": sum(e.labelled for e in examples),
            "false_refusals": round(refusals, 3),
            "refused": round(refused, 3),
        },
    }


def _cross_ranked(
    examples: list[Example], fold: NDArray[np.int64]
) -> tuple[Rows, list[Rows | None]]:
    """Each question's decision row, and its withheld twin's, by a ranking that saw neither."""
    rows = np.zeros((len(examples), len(DECISION_FEATURES)))
    withheld: list[Rows | None] = [None] * len(examples)
    for number in range(FOLDS):
        seen = [e for e, f in zip(examples, fold, strict=True) if f != number]
        ranking = conditional_logit([(e.rows, e.holds) for e in seen], RANKING_L2)
        for position in np.flatnonzero(fold == number):
            rows[position] = _row(examples[position], ranking)
            twin = examples[position].withheld()
            withheld[position] = None if twin is None else _row(twin, ranking)
    return rows, withheld


def _row(example: Example, ranking: LinearModel) -> Rows:
    scores = ranking(example.evidence.features)
    return decision_row(example.evidence, scores, example.features).astype(np.float64)


def _table(
    examples: list[Example], rows: Rows, withheld: list[Rows | None], inside: NDArray[np.bool_]
) -> tuple[Rows, NDArray[np.bool_], Rows]:
    """Rows, whether they have an answer, and their weights."""
    known = np.asarray([e.answerable for e in examples])[inside]
    weights = np.asarray([e.weight for e in examples])
    taught = weights[inside]
    balance = UNANSWERABLE_SHARE * taught[known].sum() / taught[~known].sum()
    twins = [n for n, row in enumerate(withheld) if inside[n] and row is not None]
    return (
        np.concatenate([rows[inside], np.asarray([withheld[n] for n in twins])]),
        np.r_[known, np.zeros(len(twins), np.bool_)],
        np.r_[taught * np.where(known, 1.0, balance), WITHHELD_WEIGHT * weights[twins]],
    )


def _decision(table: tuple[Rows, NDArray[np.bool_], Rows], l2: float) -> LinearModel:
    return logistic(*table, l2=l2, interacting=INTERACTING)


def _chance(model: LinearModel, rows: Rows) -> Rows:
    chance: Rows = 1 / (1 + np.exp(-model(rows.astype(np.float32)).astype(np.float64)))
    return chance


def _threshold(examples: list[Example], chances: Rows) -> tuple[float, float, float]:
    """The threshold, and what it does to the development questions."""
    labelled = np.asarray([e.labelled for e in examples])
    known = np.asarray([e.answerable for e in examples])
    threshold = float(np.quantile(chances[labelled & known], FALSE_REFUSALS))
    return (
        threshold,
        float((chances[labelled & known] < threshold).mean()),
        float((chances[labelled & ~known] < threshold).mean()),
    )


def main() -> int:
    """Write both calibrations."""
    logging.disable(logging.WARNING)
    with open_laboratory() as laboratory:
        for lexical in (False, True):
            name = LEXICAL if lexical else laboratory.embedder.id
            document = {"calibrated_for": name, **fit(read_examples(laboratory, lexical=lexical))}
            path = calibration_path(name)
            path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
            print(f"{path.name}: threshold {document['threshold']}, {document['cross_validated']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
