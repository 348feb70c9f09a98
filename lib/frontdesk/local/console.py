"""What a person sees while the stack works: one line a step, with the time it came."""

from __future__ import annotations

import sys
import threading
import time
from typing import TextIO


class Console:
    """Lines with the seconds since the start; safe to share between threads.

    Args:
        stream: where to write; by default standard output.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._began = time.monotonic()
        self._lock = threading.Lock()

    @property
    def elapsed(self) -> float:
        """Seconds since the console was made."""
        return time.monotonic() - self._began

    def step(self, text: str) -> None:
        """A step of the work, with its time."""
        self.line(f"{self.elapsed:6.1f} s  {text}")

    def line(self, text: str = "") -> None:
        """A line as it is."""
        with self._lock:
            self._stream.write(text + "\n")
            self._stream.flush()
