"""Token buckets: in Redis for all processes together, in memory when Redis is away."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from frontdesk.platform.clock import Clock

# A bucket is a hash {tokens, at}. Time is Redis's own, so processes need not agree on it. It
# expires once it would be full again. Returns the wait in microseconds, 0 when a token was taken.
_TAKE = """
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local state = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(state[1]) or burst
local at = tonumber(state[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * rate)
local wait = 0
if tokens >= 1 then tokens = tokens - 1 else wait = (1 - tokens) / rate end
local function exact(number) return string.format('%.6f', number) end
redis.call('HSET', KEYS[1], 'tokens', exact(tokens), 'at', exact(now))
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate * 1000) + 1000)
return math.ceil(wait * 1000000)
"""
_MICROSECONDS = 1_000_000
_MAX_LOCAL_BUCKETS = 10_000


def take_from_redis(redis: Any, name: str, rate: float, burst: int) -> float:
    """Take a token; the wait in seconds, 0 when there was one.

    Args:
        redis: a redis-py client.
        name: the bucket's key.
        rate: tokens a second.
        burst: tokens in a full bucket.
    """
    microseconds = redis.eval(_TAKE, 1, name, rate, burst)
    return float(microseconds) / _MICROSECONDS


class LocalBuckets:
    """The same buckets for one process. The least recently used ones are forgotten, thus full."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, rate: float, burst: int) -> float:
        """Take a token; the wait in seconds, 0 when there was one."""
        now = self._clock.monotonic()
        with self._lock:
            tokens, at = self._buckets.pop(name, (float(burst), now))
            tokens = min(float(burst), tokens + (now - at) * rate)
            wait = 0.0 if tokens >= 1.0 else (1.0 - tokens) / rate
            self._buckets[name] = (tokens - 1.0 if wait == 0.0 else tokens, now)
            if len(self._buckets) > _MAX_LOCAL_BUCKETS:
                self._buckets.popitem(last=False)
        return wait
