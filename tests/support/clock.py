"""A clock that moves only when a test moves it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class ManualClock:
    """``frontdesk.platform.clock.Clock`` under a test's control; sleeping moves it and returns.

    Safe to share between threads. ``slept`` records every wait, in seconds. Who waits for a
    condition goes on when it is notified, or when the clock was moved far enough.
    """

    def __init__(self, start: datetime = START) -> None:
        self._lock = threading.Lock()
        self._start = start
        self._elapsed = 0.0
        self.slept: list[float] = []
        self._waiting: list[threading.Condition] = []

    def now(self) -> datetime:
        with self._lock:
            return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        with self._lock:
            return self._elapsed

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
        self.advance(max(0.0, seconds))

    def wait_until(self, condition: threading.Condition, instant: float) -> None:
        with self._lock:
            if self._elapsed >= instant:
                return
            self._waiting.append(condition)
        try:
            condition.wait()
        finally:
            with self._lock:
                self._waiting.remove(condition)

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass."""
        with self._lock:
            self._elapsed += seconds
            waiting = list(self._waiting)
        for condition in waiting:
            with condition:
                condition.notify_all()

    @property
    def waiting(self) -> int:
        """How many threads wait for a condition."""
        with self._lock:
            return len(self._waiting)
