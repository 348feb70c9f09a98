"""What happens when an outside service is slow, broken or gone.

Three parts, each usable alone, made to be used together::

    deadline = Deadline.after(10, clock)  # once, at the door
    breaker = CircuitBreaker("chat", clock=clock)  # once per process and service
    policy = Policy("chat", attempts=3, breaker=breaker, classify=openai_verdict, clock=clock)
    policy.run(lambda timeout: client.create(timeout=timeout), deadline)

- ``Deadline``: every wait, retry and client time-out of a request is cut to what is left of it.
- ``CircuitBreaker`` (``breaker.py``): after 5 failures in a row nothing is sent for 60 s, then a
  counted number of probes.
- ``Policy``: the one layer of retries. Exponential waits with full jitter, Retry-After honoured,
  and no wait that the deadline would not survive.

A table per service, a ``Classifier``, says of each error whether to retry it and whether it counts
against the breaker.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from frontdesk.platform.breaker import CircuitBreaker, CircuitOpen, breaker_states
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.errors import DeadlineExceeded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from frontdesk.platform.clock import Clock

__all__ = [
    "CircuitBreaker",
    "CircuitOpen",
    "Classifier",
    "Deadline",
    "Jitter",
    "Policy",
    "Verdict",
    "breaker_states",
    "full_jitter",
]

T = TypeVar("T")


class Deadline:
    """The instant by which a request must be answered."""

    __slots__ = ("_clock", "_ends_at")

    def __init__(self, ends_at: float, clock: Clock) -> None:
        self._ends_at = ends_at
        self._clock = clock

    @classmethod
    def after(cls, seconds: float, clock: Clock) -> Deadline:
        """A deadline so many seconds from now on that clock."""
        return cls(clock.monotonic() + seconds, clock)

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._ends_at - self._clock.monotonic())

    @property
    def expired(self) -> bool:
        return self.remaining() <= 0.0

    def timeout(self, cap: float) -> float:
        """``cap`` seconds, or what is left when that is less.

        Raises:
            DeadlineExceeded: nothing is left, so nothing should be started.
        """
        remaining = self.remaining()
        if remaining <= 0.0:
            raise DeadlineExceeded
        return min(cap, remaining)


class Verdict(NamedTuple):
    """What an error means.

    Attributes:
        retry: the same request may succeed later.
        breaker_failure: the service is unwell, as opposed to having answered with a refusal.
        retry_after: seconds the service asked us to wait, if it did.
    """

    retry: bool
    breaker_failure: bool
    retry_after: float | None = None


Jitter = Callable[[float], float]
"""Turns the longest sensible wait in seconds into the one to take: the seam of randomness."""
Classifier = Callable[[BaseException], Verdict]
"""A service's table from error to verdict."""


def full_jitter(wait: float) -> float:
    """A random wait between 0 and ``wait`` seconds, so that callers who failed together part."""
    import backoff

    return float(backoff.full_jitter(wait))


class Policy:
    """How one service is called: time-out per attempt, retries, breaker, all inside the deadline.

    Args:
        service: the service's name.
        attempts: how often to try at most, the first time included.
        base_wait: upper bound of the first wait in seconds; it doubles for each further one.
        max_wait: upper bound of any wait, except one that the service asks for.
        attempt_timeout: seconds one attempt may take.
        breaker: admits each attempt and learns how it went; None for a service without one.
        classify: the service's table from error to verdict.
        jitter: the one source of randomness.
        clock: sleeps between attempts.
    """

    def __init__(
        self,
        service: str,
        *,
        attempts: int = 3,
        base_wait: float = 0.2,
        max_wait: float = 5.0,
        attempt_timeout: float = 15.0,
        breaker: CircuitBreaker | None = None,
        classify: Classifier,
        jitter: Jitter = full_jitter,
        clock: Clock | None = None,
    ) -> None:
        self.service = service
        self.attempts = attempts
        self.attempt_timeout = attempt_timeout
        self.breaker = breaker
        self._base_wait = base_wait
        self._max_wait = max_wait
        self._classify = classify
        self._jitter = jitter
        self._clock = clock or SystemClock()

    def run(self, fn: Callable[[float], T], deadline: Deadline) -> T:
        """Call ``fn(timeout)`` until it succeeds or trying again makes no sense.

        ``timeout`` is what this attempt may take in seconds: the smallest of the policy's, the
        probe's and what the deadline leaves.

        Raises:
            DeadlineExceeded: there was no time left to begin with.
            CircuitOpen: the breaker did not let the first attempt through.
            Exception: otherwise the last attempt's own error; the adapter maps it.
        """
        waits = self._waits()
        attempt = 0
        last: Exception | None = None
        while True:
            attempt += 1
            try:
                return self._attempt(fn, deadline)
            except CircuitOpen as refused:
                # The breaker opened while we were waiting: the service's own error says more.
                raise (last or refused) from None
            except Exception as error:
                verdict = self._classify(error)
                if not verdict.retry or attempt >= self.attempts:
                    raise
                wait = max(self._jitter(next(waits)), verdict.retry_after or 0.0)
                if wait >= deadline.remaining():
                    raise
                last = error
            self._clock.sleep(wait)

    def _attempt(self, fn: Callable[[float], T], deadline: Deadline) -> T:
        timeout = deadline.timeout(self.attempt_timeout)
        if self.breaker is None:
            return fn(timeout)
        with self.breaker.guard(is_failure=self._is_failure) as admission:
            return fn(timeout if admission.timeout is None else min(timeout, admission.timeout))

    def _is_failure(self, error: BaseException) -> bool:
        return self._classify(error).breaker_failure

    def _waits(self) -> Iterator[float]:
        """backoff's exponential series; its decorators are not used, for they sleep by themselves
        and past a deadline.
        """
        # Imported at the first retry: backoff brings asyncio.
        from backoff import expo

        waits = expo(base=2, factor=self._base_wait, max_value=self._max_wait)
        next(waits)  # backoff's generators yield once before their first value
        yield from waits
