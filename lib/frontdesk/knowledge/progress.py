"""How far a build is, for who waits for it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Step(StrEnum):
    """What a build does, in this order; the value says what is counted."""

    READING = "documents read"
    EMBEDDING = "passages embedded"
    UPLOADING = "files uploaded"


Progress = Callable[[Step, int, int], None]
"""Takes a step, how much of it is done, and how much there is; called from 0 to all."""


def silently(_step: Step, _done: int, _total: int) -> None:
    """Tell nobody."""
