"""What an error of Google's client libraries means: the table for storage, Pub/Sub and secrets.

The three libraries raise ``google.api_core`` errors for replies, ``requests`` and ``urllib3``
errors for the wire and ``google.auth`` errors for credentials. Their own retries are switched off
(``retry=None``): a second layer would multiply with ours and does not know the deadline.
"""

from __future__ import annotations

from http import HTTPStatus

from frontdesk.platform.resilience import Verdict

# https://cloud.google.com/storage/docs/retry-strategy: the replies that may differ next time.
_TRANSIENT = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
REFUSED = Verdict(retry=False, breaker_failure=False)
TRANSIENT = Verdict(retry=True, breaker_failure=True)


def google_verdict(error: BaseException) -> Verdict:
    """Whether to try again, and whether the service is unwell.

    ``Aborted`` (a lost race inside the service) is worth another try and says nothing about its
    health. Everything that is not listed is an answer: it will be the same next time.
    """
    import requests
    import urllib3
    from google.api_core import exceptions as replies
    from google.auth import exceptions as credentials

    match error:
        case replies.Aborted():
            return Verdict(retry=True, breaker_failure=False)
        case replies.Unknown() | replies.Cancelled():
            return TRANSIENT
        case replies.GoogleAPICallError():
            return (
                TRANSIENT._replace(retry_after=_retry_after(error))
                if error.code in _TRANSIENT
                else REFUSED
            )
        case credentials.GoogleAuthError():
            return TRANSIENT if error.retryable else REFUSED
        case (
            TimeoutError()
            | ConnectionError()
            | requests.ConnectionError()
            | requests.Timeout()
            | requests.exceptions.ChunkedEncodingError()
            | urllib3.exceptions.HTTPError()
        ):
            return TRANSIENT
        case _:
            return REFUSED


def _retry_after(error: object) -> float | None:
    """The seconds of a Retry-After header, when the reply came over HTTP and has one."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    seconds = str(headers.get("Retry-After", ""))
    return float(seconds) if seconds.isdecimal() else None
