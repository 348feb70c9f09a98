"""Which browsers' pages may call."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from frontdesk.platform.services import Services
from tests.support import door
from tests.support.door import ORIGIN
from tests.support.toy import make_toy

FOREIGN = [
    "https://evil.example",
    "http://app.agency.example",
    "https://app.agency.example:8443",
    "https://app.agency.example.evil.example",
    "https://evil.app.agency.example",
    "https://APP.agency.example",
    "https://app.agency.example/",
    "null",
    "*",
    "",
]


def permissions(reply: TestResponse) -> list[str]:
    return [name for name, _ in reply.headers if name.startswith("Access-Control")]


def preflight(origin: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }


def test_a_listed_origin_may_read_replies(toy: FlaskClient) -> None:
    reply = toy.get("/v1/toy/bookings", headers={"Origin": ORIGIN})
    assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "X-Request-Id" in reply.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in reply.headers


@pytest.mark.parametrize("path", ["/v1/toy/fail?q=bug", "/v1/nothing", "/v1/toy/mine"])
def test_a_listed_origin_may_read_refusals(toy: FlaskClient, path: str) -> None:
    reply = toy.get(path, headers={"Origin": ORIGIN})
    assert reply.status_code >= 400
    assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize("origin", FOREIGN)
def test_another_origin_gets_no_permission(toy: FlaskClient, origin: str) -> None:
    reply = toy.get("/v1/toy/bookings", headers={"Origin": origin})
    assert not permissions(reply)
    assert "Origin" in reply.vary


def test_replies_vary_by_origin_also_without_one(toy: FlaskClient) -> None:
    assert "Origin" in toy.get("/v1/toy/bookings").vary


def test_a_preflight_is_answered_before_anything_else(toy: FlaskClient) -> None:
    reply = toy.options("/v1/toy/mine", headers=preflight(ORIGIN))
    assert reply.status_code == 204
    assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert reply.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    allowed = set(reply.headers["Access-Control-Allow-Headers"].split(", "))
    assert {"Authorization", "Idempotency-Key", "If-Match"} < allowed
    assert int(reply.headers["Access-Control-Max-Age"]) > 0
    assert {
        "Origin",
        "Access-Control-Request-Method",
        "Access-Control-Request-Headers",
    } <= set(reply.vary)


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_preflight_of_another_origin_permits_nothing(toy: FlaskClient, origin: str) -> None:
    reply = toy.options("/v1/toy/bookings", headers=preflight(origin))
    assert reply.status_code == 204
    assert not permissions(reply)


def test_without_origins_no_page_may_call(services: Services) -> None:
    toy = door.client(make_toy(lambda: door.services(cors_origins=())))
    reply = toy.get("/v1/toy/bookings", headers={"Origin": ORIGIN})
    assert "Access-Control-Allow-Origin" not in reply.headers
