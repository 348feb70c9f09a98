"""The desk's rules hold for whoever calls SQL with a token of their own and no function between."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.callers import SqlCaller, member, refused, user
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.support.tenants import Tenant, TenantFactory

STATUSES = ("open", "in_progress", "resolved", "closed")
ALLOWED = {
    "open": {"in_progress"},
    "in_progress": {"open", "resolved"},
    "resolved": {"open", "closed"},
    "closed": {"open"},
}


@pytest.fixture
def viewer(sql: psycopg.Connection, agency: Tenant) -> SqlCaller:
    return member(sql, agency, "viewer")


def visitor_of(sql: psycopg.Connection, service: SqlCaller, agency: Tenant) -> SqlCaller:
    visitor = uuid.uuid4()
    service("platform_upsert_member", p_tenant=agency.id, p_user=visitor, p_role="visitor")
    return user(sql, visitor, agency.id)


def talk(caller: SqlCaller) -> dict[str, str]:
    """A stored conversation of one question."""
    ids = {name: str(uuid.uuid4()) for name in ("conversation_id", "question_id", "answer_id")}
    answer = {"question": "May I bring skis?", "answer": "Yes.", "mode": "extractive"}
    caller("record_answer", p_answer=ids | answer)
    return ids


def ticket(caller: SqlCaller, **fields: Any) -> dict[str, Any]:
    reply = caller("create_ticket", p_ticket={"id": str(uuid.uuid4()), "subject": "x"} | fields)
    data: dict[str, Any] = reply["data"]
    return data


def test_tickets_opened_at_the_same_time_leave_no_gap(dsn: str, agency: Tenant) -> None:
    def attempt(number: int) -> str:
        with psycopg.connect(dsn, autocommit=True) as connection:
            agent = member(connection, agency, "agent")
            if number % 3 == 0:
                with refused("not_found"):
                    ticket(agent, client_id=str(uuid.uuid4()))
                return ""
            return str(ticket(agent)["number"])

    with ThreadPoolExecutor(10) as pool:
        numbers = sorted(filter(None, pool.map(attempt, range(30))))
    assert [int(number.rsplit("-", 1)[1]) for number in numbers] == list(range(1, 21))


def test_a_number_begins_anew_with_the_year_of_the_agencys_time_zone(
    sql: psycopg.Connection, make_tenant: TenantFactory
) -> None:
    # Shortly before the year turns in UTC it has turned in Auckland and is far off in Honolulu.
    taken = {
        zone: sql.execute(
            "select app.take_number(%s, 'ticket', %s, '2026-12-31T23:30:00Z')",
            [make_tenant().id, zone],
        ).fetchone()
        for zone in ("Pacific/Auckland", "Pacific/Honolulu")
    }
    assert taken == {"Pacific/Auckland": ("T-2027-0001",), "Pacific/Honolulu": ("T-2026-0001",)}


def test_clients_quotes_and_invoices_are_numbered_as_before(
    sql: psycopg.Connection, agency: Tenant
) -> None:
    numbers = [
        sql.execute(
            "select app.take_number(%s, %s, 'UTC', '2026-05-01')", [agency.id, kind]
        ).fetchone()
        for kind in ("client", "quote", "invoice")
    ]
    assert numbers == [("CLI-00000001",), ("Q-2026-0001",), ("INV-2026-0001",)]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(wanted=st.lists(st.sampled_from(STATUSES), max_size=12))
def test_whatever_is_tried_a_ticket_goes_only_where_the_table_leads(
    agent: SqlCaller, wanted: list[str]
) -> None:
    opened = ticket(agent)
    status, version = "open", 1
    for target in wanted:
        change = {"p_id": opened["id"], "p_change": {"status": target}}
        if target in ALLOWED[status]:
            moved = agent("change_ticket_status", **change)["data"]
            status, version = target, version + 1
            assert (moved["resolved_at"] is not None) == (status in ("resolved", "closed"))
            assert (moved["closed_at"] is not None) == (status == "closed")
        else:
            with refused("invalid_transition"):
                agent("change_ticket_status", **change)
        read = agent("read_ticket", p_id=opened["id"])["ticket"]
        assert (read["status"], read["version"]) == (status, version)
        assert len(read["events"]) == version


def test_two_changes_based_on_the_same_version_are_not_both_made(
    dsn: str, agency: Tenant, agent: SqlCaller
) -> None:
    opened = ticket(agent)

    def attempt(priority: str) -> str | None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            try:
                member(connection, agency, "agent")(
                    "change_ticket",
                    p_id=opened["id"],
                    p_changes={"priority": priority},
                    p_command={"if_match": ["1"]},
                )
            except psycopg.Error as error:
                return error.diag.message_detail
            return None

    with ThreadPoolExecutor(6) as pool:
        refusals = list(pool.map(attempt, ["low", "high", "urgent"] * 2))
    assert sorted(refusals, key=str) == [None] + ["precondition_failed"] * 5
    assert agent("read_ticket", p_id=opened["id"])["ticket"]["version"] == 2


@pytest.mark.parametrize("reference", ["conversation_id", "answer_id"])
def test_a_ticket_is_no_way_into_a_colleagues_conversation(
    reference: str, agent: SqlCaller, viewer: SqlCaller
) -> None:
    theirs = talk(agent)
    with refused("not_found"):
        ticket(viewer, **{reference: theirs[reference]})


def test_a_viewer_reads_renames_and_deletes_nobody_elses_conversation(
    agent: SqlCaller, viewer: SqlCaller
) -> None:
    theirs = talk(agent)["conversation_id"]
    for function, more in (
        ("read_conversation", {}),
        ("rename_conversation", {"p_changes": {"title": "Mine"}}),
        ("delete_conversation", {}),
    ):
        with refused("not_found"):
            viewer(function, p_id=theirs, **more)
    with refused("permission_denied"):
        viewer("list_conversations", p_filter={"scope": "all"})
    assert viewer("list_conversations")["rows"] == []


def test_a_viewer_gives_no_feedback_on_a_colleagues_answer_or_on_a_question(
    agent: SqlCaller, viewer: SqlCaller
) -> None:
    for answer in (talk(agent)["answer_id"], talk(viewer)["question_id"]):
        with refused("not_found"):
            viewer("give_feedback", p_answer=answer, p_feedback={"rating": "helpful"})


@pytest.mark.parametrize("command", ["give_feedback", "create_ticket"])
def test_who_builds_on_an_answer_that_is_being_deleted_finds_none(
    command: str, dsn: str, sql: psycopg.Connection, agency: Tenant, agent: SqlCaller
) -> None:
    ids = talk(agent)
    parameters: dict[str, Any] = {
        "give_feedback": {"p_answer": ids["answer_id"], "p_feedback": {"rating": "helpful"}},
        "create_ticket": {
            "p_ticket": {"id": str(uuid.uuid4()), "answer_id": ids["answer_id"]},
        },
    }[command]

    def late() -> None:
        with psycopg.connect(dsn, autocommit=True) as connection, refused("not_found"):
            member(connection, agency, "agent")(command, **parameters)

    def is_waiting() -> bool:
        row = sql.execute("select exists (select from pg_locks where not granted)").fetchone()
        return row == (True,)

    with ThreadPoolExecutor(1) as pool:
        with psycopg.connect(dsn) as deleting:
            deleting.execute("select")  # begins the transaction that stays open
            member(deleting, agency, "agent")("delete_conversation", p_id=ids["conversation_id"])
            waiting = pool.submit(late)
            eventually(is_waiting)
        waiting.result(timeout=60)


@pytest.mark.parametrize("filter_", [{}, {"requester": "me"}, {"assignee": "none"}])
def test_no_filter_shows_a_viewer_somebody_elses_ticket(
    filter_: dict[str, Any], agent: SqlCaller, viewer: SqlCaller
) -> None:
    theirs = ticket(agent)
    assert viewer("list_tickets", p_filter=filter_)["rows"] == []
    with refused("not_found"):
        viewer("read_ticket", p_id=theirs["id"])


@pytest.mark.parametrize("role", ["viewer", "stranger"])
def test_nobody_is_assigned_who_does_not_work_here(
    role: str, agent: SqlCaller, agency: Tenant
) -> None:
    assignee = str(agency.users.get(role, uuid.uuid4()))
    with refused("invalid_request") as caught:
        agent("change_ticket", p_id=ticket(agent)["id"], p_changes={"assignee_id": assignee})
    assert '"assignee_id"' in str(caught.value.diag.message_hint)


def test_a_visitor_learns_nothing_of_clients_by_opening_tickets(
    sql: psycopg.Connection, service: SqlCaller, agency: Tenant, agent: SqlCaller
) -> None:
    visitor = visitor_of(sql, service, agency)
    client = agent("create_client", p_client={"id": str(uuid.uuid4()), "name": "Ada"})["data"]
    contact = {"contact": {"email": "ada@example.com"}}
    for client_id in (client["id"], str(uuid.uuid4())):
        with refused("not_found"):
            ticket(visitor, client_id=client_id, **contact)
    with refused("invalid_request"):
        ticket(visitor)
    assert ticket(visitor, **contact)["client"] is None


def test_an_agent_of_own_clients_alone_does_not_see_the_client_of_a_ticket(
    sql: psycopg.Connection, service: SqlCaller, agency: Tenant, owner: SqlCaller, agent: SqlCaller
) -> None:
    client = owner("create_client", p_client={"id": str(uuid.uuid4()), "name": "Ada"})["data"]
    opened = ticket(owner, client_id=client["id"])
    assert agent("read_ticket", p_id=opened["id"])["ticket"]["client"]["name"] == "Ada"
    own = {"client_visibility": "own"}
    service("platform_seed_settings", p_tenant=agency.id, p_settings=own)
    assert agent("read_ticket", p_id=opened["id"])["ticket"]["client"] is None
    with refused("not_found"):
        ticket(agent, client_id=client["id"])


@pytest.mark.parametrize(
    ("function", "parameters", "field"),
    [
        ("list_tickets", {"p_limit": 101}, "page_size"),
        ("list_tickets", {"p_sort": "subject; drop table app.tickets"}, "sort"),
        ("list_tickets", {"p_filter": {"client": "Ada"}}, "client"),
        ("list_tickets", {"p_filter": {"created_since": "yesterday-ish"}}, "created_since"),
        ("list_conversations", {"p_filter": {"scope": "everything"}}, "scope"),
        ("list_conversations", {"p_filter": {"channel": "fax"}}, "channel"),
        ("list_feedback", {"p_filter": {"rating": "great"}}, "rating"),
        ("summarize_feedback", {"p_filter": {"until": "never"}}, "until"),
        ("create_ticket", {"p_ticket": {"subject": "x"}}, "id"),
        ("create_ticket", {"p_ticket": {"id": str(uuid.uuid4())}}, "subject"),
        (
            "create_ticket",
            {"p_ticket": {"id": str(uuid.uuid4()), "subject": "x", "contact": "Ada"}},
            "contact",
        ),
        ("change_helpdesk_settings", {"p_changes": {"retention_days": 0}}, "retention_days"),
        ("change_helpdesk_settings", {"p_changes": {"retention_days": "30"}}, "retention_days"),
        ("change_helpdesk_settings", {"p_changes": {"retention_days": 1e9}}, "retention_days"),
        ("change_helpdesk_settings", {"p_changes": {"query_terms": []}}, "query_terms"),
        (
            "change_helpdesk_settings",
            {"p_changes": {"query_terms": {"weather": []}}},
            "query_terms.weather",
        ),
        (
            "change_helpdesk_settings",
            {"p_changes": {"query_terms": {"pricing": [7]}}},
            "query_terms.pricing",
        ),
        (
            "change_helpdesk_settings",
            {"p_changes": {"query_terms": {"pricing": ["!"]}}},
            "query_terms.pricing",
        ),
        (
            "change_helpdesk_settings",
            {"p_changes": {"query_terms": {"pricing": ["sk*i"]}}},
            "query_terms.pricing",
        ),
    ],
)
def test_a_wrong_value_is_refused_by_name(
    owner: SqlCaller, function: str, parameters: dict[str, Any], field: str
) -> None:
    with refused("invalid_request") as caught:
        owner(function, **parameters)
    assert f'"field": "{field}"' in str(caught.value.diag.message_hint)


def test_events_and_transcripts_of_two_agencies_do_not_meet(
    sql: psycopg.Connection, agent: SqlCaller, make_tenant: TenantFactory
) -> None:
    other = make_tenant()
    stranger = member(sql, other, "owner")
    theirs = talk(agent)
    opened = ticket(agent, conversation_id=theirs["conversation_id"])
    # The same ids in another agency are other things.
    twin = ticket(stranger, id=opened["id"])
    assert (twin["transcript"], len(twin["events"])) == (None, 1)
    comment = {"text": "Ours", "visibility": "internal"}
    stranger("comment_on_ticket", p_id=twin["id"], p_comment=comment)
    assert len(agent("read_ticket", p_id=opened["id"])["ticket"]["events"]) == 1
    stranger("change_ticket_status", p_id=twin["id"], p_change={"status": "in_progress"})
    assert agent("read_ticket", p_id=opened["id"])["ticket"]["status"] == "open"


def test_the_history_of_a_ticket_cannot_be_rewritten(sql: psycopg.Connection) -> None:
    for privilege in ("update", "delete", "truncate"):
        row = sql.execute(
            "select has_table_privilege('frontdesk_app', 'app.ticket_events', %s)", [privilege]
        ).fetchone()
        assert row == (False,), privilege
