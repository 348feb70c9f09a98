"""Bodies that are sent piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from frontdesk.http import PUBLIC, get, http_function
from frontdesk.http.headers import attachment
from frontdesk.platform.reply import Stream
from tests.support import door


def test_a_stream_arrives_outside_the_envelope(toy: FlaskClient) -> None:
    reply = toy.get("/v1/toy/stream")
    assert reply.data == b"one two three"
    assert reply.content_type == "text/plain; charset=utf-8"
    assert "X-Request-Id" in reply.headers


def test_a_file_to_be_saved_is_named_in_every_script(toy: FlaskClient) -> None:
    assert toy.get("/v1/toy/stream").headers["Content-Disposition"] == (
        "attachment; filename=\"_ukasz _2026_.txt\"; filename*=UTF-8''%C5%81ukasz%20%222026%22.txt"
    )


@pytest.mark.parametrize("name", ["a\r\nSet-Cookie: x", 'a"; filename=b', "\ud800", "../x", ""])
def test_no_file_name_can_end_the_header(name: str) -> None:
    header = attachment(name)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2


def test_a_stream_is_logged_when_it_has_ended(
    toy: FlaskClient, lines: list[dict[str, Any]]
) -> None:
    reply = toy.get("/v1/toy/stream", buffered=False)
    assert lines == []
    assert b"".join(reply.response) == b"one two three"
    (line,) = lines
    assert line["message"] == "Request answered."
    assert line["request_id"] == reply.headers["X-Request-Id"]
    assert line["status"] == 200


def test_a_stream_that_breaks_off_cuts_the_connection_and_is_logged_without_what_was_said(
    toy: FlaskClient, lines: list[dict[str, Any]]
) -> None:
    pieces = iter(toy.get("/v1/toy/stream?q=break", buffered=False).response)
    assert next(pieces) == b"one "
    with pytest.raises(ConnectionResetError):
        next(pieces)
    assert lines[0]["message"] == "The stream broke off."
    assert lines[0]["severity"] == "ERROR"


def test_a_caller_who_hangs_up_frees_what_the_handler_holds() -> None:
    ended = []

    def ticks() -> Stream:
        def pieces() -> Iterator[bytes]:
            try:
                while True:
                    yield b"tick\n"
            finally:
                ended.append(True)

        return Stream(pieces(), "text/event-stream")

    used = door.services()
    route = get("/v1/ticks", ticks, allow=PUBLIC, produces="text/event-stream")
    client = door.client(http_function("ticks", route, services=lambda: used))
    reply = client.get("/v1/ticks", buffered=False)
    assert next(iter(reply.response)) == b"tick\n"
    assert ended == []
    reply.close()
    assert ended == [True]


def test_head_of_a_stream_sends_nothing_and_frees_it(toy: FlaskClient) -> None:
    reply = toy.head("/v1/toy/stream")
    assert reply.status_code == 200
    assert reply.data == b""
