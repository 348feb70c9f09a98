"""A circuit breaker that never makes calls wait for each other.

pybreaker holds the state and its transitions. Its own ``call()`` is not used around a remote call:
version 1.4.1 keeps its lock while your function runs, so 16 calls of 0.2 s take 3.2 s. Here a call
asks for leave, runs outside every lock, and its outcome is fed to pybreaker afterwards.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakValueDictionary

from frontdesk.platform.clock import SystemClock
from frontdesk.platform.errors import DeadlineExceeded, UpstreamUnavailable
from frontdesk.platform.logging import get_logger

if TYPE_CHECKING:
    import pybreaker

    from frontdesk.platform.clock import Clock

log = get_logger(__name__)
T = TypeVar("T")


class CircuitOpen(UpstreamUnavailable):
    """The circuit breaker is open: nothing was sent."""


def is_transient(error: BaseException) -> bool:
    """The failures that any transport has: time-outs, connections, and what is mapped from them."""
    return isinstance(error, (TimeoutError, ConnectionError, UpstreamUnavailable))


_registry: WeakValueDictionary[str, CircuitBreaker] = WeakValueDictionary()
_registry_lock = threading.Lock()


def breaker_states() -> dict[str, str]:
    """The state of every breaker of this process by name, for readiness and logs."""
    with _registry_lock:
        breakers = sorted(_registry.items())
    return {name: breaker.state for name, breaker in breakers}


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
        with _registry_lock:
            _registry[name] = self

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
            before = self._state()
            if before == "closed":
                return Admission(self._generation, probe=False, timeout=None)
            if before == "open":
                self._half_open(now)
            admission = self._admit_probe(now)
        if before == "open":
            log.info("A circuit breaker lets probes through", service=self.name)
        return admission

    def record(self, admission: Admission, *, failed: bool) -> None:
        """Feed the outcome of an admitted call to the circuit."""
        now = self._clock.monotonic()
        if failed and self._circuit is None:
            self._begin_circuit()
        with self._lock:
            ends = self._probe_ends.pop(admission, None)
            if admission.generation != self._generation:
                return
            before = self._state()
            too_slow = admission.probe and (ends is None or now >= ends)
            if failed or not too_slow:
                self._feed(_fail if failed else _succeed)
            after = self._state()
        if after == "open" != before:
            log.warning("A circuit breaker opened", service=self.name, seconds=self._reset_after)
        elif after != before:
            log.info("A circuit breaker closed", service=self.name)

    def release(self, admission: Admission) -> None:
        """Give the slot back without an outcome: the call says nothing about the service."""
        with self._lock:
            self._probe_ends.pop(admission, None)

    def _begin_circuit(self) -> None:
        import pybreaker  # outside the lock, for others shall not wait for it

        circuit = pybreaker.CircuitBreaker(
            fail_max=self._failure_threshold,
            reset_timeout=self._reset_after,
            success_threshold=self._probes,
            throw_new_error_on_trip=False,
            name=self.name,
        )
        with self._lock:
            if self._circuit is None:
                self._circuit = circuit

    # Everything below runs under the lock and calls nothing that can block.

    def _state(self) -> str:
        return "closed" if self._circuit is None else self._circuit.current_state.replace("-", "_")

    def _half_open(self, now: float) -> None:
        assert self._circuit is not None  # noqa: S101 -- an open circuit exists
        reopens_in = self._opened_at + self._reset_after - now
        if reopens_in > 0:
            raise CircuitOpen(retry_after=reopens_in)
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
            raise CircuitOpen(retry_after=min(self._probe_ends.values(), default=now) - now)
        admission = Admission(self._generation, probe=True, timeout=self._probe_timeout)
        self._probe_ends[admission] = now + self._probe_timeout
        return admission

    def _feed(self, outcome: Callable[[], None]) -> None:
        circuit = self._circuit
        if circuit is None:
            return  # a success, and nothing but successes so far
        before = circuit.current_state
        with suppress(_Failure):
            circuit.call(outcome)
        after = circuit.current_state
        if after != before:
            self._begin_generation()
            if after == "open":
                self._opened_at = self._clock.monotonic()
