"""Time and ids."""

from __future__ import annotations

import threading
import time
from datetime import UTC, timedelta

from frontdesk.platform.clock import SystemClock
from frontdesk.platform.ids import SystemIds, new_id
from tests.support.clock import START, ManualClock
from tests.support.waiting import eventually


def test_the_system_clock_says_the_time_in_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_the_system_clock_does_not_sleep_for_a_negative_time() -> None:
    SystemClock().sleep(-1)


def test_a_manual_clock_moves_only_when_it_is_moved_or_slept_on(clock: ManualClock) -> None:
    assert (clock.now(), clock.monotonic()) == (START, 0.0)

    clock.advance(5)
    clock.sleep(2)

    assert clock.now() == START + timedelta(seconds=7)
    assert clock.monotonic() == 7.0
    assert clock.slept == [2]


def test_a_wait_for_a_condition_ends_when_it_is_notified_or_the_time_is_up() -> None:
    condition, clock = threading.Condition(), SystemClock()
    with condition:
        clock.wait_until(condition, clock.monotonic() + 0.01)
        threading.Thread(target=notify, args=(condition,)).start()
        clock.wait_until(condition, clock.monotonic() + 60)


def notify(condition: threading.Condition) -> None:
    with condition:
        condition.notify_all()


def test_whoever_waits_on_a_manual_clock_goes_on_when_it_is_moved(clock: ManualClock) -> None:
    condition, ended = threading.Condition(), threading.Event()

    def wait() -> None:
        with condition:
            while clock.monotonic() < 5:
                clock.wait_until(condition, 5)
        ended.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    eventually(lambda: clock.waiting == 1)
    clock.advance(4)
    assert not ended.is_set()
    clock.advance(1)
    waiting.join(5)
    assert ended.is_set()


def test_an_id_is_a_uuid_of_version_7_that_carries_its_time() -> None:
    before = time.time_ns() // 1_000_000
    made = new_id()
    after = time.time_ns() // 1_000_000

    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert before <= made.int >> 80 <= after


def test_ids_of_one_process_are_distinct_and_follow_their_order_of_creation() -> None:
    made = [SystemIds().new_id() for _ in range(2_000)]

    assert len(set(made)) == len(made)
    # 12 bits of a millisecond are 244 ns; making an id takes longer.
    assert [id_.int >> 64 for id_ in made] == sorted(id_.int >> 64 for id_ in made)
