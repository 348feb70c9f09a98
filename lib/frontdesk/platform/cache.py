"""The answer cache: an object that cannot be made without saying whose answers it holds.

::

    session = cache.session(tenant_id, user_id=user_id)  # once a request, before anything is read
    access = session.access_of(user_id)  # what SQL said of this member, or None
    scoped = session.scoped(Scope.of(tenant_id, access, user_id))
    scoped.get_or_load("pipeline", params, load)

**Keys.** An entry's key is a hash over format, code revision, tenant, the tenant's data version,
its access epoch, role, visibility, the user when they see only their own, the answer's name and
its parameters. A command changes the data version, a suspension or a removal the access epoch:
everything from before has a key that nobody asks for any more. Both are random tokens. One that is
missing starts as a new random one, so an entry from before it was lost is never found.

**Order.** A session reads both versions before anything is loaded, and stores under what it read.
An answer that was loaded while somebody changed the data goes under the old version: harmless.

**Redis away.** Then nothing is kept and everything is loaded: slower, never wrong. The breaker
opens at the first failure, so a request loses at most one connect (50 ms) or read (100 ms)
time-out, twice when it changed something, and the process tries again every few seconds. Versions
that could not be changed meanwhile are owed, and paid before Redis is read again.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from pydantic import BaseModel, ValidationError

from frontdesk.platform.cache_entries import (
    MISSING,
    Keys,
    Scope,
    Versions,
    dumps,
    loads,
    version_key,
)
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.context import Access
from frontdesk.platform.ratelimit import LocalBuckets, take_from_redis
from frontdesk.platform.redis import RedisLink, RedisOff
from frontdesk.platform.singleflight import SingleFlight

if TYPE_CHECKING:
    from uuid import UUID

    from frontdesk.platform.clock import Clock
    from frontdesk.platform.resilience import Deadline
    from frontdesk.platform.settings import Settings

__all__ = ["Cache", "CacheSession", "Cached", "Scope", "ScopedCache"]

T = TypeVar("T")

VERSION_SECONDS = 7 * 86_400
"""How long an unused version is kept; losing one costs a miss."""
LARGEST_ENTRY = 1024 * 1024
_PATIENCE = 15.0
"""Seconds to wait for another thread's identical load before loading oneself."""


@dataclass(frozen=True, slots=True)
class Cached(Generic[T]):
    """A value, and whether it came from the cache."""

    value: T
    hit: bool


