"""The questions that the classifier is judged on, and how."""

from __future__ import annotations

from collections import Counter

import pytest

from evaluation.classification import (
    Classified,
    accuracy,
    classify_labelled,
    confusions,
    grouped,
    load,
    terms_of,
)
from frontdesk.helpdesk.classify import QueryType

EVERY = load("dev") + load("heldout")
LANGUAGES = {"en", "de", "fr", "es"}


def classified(wanted: QueryType, found: QueryType, language: str = "en") -> Classified:
    return Classified("?", language, wanted, found)


def test_there_are_enough_questions_of_every_type_in_every_language() -> None:
    assert len(EVERY) >= 160
    assert {(q.language, q.query_type) for q in EVERY} == {
        (language, kind) for language in LANGUAGES for kind in QueryType
    }
    counts = Counter(question.query_type for question in EVERY)
    assert min(counts[QueryType.GREETING], counts[QueryType.HAND_OFF]) >= 20


def test_half_of_them_are_held_out_and_none_is_in_both_halves() -> None:
    assert len(load("dev")) == pytest.approx(len(load("heldout")), abs=1)
    assert len({question.id for question in EVERY}) == len(EVERY)
    assert len({question.question.casefold() for question in EVERY}) == len(EVERY)


def test_the_half_to_learn_from_is_told_apart_well() -> None:
    assert accuracy(classify_labelled("dev")) >= 0.95


def test_accuracy_is_the_share_that_is_right() -> None:
    right = classified(QueryType.PRICING, QueryType.PRICING)
    wrong = classified(QueryType.PRICING, QueryType.BOOKING)
    assert accuracy([right, right, wrong, wrong]) == 0.5
    assert accuracy([]) == 0


def test_confusions_are_counted_by_pair_the_commonest_first() -> None:
    pairs = [(QueryType.PRICING, QueryType.BOOKING)] * 2 + [(QueryType.GENERAL, QueryType.PRICING)]
    assert confusions(
        [classified(*pair) for pair in pairs] + [classified(QueryType.GENERAL, QueryType.GENERAL)]
    ) == [
        ((QueryType.PRICING, QueryType.BOOKING), 2),
        ((QueryType.GENERAL, QueryType.PRICING), 1),
    ]


def test_groups_hold_each_question_once() -> None:
    some = [classified(QueryType.GENERAL, QueryType.GENERAL, language) for language in "aba"]
    assert {key: len(group) for key, group in grouped(some, lambda one: one.language).items()} == {
        "a": 2,
        "b": 1,
    }


@pytest.mark.parametrize("slug", ["coral", "alpine"])
def test_a_demo_agencys_own_terms_are_taken(slug: str) -> None:
    assert [kind for kind, _ in terms_of(slug).by_type] == [QueryType.HOTEL_INFO]
