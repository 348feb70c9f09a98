"""A language model that hangs, drips, refuses, talks garbage or stays away for a minute: everybody
is answered in time, from the documents, and the model is spared."""

from __future__ import annotations

import gc
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import SecretStr

from frontdesk.helpdesk.answering import AnswerMode, Responder, Response, responder_of
from frontdesk.helpdesk.findings import Finder, Findings
from frontdesk.knowledge.embedders import Embedders
from frontdesk.knowledge.index import Filters
from frontdesk.knowledge.retrieve import Retriever
from frontdesk.platform.events import Publisher
from frontdesk.platform.llm import LanguageModel
from frontdesk.platform.resilience import Deadline, breaker_states
from frontdesk.platform.services import Services
from frontdesk.platform.settings import Settings
from frontdesk.platform.storage import ObjectStore
from tests.integration.helpdesk.conftest import (
    BAGGAGE_ANSWER,
    BAGGAGE_QUESTION,
    BAGGAGE_RULES,
    Desk,
)
from tests.integration.knowledge.conftest import Agency
from tests.support.clock import ManualClock
from tests.support.pubsub import FakePubSub
from tests.support.scripted_openai import (
    Answer,
    Behaviour,
    Drip,
    Fail,
    Garbage,
    Hang,
    OutOfQuota,
    RateLimited,
    ScriptedOpenAI,
    Stream,
)
from tests.unit.helpdesk.builders import Library
from tests.unit.knowledge.builders import TENANT
from tests.unit.knowledge.fakes import WordEmbedder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from frontdesk.http.function import HttpFunction
    from frontdesk.local.storage.server import StorageServer
    from tests.support.tenants import TenantFactory

SAID = "You may check one suitcase of 23 kilograms [1]."
TIME_OUT = 6.0
DEADLINE = TIME_OUT * 0.9
"""What the door gives a handler of a function with that time-out."""

PER_SECOND = 50
MINUTE = 60
EXTRA_CALLS = 1.10
"""Calls that the model may get for each question at most."""


Ask = Callable[[Desk, str], dict[str, Any]]


