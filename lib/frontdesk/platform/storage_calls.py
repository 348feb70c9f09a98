"""How Google's storage client is called: built once, never retrying by itself, bounded in time.

The library's own retries are off (``retry=None`` at each call); ours know the deadline. A time-out
of ``requests`` limits the wait for the next bytes only, so whoever receives a body asks the clock
with every piece (``Attempt.timely``).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from frontdesk.platform.clock import Clock
from frontdesk.platform.errors import (
    FrontdeskError,
    NotConfigured,
    NotFound,
    PreconditionFailed,
    UpstreamUnavailable,
)
from frontdesk.platform.google import google_verdict
from frontdesk.platform.resilience import CircuitBreaker, Deadline, Policy, Verdict

if TYPE_CHECKING:
    import requests
    from google.cloud.storage import Bucket, Client

T = TypeVar("T")

CONNECT_TIMEOUT = 2.0
STALL_TIMEOUT = 5.0
"""Seconds without a byte after which an attempt is given up, even if it may take longer."""
CONNECTIONS = 32
_ASK_NOTHING_ELSE = "DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA"
"""Since 3.17 the library fetches each bucket's metadata for trace labels, in a thread of its own
with its own retries, even where nothing is traced; this is its switch."""


class ObjectNotFound(NotFound):
    """There is no such object, or not in that generation."""


class StorageUnavailable(UpstreamUnavailable):
    """Storage failed, refused us or lost bytes on the way, also when tried again."""


class Attempt:
    """One try at a request and the seconds it has."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._deadline = Deadline.after(seconds, clock)
        self.timeout = (min(CONNECT_TIMEOUT, seconds), min(STALL_TIMEOUT, seconds))
        """Seconds to connect and to wait for the next bytes, as ``requests`` wants them."""

    def timely(self, write: Callable[[bytes], int]) -> TimelyWriter:
        """A file to receive a body into, which stops when the attempt's time is over."""
        return TimelyWriter(write, self._deadline)


@dataclass(frozen=True, slots=True)
class TimelyWriter:
    """The ``write`` of a file, until the deadline."""

    _write: Callable[[bytes], int]
    _deadline: Deadline

    def write(self, data: bytes) -> int:
        """Take the next piece.

        Raises:
            TimeoutError: it came too late.
        """
        if self._deadline.expired:
            raise TimeoutError
        return self._write(data)


def storage_verdict(error: BaseException) -> Verdict:
    """Google's table, and: bytes damaged on the way are fetched again."""
    from google.cloud.storage.exceptions import DataCorruption

    if isinstance(error, DataCorruption):
        return Verdict(retry=True, breaker_failure=False)
    return google_verdict(error)


def storage_policy(clock: Clock) -> Policy:
    """How storage is called: three attempts of at most 20 s."""
    return Policy(
        "storage",
        attempts=3,
        base_wait=0.2,
        max_wait=3.0,
        attempt_timeout=20.0,
        breaker=CircuitBreaker("storage", clock=clock),
        classify=storage_verdict,
        clock=clock,
    )


class StorageCalls:
    """The client library behind our policy; see ``ObjectStore`` for the arguments."""

    def __init__(
        self, project: str, policy: Policy, clock: Clock, session: requests.Session | None
    ) -> None:
        self._project = project
        self._policy = policy
        self._clock = clock
        self._session = session
        self._lock = threading.Lock()
        self._client: Client | None = None

    def run(self, call: Callable[[Attempt], T], deadline: Deadline) -> T:
        """Make a request, again when that may help, and speak of failures in our own words.

        Raises:
            ObjectNotFound: 404.
            PreconditionFailed: 412.
            StorageUnavailable: everything else that went wrong outside.
        """
        with _our_errors():
            return self._policy.run(lambda seconds: call(Attempt(seconds, self._clock)), deadline)

    def bucket(self, name: str) -> Bucket:
        """A handle of a bucket; asks nobody."""
        return self.client.bucket(name)

    @property
    def client(self) -> Client:
        """Google's client, imported and built at the first call (0.5 s)."""
        with self._lock:
            if self._client is None:
                from google.cloud.storage import Client

                os.environ.setdefault(_ASK_NOTHING_ELSE, "true")
                session, credentials = self._authorised()
                self._client = Client(self._project, credentials=credentials, _http=session)
            return self._client

    def _authorised(self) -> tuple[requests.Session, Any]:
        """A session with a pool as wide as our concurrency, and the credentials it sends.

        Raises:
            NotConfigured: this machine has no Google credentials.
        """
        from google.auth.credentials import AnonymousCredentials
        from google.auth.transport.requests import AuthorizedSession
        from requests.adapters import HTTPAdapter

        nobody = AnonymousCredentials()  # type: ignore[no-untyped-call]
        if self._session is not None:
            return self._session, nobody
        credentials = nobody if os.environ.get("STORAGE_EMULATOR_HOST") else _own_credentials()
        session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(pool_maxsize=CONNECTIONS))
        return session, credentials


def _own_credentials() -> Any:
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError
    from google.cloud.storage import Client

    try:
        return google.auth.default(scopes=Client.SCOPE)[0]
    except DefaultCredentialsError as error:
        raise NotConfigured("There are no Google credentials here.") from error


@contextmanager
def _our_errors() -> Generator[None]:
    """Map what the library raises; our own errors and our bugs pass as they are."""
    try:
        yield
    except FrontdeskError:
        raise
    except Exception as error:
        import requests
        from google.api_core import exceptions as replies
        from google.auth.exceptions import GoogleAuthError
        from google.cloud.storage.exceptions import DataCorruption

        match error:
            case replies.NotFound():
                raise ObjectNotFound from error
            case replies.PreconditionFailed():
                raise PreconditionFailed from error
            case (
                replies.GoogleAPICallError()
                | GoogleAuthError()
                | DataCorruption()
                | requests.RequestException()
                | OSError()
            ):
                raise StorageUnavailable from error
            case _:
                raise
