"""A question sent again with its Idempotency-Key: the reply it had, and nothing stored twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.integration.helpdesk.conftest import (
    BAGGAGE_ANSWER,
    BAGGAGE_QUESTION,
    BAGGAGE_RULES,
    Desk,
)
from tests.support import door
from tests.support.scripted_openai import Answer, ScriptedOpenAI

if TYPE_CHECKING:
    import psycopg

    from frontdesk.http.function import HttpFunction
    from frontdesk.platform.services import Services
    from tests.integration.helpdesk.conftest import StartProcess
    from tests.integration.knowledge.conftest import Agency

KEY = "asked-once"
NEW_ANSWER = "32 kilograms"


def answers_stored(sql: psycopg.Connection, agency: Agency) -> int:
    row = sql.execute(
        "select count(*) from app.messages where tenant_id = %s and role = 'assistant'",
        [agency.tenant.id],
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_the_same_question_with_the_same_key_has_the_same_reply(
    desk: Desk, baggage_agency: Agency
) -> None:
    agent = baggage_agency.tenant.token("agent")
    first = desk.ask(agent, BAGGAGE_QUESTION, key=KEY)
    assert BAGGAGE_ANSWER in first["answer"]
    assert desk.ask(agent, BAGGAGE_QUESTION, key=KEY) == first


def test_an_answer_is_stored_once_for_its_key(
    desk: Desk, baggage_agency: Agency, sql: psycopg.Connection
) -> None:
    agent = baggage_agency.tenant.token("agent")
    for _ in range(3):
        desk.ask(agent, BAGGAGE_QUESTION, key=KEY)
    assert answers_stored(sql, baggage_agency) == 1


def test_without_a_key_each_question_counts(
    desk: Desk, baggage_agency: Agency, sql: psycopg.Connection
) -> None:
    agent = baggage_agency.tenant.token("agent")
    answers = [desk.ask(agent, BAGGAGE_QUESTION)["answer_id"] for _ in range(2)]
    assert len(set(answers)) == answers_stored(sql, baggage_agency) == 2


def test_the_reply_stays_the_same_when_the_documents_have_changed(
    desk: Desk, baggage_agency: Agency, start_process: StartProcess
) -> None:
    agent = baggage_agency.tenant.token("agent")
    first = desk.ask(agent, BAGGAGE_QUESTION, key=KEY)
    baggage_agency.upload(
        BAGGAGE_RULES.replace(BAGGAGE_ANSWER.encode(), NEW_ANSWER.encode()),
        "new.md",
        visibility="public",
    )
    baggage_agency.index()
    later = start_process()
    assert NEW_ANSWER in later.ask(agent, BAGGAGE_QUESTION, key="another")["answer"]
    assert later.ask(agent, BAGGAGE_QUESTION, key=KEY) == first


def test_asking_again_costs_no_second_answer_of_the_model(
    baggage_agency: Agency, helpdesk: HttpFunction, with_model: Services, model: ScriptedOpenAI
) -> None:
    model.always(chat=Answer("You may check one suitcase of 23 kilograms. [1]"))
    desk, agent = Desk(helpdesk.over(lambda: with_model)), baggage_agency.tenant.token("agent")
    first = desk.ask(agent, BAGGAGE_QUESTION, key=KEY)
    assert desk.ask(agent, BAGGAGE_QUESTION, key=KEY) == first
    assert model.calls("chat") == 1


def test_the_reply_is_found_however_long_the_conversation_has_grown(
    desk: Desk, baggage_agency: Agency, sql: psycopg.Connection
) -> None:
    agent = baggage_agency.tenant.token("agent")
    first = desk.ask(agent, BAGGAGE_QUESTION, key=KEY)
    sql.execute(
        "insert into app.messages (tenant_id, id, conversation_id, position, role, text)"
        " select %s, gen_random_uuid(), %s, 2 + n, 'user', 'And then?'"
        " from generate_series(1, 250) as n",
        [baggage_agency.tenant.id, first["conversation_id"]],
    )
    assert desk.ask(agent, BAGGAGE_QUESTION, key=KEY) == first


def test_another_question_with_the_same_key_is_refused(
    desk: Desk, baggage_agency: Agency, sql: psycopg.Connection
) -> None:
    agent = baggage_agency.tenant.token("agent")
    desk.ask(agent, BAGGAGE_QUESTION, key=KEY)
    reply = desk.post(agent, "May I bring a second suitcase on Halcyon Air?", key=KEY)
    door.error_of(reply, 422, "idempotency_key_reused")
    assert answers_stored(sql, baggage_agency) == 1


def test_a_key_belongs_to_its_user(desk: Desk, baggage_agency: Agency) -> None:
    tokens = [baggage_agency.tenant.token(role) for role in ("agent", "viewer")]
    mine, theirs = (desk.ask(token, BAGGAGE_QUESTION, key=KEY) for token in tokens)
    assert mine["answer_id"] != theirs["answer_id"]
    assert mine["conversation_id"] != theirs["conversation_id"]


def test_of_many_at_once_with_one_key_one_is_stored(
    desk: Desk, baggage_agency: Agency, sql: psycopg.Connection
) -> None:
    agent = baggage_agency.tenant.token("agent")
    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(lambda _: desk.post(agent, BAGGAGE_QUESTION, key=KEY), range(12)))
    answered = [reply for reply in replies if reply.status_code == 200]
    for reply in replies:
        if reply not in answered:
            door.error_of(reply, 409, "idempotency_in_progress")
    assert len({reply.get_json()["data"]["answer_id"] for reply in answered}) == 1
    assert answers_stored(sql, baggage_agency) == 1
