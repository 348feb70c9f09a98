"""Single flight: one load for all who ask at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from frontdesk.platform.singleflight import SingleFlight
from tests.support.waiting import eventually

PATIENCE = 20.0


class Load:
    """A load that is under way until the test ends it."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Event()
        self.count = 0
        self.error: Exception | None = None
        self._lock = threading.Lock()

    def __call__(self) -> int:
        with self._lock:
            self.count += 1
            mine = self.count
        self.begun.release()
        assert self.may_end.wait(PATIENCE)
        if self.error is not None and mine == 1:
            raise self.error
        return mine


@pytest.fixture
def flights() -> SingleFlight[int]:
    return SingleFlight()


def follow(
    threads: ThreadPoolExecutor, flights: SingleFlight[int], load: Load, followers: int
) -> list[Future[int]]:
    """Start a leader, followers once it loads, and return when all of them wait for it."""
    asked = [threads.submit(flights.run, "key", load, PATIENCE)]
    assert load.begun.acquire(timeout=PATIENCE)
    asked += [threads.submit(flights.run, "key", load, PATIENCE) for _ in range(followers)]
    eventually(lambda: flights.followers("key") == followers)
    return asked


def test_those_who_ask_meanwhile_get_what_the_first_one_loads(flights: SingleFlight[int]) -> None:
    load = Load()
    with ThreadPoolExecutor(8) as threads:
        asked = follow(threads, flights, load, 7)
        load.may_end.set()

        assert {answer.result() for answer in asked} == {1}
    assert load.count == 1


def test_another_key_does_not_wait(flights: SingleFlight[int]) -> None:
    load = Load()
    with ThreadPoolExecutor(1) as threads:
        follow(threads, flights, load, 0)

        assert flights.run("another key", lambda: 7, PATIENCE) == 7
        load.may_end.set()


def test_a_failure_of_the_first_one_is_nobody_elses(flights: SingleFlight[int]) -> None:
    load = Load()
    load.error = TimeoutError("the leader's own deadline")
    with ThreadPoolExecutor(4) as threads:
        asked = follow(threads, flights, load, 3)
        load.may_end.set()

        assert isinstance(asked[0].exception(), TimeoutError)
        assert sorted(answer.result() for answer in asked[1:]) == [2, 3, 4]


def test_who_cannot_wait_any_longer_loads_for_itself(flights: SingleFlight[int]) -> None:
    load = Load()
    with ThreadPoolExecutor(1) as threads:
        follow(threads, flights, load, 0)

        assert flights.run("key", lambda: 7, patience=0.0) == 7
        load.may_end.set()


def test_the_next_one_after_the_landing_loads_again(flights: SingleFlight[int]) -> None:
    assert flights.run("key", lambda: 1, PATIENCE) == 1
    assert flights.run("key", lambda: 2, PATIENCE) == 2
