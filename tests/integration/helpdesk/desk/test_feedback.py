"""Feedback through the door: given on answers one may see, changed, listed and counted by staff."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.helpdesk.desk.conftest import CITATION, Office
from tests.support import door


def give(office: Office, who: str, answer: str, status: int = 201, **opinion: Any) -> Any:
    return office[who].do("POST", f"/answers/{answer}/feedback", opinion, status=status)


def test_feedback_given_again_replaces_what_was_said_before(office: Office) -> None:
    [answer] = office.talk("visitor").answers
    first = give(office, "visitor", answer, rating="unhelpful", reason="wrong", comment="No.")
    again = give(office, "visitor", answer, status=200, rating="helpful")
    assert (first["rating"], first["reason"], first["comment"]) == ("unhelpful", "wrong", "No.")
    assert (again["rating"], again["reason"], again["comment"]) == ("helpful", None, None)
    assert office.count("feedback") == 1
    assert office.audited("feedback.given") == [
        {"rating": "unhelpful", "reason": "wrong"},
        {"rating": "helpful"},
    ]


def test_each_user_has_an_opinion_of_their_own(office: Office) -> None:
    [answer] = office.talk("viewer").answers
    give(office, "viewer", answer, rating="helpful")
    give(office, "agent", answer, rating="unhelpful", reason="incomplete")
    ratings = {entry["user"]["id"]: entry["rating"] for entry in office["owner"].get("/feedback")}
    assert ratings == {str(office["viewer"].id): "helpful", str(office["agent"].id): "unhelpful"}


def test_the_same_key_gives_the_same_reply_and_another_opinion_under_it_is_refused(
    office: Office,
) -> None:
    [answer] = office.talk("visitor").answers
    path, key = f"/answers/{answer}/feedback", {"Idempotency-Key": "once"}
    replies = [
        office["visitor"].send("POST", path, json={"rating": "helpful"}, headers=key)
        for _ in range(2)
    ]
    assert [reply.status_code for reply in replies] == [201, 201]
    assert replies[0].get_json()["data"] == replies[1].get_json()["data"]
    other = office["visitor"].send("POST", path, json={"rating": "unhelpful"}, headers=key)
    door.error_of(other, 422, "idempotency_key_reused")


@pytest.mark.parametrize("who", ["viewer", "stranger"])
def test_a_colleagues_answer_that_one_may_not_see_does_not_exist(who: str, office: Office) -> None:
    [answer] = office.talk("visitor").answers
    reply = office[who].send("POST", f"/answers/{answer}/feedback", json={"rating": "helpful"})
    door.error_of(reply, 404, "not_found")


def test_another_agencys_answer_does_not_exist(office: Office, other_office: Office) -> None:
    [answer] = office.talk("visitor").answers
    reply = other_office["owner"].send(
        "POST", f"/answers/{answer}/feedback", json={"rating": "helpful"}
    )
    door.error_of(reply, 404, "not_found")
    assert office.count("feedback") == other_office.count("feedback") == 0


def test_a_question_has_no_feedback(office: Office) -> None:
    [question] = office.talk("visitor").questions
    reply = office["visitor"].send(
        "POST", f"/answers/{question}/feedback", json={"rating": "helpful"}
    )
    door.error_of(reply, 404, "not_found")


@pytest.mark.parametrize(
    ("opinion", "field"),
    [
        ({}, "rating"),
        ({"rating": "great"}, "rating"),
        ({"rating": "unhelpful", "reason": "boring"}, "reason"),
        ({"rating": "helpful", "reason": "wrong"}, "reason"),
        ({"rating": "helpful", "comment": ""}, "comment"),
        ({"rating": "helpful", "comment": "x" * 2001}, "comment"),
        ({"rating": "helpful", "stars": 5}, "stars"),
    ],
)
def test_a_wrong_field_is_named(opinion: dict[str, Any], field: str, office: Office) -> None:
    [answer] = office.talk("visitor").answers
    reply = office["visitor"].send("POST", f"/answers/{answer}/feedback", json=opinion)
    assert set(door.fields_of(reply)) == {field}


def test_the_list_shows_each_opinion_with_its_question_and_answer(office: Office) -> None:
    talk = office.talk("visitor", "May I bring skis?", "What does it cost?")
    give(office, "visitor", talk.answers[0], rating="unhelpful", reason="wrong", comment="No.")
    [entry] = office["agent"].get("/feedback")
    assert entry["question"] == "May I bring skis?"
    assert entry["answer"] == "About May I bring skis? [1]"
    assert entry["citations"] == [CITATION]
    assert (entry["conversation_id"], entry["query_type"]) == (talk.id, "pricing")


def test_the_list_is_narrowed_by_rating_reason_and_time(office: Office) -> None:
    answers = [office.talk("visitor").answers[0] for _ in range(3)]
    give(office, "visitor", answers[0], rating="helpful")
    give(office, "visitor", answers[1], rating="unhelpful", reason="wrong")
    give(office, "visitor", answers[2], rating="unhelpful", reason="outdated")

    def listed(**query: Any) -> list[str]:
        return [entry["answer_id"] for entry in office["agent"].get("/feedback", **query)]

    assert listed(rating="helpful") == [answers[0]]
    assert listed(reason="wrong") == [answers[1]]
    assert listed(reason=["outdated", "wrong"]) == [answers[2], answers[1]]
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert listed(since=soon) == []
    assert len(listed(until=soon)) == 3


@pytest.mark.parametrize("who", ["viewer", "visitor"])
@pytest.mark.parametrize("path", ["/feedback", "/feedback/summary"])
def test_only_staff_see_what_others_think(who: str, path: str, office: Office) -> None:
    door.error_of(office[who].send("GET", path), 403, "permission_denied")


def test_pages_show_every_opinion_once_while_others_come_and_change(office: Office) -> None:
    answers = [office.talk("visitor").answers[0] for _ in range(6)]
    for answer in answers:
        give(office, "visitor", answer, rating="helpful")
    seen: list[str] = []
    for page in office["agent"].pages("/feedback", page_size=2):
        seen += [entry["answer_id"] for entry in page]
        give(office, "visitor", office.talk("visitor").answers[0], rating="helpful")
        give(office, "visitor", answers[-1], status=200, rating="unhelpful")
    assert seen == list(reversed(answers))


def test_a_cursor_is_bound_to_its_filters(office: Office) -> None:
    for _ in range(2):
        give(office, "visitor", office.talk("visitor").answers[0], rating="helpful")
    cursor = office["agent"].page("/feedback", page_size=1)["next_cursor"]
    reply = office["agent"].send(
        "GET", "/feedback", query_string={"cursor": cursor, "rating": "helpful"}
    )
    door.error_of(reply, 400, "invalid_cursor")


def test_the_summary_counts_by_query_type_and_reason_the_worst_first(
    office: Office, other_office: Office
) -> None:
    for query_type, opinions in {
        "pricing": ["helpful", "unhelpful"],
        "booking": ["unhelpful", "unhelpful"],
    }.items():
        for rating in opinions:
            [answer] = office.talk("visitor", query_type=query_type).answers
            reason = {"reason": "wrong"} if rating == "unhelpful" else {}
            give(office, "visitor", answer, rating=rating, **reason)
    give(other_office, "visitor", other_office.talk("visitor").answers[0], rating="helpful")
    assert office["owner"].get("/feedback/summary") == {
        "helpful": 1,
        "unhelpful": 3,
        "by_query_type": [
            {"query_type": "booking", "helpful": 0, "unhelpful": 2},
            {"query_type": "pricing", "helpful": 1, "unhelpful": 1},
        ],
        "by_reason": [{"reason": "wrong", "count": 3}],
    }
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert office["owner"].get("/feedback/summary", since=soon)["unhelpful"] == 0


def test_a_time_without_a_zone_is_refused_by_name(office: Office) -> None:
    reply = office["agent"].send("GET", "/feedback", query_string={"since": "2026-01-01T00:00:00"})
    assert set(door.fields_of(reply)) == {"since"}
