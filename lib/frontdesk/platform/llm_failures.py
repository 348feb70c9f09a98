"""What goes wrong with a language model, and what each failure means.

::

    429 rate_limit_exceeded     retry after Retry-After   counts against the breaker
    429 insufficient_quota      fail: no retry helps      counts
    408, 409, 5xx               retry                     counts
    time-out, connection        retry                     counts
    a reply that is no answer   retry                     counts
    any other 4xx               fail: it is our request   does not count

Every failure reaches the caller as ``ModelUnavailable`` with a reason: what to do without a model
is the caller's knowledge.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from frontdesk.platform.cancellation import CallerGone
from frontdesk.platform.errors import DeadlineExceeded, UpstreamUnavailable
from frontdesk.platform.resilience import CircuitOpen, Verdict

if TYPE_CHECKING:
    import httpx2

    from frontdesk.platform.llm_usage import Meter, Usage

_UNWELL = Verdict(retry=True, breaker_failure=True)
_SPENT = Verdict(retry=False, breaker_failure=True)
_REFUSED = Verdict(retry=False, breaker_failure=False)


class Reason(StrEnum):
    """Why there is no answer from the model."""

    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"
    QUOTA = "quota"
    BREAKER_OPEN = "breaker_open"
    REJECTED = "rejected"
    GARBAGE = "garbage"
    UNREACHABLE = "unreachable"


class ModelUnavailable(UpstreamUnavailable):
    """The model gave no usable answer in time; ``reason`` says why.

    Attributes:
        usage: what its unusable answers cost all the same; None when nothing is known to be billed.
    """

    def __init__(
        self,
        reason: Reason,
        *,
        retry_after: float | None = None,
        usage: Usage | None = None,
    ) -> None:
        super().__init__("The language model does not answer.", retry_after=retry_after)
        self.reason = reason
        self.usage = usage


class GarbageReply(Exception):
    """A reply with a good status is not what was asked for."""


class ReplyTooLate(Exception):
    """The reply was still dripping in when its time was over."""


class _Meaning(NamedTuple):
    reason: Reason
    verdict: Verdict


@cache
def _table() -> tuple[tuple[tuple[type[BaseException], ...], _Meaning], ...]:
    """Kinds of error and their meaning; the first that fits counts."""
    import httpx2
    import openai

    return (
        ((CircuitOpen,), _Meaning(Reason.BREAKER_OPEN, _REFUSED)),
        ((DeadlineExceeded,), _Meaning(Reason.TIMEOUT, _REFUSED)),
        # The reference of the key could not be resolved; that has its own retries.
        ((UpstreamUnavailable,), _Meaning(Reason.UNREACHABLE, _REFUSED)),
        (
            (ReplyTooLate, openai.APITimeoutError, httpx2.TimeoutException),
            _Meaning(Reason.TIMEOUT, _UNWELL),
        ),
        (
            (
                openai.APIConnectionError,
                httpx2.TransportError,
                openai.InternalServerError,
                openai.ConflictError,
            ),
            _Meaning(Reason.UNREACHABLE, _UNWELL),
        ),
        ((openai.RateLimitError,), _Meaning(Reason.RATE_LIMITED, _UNWELL)),
        ((openai.APIStatusError,), _Meaning(Reason.REJECTED, _REFUSED)),
        # What is left of the SDK's: an error event within a stream, an undecodable body.
        ((GarbageReply, openai.OpenAIError, httpx2.HTTPError), _Meaning(Reason.GARBAGE, _UNWELL)),
    )


def _meaning(error: BaseException) -> _Meaning | None:
    code = getattr(error, "code", None) or getattr(error, "type", None)
    if code == "insufficient_quota":
        return _Meaning(Reason.QUOTA, _SPENT)
    if getattr(error, "status_code", None) == 408:  # noqa: PLR2004 -- the SDK has no class for it
        return _Meaning(Reason.TIMEOUT, _UNWELL)
    for kinds, meaning in _table():
        if isinstance(error, kinds):
            after = _retry_after(getattr(error, "response", None))
            return meaning._replace(verdict=meaning.verdict._replace(retry_after=after))
    return None


def openai_verdict(error: BaseException) -> Verdict:
    """The table at the head of this module."""
    meaning = _meaning(error)
    return meaning.verdict if meaning else _REFUSED


def is_breaker_failure(error: BaseException) -> bool:
    """Whether the provider is unwell, as opposed to having refused."""
    return openai_verdict(error).breaker_failure


@contextmanager
def as_model_unavailable(meter: Meter | None = None) -> Generator[None]:
    """Turn what went wrong outside into ``ModelUnavailable``; bugs of ours pass as they are, and
    so does ``CallerGone``.

    Args:
        meter: what was spent in vain.
    """
    try:
        yield
    except CallerGone:
        raise
    except Exception as error:
        meaning = _meaning(error)
        if meaning is None:
            raise
        after = error.retry_after if isinstance(error, CircuitOpen) else meaning.verdict.retry_after
        spent = meter.usage if meter else None
        raise ModelUnavailable(meaning.reason, retry_after=after, usage=spent) from error


def _retry_after(response: httpx2.Response | None) -> float | None:
    """Seconds that the provider asks for: retry-after-ms, else Retry-After in seconds."""
    if response is None:
        return None
    for header, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        with suppress(KeyError, ValueError):
            return max(0.0, float(response.headers[header]) / unit)
    return None
