"""An answer told while it is made, from the first sign of life to the stored reply."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest
from werkzeug.serving import make_server

from frontdesk.http.events import HEARTBEAT_SECONDS, OPENING
from tests.integration.helpdesk.conftest import BAGGAGE_ANSWER, BAGGAGE_QUESTION, Desk
from tests.support import door, sse
from tests.support.scripted_openai import Answer, Behaviour, Half, Hang, ScriptedOpenAI, Stream
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from frontdesk.http.function import HttpFunction
    from tests.integration.knowledge.conftest import Agency
    from tests.support.tenants import Tenant

EVENTS = "text/event-stream"
FIRST = "You may check one suitcase of 23 kilograms [1]."
SECOND = " Skis and bicycles cost 40 EUR each way [2]."
OF_THE_REQUEST = ("conversation_id", "answer_id", "timings")
"""What no two answers share."""


@pytest.fixture
def agent(baggage_agency: Agency) -> str:
    """An agent's token."""
    return baggage_agency.tenant.token("agent")


@dataclass(frozen=True)
class Books:
    """What is stored of the agency."""

    sql: psycopg.Connection
    tenant: Tenant

    def answers(self) -> list[tuple[str, str, str]]:
        """Id, text and mode of each."""
        return self.sql.execute(
            "select id::text, text, mode from app.messages"
            " where tenant_id = %s and role = 'assistant' order by created_at",
            [self.tenant.id],
        ).fetchall()

    def prompt_tokens(self) -> int:
        """Counted for the day."""
        row = self.sql.execute(
            "select used from app.usage_counters"
            " where tenant_id = %s and metric = 'llm_prompt_tokens'",
            [self.tenant.id],
        ).fetchone()
        return int(row[0]) if row else 0


@pytest.fixture
def books(sql: psycopg.Connection, baggage_agency: Agency) -> Books:
    return Books(sql, baggage_agency.tenant)


def next_event(frames: Iterator[bytes]) -> sse.Event:
    """The next one that is no sign of life."""
    while not (told := sse.read(next(frames))).events:
        pass
    return told.events[0]


def comparable(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in OF_THE_REQUEST}


def test_an_extractive_answer_is_told_at_once_and_is_the_one_that_is_stored(
    desk: Desk, agent: str, books: Books
) -> None:
    told = desk.listen(agent, BAGGAGE_QUESTION)

    data = told.last["data"]
    assert told.names[-1] == "final"
    assert told.names[:-1] == ["sentence"] * len(told.names[:-1]) != []
    assert BAGGAGE_ANSWER in told.text
    assert told.text == data["answer"]
    assert told.citations == data["citations"][: len(told.citations)] != []
    assert books.answers() == [(data["answer_id"], told.text, "extractive")]
    assert told.last["success"] is True


def test_without_documents_the_honest_reply_is_told_too(desk: Desk, agency: Agency) -> None:
    told = desk.listen(agency.tenant.token("agent"), BAGGAGE_QUESTION)

    assert told.last["data"]["mode"] == "no_answer"
    assert told.text == told.last["data"]["answer"]
    assert told.citations == []


def test_a_sentence_is_told_while_the_model_still_speaks(
    desk_with_model: Desk, agent: str, model: ScriptedOpenAI
) -> None:
    model.chat(Stream([FIRST, SECOND[:20], SECOND[20:]], hold_after=2))
    reply = desk_with_model.post(agent, BAGGAGE_QUESTION, accept=EVENTS)
    frames = iter(reply.response)

    assert next(frames) == OPENING
    sentence = next_event(frames)
    assert sentence.json["text"] == FIRST
    assert [citation["title"] for citation in sentence.json["citations"]] == [
        "Baggage on Halcyon Air"
    ]
    model.wait_for_held(1)
    model.release()

    rest = sse.read(frames)
    assert rest.names == ["sentence", "final"]
    assert rest.text == SECOND
    assert rest.citations == rest.last["data"]["citations"][1:]  # the first came before
    assert len(rest.citations) == 1
    assert rest.last["data"]["answer"] == FIRST + SECOND
    assert rest.last["data"]["mode"] == "generated"
    reply.close()


