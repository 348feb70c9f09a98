"""Replies that are told while they are made: server-sent events."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import BaseModel

from frontdesk.http import PUBLIC, http_function, post
from frontdesk.http.capacity import StreamSlots, streams_at_once
from frontdesk.http.events import HEARTBEAT, HEARTBEAT_SECONDS, OPENING, frame
from frontdesk.http.handler import Handler
from frontdesk.local.paths import REPOSITORY
from frontdesk.platform.cancellation import CallerGone, Cancellation
from frontdesk.platform.context import Context
from frontdesk.platform.errors import NotFound, RateLimited
from frontdesk.platform.manifest import Manifest, all_manifests
from frontdesk.platform.reply import Events, Stream
from tests.support import door, sse
from tests.support.clock import ManualClock
from tests.support.waiting import eventually

MANIFESTS = all_manifests(REPOSITORY)
EVENTS = {"Accept": "text/event-stream"}


class Word(BaseModel):
    """A piece."""

    text: str


class Speech(BaseModel):
    """The whole."""

    text: str


Produce = Callable[[Callable[[Word], None], Cancellation], Speech]


def speak(emit: Callable[[Word], None], _cancellation: Cancellation) -> Speech:
    for text in ("Grüezi", "李\nand\r\nmore"):
        emit(Word(text=text))
    return Speech(text="Grüezi 李\nand\r\nmore")


class Hall:
    """One function with one route, whose speaker a test chooses."""

    def __init__(self, produce: Produce = speak) -> None:
        self.clock = ManualClock()
        used = door.services(self.clock)

        def talk(context: Context) -> Speech | Events[Word]:
            if context.command and context.command.idempotency_key == "refused":
                raise NotFound
            if context.wants_events:
                return Events(produce)
            return produce(lambda _: None, Cancellation())

        route = post("/v1/talk", talk, allow=PUBLIC)
        self.client: FlaskClient = door.client(http_function("talk", route, services=lambda: used))

    def post(self, **headers: str) -> Any:
        return self.client.post("/v1/talk", headers=EVENTS | headers, buffered=False)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("application/json, text/event-stream", "application/json"),
        ("text/event-stream;q=0.5, application/json", "application/json"),
        ("text/event-stream;q=0, */*", "application/json"),
        ("image/png", "application/json"),
        ("text/event-stream", "text/event-stream"),
        ("text/event-stream, */*;q=0.1", "text/event-stream"),
        ("application/json;q=0.5, text/event-stream;q=0.9", "text/event-stream"),
        ("TEXT/EVENT-STREAM", "text/event-stream"),
    ],
)
def test_the_accept_header_chooses(accept: str | None, content_type: str) -> None:
    headers = {} if accept is None else {"Accept": accept}
    reply = Hall().client.post("/v1/talk", headers=headers)
    assert (reply.status_code, reply.mimetype) == (200, content_type)


def test_pieces_come_first_and_the_envelope_that_json_would_have_had_last() -> None:
    hall = Hall()
    told = sse.read(hall.post().response)
    as_json = hall.client.post("/v1/talk").get_json()

    assert told.names == ["word", "word", "final"]
    assert [event.json["text"] for event in told.events[:2]] == ["Grüezi", "李\nand\r\nmore"]
    assert told.last["data"] == as_json["data"]
    assert told.last.keys() == as_json.keys()


def test_the_reply_is_kept_by_nobody_and_passed_on_at_once() -> None:
    headers = Hall().post().headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Accel-Buffering"] == "no"
    assert "Content-Length" not in headers


@pytest.mark.parametrize("broken", ["a\nb", "a\r\nb", "a\rb"])
def test_a_line_break_in_data_begins_a_new_data_line(broken: str) -> None:
    assert frame("word", broken) == b"event: word\ndata: a\ndata: b\n\n"


def test_data_is_utf_8_and_what_looks_like_a_field_stays_data() -> None:
    data = "Łukasz 李 \u2028\nevent: final\n\n: comment"
    (event,) = sse.read(frame("word", data)).events
    assert (event.name, event.data) == ("word", data)


def test_something_is_said_at_once_and_a_sign_of_life_while_nothing_is() -> None:
    go_on = threading.Event()

    def think(emit: Callable[[Word], None], cancellation: Cancellation) -> Speech:
        go_on.wait(10)
        return speak(emit, cancellation)

    hall = Hall(think)
    pieces = iter(hall.post().response)
    assert next(pieces) == OPENING
    for _ in range(3):
        beat: list[bytes] = []
        reader = threading.Thread(target=lambda beat=beat: beat.append(next(pieces)))
        reader.start()
        eventually(lambda: hall.clock.waiting == 1)
        hall.clock.advance(HEARTBEAT_SECONDS)
        reader.join(5)
        assert beat == [HEARTBEAT]
    go_on.set()
    assert sse.read(pieces).names == ["word", "word", "final"]


def test_a_caller_without_a_word_is_told_within_five_seconds() -> None:
    assert HEARTBEAT_SECONDS <= 5


def test_what_is_known_before_the_stream_is_an_error_like_any_other() -> None:
    reply = Hall().post(**{"Idempotency-Key": "refused"})
    door.error_of(reply, 404, "not_found")


@pytest.mark.parametrize(
    ("error", "code"),
    [(NotFound("No such hall."), "not_found"), (RuntimeError("hunter2"), "internal_error")],
    ids=["an error", "a bug"],
)
def test_what_fails_after_the_stream_began_is_told_as_its_last_event(
    error: Exception, code: str, lines: list[dict[str, Any]]
) -> None:
    def fail(emit: Callable[[Word], None], _cancellation: Cancellation) -> Speech:
        emit(Word(text="Well"))
        raise error

    reply = Hall(fail).post()
    told = sse.read(reply.response)
    reply.close()

    assert told.names == ["word", "error"]
    assert told.last["error"]["code"] == code
    assert told.last["request_id"] == reply.headers["X-Request-Id"]
    assert "hunter2" not in str(told.last)
    assert lines[-1]["error_code"] == code
    assert all(line["request_id"] == reply.headers["X-Request-Id"] for line in lines)


def test_who_hangs_up_stops_the_work_and_frees_its_slot(lines: list[dict[str, Any]]) -> None:
    left = threading.Event()

    def wait(emit: Callable[[Word], None], cancellation: Cancellation) -> Speech:
        with cancellation.calls(left.set):
            emit(Word(text="Well"))
            left.wait(10)
        cancellation.check()
        raise AssertionError("it went on for nobody")

    hall = Hall(wait)
    for _ in range(20):  # more than there are slots
        left.clear()
        reply = hall.post()
        pieces = iter(reply.response)
        assert (next(pieces), b"Well" in next(pieces)) == (OPENING, True)
        reply.close()
        assert left.is_set()
    assert [line["message"] for line in lines] == ["Request answered."] * 20


def test_no_more_streams_than_slots_and_the_others_are_told_when_to_come_back() -> None:
    left = threading.Event()

    def wait(_emit: Callable[[Word], None], cancellation: Cancellation) -> Speech:
        with cancellation.calls(left.set):
            left.wait(10)
        raise CallerGone

    hall = Hall(wait)
    streams = [hall.post() for _ in range(6)]
    assert {reply.status_code for reply in streams} == {200}

    refused = hall.post()
    error = door.error_of(refused, 429, "rate_limited")
    assert error["details"] == {"limit": "streams"}
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.headers["RateLimit"].startswith('"streams";r=0')

    next(iter(streams[0].response))  # one that is under way, the others were never read
    for reply in streams:
        reply.close()
    again = hall.post()
    assert again.status_code == 200
    again.close()


def test_a_refusal_keeps_no_slot() -> None:
    hall = Hall()
    for _ in range(20):
        assert hall.post(**{"Idempotency-Key": "refused"}).status_code == 404


def test_json_takes_no_slot() -> None:
    hall = Hall()
    streams = [hall.post() for _ in range(6)]
    assert hall.client.post("/v1/talk").status_code == 200
    for reply in streams:
        reply.close()


def test_slots_come_back_whatever_happens() -> None:
    slots = StreamSlots(1)

    def fail() -> None:
        with slots.taken():
            with pytest.raises(RateLimited), slots.taken():
                pass
            raise ZeroDivisionError

    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            fail()


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest.name)
def test_the_concurrency_is_what_the_manifest_says(
    manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("THREADS", raising=False)
    assert streams_at_once(manifest.folder) == max(1, manifest.resources.concurrency - 2)


@pytest.mark.parametrize(("threads", "streams"), [("32", 30), ("3", 1), ("1", 1)])
def test_streams_leave_threads_to_short_requests(
    threads: str, streams: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THREADS", threads)
    assert streams_at_once(None) == streams


def pieces_only() -> Events[Word]:
    return Events(speak)


def both_streams() -> Speech | Stream | Events[Word]:
    return Speech(text="")


@pytest.mark.parametrize("handler", [pieces_only, both_streams])
def test_events_end_in_a_model_and_in_nothing_else(handler: Callable[..., Any]) -> None:
    with pytest.raises(TypeError):
        Handler.of(handler)
