"""What an answer is worth, and what counts for which score."""

from __future__ import annotations

from dataclasses import replace

import pytest

from demo.question_set import Question
from evaluation.scoring import TARGETS, Outcome, Target, judge, score
from frontdesk.helpdesk.answering import AnswerMode, Response
from frontdesk.helpdesk.classify import QueryType
from frontdesk.helpdesk.passages import Citation, Passage

FILES = {f"id-{n}": f"{n}.md" for n in range(1, 13)}
PASSAGES = tuple(Passage(name, name, f"Said in {name}.", "en", 0.5) for name in FILES)
POOL = Question(
    id="q1",
    tenant="coral",
    language="en",
    query_type="hotel_info",
    question="Is there a pool?",
    documents=("3.md",),
    answer_spans=("heated  pool",),
    kind="answerable",
    note="",
)
CASINO = POOL.model_copy(update={"documents": (), "answer_spans": (), "kind": "unanswerable"})


def answer(*cited: int, mode: AnswerMode = AnswerMode.EXTRACTIVE, text: str = "Yes.") -> Response:
    citations = tuple(
        Citation(document_id=f"id-{n}", title=f"id-{n}", quote=f"Said in id-{n}.", score=0.5)
        for n in cited
    )
    return Response(text, mode, QueryType.HOTEL_INFO, citations=citations, passages=PASSAGES)


REFUSAL = answer(mode=AnswerMode.NO_ANSWER, text="I do not know.")
SCRIPT = answer(mode=AnswerMode.SCRIPTED, text="Glad to help!")


def outcome(response: Response, question: Question = POOL) -> Outcome:
    return judge(question, response, FILES)


def test_the_rank_is_that_of_the_first_right_document_each_counted_once() -> None:
    assert outcome(answer(1, 1, 2, 3)).rank == 3
    assert outcome(answer(1, 2)).rank is None


@pytest.mark.parametrize(
    ("cited", "recall", "mrr"),
    [
        ([3], 1.0, 1.0),
        ([1, 2, 3], 1.0, 1 / 3),
        ([1, 2, 4, 5, 6, 3], 0.0, 1 / 6),
        ([1, 2, 4, 5, 6, 7, 8, 9, 10, 3], 0.0, 1 / 10),
        ([1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 3], 0.0, 0.0),
        ([1], 0.0, 0.0),
    ],
)
def test_recall_looks_at_five_documents_and_the_reciprocal_rank_at_ten(
    cited: list[int], recall: float, mrr: float
) -> None:
    scores = score([outcome(answer(*cited))])
    assert (scores.recall, scores.mrr) == (recall, pytest.approx(mrr))


def test_the_mean_reciprocal_rank_counts_a_refusal_as_nothing() -> None:
    scores = score([outcome(answer(3)), outcome(answer(1, 3)), outcome(REFUSAL)])
    assert scores.mrr == pytest.approx((1 + 1 / 2 + 0) / 3)


def test_a_span_is_held_whatever_the_white_space() -> None:
    held, not_held = answer(3, text="A heated\npool."), answer(3, text="A pool, heated.")
    assert score([outcome(held), outcome(not_held)]).span == 0.5
    assert score([outcome(REFUSAL)]).span is None


def test_refusals_have_a_precision_and_a_recall() -> None:
    outcomes = [
        outcome(REFUSAL),
        outcome(answer(3)),
        outcome(REFUSAL, CASINO),
        outcome(REFUSAL, CASINO),
        outcome(answer(1), CASINO),
    ]
    scores = score(outcomes)
    assert scores.precision == pytest.approx(2 / 3)
    assert scores.refused == pytest.approx(2 / 3)
    assert scores.false_refusals == pytest.approx(1 / 2)


def test_words_of_our_own_for_a_real_question_are_a_miss_and_no_refusal() -> None:
    scores = score([outcome(SCRIPT), outcome(SCRIPT, CASINO)])
    assert (scores.recall, scores.mrr, scores.span) == (0, 0, 0)
    assert (scores.false_refusals, scores.refused, scores.precision) == (0, 0, None)


def test_a_citation_of_what_was_not_retrieved_is_foreign() -> None:
    invented = replace(answer(3), passages=PASSAGES[:2])
    assert score([outcome(invented), outcome(answer(3))]).foreign == 1


def test_a_target_is_met_at_its_limit_and_never_by_what_was_not_measured() -> None:
    assert Target("recall", at_least=0.9).met(0.9)
    assert not Target("recall", at_least=0.9).met(0.89)
    assert Target("false_refusals", at_most=0.05).met(0.05)
    assert not Target("false_refusals", at_most=0.05).met(0.06)
    assert not Target("span", at_least=0.85).met(None)


def test_what_people_trust_is_binding() -> None:
    binding = {target.name for target in TARGETS if target.binding}
    assert binding == {"recall", "span", "false_refusals", "foreign", "classifier"}