@pytest.mark.parametrize(
    "said",
    [
        FIRST,
        FIRST + SECOND,
        f"\n\n {FIRST}\n\n- Skis cost 40 EUR each way [2][2][1].\n- Bicycles too [2].\n",
        f"{FIRST} Three suitcases weigh 99 kilograms [1]. Somebody says so [7].",
        "Nobody knows [9].",
        "As an AI language model I cannot say.",
        "NO_ANSWER",
        "**NO_ANSWER**.",
        f"{FIRST}{SECOND} NO_ANSWER",
        "Ein Koffer von 23 kg ist erlaubt [1]。Skis 40 EUR【2】。",
    ],
)
def test_told_or_whole_the_same_words_of_the_model_make_the_same_answer(
    desk_with_model: Desk, agent: str, model: ScriptedOpenAI, said: str
) -> None:
    model.chat(Answer(said), Stream([said[n : n + 3] for n in range(0, len(said), 3)]))

    whole = desk_with_model.ask(agent, BAGGAGE_QUESTION)
    told = desk_with_model.listen(agent, BAGGAGE_QUESTION)

    assert model.calls("chat") == 2
    assert comparable(told.last["data"]) == comparable(whole)
    if whole["mode"] == "generated":
        assert told.text == whole["answer"]
        assert told.citations == whole["citations"]


@pytest.mark.parametrize(
    ("refusal", "outcome"),
    [
        ("NO_ANSWER", ("no_answer", None)),
        ("NO_ANSWER: the documents do not say.", ("no_answer", None)),
        ("Nobody knows [9]. NO_ANSWER", ("no_answer", None)),
        (f"{FIRST}{SECOND} NO_ANSWER", ("generated", None)),  # what holds was told, and stays
    ],
)
def test_a_refusal_is_no_answer_unless_one_was_given_before_it(
    desk_with_model: Desk,
    agent: str,
    model: ScriptedOpenAI,
    refusal: str,
    outcome: tuple[str, str | None],
) -> None:
    model.chat(Answer(refusal))
    data = desk_with_model.listen(agent, BAGGAGE_QUESTION).last["data"]

    assert (data["mode"], data["degraded_reason"]) == outcome
    assert "NO_ANSWER" not in data["answer"]


@pytest.mark.parametrize("ending", ["cut", "silent"])
def test_half_an_answer_is_replaced_by_the_documents_own_words(
    desk_with_model: Desk,
    agent: str,
    model: ScriptedOpenAI,
    books: Books,
    ending: str,
) -> None:
    model.chat(Stream([FIRST, SECOND[:20]], then=ending))
    told = desk_with_model.listen(agent, BAGGAGE_QUESTION)

    data = told.last["data"]
    assert told.names == ["sentence", "final"]
    assert told.text == FIRST
    assert (data["mode"], data["degraded"]) == ("extractive", True)
    assert data["degraded_reason"] == ("unreachable" if ending == "cut" else "garbage")
    assert not data["answer"].startswith(FIRST)
    assert [text for _, text, _ in books.answers()] == [data["answer"]]
    assert model.calls("chat") == 1
    assert books.prompt_tokens() > 0


def test_half_an_answer_as_json_is_replaced_by_the_documents_own_words(
    desk_with_model: Desk, agent: str, model: ScriptedOpenAI
) -> None:
    model.always(chat=Half(FIRST))
    data = desk_with_model.ask(agent, BAGGAGE_QUESTION)

    assert (data["mode"], data["degraded_reason"]) == ("extractive", "unreachable")
    assert BAGGAGE_ANSWER in data["answer"]


# -- what is known before the stream begins --------------------------------------------------


def test_errors_that_are_known_before_are_plain_ones(
    desk: Desk, agent: str, baggage_agency: Agency
) -> None:
    owners = desk.ask(baggage_agency.tenant.token("owner"), BAGGAGE_QUESTION)["conversation_id"]
    desk.ask(agent, BAGGAGE_QUESTION, key="used")

    def refused(status: int, code: str, token: str = agent, **options: str) -> None:
        question = options.pop("question", BAGGAGE_QUESTION)
        door.error_of(desk.post(token, question, accept=EVENTS, **options), status, code)

    refused(401, "unauthenticated", token="nobody")
    refused(400, "invalid_request", question=" ")
    refused(404, "not_found", conversation=owners)
    refused(422, "idempotency_key_reused", key="used", question="Another one?")


def test_a_conversation_goes_on_in_a_stream(
    desk_with_model: Desk, agent: str, model: ScriptedOpenAI
) -> None:
    model.always(chat=Stream([FIRST]))
    first = desk_with_model.ask(agent, BAGGAGE_QUESTION)["conversation_id"]
    told = desk_with_model.listen(agent, BAGGAGE_QUESTION, conversation=first)

    assert told.last["data"]["conversation_id"] == first
    assert len(model.requests[-1][1]["messages"]) == 4  # instructions, two turns, the question


# -- the same question again -----------------------------------------------------------------


