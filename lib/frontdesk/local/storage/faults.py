"""Trouble on request: what a test tells the storage server to get wrong."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """What happens to a request instead of, or besides, its answer.

    Attributes:
        method: only requests of that HTTP method; empty for any.
        path: only requests whose path contains this.
        status: reply with this status instead; None answers as usual.
        retry_after: seconds, sent with that status.
        delay: seconds to wait before anything is answered.
        drop: close the connection without an answer.
        corrupt: flip one bit of the content that is sent.
        times: how many requests it is for; 0 for all until it is cleared.
    """

    method: str = ""
    path: str = ""
    status: int | None = None
    retry_after: int | None = None
    delay: float = 0.0
    drop: bool = False
    corrupt: bool = False
    times: int = 1

    def concerns(self, method: str, path: str) -> bool:
        """Whether it is meant for that request."""
        return self.method in {"", method} and self.path in path


NO_FAULT = Fault(times=0)


class Faults:
    """The faults that wait for their requests; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[Fault, int]] = []
        self._met = 0

    def add(self, fault: Fault) -> None:
        """Let it happen to the next requests that it concerns, after the faults before it."""
        with self._lock:
            self._waiting.append((fault, fault.times))

    def clear(self) -> None:
        """Forget what has not happened yet."""
        with self._lock:
            self._waiting.clear()

    @property
    def met(self) -> int:
        """How many requests met a fault so far."""
        with self._lock:
            return self._met

    def take(self, method: str, path: str) -> Fault:
        """The first fault that concerns this request, counted down; NO_FAULT when there is none."""
        with self._lock:
            for position, (fault, left) in enumerate(self._waiting):
                if fault.concerns(method, path):
                    self._met += 1
                    if left == 1:
                        del self._waiting[position]
                    elif left:
                        self._waiting[position] = (fault, left - 1)
                    return fault
        return NO_FAULT
