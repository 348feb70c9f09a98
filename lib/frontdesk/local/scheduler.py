"""Cloud Scheduler on a laptop: posts to scheduled functions, signed as Google signs."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Sequence

    from frontdesk.local.identity import Identity

_FIELDS: Final = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
"""Least and greatest value of a cron line's minute, hour, day, month and weekday (0 is Sunday)."""

_TIMEOUT_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Job:
    """A scheduled call.

    Attributes:
        name: the function's.
        cron: five fields of numbers, ``*``, lists, ranges and steps; UTC.
        url: what is posted to.
    """

    name: str
    cron: str
    url: str

    def is_due(self, at: datetime) -> bool:
        """Whether it runs in the minute of that time."""
        weekday = at.isoweekday() % 7
        values = (at.minute, at.hour, at.day, at.month, weekday)
        return all(
            value in _values(field, least, greatest)
            for field, value, (least, greatest) in zip(
                self.cron.split(), values, _FIELDS, strict=True
            )
        )


def _values(field: str, least: int, greatest: int) -> set[int]:
    """The values that a cron field means, ``*/15`` or ``1-5,20`` for example."""
    found: set[int] = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            begin, end = least, greatest
        else:
            begin = int(first)
            end = int(last) if dash else (greatest if step else begin)
        found.update(range(begin, end + 1, int(step or 1)))
    return found


class Scheduler:
    """A part that runs jobs: all at once when it starts, then by their cron lines.

    The run at the start picks up what the last stop interrupted.

    Args:
        jobs: what to run.
        identity: signs the calls.
    """

    name = "scheduler"

    def __init__(self, jobs: Sequence[Job], identity: Identity) -> None:
        self._jobs = jobs
        self._identity = identity
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Run in the background."""
        self.stop()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def alive(self) -> bool:
        """Whether it runs."""
        return self._thread is not None and self._thread.is_alive()

    def kill(self) -> None:
        """End it; a thread cannot crash from outside."""
        self.stop()

    def stop(self) -> None:
        """End it; a call under way is waited for. Idempotent."""
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def tick(self, job: Job) -> int | None:
        """Make one call now.

        Returns:
            The HTTP status; None when nobody answered.
        """
        token = self._identity.oidc_token()
        headers = {"Authorization": f"Bearer {token}", "X-CloudScheduler": "true"}
        try:
            return httpx.post(job.url, headers=headers, timeout=_TIMEOUT_SECONDS).status_code
        except httpx.HTTPError:
            return None

    def _run(self) -> None:
        due = list(self._jobs)
        while not self._stopping.is_set():
            for job in due:
                self.tick(job)
            now = datetime.now(UTC)
            minute = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
            if self._stopping.wait((minute - now).total_seconds()):
                return
            due = [job for job in self._jobs if job.is_due(minute)]
