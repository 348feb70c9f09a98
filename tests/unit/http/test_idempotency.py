"""The command that goes to SQL: the caller's key and what the request is recognised by."""

from __future__ import annotations

import io
from contextlib import ExitStack
from typing import Any

import pytest
from flask import Request
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from frontdesk.http.body import read_form
from frontdesk.http.idempotency import fingerprint
from frontdesk.platform.services import Services
from tests.support import door
from tests.support.toy import Seen

BOOKINGS = "/v1/toy/bookings"


def command_of(toy: FlaskClient, key: str | None = "k1", **kwargs: Any) -> dict[str, Any]:
    headers = {} if key is None else {"Idempotency-Key": key}
    reply = toy.post(BOOKINGS, headers=headers, **{"json": {"hotel": "Kleio"}, **kwargs})
    assert reply.status_code == 201, reply.text
    command: dict[str, Any] = reply.get_json()["data"]["value"]["command"]
    assert command["request_id"] == reply.headers["X-Request-Id"]
    return command


def test_the_key_goes_down_with_the_route(toy: FlaskClient) -> None:
    command = command_of(toy, "order-17")
    assert command["idempotency_key"] == "order-17"
    assert command["route"] == "POST /v1/toy/bookings"
    assert len(command["fingerprint"]) == 64


def test_without_a_key_there_still_is_a_command(toy: FlaskClient) -> None:
    assert command_of(toy, None)["idempotency_key"] is None


@pytest.mark.parametrize("key", ["", " ", "a b", "ä", "x" * 256, "a\tb"])
def test_another_key_is_refused(toy: FlaskClient, key: str) -> None:
    reply = toy.post(BOOKINGS, json={"hotel": "K"}, headers={"Idempotency-Key": key})
    assert "Idempotency-Key" in door.fields_of(reply)


def test_reading_is_no_command(toy: FlaskClient, services: Services) -> None:
    reply = toy.get("/v1/toy/mine", headers=door.member_headers(services))
    Seen.model_validate(reply.get_json()["data"])


def test_the_same_request_has_the_same_fingerprint(toy: FlaskClient) -> None:
    assert command_of(toy)["fingerprint"] == command_of(toy, "k2")["fingerprint"]


def test_another_body_has_another_fingerprint(toy: FlaskClient) -> None:
    assert (
        command_of(toy)["fingerprint"] != command_of(toy, json={"hotel": "Kleio "})["fingerprint"]
    )


def upload_content(boundary: str, data: bytes) -> bytes:
    """What an upload with this boundary is recognised by."""
    parts = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="note"\r\n\r\nn\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    ).encode()
    body = parts + data + f"\r\n--{boundary}--\r\n".encode()
    builder = EnvironBuilder(
        method="POST",
        input_stream=io.BytesIO(body),
        content_length=len(body),
        content_type=f"multipart/form-data; boundary={boundary}",
    )
    with ExitStack() as opened:
        return read_form(Request(builder.get_environ()), 10_000, None, opened).content


def test_a_repeated_upload_is_recognised_although_its_boundary_differs() -> None:
    assert upload_content("one", b"same") == upload_content("another", b"same")
    assert upload_content("one", b"same") != upload_content("one", b"other")


@st.composite
def requests(draw: st.DrawFn) -> tuple[dict[str, str], dict[str, str | list[str]], bytes]:
    """Path parameters, query parameters and a body."""
    texts = st.text(max_size=3)
    path = draw(st.dictionaries(texts, texts, max_size=2))
    values = st.one_of(texts, st.lists(texts, min_size=2, max_size=3))
    return path, draw(st.dictionaries(texts, values, max_size=2)), draw(st.binary(max_size=3))


@given(requests(), requests())
def test_two_different_requests_never_share_a_fingerprint(one: Any, other: Any) -> None:
    first = fingerprint("POST /v1/x", *one)
    assert (first == fingerprint("POST /v1/x", *other)) == (one == other)
    assert first != fingerprint("POST /v1/y", *one)


def test_the_order_of_parameters_does_not_matter() -> None:
    one: dict[str, str | list[str]] = {"a": "1", "b": "2"}
    other: dict[str, str | list[str]] = {"b": "2", "a": "1"}
    assert fingerprint("r", {}, one, b"") == fingerprint("r", {}, other, b"")
