"""The cache on a real Redis: what is found, what is forgotten, and what is shared."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis

from frontdesk.local.redis_server import Redis
from frontdesk.platform.cache import LARGEST_ENTRY, Cache, Scope
from frontdesk.platform.context import Access, Role
from frontdesk.platform.settings import Settings
from tests.support.redis import running_redis
from tests.support.waiting import eventually

USER, OTHER_USER = UUID(int=1), UUID(int=2)
ACCESS = Access(
    role=Role.AGENT,
    visibility="all",
    tenant_slug="coral",
    currency="EUR",
    locale="en",
    time_zone="Europe/Athens",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


def process(server: Redis, **settings: Any) -> Cache:
    """The cache of one more process on the same Redis."""
    cache = Cache(Settings(redis_url=server.url, **settings))
    cache.connect()
    return cache


@pytest.fixture
def cache(server: Redis) -> Iterator[Cache]:
    cache = process(server)
    yield cache
    cache.close()


@pytest.fixture
def raw(server: Redis) -> Iterator[redis.Redis]:
    """A plain client, to look behind the cache."""
    with redis.Redis.from_url(server.url) as client:
        yield client


@pytest.fixture
def tenant() -> UUID:
    return uuid4()


def everybody(tenant: UUID) -> Scope:
    return Scope(tenant, Role.AGENT, "all")


class Answers:
    """Loads a new answer each time and counts them."""

    def __init__(self) -> None:
        self.loaded = 0

    def __call__(self) -> dict[str, Any]:
        self.loaded += 1
        return {"answer": self.loaded, "share": Decimal("0.10")}


def ask(cache: Cache, scope: Scope, load: Answers, **params: Any) -> tuple[int, bool]:
    cached = cache.scoped(scope).get_or_load("pipeline", params, load)
    return cached.value["answer"], cached.hit


def test_the_second_asker_gets_the_first_ones_answer_in_whatever_process(
    server: Redis, tenant: UUID
) -> None:
    load = Answers()

    assert ask(process(server), everybody(tenant), load) == (1, False)
    assert ask(process(server), everybody(tenant), load) == (1, True)


def test_a_hit_is_the_same_value_as_the_miss(cache: Cache, tenant: UUID) -> None:
    load = Answers()
    scoped = cache.scoped(everybody(tenant))

    missed, hit = (scoped.get_or_load("pipeline", {}, load) for _ in range(2))

    assert (missed.hit, hit.hit) == (False, True)
    assert repr(hit.value) == repr(missed.value)


def test_no_answer_is_found_in_another_scope(cache: Cache, tenant: UUID) -> None:
    load = Answers()
    scopes = [
        everybody(tenant),
        everybody(uuid4()),
        Scope(tenant, Role.OWNER, "all"),
        Scope(tenant, Role.AGENT, "own", USER),
        Scope(tenant, Role.AGENT, "own", OTHER_USER),
    ]

    assert [ask(cache, scope, load)[0] for scope in scopes] == [1, 2, 3, 4, 5]
    assert [ask(cache, scope, load) for scope in scopes] == [(n, True) for n in range(1, 6)]


def test_other_parameters_are_another_answer(cache: Cache, tenant: UUID) -> None:
    load = Answers()

    assert ask(cache, everybody(tenant), load, q="łukasz")[0] == 1
    assert ask(cache, everybody(tenant), load, q="lukasz")[0] == 2


def test_a_command_makes_every_process_forget_the_tenants_answers_and_no_other_tenants(
    server: Redis, tenant: UUID
) -> None:
    one, two, load, other = process(server), process(server), Answers(), uuid4()
    ask(one, everybody(tenant), load)
    ask(one, everybody(other), load)

    assert two.bump_data(tenant)

    assert ask(one, everybody(tenant), load) == (3, False)
    assert ask(one, everybody(other), load) == (2, True)


def test_an_answer_loaded_while_a_command_ran_is_never_found(
    server: Redis, cache: Cache, tenant: UUID
) -> None:
    load = Answers()

    def load_while_somebody_writes() -> dict[str, Any]:
        old = load()
        process(server).bump_data(tenant)
        return old

    scoped = cache.scoped(everybody(tenant))
    scoped.get_or_load("pipeline", {}, load_while_somebody_writes)

    assert ask(cache, everybody(tenant), load) == (2, False)


def test_an_answer_that_is_put_goes_under_the_versions_from_before_it_was_loaded(
    server: Redis, cache: Cache, tenant: UUID
) -> None:
    session = cache.session(tenant)
    process(server).bump_data(tenant)
    session.scoped(everybody(tenant)).put("pipeline", {}, {"answer": 0})

    assert ask(cache, everybody(tenant), Answers()) == (1, False)


def test_access_is_remembered_until_the_epoch_changes(
    server: Redis, cache: Cache, tenant: UUID
) -> None:
    assert cache.access_of(tenant, USER) is None
    cache.session(tenant).remember_access(USER, ACCESS)

    assert cache.access_of(tenant, USER) == ACCESS
    assert cache.access_of(tenant, OTHER_USER) is None
    assert cache.access_of(uuid4(), USER) is None

    assert process(server).bump_access(tenant)
    assert cache.access_of(tenant, USER) is None


def test_access_that_was_asked_for_before_a_suspension_is_not_kept_after_it(
    server: Redis, cache: Cache, tenant: UUID
) -> None:
    session = cache.session(tenant)
    assert session.access_of(USER) is None
    process(server).bump_access(tenant)
    session.remember_access(USER, ACCESS)

    assert cache.access_of(tenant, USER) is None


def test_a_suspension_also_forgets_the_answers(cache: Cache, tenant: UUID) -> None:
    load = Answers()
    ask(cache, everybody(tenant), load)

    cache.bump_access(tenant)

    assert ask(cache, everybody(tenant), load) == (2, False)


def test_a_version_that_was_lost_starts_as_a_new_one(
    cache: Cache, raw: redis.Redis, tenant: UUID
) -> None:
    load = Answers()
    ask(cache, everybody(tenant), load)
    raw.delete(f"fd:data:{tenant}", f"fd:access:{tenant}")

    assert ask(cache, everybody(tenant), load) == (2, False)
    assert raw.get(f"fd:data:{tenant}") not in (None, b"0")


def test_entries_live_as_long_as_the_setting_says_at_most(
    server: Redis, raw: redis.Redis, tenant: UUID
) -> None:
    raw.flushall()
    cache = process(server, cache_ttl_seconds=60)
    cache.scoped(everybody(tenant)).get_or_load("a", {}, dict, ttl=600)
    cache.scoped(everybody(tenant)).get_or_load("b", {}, dict, ttl=10)

    lives = [raw.ttl(key) for key in raw.scan_iter("fd:*") if b":" not in key[3:]]

    assert sorted(life > 10 for life in lives) == [False, True]
    assert max(lives) <= 60


def test_nothing_that_names_a_person_or_a_tenants_data_is_a_key(
    cache: Cache, raw: redis.Redis, tenant: UUID
) -> None:
    raw.flushall()
    cache.session(tenant).remember_access(USER, ACCESS)
    ask(cache, everybody(tenant), Answers(), q="ada@example.com")
    cache.take_token("address:203.0.113.9", 60, 10)

    keys = b" ".join(raw.scan_iter())

    for trace in (b"ada", b"203.0.113.9", str(USER).encode()):
        assert trace not in keys


def test_a_setting_of_0_seconds_switches_the_cache_off(server: Redis, tenant: UUID) -> None:
    cache, load = process(server, cache_ttl_seconds=0), Answers()

    assert [ask(cache, everybody(tenant), load) for _ in range(2)] == [(1, False), (2, False)]


def test_another_revision_of_the_code_finds_nothing(server: Redis, tenant: UUID) -> None:
    load = Answers()
    ask(process(server, revision="1"), everybody(tenant), load)

    assert ask(process(server, revision="2"), everybody(tenant), load) == (2, False)


def test_a_very_large_answer_is_given_and_not_kept(cache: Cache, tenant: UUID) -> None:
    scoped = cache.scoped(everybody(tenant))
    large = "x" * LARGEST_ENTRY

    assert scoped.get_or_load("export", {}, lambda: large).value == large
    assert scoped.get_or_load("export", {}, lambda: large).hit is False


def test_an_entry_that_cannot_be_read_is_loaded_again(
    cache: Cache, raw: redis.Redis, tenant: UUID
) -> None:
    raw.flushall()
    load = Answers()
    ask(cache, everybody(tenant), load)
    [key] = [key for key in raw.scan_iter("fd:*") if b":" not in key[3:]]
    raw.set(key, b"\x80damaged")

    assert ask(cache, everybody(tenant), load) == (2, False)


def test_threads_that_ask_at_once_load_once(cache: Cache, tenant: UUID) -> None:
    load, may_end = Answers(), threading.Event()
    session = cache.session(tenant)
    assert session._versions is not None
    key = cache.keys.answer(everybody(tenant), session._versions, "pipeline", {})

    def slow() -> dict[str, Any]:
        assert may_end.wait(20)
        return load()

    def asker() -> int:
        return int(
            cache.scoped(everybody(tenant)).get_or_load("pipeline", {}, slow).value["answer"]
        )

    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(asker) for _ in range(8)]
        eventually(lambda: cache._flights.followers(key) == 7)
        may_end.set()

        assert {answer.result() for answer in asked} == {1}


def test_a_bucket_is_shared_by_all_processes(server: Redis, tenant: UUID) -> None:
    one, two, bucket = process(server), process(server), f"tenant:{tenant}"

    waits = [cache.take_token(bucket, rate_per_minute=1, burst=4) for cache in (one, two) * 3]

    assert waits[:4] == [None] * 4
    assert all(wait is not None and 55 < wait <= 60 for wait in waits[4:])


def test_a_bucket_refills_by_redis_own_clock(cache: Cache, tenant: UUID) -> None:
    bucket = f"user:{tenant}"

    assert cache.take_token(bucket, rate_per_minute=6_000, burst=1) is None
    wait = cache.take_token(bucket, rate_per_minute=6_000, burst=1)

    assert wait is None or 0 < wait <= 0.01
