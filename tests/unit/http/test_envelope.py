"""The shapes of replies, and the headers that they all have."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from frontdesk.http.envelope import APIResponse, ErrorResponse, PaginatedResponse
from frontdesk.platform.services import Services
from tests.support import door
from tests.support.toy import SECRET_WORDS, Booking, Seen

BOOKING = {
    "hotel": "Kleio",
    "arrival": None,
    "price": "10.50",
    "rooms": [],
    "extra": {},
}


def test_a_success_is_an_api_response(toy: FlaskClient, services: Services) -> None:
    reply = toy.get("/v1/toy/mine", headers=door.member_headers(services))
    parsed = APIResponse[Seen].model_validate_json(reply.data)
    assert parsed.request_id == reply.headers["X-Request-Id"]
    assert set(reply.get_json()) == {"success", "data", "request_id"}
    assert reply.content_type == "application/json"


def test_a_page_is_a_paginated_response(toy: FlaskClient) -> None:
    reply = toy.get("/v1/toy/bookings?page_size=3&q=more")
    PaginatedResponse[Booking].model_validate_json(reply.data)
    document = reply.get_json()
    assert document.pop("request_id") == reply.headers["X-Request-Id"]
    assert document == {
        "success": True,
        "data": [BOOKING | {"hotel": "more"}] * 3,
        "count": 3,
        "page_size": 3,
        "next_cursor": "next",
        "has_more": True,
    }


def test_the_last_page_says_so_and_counts_on_request(toy: FlaskClient) -> None:
    document = toy.get("/v1/toy/bookings?q=count").get_json()
    assert document["total"] == 3
    assert document["has_more"] is False
    assert document["next_cursor"] is None


def test_a_reply_may_have_its_own_status_and_headers(toy: FlaskClient) -> None:
    reply = toy.post("/v1/toy/bookings", json={"hotel": "Kleio"})
    assert reply.status_code == 201
    assert reply.headers["Location"] == "/v1/toy/bookings/1"


def test_an_error_has_the_status_code_and_details_it_was_raised_with(toy: FlaskClient) -> None:
    reply = toy.get("/v1/toy/fail?q=conflict")
    ErrorResponse.model_validate_json(reply.data)
    error = door.error_of(reply, 409, "conflict")
    assert error["details"] == {"field": "hotel"}
    assert error["retryable"] is False


def test_an_error_that_passes_says_when(toy: FlaskClient) -> None:
    reply = toy.get("/v1/toy/fail?q=upstream")
    assert door.error_of(reply, 503, "upstream_unavailable")["retryable"] is True
    assert reply.headers["Retry-After"] == "2"


@pytest.mark.parametrize("kind", ["bug", "internal", "bare"])
def test_a_bug_is_one_clean_500(
    toy: FlaskClient, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    reply = toy.get(f"/v1/toy/fail?q={kind}")
    error = door.error_of(reply, 500, "internal_error")
    assert error == {
        "code": "internal_error",
        "message": "Something went wrong on our side.",
        "details": {},
        "retryable": False,
    }
    assert SECRET_WORDS not in reply.text
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "The request failed on a bug.",
        "Request answered.",
    ]


@pytest.mark.parametrize(
    "path",
    ["/v1/toy/bookings", "/v1/nothing", "/v1/toy/fail?q=bug", "/v1/toy/stream", "/v1/toy/%ff"],
)
def test_every_reply_has_the_security_headers(toy: FlaskClient, path: str) -> None:
    headers = toy.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Strict-Transport-Security"].startswith("max-age=63072000")
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_a_reply_is_never_a_cookie(toy: FlaskClient) -> None:
    assert "Set-Cookie" not in toy.get("/v1/toy/bookings").headers