class Cache:
    """The process's cache and rate limits over one Redis; safe to share between threads.

    Args:
        settings: REDIS_URL, REDIS_CA_CERTIFICATE, CACHE_TTL_SECONDS, REVISION.
        clock: for the local rate limit and the breaker.
        redis: the way to Redis.
        keys: names the entries.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        redis: RedisLink | None = None,
        keys: Keys | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._redis = redis or RedisLink(
            settings.redis_url,
            ca_certificate=settings.redis_ca_certificate,
            clock=self._clock,
        )
        self._ttl = settings.cache_ttl_seconds
        self.keys = keys or Keys(settings.revision)
        self._flights: SingleFlight[object] = SingleFlight()
        self._lock = threading.Lock()
        self._owed: dict[str, object] = {}
        self._buckets = LocalBuckets(self._clock)

    def session(
        self, tenant_id: UUID, deadline: Deadline | None = None, *, user_id: UUID | None = None
    ) -> CacheSession:
        """What one request sees of a tenant's entries; reads the versions now.

        Args:
            tenant_id: whose entries.
            deadline: of the request, which waits no longer for another one's load.
            user_id: who asks; what is known about them comes in the same round trip.
        """
        return CacheSession(self, tenant_id, deadline, user_id)

    def scoped(self, scope: Scope) -> ScopedCache:
        """A session of one answer."""
        return self.session(scope.tenant_id).scoped(scope)

    def access_of(self, tenant_id: UUID, user_id: UUID) -> Access | None:
        """What SQL last said about this member, or None when that is not known any more."""
        return self.session(tenant_id, user_id=user_id).access_of(user_id)

    def bump_data(self, tenant_id: UUID) -> bool:
        """Forget the tenant's answers; call it after a command, before replying.

        Returns:
            False when Redis could not be told. It will be before this process reads it again;
            other processes may serve what they have for CACHE_TTL_SECONDS.
        """
        return self._renew(version_key(tenant_id, "data"))

    def bump_access(self, tenant_id: UUID) -> bool:
        """Forget who may do what in the tenant; call it on suspension and removal, before replying.

        Returns:
            False as for ``bump_data``; a caller that can try again should.
        """
        return self._renew(version_key(tenant_id, "access"))

    def take_token(self, bucket: str, rate_per_minute: int, burst: int) -> float | None:
        """Take one token from a bucket that refills evenly.

        Args:
            bucket: whose, such as ``user:<id>``; it is stored hashed.
            rate_per_minute: tokens a minute.
            burst: how many it holds when full.

        Returns:
            None when there was one, otherwise the seconds until there is. Without Redis every
            process counts by itself.
        """
        name = "fd:rate:" + hashlib.sha256(bucket.encode()).hexdigest()[:32]
        rate = rate_per_minute / 60.0
        try:
            wait = self._redis.run(lambda redis: take_from_redis(redis, name, rate, burst))
        except RedisOff:
            wait = self._buckets.take(name, rate, burst)
        return wait if wait > 0.0 else None

    def connect(self) -> None:
        """Wait for the client of Redis, which the first use otherwise makes in the background."""
        self._redis.connect()

    def close(self) -> None:
        """Close the connections to Redis."""
        self._redis.close()

    # What sessions need.

    def read(self, key: str) -> Any:
        """The stored JSON value, or ``MISSING``."""
        try:
            stored = self._redis.run(lambda redis: redis.get(key))
        except RedisOff:
            return MISSING
        return MISSING if stored is None else loads(stored)

    def write(self, key: str, value: Any, ttl: int | None) -> None:
        """Store a JSON value, unless it is too large."""
        seconds = self._ttl if ttl is None else min(ttl, self._ttl)
        data = dumps(value)
        if seconds <= 0 or len(data) > LARGEST_ENTRY:
            return
        try:
            self._redis.run(lambda redis: redis.set(key, data, ex=seconds))
        except RedisOff:
            return

    def load_once(self, key: str, load: Callable[[], T], deadline: Deadline | None) -> T:
        """Run ``load`` once for all threads that ask for ``key`` at the same time."""
        patience = _PATIENCE if deadline is None else min(deadline.remaining(), _PATIENCE)
        return cast("T", self._flights.run(key, load, patience))

    def versions(self, tenant_id: UUID, *beside: str) -> tuple[Versions | None, list[Any]]:
        """The tenant's versions, None when the cache is off, and the JSON values of other keys."""
        if self._ttl <= 0:
            return None, [MISSING for _ in beside]
        keys = [version_key(tenant_id, "data"), version_key(tenant_id, "access")]
        try:
            data, access, *values = self._redis.run(
                lambda redis: self._read_versions(redis, keys, beside)
            )
        except RedisOff:
            return None, [MISSING for _ in beside]
        return (
            Versions(data.decode(), access.decode()),
            [MISSING if value is None else loads(value) for value in values],
        )

    def _read_versions(self, redis: Any, keys: list[str], beside: Sequence[str]) -> list[Any]:
        self._pay(redis)
        found: list[Any] = redis.mget([*keys, *beside])
        for position, key in enumerate(keys):
            if found[position] is None:
                # Another process may do the same just now: the first one's token counts.
                redis.set(key, _token(), nx=True, ex=VERSION_SECONDS)
                found[position] = redis.get(key) or _token().encode()
        return found

    def _renew(self, key: str) -> bool:
        with self._lock:
            self._owed[key] = object()
        try:
            # Past an open breaker: what is not forgotten now is wrong afterwards.
            self._redis.run(self._pay, regardless=True)
        except RedisOff:
            return not self._redis.configured
        return True

    def _pay(self, redis: Any) -> None:
        with self._lock:
            owed = dict(self._owed)
        if not owed:
            return
        with redis.pipeline(transaction=False) as pipeline:
            for key in owed:
                # A token is made when it is sent and never sent twice: were an old one to arrive
                # late, what was kept under it would be found again.
                pipeline.set(key, _token(), ex=VERSION_SECONDS)
            pipeline.execute()
        with self._lock:
            for key, debt in owed.items():
                # A command that ended meanwhile has run up a debt of its own.
                if self._owed.get(key) is debt:
                    del self._owed[key]


