"""What the database's errors become."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from frontdesk.platform.database_errors import (
    DatabaseUnavailable,
    RolledBack,
    UnexpectedReply,
    error_of_reply,
    verdict_of,
)
from frontdesk.platform.errors import (
    Conflict,
    ErrorCode,
    FrontdeskError,
    InvalidRequest,
    InvalidTransition,
    MembershipRevoked,
    PermissionDenied,
    StatementTimeout,
    TenantSuspended,
    Unauthenticated,
    Unprocessable,
)

SECRET = 'Key (email)=(ada@example.com) already exists in relation "clients"'


def reply(status: int, code: str | None = None, **body: Any) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "message": SECRET, **body})


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("42501", 403, PermissionDenied),
        ("42501", 401, PermissionDenied),
        ("23505", 409, Conflict),
        ("23503", 409, Unprocessable),
        ("23514", 400, Unprocessable),
        ("23502", 400, Unprocessable),
        ("22P02", 400, InvalidRequest),
        ("22007", 400, InvalidRequest),
        ("57014", 500, StatementTimeout),
        ("SUP", 500, StatementTimeout),
        ("40001", 500, RolledBack),
        ("40P01", 500, RolledBack),
        ("55P03", 500, RolledBack),
        ("08006", 503, DatabaseUnavailable),
        ("53300", 503, DatabaseUnavailable),
        ("57P01", 500, DatabaseUnavailable),
        ("PGRST000", 503, DatabaseUnavailable),
        ("PGRST003", 504, DatabaseUnavailable),
        ("PGRST301", 401, Unauthenticated),
        ("PGRST303", 401, Unauthenticated),
        ("PGRST202", 404, UnexpectedReply),
        ("42883", 404, UnexpectedReply),
        ("P0001", 400, UnexpectedReply),
    ],
)
def test_each_code_of_postgres_has_its_error_and_none_of_its_words_get_out(
    code: str, status: int, expected: type[FrontdeskError]
) -> None:
    error = error_of_reply(reply(status, code, details=SECRET, hint=SECRET))

    assert type(error) is expected
    assert "ada@" not in error.message
    assert error.details == {}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, Unauthenticated),
        (403, PermissionDenied),
        (404, UnexpectedReply),
        (500, UnexpectedReply),
        (502, DatabaseUnavailable),
        (503, DatabaseUnavailable),
        (504, DatabaseUnavailable),
    ],
)
@pytest.mark.parametrize("content", [b"<html>Bad gateway</html>", b"", b"[1]", b"{}"])
def test_a_reply_that_is_not_from_postgrest_is_judged_by_its_status(
    status: int, expected: type[FrontdeskError], content: bytes
) -> None:
    assert type(error_of_reply(httpx.Response(status, content=content))) is expected


@pytest.mark.parametrize(
    ("code", "detail", "expected"),
    [
        ("PT403", "tenant_suspended", TenantSuspended),
        ("PT403", "membership_revoked", MembershipRevoked),
        ("PT409", "invalid_transition", InvalidTransition),
    ],
)
def test_what_our_sql_raises_arrives_with_its_sentence_and_details(
    code: str, detail: str, expected: type[FrontdeskError]
) -> None:
    body = {
        "code": code,
        "message": "A sentence for a person.",
        "details": detail,
        "hint": json.dumps({"allowed": ["sent"]}),
    }

    error = error_of_reply(httpx.Response(int(code[2:]), json=body))

    assert type(error) is expected
    assert error.message == "A sentence for a person."
    assert error.details == {"allowed": ["sent"]}


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_documented_code_can_be_raised_in_sql(code: str) -> None:
    body = {"code": "PT400", "message": "No.", "details": code, "hint": None}

    assert error_of_reply(httpx.Response(400, json=body)).code == code


def test_an_undocumented_code_of_our_own_is_a_bug() -> None:
    error = error_of_reply(reply(418, "PT418", details="teapot"))

    assert isinstance(error, UnexpectedReply)
    assert error.database_code == "PT418"
    assert error.__notes__ == ["database code PT418"]


@pytest.mark.parametrize("hint", ["try this instead", "[1]", "", None])
def test_a_hint_that_is_no_json_object_is_left_out(hint: str | None) -> None:
    body = {"code": "PT403", "message": "No.", "details": "permission_denied", "hint": hint}

    assert error_of_reply(httpx.Response(403, json=body)).details == {}


def test_a_wait_that_the_gateway_asks_for_is_kept() -> None:
    error = error_of_reply(httpx.Response(503, headers={"Retry-After": "7"}))

    assert error.retry_after == 7


@pytest.mark.parametrize(
    ("error", "read", "write", "unwell"),
    [
        # error, repeated when it may run twice, repeated when it may not, counts for the breaker
        (httpx.ConnectError("refused"), True, True, True),
        (httpx.ConnectTimeout("too slow"), True, True, True),
        (httpx.PoolTimeout("no connection free"), True, True, True),
        (httpx.ReadTimeout("no answer"), False, False, True),
        (httpx.WriteTimeout("not taken"), False, False, True),
        (httpx.RemoteProtocolError("Server disconnected"), True, False, True),
        (httpx.ReadError("reset"), True, False, True),
        (httpx.WriteError("broken pipe"), True, False, True),
        (httpx.DecodingError("not gzip"), True, False, True),
        (DatabaseUnavailable(), True, False, True),
        (RolledBack(), True, True, False),
        (StatementTimeout(), False, False, False),
        (Conflict(), False, False, False),
        (UnexpectedReply("42883"), False, False, False),
        (KeyError("a bug"), False, False, False),
    ],
)
def test_what_is_repeated_and_what_counts(
    error: Exception, read: bool, write: bool, unwell: bool
) -> None:
    assert verdict_of(error, repeatable=True)[:2] == (read, unwell)
    assert verdict_of(error, repeatable=False)[:2] == (write, unwell)
