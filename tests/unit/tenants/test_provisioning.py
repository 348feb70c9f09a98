"""The rules of provisioning that need no database."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from frontdesk.tenants.models import Plan
from frontdesk.tenants.provisioning import MAX_ATTEMPTS, next_try
from frontdesk.tenants.steps import QUOTAS, STEPS

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attempts", "wait"),
    [(1, None), (4, None), (5, 15), (6, 30), (9, 240), (10, 480), (11, 600), (MAX_ATTEMPTS, 600)],
)
def test_the_first_tries_follow_the_messages_and_later_ones_wait_longer(
    attempts: int, wait: int | None
) -> None:
    expected = None if wait is None else NOW + timedelta(seconds=wait)

    assert next_try(attempts, NOW) == expected


def test_all_tries_together_outlast_an_outage_of_two_hours() -> None:
    waits = [next_try(attempts, NOW) or NOW for attempts in range(1, MAX_ATTEMPTS)]

    assert sum((at - NOW for at in waits), timedelta()) > timedelta(hours=2)


def test_steps_have_names_that_can_be_stored_and_are_not_repeated() -> None:
    for steps in STEPS.values():
        names = [step.name for step in steps]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[a-z][a-z_]{0,63}", name) for name in names)


def test_every_plan_has_every_quota() -> None:
    assert set(QUOTAS) == set(Plan)
    assert len({frozenset(quotas) for quotas in QUOTAS.values()}) == 1