class CacheSession:
    """A tenant's entries as one request sees them: under the versions of the moment it began."""

    def __init__(
        self, cache: Cache, tenant_id: UUID, deadline: Deadline | None, user_id: UUID | None
    ) -> None:
        self._cache = cache
        self._tenant_id = tenant_id
        self._deadline = deadline
        members = [user_id] if user_id is not None else []
        self._versions, known = cache.versions(
            tenant_id, *(cache.keys.access(tenant_id, member) for member in members)
        )
        self._known = dict(zip(members, known, strict=True))

    @property
    def on(self) -> bool:
        """Whether anything can be found or kept."""
        return self._versions is not None

    def access_of(self, user_id: UUID) -> Access | None:
        """What SQL last said about this member, or None."""
        if self._versions is None:
            return None
        if user_id not in self._known:
            key = self._cache.keys.access(self._tenant_id, user_id)
            self._known[user_id] = self._cache.read(key)
        try:
            known = _KnownAccess.model_validate(self._known[user_id])
        except ValidationError:
            return None  # nothing, or written by a version of us that called things otherwise
        return known.access if known.epoch == self._versions.access else None

    def remember_access(self, user_id: UUID, access: Access) -> None:
        """Keep what SQL said, under the epoch in which it was asked."""
        if self._versions is not None:
            entry = _KnownAccess(epoch=self._versions.access, access=access).model_dump(mode="json")
            self._known[user_id] = entry
            self._cache.write(self._cache.keys.access(self._tenant_id, user_id), entry, None)

    def scoped(self, scope: Scope) -> ScopedCache:
        """The answers of that scope."""
        if scope.tenant_id != self._tenant_id:
            raise ValueError("the scope is another tenant's")
        return ScopedCache(self._cache, scope, self._versions, self._deadline)


class ScopedCache:
    """Answers of one scope. There is no way to read an entry without one."""

    def __init__(
        self,
        cache: Cache,
        scope: Scope,
        versions: Versions | None,
        deadline: Deadline | None = None,
    ) -> None:
        self._cache = cache
        self._scope = scope
        self._versions = versions
        self._deadline = deadline

    def get_or_load(
        self,
        name: str,
        params: Mapping[str, Any],
        load: Callable[[], T],
        ttl: int | None = None,
    ) -> Cached[T]:
        """The kept answer, or the one ``load`` gives, which is then kept.

        Args:
            name: of the answer, such as ``crm.pipeline``.
            params: all that it depends on besides the scope, as JSON values.
            load: makes it, as JSON values; concurrent calls for the same answer share one.
            ttl: seconds to keep it, at most CACHE_TTL_SECONDS.
        """
        if self._versions is None:
            return Cached(load(), hit=False)
        key = self._cache.keys.answer(self._scope, self._versions, name, params)
        found = self._cache.read(key)
        if found is not MISSING:
            return Cached(cast("T", found), hit=True)

        def load_and_keep() -> T:
            value = load()
            self._cache.write(key, value, ttl)
            return value

        return Cached(self._cache.load_once(key, load_and_keep, self._deadline), hit=False)

    def put(self, name: str, params: Mapping[str, Any], value: Any, ttl: int | None = None) -> None:
        """Keep an answer that was loaded after this request's session began."""
        if self._versions is not None:
            self._cache.write(
                self._cache.keys.answer(self._scope, self._versions, name, params), value, ttl
            )


class _KnownAccess(BaseModel):
    """A member's access as it is kept: it holds only in the epoch in which it was asked."""

    epoch: str
    access: Access


def _token() -> str:
    return secrets.token_hex(8)
