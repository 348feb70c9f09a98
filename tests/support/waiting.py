"""Waiting for what other threads or processes do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def eventually(holds: Callable[[], bool], *, seconds: float = 20.0, every: float = 0.002) -> None:
    """Return as soon as ``holds()``, asked ``every`` so many seconds; fail when the time is up."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"it did not come true within {seconds:g} s"
        time.sleep(every)
