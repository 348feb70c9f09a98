"""Tells whoever works for a caller that the caller is gone."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from frontdesk.platform.errors import DeadlineExceeded

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class CallerGone(DeadlineExceeded):
    """The caller hung up: nobody waits for this any more."""


class Cancellation:
    """Whether the caller is still there; safe to share between threads.

    Work that waits for something outside says with ``calls`` how the wait is ended.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._actions: list[Callable[[], None]] = []

    @property
    def cancelled(self) -> bool:
        """Whether the caller is gone."""
        return self._cancelled

    def check(self) -> None:
        """Go on.

        Raises:
            CallerGone: there is nobody to go on for.
        """
        if self._cancelled:
            raise CallerGone

    def cancel(self) -> None:
        """Say that the caller is gone, and end what is being waited for."""
        with self._lock:
            self._cancelled = True
            actions = list(self._actions)
        for action in actions:
            action()

    @contextmanager
    def calls(self, action: Callable[[], None]) -> Generator[None]:
        """While the block runs, ``cancel`` calls ``action`` in its own thread.

        Raises:
            CallerGone: it was cancelled before.
        """
        with self._lock:
            self.check()
            self._actions.append(action)
        try:
            yield
        finally:
            with self._lock:
                self._actions.remove(action)
