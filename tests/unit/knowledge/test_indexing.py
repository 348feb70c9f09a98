"""Events about one tenant are served one after the other, and none is forgotten."""

from __future__ import annotations

from frontdesk.knowledge.indexing import _Turns
from tests.unit.knowledge.builders import TENANT


def test_an_event_during_the_work_makes_the_worker_look_again() -> None:
    turns = _Turns()
    assert turns.claim(TENANT)
    assert not turns.claim(TENANT)
    assert not turns.claim(TENANT)
    assert turns.asked_again(TENANT)
    assert not turns.asked_again(TENANT)
    assert turns.claim(TENANT)


def test_after_a_failure_the_next_event_works_itself() -> None:
    turns = _Turns()
    assert turns.claim(TENANT)
    turns.give_up(TENANT)
    assert turns.claim(TENANT)
