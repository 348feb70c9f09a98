"""Frontdesk's own words: for which types, in which language."""

from __future__ import annotations

import pytest

from evaluation.classification import LabelledQuestion, load
from frontdesk.helpdesk.classify import QueryType
from frontdesk.helpdesk.scripted import SCRIPTED, scripted_answer

SAID = {
    QueryType.GREETING: {"en": "trip", "de": "Reise", "fr": "voyage", "es": "viaje"},
    QueryType.HAND_OFF: {"en": "colleague", "de": "Team", "fr": "équipe", "es": "equipo"},
}


@pytest.mark.parametrize(
    "question",
    [q for q in load("dev") if q.query_type in SCRIPTED],
    ids=lambda question: question.question,
)
def test_it_answers_in_the_language_it_is_spoken_to(
    question: LabelledQuestion,
) -> None:
    said = scripted_answer(question.query_type, question.question)
    assert SAID[question.query_type][question.language] in said


@pytest.mark.parametrize("kind", sorted(SCRIPTED))
def test_a_language_without_words_of_its_own_is_answered_in_english(kind: QueryType) -> None:
    assert SAID[kind]["en"] in scripted_answer(kind, "こんにちは")


@pytest.mark.parametrize("kind", sorted(set(QueryType) - SCRIPTED))
def test_a_question_that_is_searched_has_no_script(kind: QueryType) -> None:
    with pytest.raises(KeyError):
        scripted_answer(kind, "Hello")
