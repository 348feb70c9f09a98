"""Which sentence answers best, and is that an answer at all? Two small linear models.

The first ranks the sentences (a conditional logit: within one question, the sentence that holds the
answer should win). The second, a logistic regression over how the winner looks and how far it
stands out, gives the probability that the passages hold an answer; below a threshold the helpdesk
says that it does not know. Both are fitted by ``python -m evaluation.calibrate`` on the
labelled development questions, once per embedder and once for lexical search alone; the weights
lie in ``calibration/`` beside this file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from frontdesk.helpdesk.evidence import FEATURES
from frontdesk.helpdesk.question import TermKind
from frontdesk.knowledge import language

if TYPE_CHECKING:
    from collections.abc import Sequence

    from frontdesk.helpdesk.evidence import Evidence
    from frontdesk.knowledge.embedder import Vectors
    from frontdesk.knowledge.features import Features

CALIBRATION_FORMAT: Final = 1
FOLDER: Final = Path(__file__).with_name("calibration")
LEXICAL: Final = "lexical"
"""The calibration for searches without vectors, and for embedders that have none of their own."""

DECISION_FEATURES: Final = (
    "standout",  # 1 when the best sentence is without rival, falling with their number
    "score",  # of the best sentence
    "cosine",  # of the best sentence
    "subject_here",  # the highest among sentences about the right thing in the right month
    "subject_match",  # of the nearest sentences' words
    "unheard",  # words that no document holds and nothing near resembles
    "facility",  # 0 when a facility asked for is named nowhere about the right thing, 1 when it is
    "lead",  # the best score less the mean of the next five
    "top_cosine",  # the highest of any sentence
    "cosine_lead",  # that less the median of all
    "subject_cosine",  # the highest among sentences about the right thing in the right month
    "names_least",  # of the best sentence
    "subject",  # of the best sentence
    "unknown_names",  # weighted share of the names that no document holds
    "unknown_subject",  # the same for the other terms
    "foreign",  # 1 when the question is not in English: cosines run higher there
    "union_coverage",  # of the question's terms by the best passages together
    "agreement",  # of the dense and the lexical half
    "concepts_least",  # of the best sentence
    "month",  # of the best sentence, 0 or less
    "kind",  # of the best sentence, 0 or less
    "foreign_cosine",
)
INTERACTING: Final = 18
"""The first so many decision features also count in pairs: a high cosine means less when the words
of the question were never heard of, and nothing makes up for a hotel that no document names."""

_NEXT: Final = 5


@dataclass(frozen=True, slots=True)
class LinearModel:
    """``bias + weights · z``, where z is ``(x - mean) / scale``, then its products.

    Attributes:
        interacting: the first so many features whose products, squares too, follow in z.
    """

    mean: Vectors
    scale: Vectors
    weights: Vectors
    bias: float
    interacting: int = 0

    def __call__(self, rows: Vectors) -> Vectors:
        """Values (n,) of rows (n, features), where NaN, not measurable, counts as the mean."""
        scaled = expand(np.nan_to_num((rows - self.mean) / self.scale), self.interacting)
        return np.asarray(scaled @ self.weights + self.bias, np.float32)

    def as_json(self, names: Sequence[str]) -> dict[str, Any]:
        """For the calibration file."""
        return {
            "features": list(names),
            "interacting": self.interacting,
            "mean": [round(float(value), 6) for value in self.mean],
            "scale": [round(float(value), 6) for value in self.scale],
            "weights": [round(float(value), 6) for value in self.weights],
            "bias": round(self.bias, 6),
        }

    @classmethod
    def from_json(cls, document: dict[str, Any], names: Sequence[str]) -> LinearModel:
        """Read what `as_json` wrote.

        Raises:
            ValueError: it was fitted on other features than this code measures.
        """
        if document["features"] != list(names):
            raise ValueError("The calibration was fitted on other features; calibrate anew.")
        mean, scale, weights = (
            np.asarray(document[key], np.float32) for key in ("mean", "scale", "weights")
        )
        return cls(mean, scale, weights, float(document["bias"]), int(document["interacting"]))


def expand(scaled: Vectors, interacting: int) -> Vectors:
    """Rows with the pairwise products of their first columns behind them."""
    if not interacting:
        return scaled
    first, second = np.triu_indices(interacting)
    return np.concatenate([scaled, scaled[:, first] * scaled[:, second]], axis=1)


@dataclass(frozen=True, slots=True)
class Calibration:
    """The fitted models of one embedder.

    Attributes:
        threshold: probability from which on the passages are said to hold an answer.
    """

    sentences: LinearModel
    decision: LinearModel
    threshold: float

    def rank(self, evidence: Evidence) -> Vectors:
        """A score for each sentence; only differences within one question mean something."""
        return self.sentences(evidence.features)

    def probability(self, evidence: Evidence, scores: Vectors, features: Features) -> float:
        """How likely the passages hold an answer, 0 to 1."""
        if not evidence.sentences:
            return 0.0
        row = decision_row(evidence, scores, features)
        return float(1 / (1 + np.exp(-self.decision(row[np.newaxis])[0])))


def decision_row(evidence: Evidence, scores: Vectors, features: Features) -> Vectors:
    """`DECISION_FEATURES` of a question, float32 (features,); NaN where none can be measured."""
    order = np.argsort(-scores, kind="stable")
    best = order[0]
    column = {name: evidence.column(name) for name in FEATURES}
    terms = evidence.question.terms
    total = evidence.question.weight
    about = evidence.about
    rivals = order[1 : 1 + _NEXT]
    # A document of one sentence has nothing to stand out from: neither good nor bad.
    alone = not len(rivals)
    foreign = float(language.detect(evidence.question.text) != language.DEFAULT)
    return np.asarray(
        (
            1 / np.sqrt(np.exp(scores - scores[best]).sum()),
            scores[best],
            column["cosine"][best],
            column["subject_here"][about].max(initial=0.0),
            evidence.wording.subject_match,
            evidence.wording.unheard,
            evidence.wording.facility,
            np.nan if alone else scores[best] - scores[rivals].mean(),
            column["cosine"].max(),
            np.nan if alone else column["cosine"].max() - np.median(column["cosine"]),
            column["subject_cosine"][about].max(initial=0.0),
            column["names_least"][best],
            column["subject"][best],
            sum(t.weight for t in terms if t.kind is TermKind.NAME and t.unknown) / total,
            sum(t.weight for t in terms if _unknown_subject(t.kind, t.unknown, t.concepts)) / total,
            foreign,
            features.union_coverage,
            features.agreement,
            column["concepts_least"][best],
            min(column["month"][best], 0.0),
            min(column["kind"][best], 0.0),
            foreign * column["cosine"].max(),
        ),
        np.float32,
    )


def _unknown_subject(kind: TermKind, unknown: bool, concepts: frozenset[int]) -> bool:
    return kind is TermKind.SUBJECT and unknown and not concepts


@cache
def calibration_for(embedder_id: str | None) -> Calibration:
    """The calibration of an embedder, or the lexical one when it has none."""
    path = calibration_path(embedder_id) if embedder_id else calibration_path(LEXICAL)
    if not path.exists():
        path = calibration_path(LEXICAL)
    document = json.loads(path.read_text(encoding="utf-8"))
    if document["format"] != CALIBRATION_FORMAT:
        raise ValueError(f"{path.name} has format {document['format']}; calibrate anew.")
    return Calibration(
        LinearModel.from_json(document["sentences"], FEATURES),
        LinearModel.from_json(document["decision"], DECISION_FEATURES),
        float(document["threshold"]),
    )


def has_calibration(embedder_id: str) -> bool:
    """Whether this embedder's cosines were calibrated."""
    return calibration_path(embedder_id).exists()


def calibration_path(embedder_id: str) -> Path:
    """Where an embedder's calibration lies."""
    return FOLDER / f"{embedder_id.replace('/', '-').replace('@', '-')}.json"
