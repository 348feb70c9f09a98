"""The language model through the real SDK, against a server that does as it is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import SecretStr

from frontdesk.platform.cancellation import CallerGone, Cancellation
from frontdesk.platform.errors import NotConfigured
from frontdesk.platform.llm import (
    ChatStream,
    LanguageModel,
    Message,
    ModelUnavailable,
    Reason,
    Usage,
)
from frontdesk.platform.resilience import Deadline, breaker_states
from frontdesk.platform.settings import Settings
from tests.support.clock import ManualClock
from tests.support.scripted_openai import (
    Answer,
    Behaviour,
    Drip,
    Fail,
    Garbage,
    Half,
    Hang,
    HangUp,
    OutOfQuota,
    RateLimited,
    ScriptedOpenAI,
    Stream,
    embedding_of,
)

QUESTION = [Message("system", "Be brief."), Message("user", "Is there a pool?")]


@pytest.fixture
def server() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI() as server:
        yield server


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def model(server: ScriptedOpenAI, clock: ManualClock) -> LanguageModel:
    settings = Settings(openai_api_key=SecretStr("sk-test"), openai_base_url=server.base_url)
    return LanguageModel(settings, clock=clock, jitter=lambda wait: wait)


def ask(model: LanguageModel, clock: ManualClock, seconds: float = 30.0) -> str:
    deadline = Deadline.after(seconds, clock)
    return model.chat(QUESTION, temperature=0.2, max_tokens=50, deadline=deadline).text


def stream(
    model: LanguageModel,
    clock: ManualClock,
    seconds: float = 30.0,
    cancellation: Cancellation | None = None,
) -> ChatStream:
    return model.stream(
        QUESTION,
        temperature=0.2,
        max_tokens=50,
        deadline=Deadline.after(seconds, clock),
        cancellation=cancellation,
    )


def test_a_question_is_sent_once_and_answered(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    server.chat(Answer("Yes, heated."))

    answer = model.chat(QUESTION, temperature=0.2, max_tokens=50, deadline=Deadline.after(5, clock))

    assert (answer.text, answer.model) == ("Yes, heated.", "gpt-4o-mini")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (6, 2)
    [(_, body, headers)] = server.requests
    assert body["messages"][1] == {"role": "user", "content": "Is there a pool?"}
    assert (body["temperature"], body["max_tokens"]) == (0.2, 50)
    assert headers["authorization"] == "Bearer sk-test"


def test_a_server_that_knows_no_keys_is_given_any(
    server: ScriptedOpenAI, clock: ManualClock
) -> None:
    settings = Settings(openai_api_key=SecretStr("none"), openai_base_url=server.base_url)

    assert ask(LanguageModel(settings, clock=clock), clock) == "A scripted answer."


def test_without_a_key_nothing_is_sent(server: ScriptedOpenAI, clock: ManualClock) -> None:
    model = LanguageModel(Settings(openai_base_url=server.base_url), clock=clock)

    assert not model.configured
    with pytest.raises(NotConfigured):
        ask(model, clock)
    assert server.calls() == 0


@pytest.mark.parametrize(
    "trouble",
    [Fail(500), Fail(503), Fail(409), HangUp(), Half(), Garbage(), Garbage(b'{"choices": []}')],
    ids=repr,
)
def test_a_passing_trouble_is_tried_again(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock, trouble: Behaviour
) -> None:
    server.chat(trouble, trouble, Answer("Third time lucky."))

    assert ask(model, clock) == "Third time lucky."
    assert server.calls() == 3
    assert clock.slept == [0.25, 0.5]


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (Fail(400), Reason.REJECTED),
        (Fail(401, "invalid_api_key"), Reason.REJECTED),
        (Fail(404, "model_not_found"), Reason.REJECTED),
        (OutOfQuota(), Reason.QUOTA),
    ],
    ids=repr,
)
def test_a_refusal_is_not_tried_again(
    server: ScriptedOpenAI,
    model: LanguageModel,
    clock: ManualClock,
    refusal: Behaviour,
    reason: Reason,
) -> None:
    server.always(chat=refusal)

    with pytest.raises(ModelUnavailable) as unavailable:
        ask(model, clock)

    assert unavailable.value.reason is reason
    assert (server.calls(), clock.slept) == (1, [])


def test_the_wait_that_the_provider_asks_for_is_honoured(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    server.chat(RateLimited(retry_after=3), Answer("Now."))

    assert ask(model, clock) == "Now."
    assert clock.slept == [3.0]


def test_a_wait_beyond_the_deadline_is_not_begun(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    server.always(chat=RateLimited(retry_after=20))

    with pytest.raises(ModelUnavailable) as unavailable:
        ask(model, clock, seconds=10)

    assert unavailable.value.reason is Reason.RATE_LIMITED
    assert (server.calls(), clock.slept) == (1, [])


def test_a_hanging_model_costs_no_more_than_the_deadline(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    server.always(chat=Hang())

    with pytest.raises(ModelUnavailable) as unavailable:
        ask(model, clock, seconds=0.2)

    assert unavailable.value.reason is Reason.TIMEOUT
    server.wait_for_disconnects(1)


def test_a_reply_that_drips_in_forever_is_cut_off(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    server.always(chat=Drip())
    feeding = threading.Event()

    def feed() -> None:
        while not feeding.wait(0.02):
            server.release_one()

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        with pytest.raises(ModelUnavailable) as unavailable:
            ask(model, clock, seconds=0.3)
    finally:
        feeding.set()
        feeder.join()

    assert unavailable.value.reason is Reason.TIMEOUT
    server.wait_for_disconnects(1)


def test_five_failures_open_the_breaker_and_spare_the_provider(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    server.always(chat=Fail(500))
    for _ in range(2):
        with pytest.raises(ModelUnavailable):
            ask(model, clock)
    assert (server.calls(), breaker_states()["openai-chat"]) == (5, "open")

    with pytest.raises(ModelUnavailable) as unavailable:
        ask(model, clock)

    assert unavailable.value.reason is Reason.BREAKER_OPEN
    assert server.calls() == 5
    assert breaker_states()["openai-embeddings"] == "closed"

    clock.advance(61)
    server.always(chat=Answer("Back again."))
    assert ask(model, clock) == "Back again."
    assert breaker_states()["openai-chat"] == "closed"


def test_an_account_without_money_opens_the_breaker_too(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    server.always(chat=OutOfQuota())

    for _ in range(5):
        with pytest.raises(ModelUnavailable):
            ask(model, clock)

    assert breaker_states()["openai-chat"] == "open"


def test_sixteen_questions_at_once_do_not_wait_for_each_other(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    server.always(chat=Stream(hold_after=0))

    with ThreadPoolExecutor(16) as pool:
        answers = [pool.submit(lambda: "".join(stream(model, clock))) for _ in range(16)]
        server.wait_for_held(16)  # all of them are with the provider at the same time
        server.release()
        assert {answer.result(5) for answer in answers} == {"A scripted answer."}


def test_an_answer_streams_piece_by_piece(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    server.chat(Stream(["Yes, ", "heated."], hold_after=1))

    pieces = stream(model, clock)
    assert next(pieces) == "Yes, "  # arrives while the provider still holds the rest back
    server.release()
    assert list(pieces) == ["heated."]


def test_nothing_is_sent_before_the_stream_is_read(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    stream(model, clock)

    assert server.calls() == 0


def test_closing_the_stream_hangs_up_on_the_model(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    server.chat(Stream(["Yes, ", "heated."], hold_after=1))
    pieces = model.stream(QUESTION, temperature=0, max_tokens=9, deadline=Deadline.after(30, clock))
    next(pieces)

    pieces.close()

    server.wait_for_disconnects(1)
    assert breaker_states()["openai-chat"] == "closed"


def test_a_stream_is_tried_again_until_its_first_piece(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    server.chat(Fail(503), Stream([], then="cut"), Stream(["Here."]))

    assert list(stream(model, clock)) == ["Here."]
    assert server.calls() == 3


@pytest.mark.parametrize(
    ("ending", "reason"), [("cut", Reason.UNREACHABLE), ("silent", Reason.GARBAGE)]
)
def test_half_an_answer_is_an_error_and_is_not_asked_for_again(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock, ending: str, reason: Reason
) -> None:
    server.chat(Stream(["Half an "], then=ending))
    pieces = stream(model, clock)

    assert next(pieces) == "Half an "
    with pytest.raises(ModelUnavailable) as unavailable:
        next(pieces)

    assert unavailable.value.reason is reason
    assert server.calls() == 1


def test_streams_that_keep_dying_half_way_open_the_breaker(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    server.always(chat=Stream(["Half an "], then="cut"))

    for _ in range(5):
        with pytest.raises(ModelUnavailable):
            list(stream(model, clock))

    assert breaker_states()["openai-chat"] == "open"


def test_a_stream_that_stalls_ends_at_the_deadline(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    server.chat(Stream(["Yes, ", "heated."], hold_after=1))
    pieces = stream(model, clock, seconds=0.3)

    assert next(pieces) == "Yes, "
    with pytest.raises(ModelUnavailable) as unavailable:
        next(pieces)

    assert unavailable.value.reason is Reason.TIMEOUT


def test_a_stream_reports_what_it_cost(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    pieces = stream(model, clock)

    assert pieces.usage is None
    assert "".join(pieces) == "A scripted answer."
    assert pieces.usage == Usage(prompt_tokens=6, completion_tokens=3)
    [(_, body, _)] = server.requests
    assert body["stream_options"] == {"include_usage": True}


def test_the_cost_of_a_stream_that_does_not_report_it_is_estimated(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    server.chat(Stream(["Yes, ", "heated."], ignores_usage=True))
    pieces = stream(model, clock)
    list(pieces)

    characters = sum(len(message.content) for message in QUESTION)
    assert pieces.usage == Usage(-(-characters // 3), 4)


def test_answers_without_text_are_paid_for(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    server.always(chat=Answer(" "))

    with pytest.raises(ModelUnavailable) as unavailable:
        ask(model, clock)

    assert unavailable.value.reason is Reason.GARBAGE
    assert unavailable.value.usage == Usage(3 * 6, 0)


@pytest.mark.parametrize(
    "behaviour", [Hang(), Stream(["Yes, "], hold_after=0)], ids=["no headers", "no piece"]
)
def test_a_caller_who_leaves_while_the_model_thinks_hangs_up_on_it(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock, behaviour: Behaviour
) -> None:
    server.chat(behaviour)
    cancellation = Cancellation()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(list, stream(model, clock, cancellation=cancellation))
        server.wait_for_held(1)

        cancellation.cancel()

        with pytest.raises(CallerGone):
            answer.result(5)
    server.wait_for_disconnects(1)
    assert (server.calls(), breaker_states()["openai-chat"]) == (1, "closed")


def test_a_caller_who_leaves_in_the_middle_hangs_up_and_what_was_said_is_paid_for(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    server.chat(Stream(["Yes, ", "heated."], hold_after=1))
    cancellation = Cancellation()
    pieces = stream(model, clock, cancellation=cancellation)
    assert next(pieces) == "Yes, "

    cancellation.cancel()

    with pytest.raises(CallerGone):
        next(pieces)
    server.wait_for_disconnects(1)
    assert pieces.usage is not None
    assert pieces.usage.completion_tokens == 2


def test_nothing_is_asked_for_a_caller_who_is_gone(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    cancellation = Cancellation()
    cancellation.cancel()

    with pytest.raises(CallerGone):
        list(stream(model, clock, cancellation=cancellation))
    assert server.calls() == 0


def test_a_dead_chat_does_not_keep_texts_from_being_embedded(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    server.always(chat=Fail(500))
    for _ in range(3):
        with pytest.raises(ModelUnavailable):
            ask(model, clock)

    assert len(model.embed(["a pool"], deadline=Deadline.after(30, clock))) == 1
    assert breaker_states()["openai-chat"] == "open"
    assert breaker_states()["openai-embeddings"] == "closed"


def test_dead_embeddings_do_not_keep_questions_from_being_answered(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    server.always(embeddings=HangUp())
    for _ in range(3):
        with pytest.raises(ModelUnavailable):
            model.embed(["a pool"], deadline=Deadline.after(30, clock))

    assert ask(model, clock) == "A scripted answer."
    assert breaker_states()["openai-embeddings"] == "open"
    assert breaker_states()["openai-chat"] == "closed"


def test_texts_are_embedded_in_batches_and_in_order(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    texts = [f"hotel number {number}" for number in range(300)]

    vectors = model.embed(texts, deadline=Deadline.after(30, clock))

    assert server.calls("embeddings") == 2
    assert vectors[299] == pytest.approx(embedding_of(texts[299]), abs=1e-6)
    assert len(vectors) == 300


def test_embedding_fails_and_recovers_by_the_same_table(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    server.embeddings(Fail(500), Garbage(b'{"data": []}'), Answer())

    assert len(model.embed(["a pool"], deadline=Deadline.after(30, clock))) == 1
    assert server.calls("embeddings") == 3


def test_an_empty_text_is_refused_before_it_spoils_a_batch(
    server: ScriptedOpenAI, model: LanguageModel, clock: ManualClock
) -> None:
    with pytest.raises(ValueError, match="empty text"):
        model.embed(["a pool", " "], deadline=Deadline.after(30, clock))
    assert server.calls() == 0
