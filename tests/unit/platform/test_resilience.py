"""Deadlines and retries: how often, how long, and never past the deadline."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.platform.errors import DeadlineExceeded
from frontdesk.platform.resilience import (
    CircuitBreaker,
    CircuitOpen,
    Deadline,
    Policy,
    Verdict,
    full_jitter,
)
from tests.support.clock import ManualClock


@dataclass
class Trouble(Exception):
    """A failure that carries its own verdict."""

    retry: bool
    breaker_failure: bool = True
    retry_after: float | None = None


def verdict(error: BaseException) -> Verdict:
    if isinstance(error, Trouble):
        return Verdict(error.retry, error.breaker_failure, error.retry_after)
    return Verdict(retry=False, breaker_failure=False)


def policy(
    clock: ManualClock, *, attempts: int = 4, breaker: CircuitBreaker | None = None
) -> Policy:
    """Waits of 1, 2 and 4 s, without chance."""
    return Policy(
        "service",
        attempts=attempts,
        base_wait=1,
        max_wait=4,
        attempt_timeout=10,
        breaker=breaker,
        classify=verdict,
        jitter=lambda wait: wait,
        clock=clock,
    )


class Upstream:
    """Fails as it is told, taking its time over it, and then answers."""

    def __init__(self, clock: ManualClock, *failures: Exception, seconds: float = 0.0) -> None:
        self._clock = clock
        self._failures = list(failures)
        self._seconds = seconds
        self.timeouts: list[float] = []

    def __call__(self, timeout: float) -> str:
        self.timeouts.append(timeout)
        self._clock.advance(min(timeout, self._seconds))
        if self._failures:
            raise self._failures.pop(0)
        return "answer"


TRANSIENT = Trouble(retry=True)
ASKS_FOR_3 = Trouble(retry=True, retry_after=3)
ASKS_FOR_60 = Trouble(retry=True, retry_after=60)
SPENT = Trouble(retry=False)
REFUSED = Trouble(retry=False, breaker_failure=False)


@pytest.mark.parametrize(
    ("error", "left", "attempts", "waited"),
    [
        # error, seconds left, attempts made, seconds waited in all
        (TRANSIENT, 100, 4, 1 + 2 + 4),
        (TRANSIENT, 7.1, 4, 1 + 2 + 4),
        (TRANSIENT, 7.0, 3, 1 + 2),
        (TRANSIENT, 3.5, 3, 1 + 2),
        (TRANSIENT, 1.5, 2, 1),
        (TRANSIENT, 1.0, 1, 0),
        (TRANSIENT, 0.1, 1, 0),
        (TRANSIENT, 0, 0, 0),
        (ASKS_FOR_3, 100, 4, 3 + 3 + 4),
        (ASKS_FOR_3, 3.5, 2, 3),
        (ASKS_FOR_3, 3.0, 1, 0),
        (ASKS_FOR_3, 0, 0, 0),
        (ASKS_FOR_60, 200, 4, 60 * 3),
        (ASKS_FOR_60, 100, 2, 60),
        (ASKS_FOR_60, 15, 1, 0),
        (SPENT, 100, 1, 0),
        (SPENT, 0.1, 1, 0),
        (SPENT, 0, 0, 0),
        (REFUSED, 100, 1, 0),
        (REFUSED, 0.1, 1, 0),
        (REFUSED, 0, 0, 0),
    ],
)
def test_attempts_and_waits_follow_the_error_and_what_is_left(
    clock: ManualClock, error: Trouble, left: float, attempts: int, waited: float
) -> None:
    upstream = Upstream(clock, *[error] * 10)

    with pytest.raises(DeadlineExceeded if attempts == 0 else Trouble):
        policy(clock).run(upstream, Deadline.after(left, clock))

    assert len(upstream.timeouts) == attempts
    assert sum(clock.slept) == waited


def test_a_success_ends_it(clock: ManualClock) -> None:
    upstream = Upstream(clock, TRANSIENT, TRANSIENT)

    assert policy(clock).run(upstream, Deadline.after(100, clock)) == "answer"
    assert len(upstream.timeouts) == 3


def test_each_attempt_gets_what_the_deadline_leaves_at_most_the_policys_own(
    clock: ManualClock,
) -> None:
    upstream = Upstream(clock, *[TRANSIENT] * 3, seconds=6)

    with pytest.raises(Trouble):
        policy(clock).run(upstream, Deadline.after(20, clock))

    # 6 s, wait 1, 6 s, wait 2, the last 5 s; nothing is left to wait.
    assert upstream.timeouts == [10, 10, 5]
    assert clock.monotonic() == 20


@given(
    left=st.floats(0.01, 60),
    seconds=st.floats(0, 20),
    failures=st.lists(st.sampled_from([TRANSIENT, ASKS_FOR_3, ASKS_FOR_60, REFUSED]), max_size=6),
)
def test_nothing_ever_goes_past_the_deadline(
    left: float, seconds: float, failures: list[Trouble]
) -> None:
    clock = ManualClock()
    deadline = Deadline.after(left, clock)
    upstream = Upstream(clock, *failures, seconds=seconds)

    with suppress(Trouble, DeadlineExceeded):
        policy(clock).run(upstream, deadline)

    assert clock.monotonic() <= left * (1 + 1e-9)


def test_an_open_breaker_ends_it_before_anything_is_sent(clock: ManualClock) -> None:
    breaker = CircuitBreaker("service", failure_threshold=1, clock=clock)
    service = policy(clock, attempts=1, breaker=breaker)
    with pytest.raises(Trouble):
        service.run(Upstream(clock, SPENT), Deadline.after(10, clock))
    upstream = Upstream(clock)

    with pytest.raises(CircuitOpen):
        service.run(upstream, Deadline.after(10, clock))

    assert upstream.timeouts == []


def test_a_breaker_that_opens_between_attempts_leaves_the_services_own_error(
    clock: ManualClock,
) -> None:
    breaker = CircuitBreaker("service", failure_threshold=2, clock=clock)
    upstream = Upstream(clock, TRANSIENT, TRANSIENT)

    with pytest.raises(Trouble):
        policy(clock, breaker=breaker).run(upstream, Deadline.after(100, clock))

    assert len(upstream.timeouts) == 2


def test_a_refusal_does_not_open_the_breaker(clock: ManualClock) -> None:
    breaker = CircuitBreaker("service", failure_threshold=1, clock=clock)

    for _ in range(3):
        with pytest.raises(Trouble):
            policy(clock, breaker=breaker).run(Upstream(clock, REFUSED), Deadline.after(9, clock))

    assert breaker.state == "closed"


def test_a_probe_gets_no_more_time_than_its_slot(clock: ManualClock) -> None:
    breaker = CircuitBreaker("service", failure_threshold=1, probe_timeout=2.5, clock=clock)
    with pytest.raises(Trouble):
        policy(clock, breaker=breaker).run(Upstream(clock, SPENT), Deadline.after(9, clock))
    clock.advance(60)
    upstream = Upstream(clock)

    policy(clock, breaker=breaker).run(upstream, Deadline.after(9, clock))

    assert upstream.timeouts == [2.5]


def test_a_deadline_cuts_time_outs_and_then_refuses_them(clock: ManualClock) -> None:
    deadline = Deadline.after(10, clock)

    assert (deadline.timeout(3), deadline.timeout(30)) == (3, 10)
    clock.advance(9)
    assert (deadline.timeout(3), deadline.remaining(), deadline.expired) == (1, 1, False)
    clock.advance(2)
    assert (deadline.remaining(), deadline.expired) == (0, True)
    with pytest.raises(DeadlineExceeded):
        deadline.timeout(3)


@given(st.floats(0, 100))
def test_full_jitter_takes_any_part_of_a_wait(wait: float) -> None:
    assert 0 <= full_jitter(wait) <= wait
