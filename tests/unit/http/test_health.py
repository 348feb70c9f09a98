"""Alive, and able to serve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask.testing import FlaskClient

from frontdesk.http import http_function
from frontdesk.platform.context import Context
from frontdesk.platform.errors import UpstreamUnavailable
from tests.support import door

ADMIN = {"X-Admin-Token": door.ADMIN_TOKEN}


def index(context: Context) -> Mapping[str, Any]:
    return {"version": "2026-01-05"}


def database(context: Context) -> Mapping[str, Any]:
    raise UpstreamUnavailable("The database does not answer.")


def made(*probes: Any) -> FlaskClient:
    used = door.services()
    return door.client(http_function("toy", ready=probes, services=lambda: used))


def test_health_says_ok_and_nothing_else() -> None:
    document = made(database).get("/v1/health/toy").get_json()
    assert document["data"] == {"status": "ok"}


def test_a_function_is_ready_when_its_probes_are() -> None:
    reply = made(index).get("/v1/ready/toy")
    assert reply.status_code == 200
    assert reply.get_json()["data"] == {"status": "ready", "details": None}


def test_an_admin_sees_what_the_probes_found() -> None:
    details = made(index).get("/v1/ready/toy", headers=ADMIN).get_json()["data"]["details"]
    assert details["probes"] == {"index": {"ready": True, "version": "2026-01-05"}}
    assert isinstance(details["breakers"], dict)


def test_a_function_is_not_ready_when_a_probe_fails() -> None:
    error = door.error_of(made(index, database).get("/v1/ready/toy"), 503, "upstream_unavailable")
    assert error["details"] == {}
    assert error["message"] == "This function cannot serve at the moment."


def test_an_admin_sees_which_one_failed() -> None:
    reply = made(index, database).get("/v1/ready/toy", headers=ADMIN)
    error = door.error_of(reply, 503, "upstream_unavailable")
    assert error["details"]["probes"]["index"]["ready"] is True
    assert error["details"]["probes"]["database"] == {
        "ready": False,
        "code": "upstream_unavailable",
        "message": "The database does not answer.",
    }


def test_a_wrong_admin_token_is_refused_rather_than_ignored() -> None:
    reply = made(index).get("/v1/ready/toy", headers={"X-Admin-Token": "guess"})
    door.error_of(reply, 401, "unauthenticated")


def test_a_function_does_not_answer_for_another() -> None:
    assert made().get("/v1/health/other").status_code == 404
