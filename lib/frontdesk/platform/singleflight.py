"""Single flight: threads that want the same thing at the same time make it once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class _Flight(Generic[T]):
    """One load that others may wait for; ``result`` holds its value once it succeeded."""

    __slots__ = ("followers", "landed", "result")

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.followers = 0
        self.result: list[T] = []


class SingleFlight(Generic[T]):
    """Shares concurrent loads by key; safe to share between threads. It keeps no results."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[Hashable, _Flight[T]] = {}

    def followers(self, key: Hashable) -> int:
        """How many threads wait for another one's load of ``key`` at the moment."""
        with self._lock:
            flight = self._flights.get(key)
            return flight.followers if flight is not None else 0

    def run(self, key: Hashable, load: Callable[[], T], patience: float) -> T:
        """What ``load`` returns, from this thread or from one that was already at it.

        Args:
            key: names the thing; loads of one key must be interchangeable.
            load: makes it.
            patience: seconds to wait for another thread. After that, and when the other one fails,
                this thread loads for itself: another's error, such as its deadline, is not ours.
        """
        with self._lock:
            flight = self._flights.get(key)
            leads = flight is None
            if flight is None:
                flight = self._flights[key] = _Flight()
            else:
                flight.followers += 1
        if leads:
            return self._lead(key, flight, load)
        if flight.landed.wait(patience) and flight.result:
            return flight.result[0]
        return load()

    def _lead(self, key: Hashable, flight: _Flight[T], load: Callable[[], T]) -> T:
        try:
            value = load()
            flight.result.append(value)
            return value
        finally:
            with self._lock:
                del self._flights[key]
            flight.landed.set()
