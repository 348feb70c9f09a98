"""Secrets: in the open from the environment, or by reference from Secret Manager.

A setting that reads ``sm://projects/P/secrets/S/versions/V`` is fetched when it is first needed
and kept for five minutes, so that a rotated secret arrives without a new deployment. When Secret
Manager does not answer, the last good value is served: an outage there must not stop us.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from frontdesk.platform.clock import Clock, SystemClock
from frontdesk.platform.errors import NotConfigured, UpstreamUnavailable
from frontdesk.platform.google import google_verdict
from frontdesk.platform.logging import get_logger
from frontdesk.platform.resilience import CircuitBreaker, Deadline, Policy
from frontdesk.platform.settings import SECRET_REFERENCE

log = get_logger(__name__)

TTL = 300.0
"""Seconds for which a fetched secret is used without asking again."""
PAUSE_AFTER_FAILURE = 30.0
"""Seconds for which the last good value is served before Secret Manager is asked again."""
PATIENCE = 5.0
"""Seconds that fetching one secret may take, all attempts included."""

Access = Callable[[str, float], bytes]
"""``access(name, timeout) -> payload``: one request to Secret Manager; the seam for tests."""


class SecretUnavailable(UpstreamUnavailable):
    """Secret Manager did not give the secret, and there is no earlier value."""


@dataclass(slots=True)
class _Kept:
    """One secret as last seen; ``lock`` lets one thread fetch while the others wait or go on."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    value: str | None = None
    good_until: float = 0.0


class Secrets:
    """Resolves secret settings; one per process, safe to share between threads.

    Args:
        access: fetches one version by its resource name; by default from Secret Manager.
    """

    def __init__(self, *, clock: Clock | None = None, access: Access | None = None) -> None:
        self._clock = clock or SystemClock()
        self._access = access or _SecretManager()
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()
        self._policy = Policy(
            "secrets",
            attempts=2,
            base_wait=0.1,
            max_wait=0.5,
            attempt_timeout=2.0,
            breaker=CircuitBreaker("secrets", clock=self._clock),
            classify=google_verdict,
            clock=self._clock,
        )

    def resolve(self, secret: SecretStr) -> str:
        """The secret itself, fetched when the setting is a reference.

        Raises:
            SecretUnavailable: it cannot be fetched and never was.
        """
        value = secret.get_secret_value()
        if not value.startswith(SECRET_REFERENCE):
            return value
        return self._fetched(value.removeprefix(SECRET_REFERENCE))

    def _fetched(self, name: str) -> str:
        with self._lock:
            kept = self._kept.setdefault(name, _Kept())
        if kept.value is not None and self._clock.monotonic() < kept.good_until:
            return kept.value
        # Who has an older value does not queue behind the one that fetches the newer.
        if not kept.lock.acquire(blocking=kept.value is None) and kept.value is not None:
            return kept.value
        try:
            if kept.value is None or self._clock.monotonic() >= kept.good_until:
                self._refresh(name, kept)
            assert kept.value is not None  # noqa: S101 -- a refresh without a value has raised
            return kept.value
        finally:
            kept.lock.release()

    def _refresh(self, name: str, kept: _Kept) -> None:
        try:
            payload = self._policy.run(
                lambda timeout: self._access(name, timeout), Deadline.after(PATIENCE, self._clock)
            )
            kept.value = payload.decode()
            kept.good_until = self._clock.monotonic() + TTL
        except NotConfigured:
            raise
        except Exception as error:
            if kept.value is None:
                raise SecretUnavailable from error
            log.warning(
                "A secret could not be refreshed, its last value is used",
                error=type(error).__name__,
            )
            kept.good_until = self._clock.monotonic() + PAUSE_AFTER_FAILURE


class _SecretManager:
    """Google's client, built at the first secret."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: Any = None

    def __call__(self, name: str, timeout: float) -> bytes:
        """Read one version.

        Raises:
            NotConfigured: this function was installed without the client library.
            google.api_core.exceptions.GoogleAPICallError: the reply was an error.
            ConnectionError: the payload was damaged on its way.
        """
        try:
            import google_crc32c
            from google.cloud import secretmanager_v1 as manager
        except ImportError as error:
            raise NotConfigured("A secret is given by reference, and no client can read it.") from (
                error
            )
        with self._lock:
            if self._client is None:
                self._client = manager.SecretManagerServiceClient()
        reply = self._client.access_secret_version(name=name, retry=None, timeout=timeout)
        data = bytes(reply.payload.data)
        if reply.payload.data_crc32c and google_crc32c.value(data) != reply.payload.data_crc32c:
            raise ConnectionError("the secret's checksum does not match")
        return data
