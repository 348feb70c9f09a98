"""The supervisor starts again what died, and leaves alone what is meant to be down."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from frontdesk.local.process import StartFailed
from frontdesk.local.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Iterator


class Lamp:
    """A part that burns until it is killed."""

    def __init__(self, name: str, failures: int = 0) -> None:
        self.name = name
        self.failures = failures
        self.burning = threading.Event()
        self.burning.set()

    def start(self) -> None:
        if self.failures:
            self.failures -= 1
            raise StartFailed("no current")
        self.burning.set()

    def alive(self) -> bool:
        return self.burning.is_set()

    def kill(self) -> None:
        self.burning.clear()

    def stop(self) -> None:
        self.burning.clear()


@pytest.fixture
def reports() -> list[str]:
    return []


@pytest.fixture
def lamp() -> Lamp:
    return Lamp("lamp", failures=1)


@pytest.fixture
def supervisor(lamp: Lamp, reports: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor([lamp, Lamp("other")], reports.append)
    supervisor.start()
    yield supervisor
    supervisor.stop()


def test_a_dead_part_is_started_until_it_runs_and_both_are_reported(
    supervisor: Supervisor, lamp: Lamp, reports: list[str]
) -> None:
    lamp.kill()
    assert lamp.burning.wait(5)
    supervisor.stop()
    assert reports[0] == "lamp died; starting it again"
    assert reports[1] == "lamp does not start: no current"
    assert reports[2].startswith("lamp is back after")
    assert supervisor.restarts == 1


def test_a_part_stays_down_for_the_length_of_the_block(
    supervisor: Supervisor, lamp: Lamp, reports: list[str]
) -> None:
    with supervisor.down(lamp):
        assert not lamp.burning.wait(0.5)
    assert lamp.alive()
    assert not any("died" in report for report in reports)
