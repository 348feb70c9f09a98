"""What a failed database call means: SQLSTATEs and PostgREST codes become our errors.

::

    PT<status>, detail = one of our codes    that error, with SQL's own sentence and details
    42501                                    permission_denied: no grant, no policy
    23505                                    conflict
    23503, 23514, 23502                      unprocessable
    22xxx                                    invalid_request
    57014, SUP                               statement_timeout (SUP: the embedded server)
    40001, 40P01, 55P03                      upstream_unavailable; rolled back, so repeated once
    08xxx, 53xxx, 57Pxx, PGRST000–003        upstream_unavailable
    502, 503, 504 without a code             upstream_unavailable
    PGRST300–303, 401                        unauthenticated
    anything else                            internal_error: a bug, or a migration is missing

Only a sentence that our SQL raised itself (PT) reaches the caller. Postgres's own sentences quote
values and names of columns, so they are replaced, and the code alone is kept for the log.
https://docs.postgrest.org/en/stable/references/errors.html
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx

from frontdesk.platform.errors import (
    Conflict,
    ErrorCode,
    FrontdeskError,
    InternalError,
    InvalidRequest,
    PermissionDenied,
    StatementTimeout,
    Unauthenticated,
    Unprocessable,
    UpstreamUnavailable,
    error_from_code,
)
from frontdesk.platform.resilience import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

_RAISED_BY_US = re.compile(r"PT([1-5]\d\d)")
_BY_CODE: tuple[tuple[re.Pattern[str], type[FrontdeskError]], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        ("42501", PermissionDenied),
        ("23505", Conflict),
        ("23(502|503|514)", Unprocessable),
        ("22...", InvalidRequest),
        ("57014|SUP", StatementTimeout),
        ("PGRST30[0-3]", Unauthenticated),
    )
)
_UNWELL = re.compile("08...|53...|57P0.|PGRST00[0-3]")
_ROLLED_BACK = re.compile("40001|40P01|55P03")
_GATEWAY = frozenset(
    {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
)
_BY_STATUS: Mapping[int, type[FrontdeskError]] = {
    HTTPStatus.UNAUTHORIZED: Unauthenticated,
    HTTPStatus.FORBIDDEN: PermissionDenied,
}
# What the caller reads instead of Postgres's own words.
_SENTENCES: Mapping[type[FrontdeskError], str] = {
    Unprocessable: "The database refuses these values.",
    InvalidRequest: "A value has the wrong form.",
}


class DatabaseUnavailable(UpstreamUnavailable):
    """The database does not answer, or cannot work now."""

    default_message = "The database does not answer. Try again shortly."


class RolledBack(DatabaseUnavailable):
    """The database undid the transaction because of another one; the same call may succeed."""


class UnexpectedReply(InternalError):
    """The database said something that only a bug or a missing migration explains.

    ``database_code`` is the SQLSTATE or PostgREST code, for the log.
    """

    def __init__(self, database_code: str) -> None:
        super().__init__()
        self.database_code = database_code
        self.add_note(f"database code {database_code}")


def error_of_reply(response: httpx.Response) -> FrontdeskError:
    """The error that a reply without success stands for."""
    body = _body(response)
    code = str(body.get("code") or "")
    message = str(body.get("message") or "")
    if _RAISED_BY_US.fullmatch(code):
        return _raised_by_us(body, message)
    if _ROLLED_BACK.fullmatch(code):
        return RolledBack()
    if _UNWELL.fullmatch(code) or (response.status_code in _GATEWAY and not code):
        return DatabaseUnavailable(retry_after=_retry_after(response))
    for pattern, kind in _BY_CODE:
        if pattern.fullmatch(code):
            return kind(_SENTENCES.get(kind))
    by_status = _BY_STATUS.get(response.status_code)
    return by_status() if by_status and not code else UnexpectedReply(code or str(response))


def verdict_of(error: BaseException, *, repeatable: bool) -> Verdict:
    """Whether to call again, and whether the database is unwell.

    A connection that could not be made carried nothing, so the call is repeated in any case. One
    that was dropped may have carried it, so it must be ``repeatable``. A time-out is not repeated:
    the first statement still runs.
    """
    match error:
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout():
            return Verdict(retry=True, breaker_failure=True)
        case httpx.TimeoutException():
            return Verdict(retry=False, breaker_failure=True)
        case httpx.RequestError():
            return Verdict(retry=repeatable, breaker_failure=True)
        case RolledBack():
            return Verdict(retry=True, breaker_failure=False)
        case DatabaseUnavailable(retry_after=after):
            return Verdict(retry=repeatable, breaker_failure=True, retry_after=after)
        case _:
            return Verdict(retry=False, breaker_failure=False)


def _body(response: httpx.Response) -> dict[str, Any]:
    try:
        body = json.loads(response.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _raised_by_us(body: Mapping[str, Any], message: str) -> FrontdeskError:
    code = str(body.get("details") or "")
    if code not in set(ErrorCode):
        return UnexpectedReply(str(body.get("code")))
    return error_from_code(code, message, _details(body.get("hint")))


def _details(hint: object) -> dict[str, Any]:
    """The JSON object that SQL put into the hint; anything else is a hint for a programmer."""
    try:
        details = json.loads(hint) if isinstance(hint, str) else None
    except ValueError:
        return {}
    return details if isinstance(details, dict) else {}


def _retry_after(response: httpx.Response) -> float | None:
    seconds = response.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdecimal() else None
