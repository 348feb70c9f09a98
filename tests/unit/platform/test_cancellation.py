"""Whoever works for a caller learns that the caller is gone."""

from __future__ import annotations

import pytest

from frontdesk.platform.cancellation import CallerGone, Cancellation


def test_cancelling_ends_what_is_being_waited_for() -> None:
    cancellation, ended = Cancellation(), []

    with cancellation.calls(lambda: ended.append(True)):
        assert not cancellation.cancelled
        cancellation.cancel()

    assert (ended, cancellation.cancelled) == ([True], True)


def test_a_wait_that_is_over_is_not_ended_again() -> None:
    cancellation, ended = Cancellation(), []
    with cancellation.calls(lambda: ended.append(True)):
        pass

    cancellation.cancel()

    assert ended == []


def test_nothing_is_begun_for_a_caller_who_is_gone() -> None:
    cancellation = Cancellation()
    cancellation.cancel()

    with pytest.raises(CallerGone):
        cancellation.check()
    with pytest.raises(CallerGone), cancellation.calls(lambda: None):
        raise AssertionError("it was begun")
