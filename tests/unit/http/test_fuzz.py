"""Whatever comes in, the answer is no 5xx and has one of the documented shapes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from frontdesk.http.envelope import APIResponse, ErrorResponse, PaginatedResponse
from tests.support import door, tokens
from tests.support.toy import make_toy

SERVICES = door.services()
TOY = door.client(make_toy(lambda: SERVICES))
MEMBER = door.member_headers(SERVICES)["Authorization"]

PATHS = [
    "/v1/toy/bookings",
    "/v1/toy/bookings/0197cccc-0000-7000-8000-000000000001",
    "/v1/toy/bookings/x",
    "/v1/toy/files",
    "/v1/toy/whole",
    "/v1/toy/mine",
    "/v1/toy/agents",
    "/v1/health/toy",
    "/v1/ready/toy",
]
METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "X"]
# A server's header values are Latin-1 without line breaks.
LATIN = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=60)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Authorization": st.one_of(st.just(MEMBER), LATIN, LATIN.map("Bearer {}".format)),
        "X-Admin-Token": st.one_of(st.just(door.ADMIN_TOKEN), LATIN),
        "X-Request-Id": LATIN,
        "Idempotency-Key": LATIN,
        "Origin": st.one_of(st.just(door.ORIGIN), LATIN),
        "Access-Control-Request-Method": LATIN,
        "Content-Encoding": LATIN,
        "Content-Length": st.one_of(LATIN, st.integers(-5, 10**20).map(str)),
        "Transfer-Encoding": LATIN,
        "X-Forwarded-For": LATIN,
        "traceparent": LATIN,
        "X-Cloud-Trace-Context": LATIN,
    },
)
CONTENT_TYPES = st.one_of(
    st.sampled_from(
        [
            "application/json",
            "application/json; charset=utf-8",
            "multipart/form-data; boundary=b",
            "multipart/form-data",
            "application/x-www-form-urlencoded",
        ]
    ),
    LATIN,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
NEARLY_RIGHT = st.fixed_dictionaries(
    {"hotel": st.text() | JSON},
    optional={"arrival": JSON, "price": JSON, "rooms": JSON, "extra": JSON, "x": JSON},
)
PART = st.builds(
    lambda head, body: b"--b\r\n" + head + b"\r\n\r\n" + body + b"\r\n",
    st.sampled_from(
        [
            b'Content-Disposition: form-data; name="note"',
            b'Content-Disposition: form-data; name="file"; filename="a.txt"',
            b"Content-Disposition: form-data; name*=UTF-8''file; filename*=utf-8''%E2%82%AC",
            b"Content-Disposition: form-data",
            b'Content-Disposition: form-data; name="note"\r\nContent-Type: text/plain; charset=x',
            b"X: y",
        ]
    )
    | st.binary(max_size=40),
    st.binary(max_size=40),
)
BODIES = st.one_of(
    st.binary(max_size=200),
    (NEARLY_RIGHT | JSON).map(lambda value: json.dumps(value).encode()),
    st.lists(PART, max_size=4).map(lambda parts: b"".join(parts) + b"--b--\r\n"),
)
QUERIES = st.one_of(
    st.text(st.characters(max_codepoint=255), max_size=60),
    st.lists(
        st.tuples(st.sampled_from(["q", "tag", "page_size", "x"]), st.text(max_size=9)), max_size=5
    ).map(lambda pairs: "&".join(f"{k}={v}" for k, v in pairs).encode().decode("latin-1")),
)


def assert_well_formed(reply: TestResponse, method: str) -> None:
    assert reply.status_code < 500, reply.text
    assert reply.headers["X-Request-Id"]
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    if method == "HEAD" or reply.status_code == 204:
        assert reply.data == b""
        return
    assert reply.content_type == "application/json"
    document: dict[str, Any] = reply.get_json()
    if reply.status_code >= 400:
        ErrorResponse.model_validate(document)
    elif "count" in document:
        PaginatedResponse[Any].model_validate(document)
    else:
        APIResponse[Any].model_validate(document)


def fuzz(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """So many requests of every kind."""
    slow = settings(
        max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    return lambda test: slow(ANY_REQUEST(test))


ANY_REQUEST = given(
    method=st.sampled_from(METHODS),
    path=st.one_of(
        st.sampled_from(PATHS),
        st.text(st.characters(max_codepoint=255, exclude_characters="\n"), max_size=40),
    ),
    query=QUERIES,
    headers=HEADERS,
    content_type=CONTENT_TYPES,
    body=BODIES,
)


def send(
    *, method: str, path: str, query: str, headers: dict[str, str], content_type: str, body: bytes
) -> None:
    """Send a request as a server would hand it over, and check the reply's form."""
    environ = {
        "PATH_INFO": "/" + path.lstrip("/"),
        "QUERY_STRING": query,
        "CONTENT_TYPE": content_type,
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "CONTENT_LENGTH": headers.get("Content-Length", str(len(body))),
    }
    for name, value in headers.items():
        if name != "Content-Length":
            environ["HTTP_" + name.upper().replace("-", "_")] = value
    assert_well_formed(TOY.open("/", method=method, environ_overrides=environ), method)


@fuzz(150)
def test_no_request_makes_the_door_fail(**request: Any) -> None:
    send(**request)


@pytest.mark.soak
@fuzz(10_000)
def test_none_of_ten_thousand_requests_makes_the_door_fail(**request: Any) -> None:
    send(**request)


@settings(max_examples=100, deadline=None)
@given(
    header=st.binary(max_size=60) | JSON,
    payload=st.binary(max_size=200)
    | JSON
    | st.dictionaries(
        st.sampled_from(["iss", "aud", "sub", "role", "exp", "iat", "nbf", "tenant_id"]), JSON
    ).map(lambda changes: {**tokens.claims(SERVICES.clock.now()), **changes}),
)
def test_no_token_makes_the_door_fail(header: Any, payload: Any) -> None:
    if not isinstance(header, bytes):
        header = json.dumps(header).encode()
    for head in (header, b'{"alg":"HS256"}'):
        bearer = {"Authorization": f"Bearer {tokens.sign(payload, header=head)}"}
        reply = TOY.get("/v1/toy/mine", headers=bearer)
        assert reply.status_code in {200, 401, 403}
        assert_well_formed(reply, "GET")
