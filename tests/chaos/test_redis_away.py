"""Redis refused, hanging, killed: every answer is still right, and none waits long for it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from frontdesk.local.ports import LOOPBACK
from frontdesk.local.redis_server import Redis
from frontdesk.platform.cache import Cache, Scope
from frontdesk.platform.context import Access, Role
from frontdesk.platform.redis import RESET_AFTER
from frontdesk.platform.settings import Settings
from tests.support.clock import ManualClock
from tests.support.redis import frozen, running_redis

USER = UUID(int=1)
MOST_ADDED = 0.250
ACCESS = Access(
    role=Role.AGENT,
    visibility="all",
    tenant_slug="coral",
    currency="EUR",
    locale="en",
    time_zone="Europe/Athens",
)


class Truth:
    """The database: what is true now."""

    def __init__(self) -> None:
        self.value = 1

    def __call__(self) -> int:
        return self.value


def request(cache: Cache, tenant: UUID, truth: Truth, *, writes: bool = False) -> int:
    """All that one request asks of Redis: two limits, the member's access, an answer, a bump."""
    assert cache.take_token(f"user:{uuid4()}", 60, 60) is None
    assert cache.take_token(f"tenant:{uuid4()}", 600, 600) is None
    session = cache.session(tenant)
    access = session.access_of(USER) or ACCESS
    session.remember_access(USER, access)
    answer = session.scoped(Scope.of(tenant, access, USER)).get_or_load("n", {}, truth).value
    if writes:
        truth.value += 1
        cache.bump_data(tenant)
    return answer


def seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def connected(url: str, clock: ManualClock | None = None) -> Cache:
    cache = Cache(Settings(redis_url=url), clock=clock)
    cache.connect()
    return cache


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Redis]:
    with running_redis(tmp_path) as server:
        yield server


@pytest.fixture
def refusing() -> str:
    """The address of nobody: connections are refused."""
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
    return f"redis://{LOOPBACK}:{port}/0"


@pytest.fixture
def tenant() -> UUID:
    return uuid4()


def test_refused_every_answer_is_right(refusing: str, tenant: UUID) -> None:
    cache, truth = connected(refusing), Truth()

    for writes in (False, True, False):
        expected = truth.value
        assert request(cache, tenant, truth, writes=writes) == expected


def test_hanging_every_answer_is_right(server: Redis, tenant: UUID) -> None:
    cache, truth = connected(server.url), Truth()
    request(cache, tenant, truth)

    with frozen(server):
        for writes in (False, True, False):
            expected = truth.value
            assert request(cache, tenant, truth, writes=writes) == expected


@pytest.mark.soak
@pytest.mark.wall_clock
def test_refused_a_request_is_at_most_250_ms_late(refusing: str, tenant: UUID) -> None:
    truth = Truth()

    late = [
        seconds(partial(request, connected(refusing), tenant, truth, writes=True)) for _ in range(5)
    ]

    assert max(late) < MOST_ADDED


@pytest.mark.soak
@pytest.mark.wall_clock
def test_hanging_a_request_is_at_most_250_ms_late(server: Redis, tenant: UUID) -> None:
    clock = ManualClock()
    cache, truth = connected(server.url, clock), Truth()
    request(cache, tenant, truth)

    with frozen(server):
        for writes in (False, True) * 3:
            assert seconds(partial(request, cache, tenant, truth, writes=writes)) < MOST_ADDED
            # The breaker is open: a request that only reads loses nothing any more.
            assert seconds(partial(request, cache, tenant, truth)) < 0.05
            clock.advance(RESET_AFTER)


@pytest.mark.soak
@pytest.mark.wall_clock
def test_hanging_many_requests_at_once_each_lose_no_more_than_one(
    server: Redis, tenant: UUID
) -> None:
    cache, truth, together = connected(server.url), Truth(), threading.Barrier(8, timeout=20)
    request(cache, tenant, truth)

    def timed() -> float:
        together.wait()
        return seconds(partial(request, cache, tenant, truth))

    with frozen(server), ThreadPoolExecutor(8) as threads:
        slowest = max(late.result() for late in [threads.submit(timed) for _ in range(8)])

    assert slowest < MOST_ADDED


def test_what_was_written_while_redis_hung_is_seen_when_it_is_back(
    server: Redis, tenant: UUID
) -> None:
    clock = ManualClock()
    cache, truth = connected(server.url, clock), Truth()
    assert request(cache, tenant, truth) == 1
    assert request(cache, tenant, truth) == 1

    with frozen(server):
        request(cache, tenant, truth, writes=True)
    clock.advance(RESET_AFTER)

    assert request(cache, tenant, truth) == 2


def test_a_suspension_while_redis_hangs_says_that_it_was_not_passed_on(
    server: Redis, tenant: UUID
) -> None:
    cache = connected(server.url)
    cache.session(tenant).remember_access(USER, ACCESS)

    with frozen(server):
        assert cache.bump_access(tenant) is False
    assert cache.bump_access(tenant) is True

    assert cache.access_of(tenant, USER) is None


def test_a_killed_redis_is_found_again_when_it_is_back(server: Redis, tenant: UUID) -> None:
    clock = ManualClock()
    cache, truth = connected(server.url, clock), Truth()
    request(cache, tenant, truth)

    server.kill()
    truth.value = 2
    assert request(cache, tenant, truth) == 2
    server.start()
    clock.advance(RESET_AFTER)
    session = cache.session(tenant)

    assert session.on
    assert request(cache, tenant, truth) == 2


def test_the_first_request_of_a_process_does_not_wait_for_the_client(
    server: Redis, tenant: UUID
) -> None:
    cache = Cache(Settings(redis_url=server.url))

    assert cache.session(tenant).on is False
    cache.connect()
    assert cache.session(tenant).on is True


def test_a_command_waits_for_the_client_so_that_nobody_reads_the_old_answer(
    server: Redis, tenant: UUID
) -> None:
    reader, truth = connected(server.url), Truth()
    request(reader, tenant, truth)

    truth.value = 2
    assert Cache(Settings(redis_url=server.url)).bump_data(tenant) is True

    assert request(reader, tenant, truth) == 2
