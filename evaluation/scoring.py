"""Scores of the helpdesk's answers against labels, per language, query type and agency."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from demo.question_set import Question
from frontdesk.helpdesk.answering import AnswerMode, Response
from frontdesk.helpdesk.passages import stands_in

RECALL_AT = 5
RANKED_AT = 10


@dataclass(frozen=True)
class Outcome:
    """One question and the answer it got.

    Attributes:
        rank: from 1, of the first right document among the documents cited; None when none is.
        holds_span: the answer's text holds an acceptable answer.
        foreign: citations of nothing that was retrieved, or of words that do not stand there.
    """

    question: Question
    response: Response
    rank: int | None
    holds_span: bool
    foreign: int

    @property
    def answerable(self) -> bool:
        return self.question.kind == "answerable"

    @property
    def refused(self) -> bool:
        """Frontdesk's own words for a greeting are no refusal, and no answer either."""
        return self.response.mode is AnswerMode.NO_ANSWER

    @property
    def found(self) -> bool:
        """A right document is among the first five."""
        return self.rank is not None and self.rank <= RECALL_AT

    @property
    def reciprocal_rank(self) -> float:
        """Of the first right document among the first ten; 0 when it is not there."""
        return 0.0 if self.rank is None or self.rank > RANKED_AT else 1 / self.rank


@dataclass(frozen=True)
class Scores:
    """Shares between 0 and 1; None where no question counts.

    Attributes:
        recall: recall@5: answerable questions with a right document among the first five that
            their answer cites. A refusal is a miss, and so are words of Frontdesk's own.
        mrr: MRR@10: the mean of 1 / rank of the first right document among the first ten that an
            answerable question's answer cites, best first, each document once; 0 for a miss.
        span: answers given to answerable questions that hold an acceptable answer.
        false_refusals: answerable questions that got no answer.
        precision: of no answer: refused questions that are indeed unanswerable.
        refused: recall of no answer: unanswerable questions that were refused.
        foreign: citations outside of what was retrieved, a count.
    """

    questions: int
    recall: float | None
    mrr: float | None
    span: float | None
    false_refusals: float | None
    precision: float | None
    refused: float | None
    foreign: int


@dataclass(frozen=True)
class Target:
    """What a score is wanted to reach.

    Attributes:
        binding: missing it fails the evaluation.
    """

    name: str
    at_least: float | None = None
    at_most: float | None = None
    binding: bool = True

    def met(self, value: float | None) -> bool:
        """Whether the score reaches it; one that no question counts for does not."""
        if value is None:
            return False
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )

    def __str__(self) -> str:
        return f"≥ {self.at_least:.2f}" if self.at_least is not None else f"≤ {self.at_most:.2f}"


TARGETS = (
    Target("recall", at_least=0.90),
    Target("span", at_least=0.85),
    Target("false_refusals", at_most=0.05),
    Target("foreign", at_most=0),
    Target("classifier", at_least=0.90),
    Target("classifier_demo", at_least=0.90, binding=False),
    Target("refused", at_least=0.80, binding=False),
)
"""docs/helpdesk.md says why two are missed; what they reached is guarded by the baseline."""


def judge(question: Question, response: Response, files: dict[str, str]) -> Outcome:
    """Compare an answer with its labels.

    Args:
        files: file names by document id.
    """
    cited = list(dict.fromkeys(files[c.document_id] for c in response.citations))
    ranks = [rank for rank, file in enumerate(cited, start=1) if file in question.documents]
    said = _plain(response.text)
    return Outcome(
        question,
        response,
        rank=min(ranks, default=None),
        holds_span=any(_plain(span) in said for span in question.answer_spans),
        foreign=sum(not stands_in(c, response.passages) for c in response.citations),
    )


def score(outcomes: Iterable[Outcome]) -> Scores:
    """The scores of some answers together."""
    every = list(outcomes)
    answerable = [outcome for outcome in every if outcome.answerable]
    answered = [outcome for outcome in answerable if not outcome.refused]
    unanswerable = [outcome for outcome in every if not outcome.answerable]
    refused = [outcome for outcome in every if outcome.refused]
    return Scores(
        questions=len(every),
        recall=_mean([outcome.found for outcome in answerable]),
        mrr=_mean([outcome.reciprocal_rank for outcome in answerable]),
        span=_mean([outcome.holds_span for outcome in answered]),
        false_refusals=_mean([outcome.refused for outcome in answerable]),
        precision=_mean([not outcome.answerable for outcome in refused]),
        refused=_mean([outcome.refused for outcome in unanswerable]),
        foreign=sum(outcome.foreign for outcome in every),
    )


def _plain(text: str) -> str:
    return " ".join(text.split())


def _mean(marks: Sequence[float]) -> float | None:
    return sum(marks) / len(marks) if marks else None
