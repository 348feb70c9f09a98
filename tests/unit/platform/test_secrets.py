"""Secrets by reference: fetched when needed, kept for a while, kept longer in an outage."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.api_core.exceptions import NotFound, PermissionDenied, ServiceUnavailable
from pydantic import SecretStr

from frontdesk.platform.secrets import Secrets, SecretUnavailable
from tests.support.clock import ManualClock

REFERENCE = SecretStr("sm://projects/p/secrets/openai/versions/latest")


class FakeManager:
    """Secret Manager with one secret, which can be rotated, broken and slowed down."""

    def __init__(self) -> None:
        self.value = "first"
        self.failure: Exception | None = None
        self.names: list[str] = []
        self.gate: threading.Event | None = None
        self.asked = threading.Event()

    def __call__(self, name: str, timeout: float) -> bytes:
        self.names.append(name)
        assert 0 < timeout <= 2
        if self.gate:
            self.asked.set()
            self.gate.wait(5)
        if self.failure:
            raise self.failure
        return self.value.encode()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def manager() -> FakeManager:
    return FakeManager()


@pytest.fixture
def secrets(clock: ManualClock, manager: FakeManager) -> Secrets:
    return Secrets(clock=clock, access=manager)


def test_a_secret_in_the_open_is_itself(secrets: Secrets, manager: FakeManager) -> None:
    assert secrets.resolve(SecretStr("sk-in-the-open")) == "sk-in-the-open"
    assert manager.names == []


def test_a_reference_is_fetched_once_within_five_minutes(
    secrets: Secrets, manager: FakeManager, clock: ManualClock
) -> None:
    assert secrets.resolve(REFERENCE) == "first"
    clock.advance(299)
    assert secrets.resolve(REFERENCE) == "first"
    assert manager.names == ["projects/p/secrets/openai/versions/latest"]


def test_a_rotated_secret_arrives_after_five_minutes(
    secrets: Secrets, manager: FakeManager, clock: ManualClock
) -> None:
    secrets.resolve(REFERENCE)
    manager.value = "second"
    clock.advance(301)

    assert secrets.resolve(REFERENCE) == "second"


def test_the_last_good_value_survives_an_outage_without_hammering(
    secrets: Secrets, manager: FakeManager, clock: ManualClock
) -> None:
    secrets.resolve(REFERENCE)
    manager.failure = ServiceUnavailable("down")
    clock.advance(301)

    assert [secrets.resolve(REFERENCE) for _ in range(5)] == ["first"] * 5
    assert len(manager.names) == 1 + 2  # one refresh of two attempts, then a pause

    manager.failure, manager.value = None, "second"
    clock.advance(31)
    assert secrets.resolve(REFERENCE) == "second"


@pytest.mark.parametrize(
    ("failure", "attempts"),
    [(ServiceUnavailable("down"), 2), (NotFound("none"), 1), (PermissionDenied("no"), 1)],
    ids=lambda value: type(value).__name__,
)
def test_a_secret_that_never_came_is_an_error(
    secrets: Secrets, manager: FakeManager, failure: Exception, attempts: int
) -> None:
    manager.failure = failure

    with pytest.raises(SecretUnavailable):
        secrets.resolve(REFERENCE)
    assert len(manager.names) == attempts


def test_eight_callers_at_once_fetch_once(secrets: Secrets, manager: FakeManager) -> None:
    manager.gate = threading.Event()
    with ThreadPoolExecutor(8) as pool:
        values = [pool.submit(secrets.resolve, REFERENCE) for _ in range(8)]
        manager.gate.set()
        assert {value.result(5) for value in values} == {"first"}
    assert len(manager.names) == 1


def test_callers_with_an_older_value_do_not_wait_for_the_newer(
    secrets: Secrets, manager: FakeManager, clock: ManualClock
) -> None:
    secrets.resolve(REFERENCE)
    clock.advance(301)
    manager.gate = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        refresh = pool.submit(secrets.resolve, REFERENCE)
        assert manager.asked.wait(5)
        assert secrets.resolve(REFERENCE) == "first"
        manager.gate.set()
        refresh.result(5)
