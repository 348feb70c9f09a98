"""The circuit breaker: slow calls side by side, and what an admitted call costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pybreaker

from bench.harness import Figure, median, paired
from frontdesk.platform.resilience import CircuitBreaker

THREADS = 16
SLOW_CALL_SECONDS = 0.2
MICROSECONDS = 1e6


def run() -> list[Figure]:
    """Sixteen slow calls at once, and one fast call, through ours and through plain pybreaker."""
    ours = CircuitBreaker("bench")
    plain = pybreaker.CircuitBreaker(fail_max=5, reset_timeout=60)

    side_by_side = paired(
        lambda: _at_once(lambda: ours.call(_slow)),
        lambda: _at_once(lambda: plain.call(_slow)),
        rounds=2,
        warmup=0,
    )
    batch = 1_000
    alone = paired(
        lambda: [ours.call(_fast) for _ in range(batch)],
        lambda: [plain.call(_fast) for _ in range(batch)],
        rounds=20,
    )
    return [
        Figure(
            f"breaker: {THREADS} calls of {SLOW_CALL_SECONDS} s at once",
            median(side_by_side[0]),
            "s",
            budget=0.30,
            baseline=median(side_by_side[1]),
            baseline_name="plain pybreaker",
        ),
        Figure(
            "breaker: cost of one admitted call",
            median(alone[0]) / batch * MICROSECONDS,
            "µs",
            baseline=median(alone[1]) / batch * MICROSECONDS,
            baseline_name="plain pybreaker",
        ),
    ]


def _at_once(call: Callable[[], object]) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: call(), range(THREADS)))


def _slow() -> None:
    time.sleep(SLOW_CALL_SECONDS)


def _fast() -> None:
    return None
