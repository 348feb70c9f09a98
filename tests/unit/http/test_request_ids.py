"""Names of requests."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers

from frontdesk.http.requestids import trace_id


@pytest.mark.parametrize("given", ["a", "Order-17.retry_2", "0" * 128, "019a6f3e-5d2c-7c1e"])
def test_a_sane_request_id_of_the_caller_is_kept(toy: FlaskClient, given: str) -> None:
    reply = toy.get("/v1/toy/bookings", headers={"X-Request-Id": given})
    assert reply.headers["X-Request-Id"] == given
    assert reply.get_json()["request_id"] == given


@pytest.mark.parametrize(
    "given",
    ["", " ", "-a", "a b", "a\tb", "ä", "0" * 129, '"}', "<script>", "a;b", "%0d%0a", "${jndi:x}"],
)
def test_any_other_is_replaced(toy: FlaskClient, given: str) -> None:
    reply = toy.get("/v1/toy/bookings", headers={"X-Request-Id": given})
    assert UUID(reply.headers["X-Request-Id"]).version == 7
    assert reply.get_json()["request_id"] == reply.headers["X-Request-Id"]


def test_a_request_without_an_id_gets_a_new_one_each_time(toy: FlaskClient) -> None:
    ids = {toy.get("/v1/toy/bookings").headers["X-Request-Id"] for _ in range(20)}
    assert len(ids) == 20


def test_a_line_break_that_reached_us_does_not_get_out(toy: FlaskClient) -> None:
    # The client refuses such a header, a careless server might not.
    reply = toy.get(
        "/v1/toy/bookings", environ_overrides={"HTTP_X_REQUEST_ID": "a\r\nSet-Cookie: x=1"}
    )
    assert "Set-Cookie" not in reply.headers
    assert UUID(reply.headers["X-Request-Id"]).version == 7


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("headers", "trace"),
    [
        ({"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}, TRACE),
        ({"X-Cloud-Trace-Context": f"{TRACE}/1;o=1"}, TRACE),
        ({"X-Cloud-Trace-Context": TRACE}, TRACE),
        ({"traceparent": "00-x-y-01"}, None),
        ({"X-Cloud-Trace-Context": "x" * 32}, None),
        ({}, None),
    ],
)
def test_the_trace_of_either_header_is_known(headers: dict[str, str], trace: str | None) -> None:
    assert trace_id(Headers(headers)) == trace
