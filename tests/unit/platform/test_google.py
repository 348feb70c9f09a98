"""The table from an error of Google's libraries to what is done about it."""

from __future__ import annotations

import pytest
import requests
import urllib3
from google.api_core import exceptions as replies
from google.auth import exceptions as credentials
from google.cloud.storage.exceptions import DataCorruption

from frontdesk.platform.google import google_verdict
from frontdesk.platform.resilience import Verdict
from frontdesk.platform.storage_calls import storage_verdict

UNWELL = Verdict(retry=True, breaker_failure=True)
AGAIN = Verdict(retry=True, breaker_failure=False)
REFUSED = Verdict(retry=False, breaker_failure=False)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (replies.TooManyRequests("m"), UNWELL),
        (replies.ResourceExhausted("m"), UNWELL),
        (replies.InternalServerError("m"), UNWELL),
        (replies.BadGateway("m"), UNWELL),
        (replies.ServiceUnavailable("m"), UNWELL),
        (replies.GatewayTimeout("m"), UNWELL),
        (replies.DeadlineExceeded("m"), UNWELL),
        (replies.Unknown("m"), UNWELL),
        (replies.Cancelled("m"), UNWELL),
        (replies.from_http_status(408, "m"), UNWELL),
        (replies.Aborted("m"), AGAIN),
        (replies.NotFound("m"), REFUSED),
        (replies.Forbidden("m"), REFUSED),
        (replies.Unauthenticated("m"), REFUSED),
        (replies.PreconditionFailed("m"), REFUSED),
        (replies.InvalidArgument("m"), REFUSED),
        (replies.NotModified("m"), REFUSED),
        (requests.ConnectionError(), UNWELL),
        (requests.Timeout(), UNWELL),
        (requests.exceptions.ChunkedEncodingError(), UNWELL),
        (urllib3.exceptions.ProtocolError(), UNWELL),
        (TimeoutError(), UNWELL),
        (ConnectionResetError(), UNWELL),
        (credentials.TransportError("m", retryable=True), UNWELL),
        (credentials.RefreshError("m"), REFUSED),
        (ValueError(), REFUSED),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_error_has_one_meaning(error: Exception, verdict: Verdict) -> None:
    assert google_verdict(error) == verdict
    assert storage_verdict(error) == verdict


def test_damaged_bytes_are_fetched_again_without_blaming_the_service() -> None:
    assert storage_verdict(DataCorruption(None, "checksum")) == AGAIN


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("soon", None), (None, None)])
def test_the_wait_that_storage_asks_for_is_passed_on(
    header: str | None, seconds: float | None
) -> None:
    response = requests.Response()
    response.headers.update({"Retry-After": header} if header else {})

    verdict = google_verdict(replies.TooManyRequests("m", response=response))

    assert verdict == UNWELL._replace(retry_after=seconds)
