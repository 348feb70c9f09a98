"""Maintenance deletes conversations that an agency keeps no longer, and nothing else."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from frontdesk.platform.context import Context
from frontdesk.platform.services import Services
from frontdesk.platform.settings import load_settings
from frontdesk.tenants.maintenance import maintain
from frontdesk.tenants.retention import apply_retention
from tests.support.callers import SqlCaller, member
from tests.support.clock import ManualClock
from tests.support.contexts import platform_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from frontdesk.local.stack import Stack
    from tests.support.tenants import Tenant, TenantFactory

DAY = 24 * 3600.0
NOTHING: Counter[str] = Counter()


@pytest.fixture
def retention_clock() -> ManualClock:
    """Begins at the present, for the database's own clock wrote what is there."""
    return ManualClock(datetime.now(UTC))


@pytest.fixture
def run(stack: Stack, retention_clock: ManualClock) -> Iterator[Callable[[], Context]]:
    """``run()`` is the context of the scheduler's call at the clock's time."""
    services = Services(load_settings(stack.environment), clock=retention_clock)
    yield lambda: platform_context(services)
    services.close()


@pytest.fixture(autouse=True)
def nobody_else_has_a_limit(sql: psycopg.Connection) -> None:
    sql.execute("update app.tenant_settings set helpdesk = '{}', retention_applied_at = null")


def keep(sql: psycopg.Connection, tenant: Tenant, days: int | None) -> None:
    member(sql, tenant, "owner")("change_helpdesk_settings", p_changes={"retention_days": days})


def talk(caller: SqlCaller, conversation: str | None = None) -> dict[str, str]:
    ids = {
        "conversation_id": conversation or str(uuid.uuid4()),
        "answer_id": str(uuid.uuid4()),
    }
    answer = {"question": "May I bring skis?", "answer": "Yes.", "mode": "extractive"}
    caller("record_answer", p_answer=ids | answer)
    return ids


def age(sql: psycopg.Connection, tenant: Tenant, conversation: str, days: float) -> None:
    """Let the conversation's last question be so long ago."""
    sql.execute(
        "update app.conversations set updated_at = now() - %s where tenant_id = %s and id = %s",
        [timedelta(days=days), tenant.id, conversation],
    )


def left(sql: psycopg.Connection, tenant: Tenant) -> dict[str, int]:
    """Rows of the agency, by table."""
    return {
        table: sql.execute(
            f"select count(*) from app.{table} where tenant_id = %s",  # type: ignore[arg-type]
            [tenant.id],
        ).fetchone()[0]  # type: ignore[index]
        for table in ("conversations", "messages", "feedback")
    }


def ticket(caller: SqlCaller, **fields: Any) -> dict[str, Any]:
    reply = caller("create_ticket", p_ticket={"id": str(uuid.uuid4())} | fields)
    data: dict[str, Any] = reply["data"]
    return data


def test_what_is_older_than_the_limit_goes_with_messages_and_feedback(
    make_tenant: TenantFactory, sql: psycopg.Connection, run: Callable[[], Context]
) -> None:
    tenant, untouched = make_tenant(), make_tenant()
    agent = member(sql, tenant, "agent")
    old, young = talk(agent), talk(agent)
    agent("give_feedback", p_answer=old["answer_id"], p_feedback={"rating": "helpful"})
    age(sql, tenant, old["conversation_id"], 31)
    age(sql, tenant, young["conversation_id"], 29)
    elsewhere = talk(member(sql, untouched, "agent"))
    age(sql, untouched, elsewhere["conversation_id"], 400)
    keep(sql, tenant, 30)

    assert apply_retention(run()) == Counter(conversations=1, messages=2, feedback=1)

    assert left(sql, tenant) == {"conversations": 1, "messages": 2, "feedback": 0}
    assert left(sql, untouched) == {"conversations": 1, "messages": 2, "feedback": 0}
    assert agent("read_conversation", p_id=young["conversation_id"])["conversation"]["messages"]


def test_a_limit_counts_from_the_last_question(
    make_tenant: TenantFactory,
    sql: psycopg.Connection,
    run: Callable[[], Context],
    retention_clock: ManualClock,
) -> None:
    tenant = make_tenant()
    agent = member(sql, tenant, "agent")
    conversation = talk(agent)["conversation_id"]
    age(sql, tenant, conversation, 100)
    talk(agent, conversation)
    keep(sql, tenant, 30)
    retention_clock.advance(29 * DAY)
    assert apply_retention(run()) == NOTHING
    retention_clock.advance(2 * DAY)
    assert apply_retention(run())["conversations"] == 1


def test_without_a_limit_everything_is_kept_for_ever(
    make_tenant: TenantFactory,
    sql: psycopg.Connection,
    run: Callable[[], Context],
    retention_clock: ManualClock,
) -> None:
    tenant = make_tenant()
    talk(member(sql, tenant, "agent"))
    keep(sql, tenant, 30)
    keep(sql, tenant, None)
    retention_clock.advance(10_000 * DAY)
    assert apply_retention(run()) == NOTHING
    assert left(sql, tenant)["conversations"] == 1


