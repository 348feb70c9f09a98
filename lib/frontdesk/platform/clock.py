"""Time as a seam: production reads the system's clock, tests move their own."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the code may know about time."""

    def now(self) -> datetime:
        """The present instant, aware and in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards; only differences mean something."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block this thread for so many seconds; nothing when that is 0 or less."""
        ...

    def wait_until(self, condition: threading.Condition, instant: float) -> None:
        """Wait, holding the condition, until it is notified or ``monotonic`` reaches the instant.

        It may return early: look at what was waited for, and at the clock.
        """
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)

    def wait_until(self, condition: threading.Condition, instant: float) -> None:
        condition.wait(max(0.0, instant - self.monotonic()))
