"""How many replies one process may stream at the same time.

A stream keeps a thread for as long as it lasts. Two of the function's threads are left to whoever
asks something short.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from frontdesk.http.timeouts import manifest_number
from frontdesk.platform.errors import RateLimited

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE: Final = "THREADS"
"""What functions-framework reads its number of threads from."""
DEFAULT: Final = 8
"""Threads of a function without a manifest: a test's."""
LEFT_FREE: Final = 2
_RETRY_AFTER_SECONDS: Final = 2.0


def streams_at_once(folder: Path | None) -> int:
    """How many streams the function's threads allow, at least one.

    Args:
        folder: where the function's manifest may be; its concurrency is the number of threads.

    Raises:
        ValueError: the variable holds no number.
    """
    if VARIABLE in os.environ:
        threads = int(os.environ[VARIABLE])
    else:
        threads = manifest_number(folder, "concurrency") or DEFAULT
    return max(1, threads - LEFT_FREE)


class StreamSlots:
    """So many streams and no more; safe to share between threads."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._lock = threading.Lock()
        self._taken = 0

    @contextmanager
    def taken(self) -> Generator[None]:
        """Hold one slot.

        Raises:
            RateLimited: all are taken; details name the limit ``streams``.
        """
        with self._lock:
            if self._taken >= self._number:
                raise RateLimited(
                    "Too many answers are being streamed. Try again shortly, or ask for JSON.",
                    details={"limit": "streams"},
                    retry_after=_RETRY_AFTER_SECONDS,
                )
            self._taken += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken -= 1
