"""The circuit breaker against a model: random sequences of events, every observation compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frontdesk.platform.breaker import Admission, CircuitBreaker, CircuitOpen
from tests.support.clock import ManualClock

THRESHOLD, RESET_AFTER, PROBE_TIMEOUT = 2, 4.0, 2.0


@dataclass
class Ticket:
    """One call as the model sees it."""

    era: int
    probe: bool
    ends: float


@dataclass
class Model:
    """The circuit breaker as the textbook draws it, without threads, locks or libraries."""

    probes: int
    state: str = "closed"
    era: int = 0
    failures: int = 0
    successes: int = 0
    opened_at: float = 0.0
    out: list[Ticket] = field(default_factory=list)

    def enter(self, state: str, now: float) -> None:
        self.state, self.era, self.failures, self.successes, self.out = (
            state,
            self.era + 1,
            0,
            0,
            [],
        )
        self.opened_at = now

    def begin(self, now: float) -> Ticket | None:
        if self.state == "open" and now >= self.opened_at + RESET_AFTER:
            self.enter("half_open", now)
        if self.state == "closed":
            return Ticket(self.era, probe=False, ends=0.0)
        self.out = [ticket for ticket in self.out if ticket.ends > now]
        if self.state == "open" or len(self.out) + self.successes >= self.probes:
            return None
        ticket = Ticket(self.era, probe=True, ends=now + PROBE_TIMEOUT)
        self.out.append(ticket)
        return ticket

    def end(self, ticket: Ticket, outcome: str, now: float) -> None:
        in_time = not ticket.probe or (ticket in self.out and now < ticket.ends)
        self.out = [other for other in self.out if other is not ticket]
        if ticket.era != self.era or outcome == "nothing":
            return
        if outcome == "failure":
            self.failures += 1
            if self.state == "half_open" or self.failures >= THRESHOLD:
                self.enter("open", now)
        elif in_time:
            self.failures = 0
            if self.state == "half_open":
                self.successes += 1
                if self.successes >= self.probes:
                    self.enter("closed", now)


class Begin(NamedTuple):
    """A call asks for leave."""


class End(NamedTuple):
    """One of the calls that are out comes back."""

    which: int
    outcome: str


class Wait(NamedTuple):
    """Time passes."""

    seconds: float


outcomes = st.sampled_from(["failure", "failure", "success", "success", "nothing"])
# Few different waits, so that many of them end at the very instant at which something happens.
waits = st.sampled_from([PROBE_TIMEOUT / 2, PROBE_TIMEOUT, RESET_AFTER])
events = st.lists(
    st.one_of(
        st.builds(Begin),
        st.builds(Begin),
        st.builds(End, st.integers(0, 3), outcomes),
        st.builds(End, st.integers(0, 3), outcomes),
        st.builds(Wait, waits),
    ),
    min_size=25,
    max_size=60,
)


def compare(sequence: list[Begin | End | Wait], probes: int) -> None:
    clock, model = ManualClock(), Model(probes)
    breaker = CircuitBreaker(
        "model",
        failure_threshold=THRESHOLD,
        reset_after=RESET_AFTER,
        probes=probes,
        probe_timeout=PROBE_TIMEOUT,
        clock=clock,
    )
    out: list[tuple[Admission, Ticket]] = []
    for event in sequence:
        match event:
            case Wait(seconds):
                clock.advance(seconds)
            case End(which, outcome) if out:
                admission, ticket = out.pop(which % len(out))
                model.end(ticket, outcome, clock.monotonic())
                if outcome == "nothing":
                    breaker.release(admission)
                else:
                    breaker.record(admission, failed=outcome == "failure")
            case Begin():
                expected = model.begin(clock.monotonic())
                try:
                    admission = breaker.admit()
                except CircuitOpen:
                    assert expected is None
                else:
                    assert expected is not None
                    assert admission.timeout == (PROBE_TIMEOUT if expected.probe else None)
                    out.append((admission, expected))
        assert breaker.state == model.state


@given(events, st.integers(1, 3))
@settings(max_examples=600, deadline=None)
def test_it_does_what_the_model_does(sequence: list[Begin | End | Wait], probes: int) -> None:
    compare(sequence, probes)


@pytest.mark.soak
@given(events, st.integers(1, 3))
@settings(max_examples=10_000, deadline=None)
def test_it_does_what_the_model_does_10000_times(
    sequence: list[Begin | End | Wait], probes: int
) -> None:
    compare(sequence, probes)
