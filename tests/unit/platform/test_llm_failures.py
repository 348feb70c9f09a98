"""The table from a failure of the language model to what is done about it."""

from __future__ import annotations

import httpx2
import openai
import pytest

from frontdesk.platform.errors import DeadlineExceeded
from frontdesk.platform.llm_failures import (
    GarbageReply,
    ModelUnavailable,
    Reason,
    ReplyTooLate,
    as_model_unavailable,
    openai_verdict,
)
from frontdesk.platform.resilience import CircuitOpen, Verdict

REQUEST = httpx2.Request("POST", "http://model.test/v1/chat/completions")
RETRY = Verdict(retry=True, breaker_failure=True)
REFUSED = Verdict(retry=False, breaker_failure=False)


def status_error(status: int, code: str = "x", headers: dict[str, str] | None = None) -> Exception:
    response = httpx2.Response(status, request=REQUEST, headers=headers)
    client = openai.OpenAI(api_key="k", base_url="http://model.test/v1")
    return client._make_status_error("m", body={"error": {"code": code}}, response=response)


@pytest.mark.parametrize(
    ("error", "verdict", "reason"),
    [
        (openai.APITimeoutError(REQUEST), RETRY, Reason.TIMEOUT),
        (httpx2.ReadTimeout("slow"), RETRY, Reason.TIMEOUT),
        (ReplyTooLate(), RETRY, Reason.TIMEOUT),
        (openai.APIConnectionError(request=REQUEST), RETRY, Reason.UNREACHABLE),
        (httpx2.RemoteProtocolError("half a body"), RETRY, Reason.UNREACHABLE),
        (GarbageReply(), RETRY, Reason.GARBAGE),
        (openai.APIError("an error event", REQUEST, body=None), RETRY, Reason.GARBAGE),
        (status_error(429, "rate_limit_exceeded"), RETRY, Reason.RATE_LIMITED),
        (status_error(429, "insufficient_quota"), Verdict(False, True), Reason.QUOTA),
        *((status_error(s), RETRY, Reason.UNREACHABLE) for s in (409, 500, 502, 503, 529)),
        (status_error(408), RETRY, Reason.TIMEOUT),
        *((status_error(s), REFUSED, Reason.REJECTED) for s in (400, 401, 403, 404, 413, 422)),
        (CircuitOpen(), REFUSED, Reason.BREAKER_OPEN),
        (DeadlineExceeded(), REFUSED, Reason.TIMEOUT),
    ],
    ids=lambda value: getattr(value, "status_code", None) or type(value).__name__,
)
def test_each_failure_has_one_meaning(error: Exception, verdict: Verdict, reason: Reason) -> None:
    assert openai_verdict(error) == verdict
    with pytest.raises(ModelUnavailable) as unavailable, as_model_unavailable():
        raise error
    assert unavailable.value.reason is reason


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({}, None),
    ],
)
def test_the_wait_that_the_provider_asks_for_is_passed_on(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert openai_verdict(status_error(429, headers=headers)).retry_after == seconds


def test_a_bug_of_ours_stays_a_bug() -> None:
    with pytest.raises(ZeroDivisionError), as_model_unavailable():
        raise ZeroDivisionError
    assert openai_verdict(ZeroDivisionError()) == REFUSED
