"""Scores of the helpdesk's answers against labels, per language and query type."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from demo.question_set import Question
from frontdesk.helpdesk.answering import AnswerMode, Response
from frontdesk.helpdesk.passages import stands_in

CITATIONS_LOOKED_AT = 5


@dataclass(frozen=True)
class Outcome:
    """One question and the answer it got.

    Attributes:
        found: a right document is among the first five citations.
        holds_span: the answer's text holds an acceptable answer.
        foreign: citations of nothing that was retrieved, or of words that do not stand there.
    """

    question: Question
    response: Response
    found: bool
    holds_span: bool
    foreign: int

    @property
    def answerable(self) -> bool:
        return self.question.kind == "answerable"

    @property
    def refused(self) -> bool:
        return self.response.mode is AnswerMode.NO_ANSWER


@dataclass(frozen=True)
class Scores:
    """Shares between 0 and 1; None where no question counts.

    Attributes:
        recall: answerable questions with a right document among the first five citations, counting
            a refusal as a miss.
        span: extractive answers to answerable questions that hold an acceptable answer.
        false_refusals: answerable questions that got no answer.
        refused: unanswerable questions that got none.
        foreign: citations outside of what was retrieved, a count.
    """

    questions: int
    recall: float | None
    span: float | None
    false_refusals: float | None
    refused: float | None
    foreign: int


@dataclass(frozen=True)
class Target:
    """What a score must reach."""

    name: str
    at_least: float | None = None
    at_most: float | None = None

    def met(self, scores: Scores) -> bool:
        """Whether the scores reach it; a score that no question counts for does not."""
        value = getattr(scores, self.name)
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
    Target("refused", at_least=0.80),
    Target("foreign", at_most=0),
)


def judge(question: Question, response: Response, files: dict[str, str]) -> Outcome:
    """Compare an answer with its labels.

    Args:
        files: file names by document id.
    """
    cited = [files[c.document_id] for c in response.citations[:CITATIONS_LOOKED_AT]]
    said = _plain(response.text)
    return Outcome(
        question,
        response,
        found=any(document in cited for document in question.documents),
        holds_span=any(_plain(span) in said for span in question.answer_spans),
        foreign=sum(not stands_in(c, response.passages) for c in response.citations),
    )


def score(outcomes: Iterable[Outcome]) -> Scores:
    """The scores of some answers together."""
    every = list(outcomes)
    answerable = [outcome for outcome in every if outcome.answerable]
    extractive = [o for o in answerable if o.response.mode is AnswerMode.EXTRACTIVE]
    unanswerable = [outcome for outcome in every if not outcome.answerable]
    return Scores(
        questions=len(every),
        recall=_share([outcome.found for outcome in answerable]),
        span=_share([outcome.holds_span for outcome in extractive]),
        false_refusals=_share([outcome.refused for outcome in answerable]),
        refused=_share([outcome.refused for outcome in unanswerable]),
        foreign=sum(outcome.foreign for outcome in every),
    )


def _plain(text: str) -> str:
    return " ".join(text.split())


def _share(marks: Sequence[bool]) -> float | None:
    return sum(marks) / len(marks) if marks else None
