"""What happens when an outside service is slow, broken or gone.

Three parts, each usable alone, made to be used together::

    deadline = Deadline.after(10, clock)  # once, at the door
    breaker = CircuitBreaker("chat", clock=clock)  # once per process and service
    policy = Policy("chat", attempts=3, breaker=breaker, classify=openai_verdict, clock=clock)
    policy.run(lambda timeout: client.create(timeout=timeout), deadline)

- ``Deadline``: every wait, retry and client time-out of a request is cut to what is left of it.
- ``CircuitBreaker``: after 5 failures in a row nothing is sent for 60 s, then a counted number of
  probes. pybreaker keeps the state; the remote call never runs under its lock (pybreaker 1.4.1's
  own ``call()`` holds one for as long as your function takes, so calls queue up).
- ``Policy``: the one layer of retries. Exponential waits with full jitter, Retry-After honoured,
  and no wait that the deadline would not survive.

A table per service, a ``Classifier``, says of each error whether to retry it and whether it counts
against the breaker.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from weakref import WeakValueDictionary

from frontdesk.platform.clock import SystemClock
from frontdesk.platform.errors import DeadlineExceeded, UpstreamUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    import pybreaker

    from frontdesk.platform.clock import Clock

    Jitter = Callable[[float], float]
    Classifier = Callable[[BaseException], "Verdict"]

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


class Action(StrEnum):
    """What to do after a failed attempt."""

    RETRY = "retry"
    FAIL = "fail"


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

    @property
    def action(self) -> Action:
        return Action.RETRY if self.retry else Action.FAIL


class CircuitOpen(UpstreamUnavailable):
    """The circuit breaker is open: nothing was sent."""


def is_transient(error: BaseException) -> bool:
    """The failures that any transport has: time-outs, connections, and what is mapped from them."""
    return isinstance(error, (TimeoutError, ConnectionError, UpstreamUnavailable))


_REGISTRY: WeakValueDictionary[str, CircuitBreaker] = WeakValueDictionary()


def breaker_states() -> dict[str, str]:
    """The state of every breaker of this process by name, for readiness and logs."""
    return {name: breaker.state for name, breaker in sorted(_REGISTRY.items())}


class Admission:
    """Leave to make one call; ``timeout`` is how long a probe may take, None for any other call."""

    __slots__ = ("generation", "probe", "timeout")

    def __init__(self, generation: int, *, probe: bool, timeout: float | None) -> None:
        self.generation = generation
        self.probe = probe
        self.timeout = timeout


class _Failure(Exception):
    """Stands for the failed call when its outcome is handed to pybreaker."""


def _succeed() -> None:
    return None


def _fail() -> None:
    raise _Failure


class CircuitBreaker:
    """Stops calling a service that keeps failing, and tries it again with care.

    closed --``failure_threshold`` failures in a row--> open --``reset_after`` s--> half-open
    half-open --``probes`` successes--> closed, --one failure--> open

    In half-open exactly ``probes`` calls are let through. One that is still out after
    ``probe_timeout`` seconds loses its slot to another; should it come back later, its success
    proves nothing (too slow) and its failure still opens the circuit. An outcome that belongs to an
    earlier state of the circuit is ignored.

    Args:
        name: the service, as it appears in readiness and logs.
        failure_threshold: failures in a row that open the circuit.
        reset_after: seconds it stays open.
        probes: calls admitted while half-open; all must succeed to close it.
        probe_timeout: seconds a probe may hold its slot.
        clock: its monotonic seconds.
    """

    def __init__(
        self,
        name: str,
        *,
        failure_threshold: int = 5,
        reset_after: float = 60.0,
        probes: int = 1,
        probe_timeout: float = 15.0,
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self._failure_threshold = failure_threshold
        self._reset_after = reset_after
        self._probes = probes
        self._probe_timeout = probe_timeout
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        # Made at the first failure: until then there is no state to keep, and importing pybreaker
        # imports redis (0.1 s), which a cold start should not pay for.
        self._circuit: pybreaker.CircuitBreaker | None = None
        self._opened_at = 0.0
        self._generation = 0
        self._probe_ends: dict[Admission, float] = {}
        _REGISTRY[name] = self

    @property
    def state(self) -> str:
        """``closed``, ``open`` or ``half_open``; open until the next call after the time-out."""
        with self._lock:
            return self._state()

    def call(
        self, fn: Callable[[], T], *, is_failure: Callable[[BaseException], bool] = is_transient
    ) -> T:
        """Run ``fn`` if the circuit allows it.

        Raises:
            CircuitOpen: it does not.
        """
        with self.guard(is_failure=is_failure):
            return fn()

    @contextmanager
    def guard(
        self, *, is_failure: Callable[[BaseException], bool] = is_transient
    ) -> Generator[Admission]:
        """Admit, run the block outside every lock, then record how it went.

        An error that ``is_failure`` does not list counts as an answer, thus as a success. What is
        no answer counts as nothing: leaving a generator, an interrupt, our own deadline.
        """
        admission = self.admit()
        try:
            yield admission
        except DeadlineExceeded:
            self.release(admission)
            raise
        except Exception as error:
            self.record(admission, failed=is_failure(error))
            raise
        except BaseException:
            self.release(admission)
            raise
        else:
            self.record(admission, failed=False)

    def admit(self) -> Admission:
        """Leave for one call; every admission must be given to ``record`` or ``release``.

        Raises:
            CircuitOpen: with ``retry_after``, when that is known.
        """
        now = self._clock.monotonic()
        with self._lock:
            state = self._state()
            if state == "open":
                reopens_in = self._opened_at + self._reset_after - now
                if reopens_in > 0:
                    raise self._refusal(reopens_in)
                self._half_open()
                state = "half_open"
            if state == "closed":
                return Admission(self._generation, probe=False, timeout=None)
            return self._admit_probe(now)

    def record(self, admission: Admission, *, failed: bool) -> None:
        """Feed the outcome of an admitted call to the circuit."""
        now = self._clock.monotonic()
        with self._lock:
            ends = self._probe_ends.pop(admission, None)
            if admission.generation != self._generation:
                return
            too_slow = admission.probe and (ends is None or now >= ends)
            if failed:
                self._feed(_fail)
            elif not too_slow and self._circuit is not None:
                self._feed(_succeed)

    def release(self, admission: Admission) -> None:
        """Give the slot back without an outcome: the call says nothing about the service."""
        with self._lock:
            self._probe_ends.pop(admission, None)

    # Everything below runs under the lock and calls nothing that can block.

    def _state(self) -> str:
        return "closed" if self._circuit is None else self._circuit.current_state.replace("-", "_")

    def _refusal(self, retry_after: float | None = None) -> CircuitOpen:
        return CircuitOpen(retry_after=retry_after)

    def _half_open(self) -> None:
        assert self._circuit is not None  # noqa: S101 -- an open circuit exists
        self._circuit.half_open()
        self._begin_generation()

    def _begin_generation(self) -> None:
        self._generation += 1
        self._probe_ends.clear()

    def _admit_probe(self, now: float) -> Admission:
        assert self._circuit is not None  # noqa: S101 -- a half-open circuit exists
        for probe in [probe for probe, ends in self._probe_ends.items() if ends <= now]:
            del self._probe_ends[probe]
        if len(self._probe_ends) + self._circuit.success_counter >= self._probes:
            raise self._refusal(min(self._probe_ends.values(), default=now) - now)
        admission = Admission(self._generation, probe=True, timeout=self._probe_timeout)
        self._probe_ends[admission] = now + self._probe_timeout
        return admission

    def _feed(self, outcome: Callable[[], None]) -> None:
        circuit = self._circuit
        if circuit is None:
            circuit = self._circuit = self._make_circuit()
        before = circuit.current_state
        with suppress(_Failure):
            circuit.call(outcome)
        after = circuit.current_state
        if after != before:
            self._begin_generation()
            if after == "open":
                self._opened_at = self._clock.monotonic()

    def _make_circuit(self) -> pybreaker.CircuitBreaker:
        import pybreaker

        return pybreaker.CircuitBreaker(
            fail_max=self._failure_threshold,
            reset_timeout=self._reset_after,
            success_threshold=self._probes,
            throw_new_error_on_trip=False,
            name=self.name,
        )


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
                if verdict.action is Action.FAIL or attempt >= self.attempts:
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
