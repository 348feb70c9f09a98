"""Cron lines mean what Cloud Scheduler takes them to mean."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from frontdesk.local.scheduler import Job

MONDAY_0930 = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "due"),
    [
        ("* * * * *", True),
        ("30 9 * * *", True),
        ("31 9 * * *", False),
        ("*/15 * * * *", True),
        ("*/20 * * * *", False),
        ("5/5 * * * *", True),
        ("0,30 8-10 * * *", True),
        ("30 9 23 11 *", True),
        ("30 9 24 11 *", False),
        ("30 9 * * 1-5", True),
        ("30 9 * * 0,6", False),
    ],
)
def test_a_job_is_due_in_the_minutes_of_its_cron_line(cron: str, due: bool) -> None:
    assert Job("maintenance", cron, "http://127.0.0.1:1/").is_due(MONDAY_0930) is due


def test_sunday_is_day_zero() -> None:
    assert Job("m", "* * * * 0", "").is_due(datetime(2026, 11, 22, tzinfo=UTC))
