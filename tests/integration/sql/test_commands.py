"""Commands: one transaction each, answered once per key, written down, refused by rule."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.support.callers import SqlCaller, member, refused

if TYPE_CHECKING:
    from tests.support.tenants import Tenant


def new_client(name: str = "Ada", **fields: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "name": name, **fields}


def command(key: str | None = None, fingerprint: str = "one") -> dict[str, Any]:
    return {
        "idempotency_key": key,
        "fingerprint": fingerprint,
        "route": "POST /v1/crm/clients",
        "request_id": "request-1",
    }


def counted(sql: psycopg.Connection, table: str, tenant: Tenant) -> int:
    row = sql.execute(
        psycopg.sql.SQL("select count(*) from {} where tenant_id = %s").format(
            psycopg.sql.Identifier("app", table)
        ),
        [tenant.id],
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_the_same_key_fifty_times_at_once_makes_one_client(
    dsn: str, sql: psycopg.Connection, agency: Tenant
) -> None:
    body, key = new_client(), command("fifty")

    def attempt(_: int) -> dict[str, Any] | str:
        with psycopg.connect(dsn, autocommit=True) as connection:
            try:
                reply = member(connection, agency, "agent")(
                    "create_client", p_client=body, p_command=key
                )
            except psycopg.Error as error:
                return str(error.diag.message_detail)
            assert isinstance(reply, dict)
            return reply

    with ThreadPoolExecutor(25) as pool:
        outcomes = list(pool.map(attempt, range(50)))

    replies = [outcome for outcome in outcomes if isinstance(outcome, dict)]
    assert {o for o in outcomes if isinstance(o, str)} <= {"idempotency_in_progress"}
    assert [reply["replayed"] for reply in replies].count(False) == 1
    assert {json.dumps(reply["data"], sort_keys=True) for reply in replies} == {
        json.dumps(replies[0]["data"], sort_keys=True)
    }
    assert counted(sql, "clients", agency) == 1
    assert counted(sql, "activities", agency) == 1


def test_a_repeated_command_gets_the_first_reply(agent: SqlCaller) -> None:
    body = new_client()
    first = agent("create_client", p_client=body, p_command=command("twice"))
    second = agent("create_client", p_client=body, p_command=command("twice"))
    assert (first["replayed"], second["replayed"]) == (False, True)
    assert second["data"] == first["data"]
    assert second["status"] == first["status"] == 201


def test_a_key_of_another_request_is_refused(agent: SqlCaller) -> None:
    agent("create_client", p_client=new_client(), p_command=command("reused"))
    with refused("idempotency_key_reused"):
        agent("create_client", p_client=new_client(), p_command=command("reused", "other"))


def test_a_key_belongs_to_its_user_and_route(agent: SqlCaller, owner: SqlCaller) -> None:
    first = agent("create_client", p_client=new_client(), p_command=command("mine"))
    assert not owner("create_client", p_client=new_client(), p_command=command("mine"))["replayed"]
    elsewhere = command("mine") | {"route": "POST /v1/elsewhere"}
    other = agent("create_client", p_client=new_client(), p_command=elsewhere)
    assert other["data"]["id"] != first["data"]["id"]


def test_access_is_checked_again_before_a_stored_reply(
    sql: psycopg.Connection, agency: Tenant, agent: SqlCaller, service: SqlCaller
) -> None:
    body = new_client()
    agent("create_client", p_client=body, p_command=command("again"))
    named = {"p_tenant": agency.id, "p_user": agency.users["agent"]}
    service("platform_upsert_member", p_role="viewer", **named)
    with refused("permission_denied"):
        agent("create_client", p_client=body, p_command=command("again"))
    service("platform_remove_member", **named)
    with refused("membership_revoked"):
        agent("create_client", p_client=body, p_command=command("again"))


def test_a_key_is_free_again_after_a_day_or_a_failure(
    sql: psycopg.Connection, agency: Tenant, agent: SqlCaller
) -> None:
    with refused("invalid_request"):
        agent("create_client", p_client=new_client(""), p_command=command("free"))
    assert not agent("create_client", p_client=new_client(), p_command=command("free"))["replayed"]
    sql.execute(
        "update app.idempotency_keys set expires_at = now() - interval '1 second' "
        "where tenant_id = %s and key = 'free'",
        [agency.id],
    )
    again = agent("create_client", p_client=new_client(), p_command=command("free", "new"))
    assert not again["replayed"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"id": "seven"}, "id"),
        ({"email": "nobody"}, "email"),
        ({"phone_e164": "0171"}, "phone_e164"),
        ({"stage": "GONE"}, "stage"),
        ({"source": "fax"}, "source"),
        ({"consultant": str(uuid.uuid4())}, "consultant"),
        ({"tags": ["t"] * 51}, "tags"),
    ],
)
def test_a_wrong_field_is_named(agent: SqlCaller, fields: dict[str, Any], field: str) -> None:
    with refused("invalid_request") as caught:
        agent("create_client", p_client=new_client() | fields)
    assert caught.value.sqlstate == "PT400"
    details = json.loads(caught.value.diag.message_hint or "")
    assert [error["field"] for error in details["errors"]] == [field]


def test_an_email_phone_or_id_is_taken_once_until_it_is_deleted(
    sql: psycopg.Connection, agency: Tenant, agent: SqlCaller
) -> None:
    first = new_client(email="Ada@Example.com", phone="+44 20 7946 0000")
    agent("create_client", p_client=first)
    for clash, field in (
        ({"email": " ada@example.COM "}, "email"),
        ({"phone": "0044 20 79460000"}, "phone"),
        ({"id": first["id"]}, "id"),
    ):
        with refused("conflict") as caught:
            agent("create_client", p_client=new_client() | clash)
        assert json.loads(caught.value.diag.message_hint or "") == {"field": field}
    sql.execute("update app.clients set deleted_at = now() where tenant_id = %s", [agency.id])
    assert agent("create_client", p_client=new_client(email="ada@example.com"))["status"] == 201


def test_numbers_have_no_gap_however_many_take_them_at_once(
    dsn: str, sql: psycopg.Connection, agency: Tenant
) -> None:
    def create(i: int) -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            agent = member(connection, agency, "agent")
            if i % 4 == 0:
                with refused("invalid_request"):
                    agent("create_client", p_client=new_client(email="none"))
            agent("create_client", p_client=new_client())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create, range(24)))
    numbers = sql.execute(
        "select number from app.clients where tenant_id = %s order by number", [agency.id]
    ).fetchall()
    assert [number for (number,) in numbers] == [f"CLI-{i:08d}" for i in range(1, 25)]


def test_a_command_is_written_down_without_personal_data_in_the_log(
    sql: psycopg.Connection, agency: Tenant, agent: SqlCaller
) -> None:
    body = new_client("Ada Lovelace", email="ada@lovelace.example")
    agent("create_client", p_client=body, p_command=command())
    row = sql.execute(
        """
        select l.actor, l.action, l.request_id, l.details::text, p.after ->> 'name'
        from app.audit_log as l
        join app.audit_personal as p on p.tenant_id = l.tenant_id and p.audit_id = l.id
        where l.tenant_id = %s and l.entity_id = %s
        """,
        [agency.id, body["id"]],
    ).fetchone()
    assert row is not None
    assert row[:3] == (str(agency.users["agent"]), "client.created", "request-1")
    assert "Lovelace" not in row[3]
    assert "lovelace" not in row[3]
    assert row[4] == "Ada Lovelace"


def test_who_creates_a_client_may_name_a_member_by_mail_or_anybody_by_name(
    agent: SqlCaller, agency: Tenant
) -> None:
    email = f"owner@{agency.slug}.example"
    by_mail = agent("create_client", p_client=new_client(consultant=email.upper()))
    assert by_mail["data"]["consultant"] == {"id": str(agency.users["owner"]), "name": email}
    by_name = agent("create_client", p_client=new_client(consultant="Grace Hopper"))
    assert by_name["data"]["consultant"] == {"id": None, "name": "Grace Hopper"}


def test_a_conversation_grows_answer_by_answer_and_stays_its_owners(
    agent: SqlCaller, sql: psycopg.Connection, agency: Tenant
) -> None:
    conversation = str(uuid.uuid4())

    def answer(**fields: Any) -> dict[str, Any]:
        return {
            "conversation_id": conversation,
            "answer_id": str(uuid.uuid4()),
            "question": "When is breakfast?",
            "answer": "From seven.",
            "mode": "extractive",
            "citations": [{"document_id": str(uuid.uuid4()), "quote": "breakfast from seven"}],
        } | fields

    assert agent("record_answer", p_answer=answer())["data"]["position"] == 2
    assert agent("record_answer", p_answer=answer(degraded=True))["data"]["position"] == 4
    read = agent("read_conversation", p_id=uuid.UUID(conversation))["conversation"]
    assert [message["role"] for message in read["messages"]] == ["user", "assistant"] * 2
    assert read["messages"][3]["degraded"] is True
    viewer = member(sql, agency, "viewer")
    with refused("not_found"):
        viewer("record_answer", p_answer=answer())
    with refused("not_found"):
        viewer("read_conversation", p_id=uuid.UUID(conversation))
    with refused("invalid_request"):
        agent("record_answer", p_answer=answer(mode="guessed"))