def test_an_answer_that_is_there_is_told_and_not_made_again(
    desk_with_model: Desk,
    agent: str,
    model: ScriptedOpenAI,
    books: Books,
) -> None:
    model.always(chat=Stream([FIRST, SECOND]))
    told = desk_with_model.listen(agent, BAGGAGE_QUESTION, key="once")
    again = desk_with_model.listen(agent, BAGGAGE_QUESTION, key="once")

    assert again.last["data"] == told.last["data"]
    assert (again.text, again.citations) == (told.text, told.citations)
    assert desk_with_model.ask(agent, BAGGAGE_QUESTION, key="once") == told.last["data"]
    assert (model.calls("chat"), len(books.answers())) == (1, 1)


def test_what_fails_after_the_stream_began_is_its_last_event(
    desk_with_model: Desk, agent: str, model: ScriptedOpenAI
) -> None:
    model.chat(Stream([FIRST, SECOND], hold_after=1), Answer(FIRST))
    reply = desk_with_model.post(agent, BAGGAGE_QUESTION, accept=EVENTS, key="contested")
    frames = iter(reply.response)
    next(frames)
    model.wait_for_held(1)
    # Meanwhile another question takes the key.
    desk_with_model.ask(agent, "What do skis cost on Halcyon Air?", key="contested")
    model.release()

    told = sse.read(frames)
    reply.close()
    assert told.names[-1] == "error"
    assert told.last["error"]["code"] == "idempotency_key_reused"
    assert told.last["request_id"] == reply.headers["X-Request-Id"]


def test_who_was_late_with_the_same_question_is_told_the_stored_answer_and_both_are_paid_for(
    desk_with_model: Desk,
    agent: str,
    model: ScriptedOpenAI,
    books: Books,
) -> None:
    model.chat(Stream([FIRST, SECOND], hold_after=1), Answer(FIRST))
    reply = desk_with_model.post(agent, BAGGAGE_QUESTION, accept=EVENTS, key="twice")
    frames = iter(reply.response)
    next(frames)
    model.wait_for_held(1)
    stored = desk_with_model.ask(agent, BAGGAGE_QUESTION, key="twice")
    once = books.prompt_tokens()
    model.release()

    told = sse.read(frames)
    reply.close()
    assert told.last["data"] == stored
    assert len(books.answers()) == 1
    assert books.prompt_tokens() == 2 * once


# -- who leaves ------------------------------------------------------------------------------


@contextmanager
def listening(function: HttpFunction) -> Iterator[str]:
    """The function behind real sockets; its address."""
    application = door.client(function).application
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "behaviour",
    [Hang(), Stream([FIRST, SECOND[:20], SECOND[20:]], hold_after=2)],
    ids=["before a word", "in the middle"],
)
def test_who_hangs_up_stops_the_model_and_nothing_is_stored_but_what_was_spent(
    desk_with_model: Desk,
    agent: str,
    model: ScriptedOpenAI,
    books: Books,
    behaviour: Behaviour,
) -> None:
    model.chat(behaviour)
    key = uuid4().hex
    with listening(desk_with_model.function) as address:
        with httpx.stream(
            "POST",
            f"{address}/v1/helpdesk/ask",
            json={"question": BAGGAGE_QUESTION},
            headers={"Authorization": f"Bearer {agent}", "Accept": EVENTS, "Idempotency-Key": key},
            timeout=20,
        ) as reply:
            assert reply.status_code == 200
            model.wait_for_held(1, timeout=20)
        left = time.monotonic()
        model.wait_for_disconnects(1, timeout=20)
        assert time.monotonic() - left <= 2 * HEARTBEAT_SECONDS + 1

        spent = isinstance(behaviour, Stream)  # a model that said nothing at all bills nothing
        eventually(lambda: (books.prompt_tokens() > 0) == spent)
    assert books.answers() == []

    # Its key is still free.
    model.always(chat=Answer(FIRST))
    assert desk_with_model.ask(agent, BAGGAGE_QUESTION, key=key)["mode"] == "generated"


def test_whoever_leaves_makes_room_for_the_next(
    desk_with_model: Desk, agent: str, model: ScriptedOpenAI
) -> None:
    model.always(chat=Hang())
    streams = []
    for number in range(6):
        reply = desk_with_model.post(agent, BAGGAGE_QUESTION, accept=EVENTS)
        assert next(iter(reply.response)) == OPENING
        streams.append(reply)
        model.wait_for_held(number + 1, timeout=20)

    refused = desk_with_model.post(agent, BAGGAGE_QUESTION, accept=EVENTS)
    assert door.error_of(refused, 429, "rate_limited")["details"] == {"limit": "streams"}
    assert refused.headers["Retry-After"]

    for reply in streams:
        reply.close()
    model.wait_for_disconnects(6)
    model.always(chat=Answer(FIRST))
    assert desk_with_model.listen(agent, BAGGAGE_QUESTION).last["data"]["mode"] == "generated"