def test_a_run_is_bounded_and_the_next_one_goes_on(
    make_tenant: TenantFactory, sql: psycopg.Connection, run: Callable[[], Context]
) -> None:
    tenant = make_tenant()
    agent = member(sql, tenant, "agent")
    for days in range(7):
        age(sql, tenant, talk(agent)["conversation_id"], 40 + days)
    keep(sql, tenant, 30)
    assert apply_retention(run(), batch=2, batches=2)["conversations"] == 4
    oldest = sql.execute(
        "select max(now() - updated_at) from app.conversations where tenant_id = %s", [tenant.id]
    ).fetchone()
    assert oldest is not None
    assert oldest[0] < timedelta(days=44), "the oldest go first"
    assert apply_retention(run(), batch=2, batches=2)["conversations"] == 3
    assert apply_retention(run(), batch=2, batches=2) == NOTHING


def test_a_run_with_no_time_left_begins_no_batch(
    make_tenant: TenantFactory, sql: psycopg.Connection, run: Callable[[], Context]
) -> None:
    tenant = make_tenant()
    age(sql, tenant, talk(member(sql, tenant, "agent"))["conversation_id"], 40)
    keep(sql, tenant, 30)
    context = run()
    context.services.clock.sleep(55)
    assert apply_retention(context) == NOTHING
    assert apply_retention(run())["conversations"] == 1


def test_each_agency_has_its_turn_once_an_hour(
    make_tenant: TenantFactory,
    sql: psycopg.Connection,
    run: Callable[[], Context],
    retention_clock: ManualClock,
) -> None:
    tenant = make_tenant()
    keep(sql, tenant, 30)
    assert apply_retention(run()) == NOTHING
    age(sql, tenant, talk(member(sql, tenant, "agent"))["conversation_id"], 40)
    assert apply_retention(run()) == NOTHING
    retention_clock.advance(3601)
    assert apply_retention(run())["conversations"] == 1


def test_a_suspended_agencys_conversations_age_all_the_same(
    make_tenant: TenantFactory, sql: psycopg.Connection, run: Callable[[], Context]
) -> None:
    tenant = make_tenant()
    age(sql, tenant, talk(member(sql, tenant, "agent"))["conversation_id"], 40)
    keep(sql, tenant, 30)
    sql.execute("update app.tenants set status = 'suspended' where id = %s", [tenant.id])
    assert apply_retention(run())["conversations"] == 1


def test_a_conversation_that_is_being_continued_is_left_alone(
    dsn: str, make_tenant: TenantFactory, sql: psycopg.Connection, run: Callable[[], Context]
) -> None:
    tenant = make_tenant()
    conversation = talk(member(sql, tenant, "agent"))["conversation_id"]
    age(sql, tenant, conversation, 40)
    keep(sql, tenant, 30)
    with psycopg.connect(dsn) as other:
        other.execute(
            "select from app.conversations where tenant_id = %s and id = %s for update",
            [tenant.id, conversation],
        )
        assert apply_retention(run()) == NOTHING
    assert left(sql, tenant)["conversations"] == 1


def test_tickets_stay_and_lose_their_transcript_once_they_are_closed_that_long(
    make_tenant: TenantFactory,
    sql: psycopg.Connection,
    run: Callable[[], Context],
    retention_clock: ManualClock,
) -> None:
    tenant = make_tenant()
    agent = member(sql, tenant, "agent")
    conversation = talk(agent)["conversation_id"]
    closed, still_open = (ticket(agent, conversation_id=conversation) for _ in range(2))
    for status in ("in_progress", "resolved", "closed"):
        agent("change_ticket_status", p_id=closed["id"], p_change={"status": status})
    age(sql, tenant, conversation, 40)
    keep(sql, tenant, 30)
    assert apply_retention(run())["conversations"] == 1
    for each in (closed, still_open):
        read = agent("read_ticket", p_id=each["id"])["ticket"]
        assert (len(read["transcript"]), read["conversation_id"]) == (2, None)

    retention_clock.advance(31 * DAY)
    assert apply_retention(run()) == Counter(transcripts=1)

    assert agent("read_ticket", p_id=still_open["id"])["ticket"]["transcript"]
    emptied = agent("read_ticket", p_id=closed["id"])["ticket"]
    assert (emptied["transcript"], emptied["subject"]) == (None, "May I bring skis?")
    assert emptied["events"][-1]["type"] == "transcript_removed"
    assert emptied["events"][-1]["actor"] is None


def test_what_was_done_is_written_down_and_logged_in_numbers_alone(
    make_tenant: TenantFactory,
    sql: psycopg.Connection,
    run: Callable[[], Context],
    capsys: pytest.CaptureFixture[str],
) -> None:
    tenant = make_tenant()
    age(sql, tenant, talk(member(sql, tenant, "agent"))["conversation_id"], 40)
    keep(sql, tenant, 30)
    maintain(run())
    audited = sql.execute(
        "select details from app.audit_log where tenant_id = %s and action = 'retention.applied'",
        [tenant.id],
    ).fetchall()
    assert audited == [
        (
            {
                "conversations": 1,
                "messages": 2,
                "feedback": 0,
                "transcripts": 0,
                "retention_days": 30,
            },
        )
    ]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "{" in line]
    assert "skis" not in json.dumps(lines)
