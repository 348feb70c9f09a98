"""The circuit breaker: its states, its probes, and that it never makes calls wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pybreaker
import pytest

from frontdesk.platform.breaker import CircuitBreaker, CircuitOpen, breaker_states
from frontdesk.platform.errors import DeadlineExceeded, UpstreamUnavailable
from tests.support.clock import ManualClock

PATIENCE = 20.0
"""Seconds after which a test that should have gone on is given up."""


def make(clock: ManualClock, *, probes: int = 1, name: str = "service") -> CircuitBreaker:
    return CircuitBreaker(
        name, failure_threshold=5, reset_after=60, probes=probes, probe_timeout=15, clock=clock
    )


def fail() -> None:
    raise TimeoutError


def answer() -> str:
    return "answer"


def trip(breaker: CircuitBreaker) -> None:
    for _ in range(5):
        with pytest.raises(TimeoutError):
            breaker.call(fail)


def test_it_opens_at_the_fifth_failure_in_a_row_and_raises_the_failure_itself(
    clock: ManualClock,
) -> None:
    breaker = make(clock)
    for _ in range(4):
        with pytest.raises(TimeoutError):
            breaker.call(fail)
    assert breaker.state == "closed"

    with pytest.raises(TimeoutError):
        breaker.call(fail)

    assert breaker.state == "open"


def test_a_success_in_between_starts_the_count_again(clock: ManualClock) -> None:
    breaker = make(clock)
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(TimeoutError):
                breaker.call(fail)
        assert breaker.call(answer) == "answer"

    assert breaker.state == "closed"


def test_open_it_refuses_at_once_and_says_for_how_long(clock: ManualClock) -> None:
    breaker = make(clock)
    trip(breaker)
    clock.advance(20)

    with pytest.raises(CircuitOpen) as caught:
        breaker.call(lambda: pytest.fail("the service was called"))

    assert caught.value.retry_after == 40
    assert isinstance(caught.value, UpstreamUnavailable)


def test_after_the_time_out_successful_probes_close_it(clock: ManualClock) -> None:
    breaker = make(clock, probes=2)
    trip(breaker)
    clock.advance(60)

    assert breaker.call(answer) == "answer"
    assert breaker.state == "half_open"
    assert breaker.call(answer) == "answer"
    assert breaker.state == "closed"


def test_a_failed_probe_opens_it_for_the_whole_time_again(clock: ManualClock) -> None:
    breaker = make(clock)
    trip(breaker)
    clock.advance(60)

    with pytest.raises(TimeoutError):
        breaker.call(fail)

    clock.advance(59)
    with pytest.raises(CircuitOpen):
        breaker.call(answer)
    clock.advance(1)
    assert breaker.call(answer) == "answer"


def test_an_error_that_is_an_answer_is_not_counted(clock: ManualClock) -> None:
    breaker = make(clock)

    def refuse() -> None:
        raise ValueError("400")

    for _ in range(20):
        with pytest.raises(ValueError, match="400"):
            breaker.call(refuse)

    assert breaker.state == "closed"


@pytest.mark.parametrize(
    "nothing", [KeyboardInterrupt, SystemExit, GeneratorExit, DeadlineExceeded]
)
def test_what_is_no_answer_counts_neither_way_and_frees_the_slot(
    clock: ManualClock, nothing: type[BaseException]
) -> None:
    breaker = make(clock)

    def leave() -> None:
        raise nothing

    for _ in range(4):
        with pytest.raises(TimeoutError):
            breaker.call(fail)
    with pytest.raises(nothing):
        breaker.call(leave)
    with pytest.raises(TimeoutError):
        breaker.call(fail)
    assert breaker.state == "open"  # four and one make five: what lay between was no success

    clock.advance(60)
    with pytest.raises(nothing):
        breaker.call(leave)
    assert breaker.call(answer) == "answer"


def test_a_hanging_probe_loses_its_slot_at_its_deadline(clock: ManualClock) -> None:
    breaker = make(clock)
    trip(breaker)
    clock.advance(60)
    hanging = breaker.admit()

    clock.advance(14.9)
    with pytest.raises(CircuitOpen) as caught:
        breaker.admit()
    assert caught.value.retry_after == pytest.approx(0.1)
    clock.advance(0.1)
    second = breaker.admit()

    breaker.record(hanging, failed=False)
    assert breaker.state == "half_open"  # too slow to prove anything
    breaker.record(second, failed=False)
    assert breaker.state == "closed"


def test_a_probe_that_fails_after_its_deadline_still_opens_the_circuit(clock: ManualClock) -> None:
    breaker = make(clock)
    trip(breaker)
    clock.advance(60)
    hanging = breaker.admit()
    clock.advance(20)

    breaker.record(hanging, failed=True)

    assert breaker.state == "open"


def test_a_probe_is_told_how_long_it_may_take(clock: ManualClock) -> None:
    breaker = make(clock)
    assert breaker.admit().timeout is None

    trip(breaker)
    clock.advance(60)

    assert breaker.admit().timeout == 15


def test_the_outcome_of_a_call_from_before_the_circuit_opened_is_ignored(
    clock: ManualClock,
) -> None:
    breaker = make(clock)
    slow_success, slow_failure = breaker.admit(), breaker.admit()
    trip(breaker)

    breaker.record(slow_success, failed=False)
    assert breaker.state == "open"
    clock.advance(60)
    probe = breaker.admit()
    breaker.record(slow_failure, failed=True)
    assert breaker.state == "half_open"
    breaker.record(probe, failed=False)
    assert breaker.state == "closed"


def test_the_states_of_all_breakers_can_be_read_by_name(clock: ManualClock) -> None:
    well, unwell = make(clock, name="well"), make(clock, name="unwell")
    trip(unwell)

    assert breaker_states()["well"] == "closed"
    assert breaker_states()["unwell"] == "open"
    assert well.state == "closed"


def test_sixteen_slow_calls_are_under_way_at_the_same_time(clock: ManualClock) -> None:
    breaker = make(clock)
    # A call ends only when all 16 have begun: were they to queue, the barrier would break.
    everybody = threading.Barrier(16, timeout=PATIENCE)

    with ThreadPoolExecutor(16) as threads:
        calls = [threads.submit(breaker.call, everybody.wait) for _ in range(16)]
        places = sorted(call.result() for call in calls)

    assert places == list(range(16))


def test_failing_calls_do_not_wait_for_each_other_either(clock: ManualClock) -> None:
    breaker = make(clock)
    everybody = threading.Barrier(16, timeout=PATIENCE)

    def fail_together() -> None:
        everybody.wait()
        raise TimeoutError

    with ThreadPoolExecutor(16) as threads:
        calls = [threads.submit(breaker.call, fail_together) for _ in range(16)]
        errors = {type(call.exception()) for call in calls}

    assert errors == {TimeoutError}
    assert breaker.state == "open"


def test_pybreakers_own_call_lets_only_one_in() -> None:
    # The reason for all this; once it is mended upstream, this test says so.
    breaker = pybreaker.CircuitBreaker()
    first_is_in, second_is_in, leave = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        first_is_in.set()
        leave.wait(PATIENCE)

    with ThreadPoolExecutor(2) as threads:
        threads.submit(breaker.call, first)
        assert first_is_in.wait(PATIENCE)
        threads.submit(breaker.call, second_is_in.set)
        overtook = second_is_in.wait(0.2)
        leave.set()

    assert not overtook


@pytest.mark.parametrize("probes", [1, 3])
def test_at_the_instant_of_the_reset_200_threads_send_exactly_the_probes(
    clock: ManualClock, probes: int
) -> None:
    breaker = make(clock, probes=probes)
    trip(breaker)
    clock.advance(60)
    together, leave = threading.Barrier(200, timeout=PATIENCE), threading.Event()
    reached, refused = threading.Semaphore(0), threading.Semaphore(0)

    def hang() -> None:
        reached.release()
        assert leave.wait(PATIENCE)

    def caller() -> None:
        together.wait()
        try:
            breaker.call(hang)
        except CircuitOpen:
            refused.release()

    callers = [threading.Thread(target=caller) for _ in range(200)]
    for thread in callers:
        thread.start()
    for _ in range(200 - probes):  # everybody but the probes is turned away while those hang
        assert refused.acquire(timeout=PATIENCE)
    for _ in range(probes):
        assert reached.acquire(timeout=PATIENCE)
    assert not reached.acquire(blocking=False)
    leave.set()
    for thread in callers:
        thread.join(PATIENCE)

    assert breaker.state == "closed"


@pytest.mark.soak
@pytest.mark.wall_clock
def test_sixteen_calls_of_a_fifth_of_a_second_take_less_than_a_third() -> None:
    def seconds(call: Callable[[Callable[[], None]], None]) -> float:
        began = time.monotonic()
        with ThreadPoolExecutor(16) as threads:
            for done in [threads.submit(call, lambda: time.sleep(0.2)) for _ in range(16)]:
                done.result()
        return time.monotonic() - began

    # The best of five: what is asked is whether calls wait for each other, not for the machine.
    ours = min(seconds(CircuitBreaker("service").call) for _ in range(5))
    plain = seconds(pybreaker.CircuitBreaker().call)

    assert ours <= 0.30
    assert plain >= 10 * ours
