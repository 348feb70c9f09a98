"""Many threads, two look-alike agencies, one process: does anybody ever see the other's things?

What is asked and how an answer is looked at, each domain's own hammer says: ``crm_hammer``,
``helpdesk_hammer``. Here is how hard they strike, and what they report.
"""

from __future__ import annotations

import logging
import random
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from frontdesk.platform.logging import configure
from frontdesk.platform.settings import Settings


@dataclass
class Report:
    """What was seen.

    Attributes:
        requests: how many were made.
        own: things of the asker's own that came back: a strike that sees none proves nothing.
        foreign: one sentence for each thing that the asker should not have seen.
        failures: one sentence for each request that got no proper answer.
    """

    requests: int = 0
    own: int = 0
    foreign: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


Request = Callable[[random.Random, Report], None]
"""Makes one request, chosen by chance, and reports what it saw. Called by many threads."""


def strike(request: Request, *, seed: int, threads: int, requests: int) -> Report:
    """Make so many requests in so many threads, as many in each.

    Args:
        seed: of what is asked; a failure is repeated with the same one.
    """
    report, lock = Report(), threading.Lock()

    def work(thread: int) -> None:
        chance = random.Random(f"{seed}/{thread}")
        for _ in range(requests // threads):
            seen = Report()
            try:
                request(chance, seen)
            except Exception as error:  # noqa: BLE001 -- reported, and no test passes with one
                seen.failures.append(f"{type(error).__name__}: {error}")
            with lock:
                report.requests += 1
                report.own += seen.own
                report.foreign += seen.foreign
                report.failures += seen.failures

    with _eager_switching(), ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, thread) for thread in range(threads)]:
            done.result()
    return report


@contextmanager
def logging_as_deployed() -> Iterator[None]:
    """Print log lines as a function does, for the block."""
    handlers, level = logging.root.handlers[:], logging.root.level
    configure(Settings())
    try:
        yield
    finally:
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)


@contextmanager
def _eager_switching() -> Iterator[None]:
    """Let threads take turns 500 times as often as they do, so that races happen."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
