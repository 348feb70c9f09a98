"""A function behind the real door, in this process: for tests of what every route has."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from frontdesk.platform.services import Services
from frontdesk.platform.settings import Settings
from tests.support import tokens
from tests.support.clock import ManualClock

ADMIN_TOKEN = "an-admin-token-of-the-tests"
ORIGIN = "https://app.agency.example"


def services(clock: ManualClock | None = None, **settings: Any) -> Services:
    """Services that reach nothing outside: no Redis, no database, a clock that stands still."""
    defaults: dict[str, Any] = {
        "supabase_jwt_secret": tokens.SECRET,
        "supabase_url": "http://127.0.0.1:54321",
        "admin_api_tokens": json.dumps(
            {
                "ops": hashlib.sha256(ADMIN_TOKEN.encode()).hexdigest(),
                "next": hashlib.sha256(b"the-next-admin-token").hexdigest(),
            }
        ),
        "cors_origins": (ORIGIN,),
        "rate_limit_per_user": 100_000,
        "rate_limit_per_tenant": 100_000,
    }
    return Services(Settings(**defaults | settings), clock=clock or ManualClock())


def client(entry: Callable[[flask.Request], flask.Response]) -> FlaskClient:
    """A client of an application that routes like functions-framework's: everything to us."""
    app = flask.Flask("door")
    app.url_map.merge_slashes = False
    app.url_map.add(Rule("/", defaults={"path": ""}, endpoint="run"))
    app.url_map.add(Rule("/<path:path>", endpoint="run"))
    app.view_functions["run"] = lambda path: entry(flask.request._get_current_object())
    return app.test_client()


def member_headers(used: Services, **claims: Any) -> dict[str, str]:
    """The headers of a signed-in member."""
    payload = {**tokens.claims(used.clock.now()), **claims}
    return {"Authorization": f"Bearer {tokens.sign(payload)}"}


def error_of(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The ``error`` of a refusal, after checking that it is one of the documented shape."""
    assert response.status_code == status, response.text
    document = response.get_json()
    assert set(document) == {"success", "error", "request_id"}
    assert document["success"] is False
    assert document["request_id"] == response.headers["X-Request-Id"]
    error: dict[str, Any] = document["error"]
    assert set(error) == {"code", "message", "details", "retryable"}
    assert error["code"] == code
    return error


def fields_of(response: TestResponse) -> dict[str, str]:
    """The problems of a 400, by field."""
    error = error_of(response, 400, "invalid_request")
    return {entry["field"]: entry["message"] for entry in error["details"]["errors"]}
