"""The local token buckets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from frontdesk.platform import ratelimit
from frontdesk.platform.cache import Cache
from frontdesk.platform.ratelimit import LocalBuckets
from frontdesk.platform.settings import Settings
from tests.support.clock import ManualClock


def test_a_full_bucket_gives_its_burst_and_then_says_how_long_to_wait(clock: ManualClock) -> None:
    buckets = LocalBuckets(clock)

    assert [buckets.take("a", rate=2.0, burst=3) for _ in range(4)] == [0, 0, 0, 0.5]
    clock.advance(0.5)
    assert buckets.take("a", rate=2.0, burst=3) == 0
    assert buckets.take("b", rate=2.0, burst=3) == 0


def test_a_bucket_never_holds_more_than_its_burst(clock: ManualClock) -> None:
    buckets = LocalBuckets(clock)
    buckets.take("a", rate=2.0, burst=3)
    clock.advance(3_600)

    taken = sum(buckets.take("a", rate=2.0, burst=3) == 0 for _ in range(10))

    assert taken == 3


@given(st.lists(st.floats(0, 5), max_size=60), st.integers(1, 5))
def test_no_pattern_of_asking_gets_more_than_burst_and_refill(
    pauses: list[float], burst: int
) -> None:
    clock = ManualClock()
    buckets = LocalBuckets(clock)
    taken = 0
    for pause in pauses:
        clock.advance(pause)
        taken += buckets.take("a", rate=1.0, burst=burst) == 0

    assert taken <= burst + sum(pauses[1:]) + 1e-6


def test_memory_is_bounded(clock: ManualClock) -> None:
    buckets = LocalBuckets(clock)
    for number in range(ratelimit._MAX_LOCAL_BUCKETS + 50):
        buckets.take(f"user:{number}", rate=1.0, burst=1)

    assert len(buckets._buckets) == ratelimit._MAX_LOCAL_BUCKETS


def test_without_redis_the_cache_counts_by_itself(clock: ManualClock) -> None:
    cache = Cache(Settings(), clock=clock)

    assert cache.take_token("user:1", rate_per_minute=60, burst=1) is None
    assert cache.take_token("user:1", rate_per_minute=60, burst=1) == 1.0