@pytest.fixture(params=["json", "events"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Asks the baggage question, in one way and the other."""

    def ask(desk: Desk, token: str) -> dict[str, Any]:
        if request.param == "json":
            return desk.ask(token, BAGGAGE_QUESTION)
        told = desk.listen(token, BAGGAGE_QUESTION)
        data: dict[str, Any] = told.last["data"]
        assert told.text in {data["answer"], ""} or data["mode"] != "generated"
        return data

    return ask


AskedOfModel = Callable[[], dict[str, Any]]


@pytest.fixture
def asked_of_model(desk_with_model: Desk, baggage_agency: Agency, ask: Ask) -> AskedOfModel:
    """The answer of an agent's own agency that has a model."""
    return lambda: ask(desk_with_model, baggage_agency.tenant.token("agent"))


@pytest.fixture
def hurried(helpdesk: HttpFunction, with_model: Services, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A process of a function with a short time-out."""
    monkeypatch.setenv("FRONTDESK_FUNCTION_TIMEOUT", str(TIME_OUT))
    return Desk(helpdesk.over(lambda: with_model))


@contextmanager
def feeding(model: ScriptedOpenAI) -> Iterator[None]:
    """A byte every now and then to whoever waits for one."""
    done = threading.Event()

    def feed() -> None:
        while not done.wait(0.02):
            model.release_one()

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        yield
    finally:
        done.set()
        feeder.join()


@pytest.mark.parametrize("behaviour", [Hang(), Drip()], ids=["hangs", "drips"])
def test_a_model_that_does_not_end_costs_no_more_than_the_deadline(
    hurried: Desk, baggage_agency: Agency, model: ScriptedOpenAI, ask: Ask, behaviour: Behaviour
) -> None:
    agent = baggage_agency.tenant.token("agent")
    hurried.ask(agent, BAGGAGE_QUESTION)  # the index is loaded
    model.always(chat=behaviour)

    with feeding(model) if behaviour == Drip() else nullcontext():
        asked = time.monotonic()
        data = ask(hurried, agent)
        elapsed = time.monotonic() - asked

    assert elapsed <= DEADLINE + 0.2
    assert (data["mode"], data["degraded_reason"]) == ("extractive", "timeout")
    assert BAGGAGE_ANSWER in data["answer"]
    assert data["answer_id"] is not None, "there was time to store it"
    model.wait_for_disconnects(1)


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (RateLimited(retry_after=60), ("rate_limited", 1)),  # longer than anybody waits
        (OutOfQuota(), ("quota", 1)),
        (Fail(400), ("rejected", 1)),
        (Fail(500), ("unreachable", 3)),
        (Garbage(), ("garbage", 3)),
        (Garbage(b"data: {\n\n", "text/event-stream"), ("garbage", 3)),
    ],
    ids=["rate limit", "no money", "refuses", "fails", "garbage", "garbage in events"],
)
def test_a_model_that_fails_leaves_the_documents_own_words(
    asked_of_model: AskedOfModel, model: ScriptedOpenAI, behaviour: Behaviour, outcome: Any
) -> None:
    model.always(chat=behaviour)
    reason, calls = outcome
    data = asked_of_model()

    assert (data["mode"], data["degraded_reason"]) == ("extractive", reason)
    assert BAGGAGE_ANSWER in data["answer"]
    assert model.calls("chat") == calls


def test_a_rate_limit_that_is_soon_over_is_waited_for(
    asked_of_model: AskedOfModel, model: ScriptedOpenAI
) -> None:
    model.chat(RateLimited(retry_after=0.05), Answer(SAID))
    data = asked_of_model()

    assert (data["mode"], data["answer"], model.calls("chat")) == ("generated", SAID, 2)


# -- two operations of one provider ----------------------------------------------------------


@pytest.fixture
def remote(
    services: Services,
    storage: StorageServer,
    make_tenant: TenantFactory,
    model: ScriptedOpenAI,
    helpdesk: HttpFunction,
) -> Iterator[tuple[Desk, str]]:
    """A process whose vectors are made by the provider too, and an agent's token."""
    model.dimensions = 1536  # as text-embedding-3-small has
    settings = services.settings.model_copy(
        update={
            "openai_api_key": SecretStr("key"),
            "openai_base_url": model.base_url,
            "embedder": "openai",
        }
    )
    own = Services(
        settings,
        storage=ObjectStore(settings),
        events=Publisher(settings, send=FakePubSub()),
        llm=LanguageModel(settings, jitter=lambda _wait: 0.0),
    )
    agency = Agency(make_tenant(), own, storage)
    agency.upload(BAGGAGE_RULES, "baggage.md", visibility="public")
    agency.index()
    yield Desk(helpdesk.over(lambda: own)), agency.tenant.token("agent")
    own.close()


def test_dead_embeddings_leave_the_words_to_search_by_and_the_model_to_answer(
    remote: tuple[Desk, str], model: ScriptedOpenAI, ask: Ask
) -> None:
    model.always(embeddings=Fail(500), chat=Answer(SAID))
    answers = [ask(*remote) for _ in range(3)]

    assert {data["mode"] for data in answers} == {"generated"}
    assert {data["degraded_reason"] for data in answers} == {"embedding_unavailable"}
    assert breaker_states()["openai-embeddings"] == "open"
    assert breaker_states()["openai-chat"] == "closed"


def test_a_dead_chat_leaves_the_search_whole(
    remote: tuple[Desk, str], model: ScriptedOpenAI, ask: Ask
) -> None:
    model.always(chat=Stream(["Half an "], then="cut"))
    reasons = [ask(*remote)["degraded_reason"] for _ in range(6)]

    assert set(reasons[:2]) <= {"unreachable"}
    assert reasons[-1] == "breaker_open"
    assert breaker_states()["openai-embeddings"] == "closed"
    assert breaker_states()["openai-chat"] == "open"


# -- a minute of failures --------------------------------------------------------------------


class FoundOnce(Finder):
    """Searches once: 3,000 questions shall not search for the same each time."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._found: Findings | None = None

    def find(self, *args: Any, **options: Any) -> Findings:
        if self._found is None:
            self._found = super().find(*args, **options)
        return self._found


def test_a_minute_of_failures_costs_the_model_a_handful_of_calls_and_nobody_an_answer(
    model: ScriptedOpenAI, tmp_path: Path
) -> None:
    clock = ManualClock()
    settings = Settings(openai_api_key=SecretStr("key"), openai_base_url=model.base_url)
    services = Services(
        settings, clock=clock, llm=LanguageModel(settings, clock=clock, jitter=lambda _wait: 0.0)
    )
    library = Library.of_documents(tmp_path)
    embedders = Embedders(WordEmbedder())
    finder = FoundOnce(Retriever(library, embedders, clock=clock), embedders, clock=clock)
    responder = Responder(finder, services.llm, clock=services.clock)
    model.always(chat=Fail(500))
    seen: Counter[str] = Counter()

    def ask() -> Response:
        response = responder.respond(
            "Does the Asterias Bay have a pool?",
            TENANT,
            Filters(),
            request_id="r",
            deadline=Deadline.after(20, clock),
        )
        clock.advance(1 / PER_SECOND)
        seen.update(response.reasons)
        return response

    first = ask(), ask()
    assert [response.reasons for response in first] == [("unreachable",), ("unreachable",)]
    assert model.calls("chat") == 5
    assert breaker_states()["openai-chat"] == "open"

    rest = [ask() for _ in range(PER_SECOND * MINUTE - 2)]
    assert {response.mode for response in rest} == {AnswerMode.EXTRACTIVE}
    assert all("pool" in response.text for response in rest)
    assert seen == {"unreachable": 2, "breaker_open": PER_SECOND * MINUTE - 2}
    assert model.calls("chat") == 5 <= EXTRA_CALLS * PER_SECOND * MINUTE

    # The minute is over: one question a minute looks whether the model is back.
    assert [ask().reasons for _ in range(3)] == [
        ("breaker_open",), ("unreachable",), ("breaker_open",)
    ]  # fmt: skip
    assert model.calls("chat") == 6

    clock.advance(60)
    model.always(chat=Answer("The Asterias Bay has an outdoor pool [1]."))
    assert [ask().mode for _ in range(3)] == [AnswerMode.GENERATED] * 3
    assert breaker_states()["openai-chat"] == "closed"
    services.close()


@pytest.mark.soak
@pytest.mark.wall_clock
def test_a_minute_of_failures_at_fifty_questions_a_second_by_the_clock_on_the_wall(
    with_model: Services, baggage_agency: Agency, model: ScriptedOpenAI
) -> None:
    responder, clock = responder_of(with_model), with_model.clock
    questions = PER_SECOND * MINUTE

    def ask(due: float) -> tuple[float, float, Response]:
        """When it was answered, and seconds since it was asked."""
        response = responder.respond(
            BAGGAGE_QUESTION,
            baggage_agency.tenant.id,
            Filters(),
            request_id="r",
            deadline=Deadline.after(20, clock),
        )
        now = clock.monotonic()
        return now, now - due, response

    ask(clock.monotonic())  # the index is loaded
    # What other tests left in this process is no part of the function's: a full collection of it
    # takes longer than many answers.
    gc.collect()
    gc.freeze()
    calls = model.calls("chat")
    model.always(chat=Fail(500))
    began = clock.monotonic()
    answers: list[Future[tuple[float, float, Response]]] = []
    with ThreadPoolExecutor(8) as pool:  # as many as the function has threads
        for number in range(questions):
            due = began + number / PER_SECOND
            clock.sleep(due - clock.monotonic())
            answers.append(pool.submit(ask, due))
    results = [answer.result() for answer in answers]
    gc.unfreeze()

    opened = min(at for at, _, response in results if "breaker_open" in response.reasons)
    p50, p99 = np.percentile([seconds * 1_000 for _, seconds, _ in results], [50, 99])
    called = model.calls("chat") - calls
    print(  # noqa: T201 -- soak prints what it measured
        f"\n{questions} questions, {called} calls of the model, breaker open after"
        f" {opened - began:.2f} s, fallback p50 {p50:.0f} ms, p99 {p99:.0f} ms"
    )
    assert {response.mode for _, _, response in results} == {AnswerMode.EXTRACTIVE}
    assert called <= EXTRA_CALLS * questions
    assert opened - began <= 2.0
    assert p99 <= 150
