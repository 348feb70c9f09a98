"""One line a request, with what operations needs and nothing of what the caller said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from frontdesk.platform.services import Services
from tests.support import door, tokens

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
Lines = list[dict[str, Any]]


def test_a_request_is_one_line(toy: FlaskClient, services: Services, lines: Lines) -> None:
    headers = {**door.member_headers(services), "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    reply = toy.get("/v1/toy/bookings/0197cccc-0000-7000-8000-000000000001", headers=headers)
    (line,) = lines
    assert line.pop("time")
    assert line == {
        "severity": "INFO",
        "message": "Request answered.",
        "logger": "frontdesk.http.exchange",
        "function": "toy",
        "logging.googleapis.com/trace": f"projects/project/traces/{TRACE}",
        "request_id": reply.headers["X-Request-Id"],
        "method": "GET",
        "route": "/v1/toy/bookings/{booking_id}",
        "status": 200,
        "latency_ms": 0.0,
        "tenant_id": str(tokens.TENANT_ID),
        "outcome": "ok",
        "error_code": None,
    }


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/nothing", ("INFO", "refused", "not_found")),
        ("/v1/toy/mine", ("INFO", "refused", "unauthenticated")),
        ("/v1/toy/fail?q=upstream", ("ERROR", "failed", "upstream_unavailable")),
        ("/v1/toy/fail?q=bug", ("ERROR", "failed", "internal_error")),
    ],
)
def test_the_line_says_how_it_went(
    toy: FlaskClient, lines: Lines, path: str, said: tuple[str, str, str]
) -> None:
    toy.get(path)
    last = lines[-1]
    assert (last["severity"], last["outcome"], last["error_code"]) == said


def test_a_bug_is_logged_with_where_it_was(toy: FlaskClient, lines: Lines) -> None:
    toy.get("/v1/toy/fail?q=bug")
    assert len(lines) == 2
    assert "toy.py" in lines[0]["stack_trace"]
    assert lines[0]["request_id"] == lines[1]["request_id"]


def test_nothing_of_what_the_caller_said_is_logged(
    toy: FlaskClient, services: Services, lines: Lines
) -> None:
    said = "canary-7f3a"
    member = door.member_headers(services)
    toy.get(f"/v1/toy/bookings?q={said}", headers=member)
    toy.get(f"/v1/{said}", headers=member)
    toy.post("/v1/toy/bookings", json={"hotel": said}, headers={"Idempotency-Key": said})
    toy.post("/v1/toy/bookings", json={said: said}, headers={"User-Agent": said, "Cookie": said})
    toy.get("/v1/toy/mine", headers={"Authorization": f"Bearer {said}"})
    toy.get("/v1/toy/whole", headers={"X-Admin-Token": said})
    toy.get("/v1/toy/mine", headers=member)
    printed = json.dumps(lines)
    assert len(lines) == 7
    assert said not in printed
    assert member["Authorization"].split()[1] not in printed
    assert str(tokens.USER_ID) not in printed
