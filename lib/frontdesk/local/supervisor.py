"""Watches the parts of a stack and starts again what died."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from frontdesk.local.process import StartFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from frontdesk.local.part import Part

LOOK_EVERY_SECONDS: Final = 0.2
_PAUSES: Final = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before each further try to start a part; the last one repeats."""


class Supervisor:
    """One thread that looks after parts until it is stopped.

    Args:
        parts: in the order in which they start; a part uses only those before it.
        report: called with one sentence for each death, return and failed try.
    """

    def __init__(self, parts: Sequence[Part], report: Callable[[str], None]) -> None:
        self._parts = parts
        self._report = report
        self._stopping = threading.Event()
        self._excused: set[str] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self.restarts = 0
        """How many times a part was started again."""

    def start(self) -> None:
        """Watch from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer; a restart under way is waited for. Idempotent."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    @contextmanager
    def down(self, part: Part) -> Iterator[None]:
        """Kill a part and keep it down for the length of the block, then start it again."""
        with self._lock:
            self._excused.add(part.name)
            part.kill()
        try:
            yield
        finally:
            with self._lock:
                self._restart(part)
                self._excused.discard(part.name)

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_EVERY_SECONDS):
            for part in self._parts:
                with self._lock:
                    if part.name not in self._excused and not part.alive():
                        self._report(f"{part.name} died; starting it again")
                        began = time.monotonic()
                        if self._restart(part):
                            took = time.monotonic() - began
                            self._report(f"{part.name} is back after {took:.1f} s")

    def _restart(self, part: Part) -> bool:
        """Try until it works or we are stopped; says whether it works."""
        tries = 0
        while not self._stopping.wait(_PAUSES[min(tries, len(_PAUSES) - 1)]):
            try:
                part.stop()  # what a crash left behind
                part.start()
            except StartFailed as failed:
                tries += 1
                self._report(f"{part.name} does not start: {failed}")
            else:
                self.restarts += 1
                return True
        return False
