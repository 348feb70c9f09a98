"""Public keys of signed tokens: fetched once, kept, and fetched again when a key is new."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from frontdesk.platform.clock import Clock
from frontdesk.platform.errors import UpstreamUnavailable
from frontdesk.platform.logging import get_logger
from frontdesk.platform.resilience import Deadline

log = get_logger(__name__)

KEEP = 600.0
"""Seconds after which the keys are fetched again, so that a withdrawn key stops working."""
PAUSE = 30.0
"""Seconds between two fetches: made-up key ids, or an outage, cause no more than that."""
PAUSE_WITHOUT_KEYS = 1.0
"""The same for a process that knows no key yet, and can serve nobody."""
TIMEOUT = 3.0
"""Seconds that one fetch may take."""

Fetch = Callable[[str, float], bytes]
"""``fetch(url, timeout) -> body``, raising OSError when there is none; the seam for tests."""


@dataclass(frozen=True, slots=True)
class Key:
    """One public key and the only algorithm that it is for."""

    algorithm: str
    public: Any


class KeySet:
    """The keys of one JWKS address; one per process, safe to share between threads."""

    def __init__(self, url: str, clock: Clock, fetch: Fetch | None = None) -> None:
        self._url = url
        self._clock = clock
        self._fetch = fetch or _get
        self._lock = threading.Lock()
        self._keys: dict[str, Key] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None

    def key(self, kid: Any, deadline: Deadline) -> Key | None:
        """The key of that id, or None when the set has none.

        Raises:
            UpstreamUnavailable: no keys are known and they cannot be fetched.
            DeadlineExceeded: there is no time left to fetch them.
        """
        if not isinstance(kid, str):
            return None
        found = self._keys.get(kid)
        if found is not None and not self._is_older_than(self._fetched_at, KEEP):
            return found
        with self._lock:
            pause = PAUSE if self._keys else PAUSE_WITHOUT_KEYS
            if self._is_older_than(self._tried_at, pause):
                self._refresh(deadline.timeout(TIMEOUT))
        if not self._keys:
            raise UpstreamUnavailable(retry_after=PAUSE_WITHOUT_KEYS)
        return self._keys.get(kid)

    def _is_older_than(self, instant: float | None, seconds: float) -> bool:
        return instant is None or self._clock.monotonic() - instant >= seconds

    def _refresh(self, timeout: float) -> None:
        """Fetch the keys; when that fails, those that are known go on being used."""
        self._tried_at = self._clock.monotonic()
        try:
            self._keys = _parse(self._fetch(self._url, timeout))
        except (OSError, ValueError) as error:
            log.warning("The public keys of tokens could not be fetched.", error=error)
            return
        self._fetched_at = self._clock.monotonic()


def _parse(content: bytes) -> dict[str, Key]:
    """The usable keys by id: EC P-256 for ES256, RSA for RS256. Others, symmetric ones above
    all, are left out, so that a JWKS can't make us accept HS256.
    """
    from jwt import PyJWK
    from jwt.exceptions import PyJWTError

    document = json.loads(content)
    keys = {}
    for entry in document["keys"] if isinstance(document, dict) and "keys" in document else []:
        match entry:
            case {"kty": "EC", "crv": "P-256", "kid": str(kid)}:
                algorithm = "ES256"
            case {"kty": "RSA", "kid": str(kid)}:
                algorithm = "RS256"
            case _:
                continue
        if entry.get("use", "sig") != "sig" or entry.get("alg", algorithm) != algorithm:
            continue
        try:
            keys[kid] = Key(algorithm, PyJWK(entry, algorithm).key)
        except PyJWTError:
            continue
    if not keys:
        raise ValueError("the JWKS holds no key that we use")
    return keys


def _get(url: str, timeout: float) -> bytes:
    import httpx

    try:
        return httpx.get(url, timeout=timeout).raise_for_status().content
    except httpx.HTTPError as error:
        raise OSError("the JWKS address did not answer") from error
