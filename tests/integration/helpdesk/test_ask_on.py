"""Conversations: one goes on where its user says so, and nobody goes on with somebody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.integration.helpdesk.conftest import BAGGAGE_QUESTION, Desk
from tests.support import door
from tests.support.scripted_openai import Answer, ScriptedOpenAI

if TYPE_CHECKING:
    import psycopg

    from frontdesk.http.function import HttpFunction
    from frontdesk.platform.services import Services
    from tests.integration.knowledge.conftest import Agency

SECOND_QUESTION = "How many suitcases may I check on Halcyon Air?"


def messages(sql: psycopg.Connection, agency: Agency, conversation: str) -> list[tuple[str, str]]:
    """Who said what in a conversation, in its order."""
    return sql.execute(
        "select role, text from app.messages where tenant_id = %s and conversation_id = %s"
        " order by position",
        [agency.tenant.id, conversation],
    ).fetchall()


def test_a_second_question_is_stored_behind_the_first(
    desk: Desk, baggage_agency: Agency, sql: psycopg.Connection
) -> None:
    agent = baggage_agency.tenant.token("agent")
    first = desk.ask(agent, BAGGAGE_QUESTION)
    second = desk.ask(agent, SECOND_QUESTION, conversation=first["conversation_id"])
    assert second["conversation_id"] == first["conversation_id"]
    assert messages(sql, baggage_agency, first["conversation_id"]) == [
        ("user", BAGGAGE_QUESTION),
        ("assistant", first["answer"]),
        ("user", SECOND_QUESTION),
        ("assistant", second["answer"]),
    ]


def test_a_question_that_names_no_conversation_begins_one(
    desk: Desk, baggage_agency: Agency
) -> None:
    agent = baggage_agency.tenant.token("agent")
    first, second = desk.ask(agent, BAGGAGE_QUESTION), desk.ask(agent, SECOND_QUESTION)
    assert first["conversation_id"] != second["conversation_id"]


def test_a_conversation_may_begin_under_an_id_that_the_caller_chose(
    desk: Desk, baggage_agency: Agency, sql: psycopg.Connection
) -> None:
    chosen = str(uuid4())
    reply = desk.ask(baggage_agency.tenant.token("agent"), BAGGAGE_QUESTION, conversation=chosen)
    assert reply["conversation_id"] == chosen
    assert len(messages(sql, baggage_agency, chosen)) == 2


@pytest.mark.parametrize("role", ["viewer", "owner"])
def test_nobody_goes_on_with_a_colleagues_conversation(
    role: str, desk: Desk, baggage_agency: Agency, sql: psycopg.Connection
) -> None:
    begun = desk.ask(baggage_agency.tenant.token("agent"), BAGGAGE_QUESTION)
    reply = desk.post(
        baggage_agency.tenant.token(role),
        SECOND_QUESTION,
        conversation=begun["conversation_id"],
    )
    door.error_of(reply, 404, "not_found")
    assert len(messages(sql, baggage_agency, begun["conversation_id"])) == 2


def test_a_model_is_not_shown_a_conversation_that_may_not_be_continued(
    baggage_agency: Agency, helpdesk: HttpFunction, with_model: Services, model: ScriptedOpenAI
) -> None:
    model.always(chat=Answer("You may check one suitcase of 23 kilograms. [1]"))
    desk = Desk(helpdesk.over(lambda: with_model))
    begun = desk.ask(baggage_agency.tenant.token("agent"), BAGGAGE_QUESTION)
    reply = desk.post(
        baggage_agency.tenant.token("owner"),
        SECOND_QUESTION,
        conversation=begun["conversation_id"],
    )
    door.error_of(reply, 404, "not_found")
    assert model.calls("chat") == 1


def test_an_id_of_another_agencys_conversation_begins_one_of_ones_own(
    desk: Desk, baggage_agency: Agency, other_agency: Agency, sql: psycopg.Connection
) -> None:
    theirs = desk.ask(baggage_agency.tenant.token("agent"), BAGGAGE_QUESTION)["conversation_id"]
    before = messages(sql, baggage_agency, theirs)
    desk.ask(other_agency.tenant.token("agent"), SECOND_QUESTION, conversation=theirs)
    assert messages(sql, baggage_agency, theirs) == before
    assert messages(sql, other_agency, theirs)[0] == ("user", SECOND_QUESTION)


def test_the_model_is_told_what_was_said_before(
    baggage_agency: Agency, helpdesk: HttpFunction, with_model: Services, model: ScriptedOpenAI
) -> None:
    said = "You may check one suitcase of 23 kilograms. [1]"
    model.always(chat=Answer(said))
    desk, agent = Desk(helpdesk.over(lambda: with_model)), baggage_agency.tenant.token("agent")
    first = desk.ask(agent, BAGGAGE_QUESTION)
    desk.ask(agent, SECOND_QUESTION, conversation=first["conversation_id"])
    _, body, _ = model.requests[-1]
    turns = [(message["role"], message["content"]) for message in body["messages"]]
    assert turns[1:3] == [("user", BAGGAGE_QUESTION), ("assistant", first["answer"])]
    assert SECOND_QUESTION in turns[3][1]
