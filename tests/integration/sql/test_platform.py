"""Platform functions: leases, steps, the outbox, the indexer's source, members and settings."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.types.json import Jsonb

from tests.support.callers import SqlCaller, refused, user

if TYPE_CHECKING:
    import psycopg

    from tests.support.tenants import Tenant


def request(**fields: Any) -> dict[str, Any]:
    tenant_id = uuid.uuid4()
    return {"id": str(tenant_id), "slug": f"agency-{tenant_id.hex[:12]}", "name": "Coral"} | fields


def create(service: SqlCaller, **fields: Any) -> dict[str, Any]:
    reply = service("platform_create_tenant", p_tenant=request(**fields), p_actor="tests")
    data: dict[str, Any] = reply["data"]
    return data


def lease(service: SqlCaller, tenant: dict[str, Any], worker: str = "one") -> Any:
    tenant_id = uuid.UUID(tenant["id"])
    return service(
        "platform_lease_operation", p_tenant=tenant_id, p_worker=worker, p_lease_seconds=60
    )


def expire_lease(sql: psycopg.Connection, tenant: dict[str, Any]) -> None:
    sql.execute(
        "update app.operations set leased_until = now() - interval '1 second' where tenant_id = %s",
        [tenant["id"]],
    )


def test_a_new_tenant_is_one_command_with_operation_and_event(service: SqlCaller) -> None:
    reply = service("platform_create_tenant", p_tenant=request(currency="CHF"), p_actor="tests")
    tenant, (promise,) = reply["data"], reply["outbox"]
    assert (reply["status"], tenant["status"]) == (202, "provisioning")
    (operation,) = tenant["operations"]
    assert (operation["kind"], operation["state"]) == ("create", "pending")
    assert operation["payload"]["currency"] == "CHF"
    assert promise["topic"] == "tenant_operations"
    event = promise["event"]
    assert event["type"] == "frontdesk.tenant.operation.v1"
    assert (event["tenant_id"], event["data"]) == (tenant["id"], {"operation_id": operation["id"]})


def test_a_slug_is_taken_once(service: SqlCaller) -> None:
    first = create(service)
    with refused("conflict"):
        create(service, slug=first["slug"])
    for slug in ("", "Coral", "1st", "a", "x" * 41, "a_b"):
        with refused("invalid_request"):
            create(service, slug=slug)


def test_an_operation_is_leased_by_one_worker_until_the_lease_ends(
    service: SqlCaller, sql: psycopg.Connection
) -> None:
    tenant = create(service)
    first = lease(service, tenant, "one")
    assert (first["attempts"], first["leased_by"]) == (1, "one")
    assert lease(service, tenant, "two") is None
    expire_lease(sql, tenant)
    second = lease(service, tenant, "two")
    assert (second["id"], second["attempts"]) == (first["id"], 2)


def test_a_worker_whose_lease_ran_out_writes_nothing_any_more(
    service: SqlCaller, sql: psycopg.Connection
) -> None:
    tenant = create(service)
    operation = {"p_operation": uuid.UUID(lease(service, tenant, "one")["id"])}
    expire_lease(sql, tenant)
    for worker in ("one", "two"):
        with refused("conflict"):
            service(
                "platform_record_step", p_worker=worker, p_step="x", p_state="running", **operation
            )
    lease(service, tenant, "two")
    for function, parameters in (
        ("platform_record_step", {"p_step": "x", "p_state": "running"}),
        ("platform_finish_operation", {"p_state": "succeeded"}),
        ("platform_release_operation", {}),
    ):
        with refused("conflict"):
            service(function, p_worker="one", **operation, **parameters)


def test_finished_steps_are_there_for_the_next_worker(
    service: SqlCaller, sql: psycopg.Connection
) -> None:
    tenant = create(service)
    operation = {"p_operation": uuid.UUID(lease(service, tenant, "one")["id"])}
    step = {"p_worker": "one", **operation}
    service("platform_record_step", p_step="seed_settings", p_state="running", **step)
    service("platform_record_step", p_step="seed_settings", p_state="succeeded", **step)
    service("platform_record_step", p_step="add_owner", p_state="failed", p_error="boom", **step)
    service("platform_release_operation", p_error="boom", **step)
    steps = {s["step"]: s for s in lease(service, tenant, "two")["steps"]}
    assert steps["seed_settings"]["state"] == "succeeded"
    assert (steps["add_owner"]["state"], steps["add_owner"]["error"]) == ("failed", "boom")


def test_a_released_operation_waits_until_it_is_due(service: SqlCaller) -> None:
    tenant = create(service)
    operation = uuid.UUID(lease(service, tenant)["id"])
    later = datetime.now(UTC) + timedelta(hours=1)
    service("platform_release_operation", p_operation=operation, p_worker="one", p_retry_at=later)
    assert lease(service, tenant) is None


@pytest.mark.parametrize(("state", "status"), [("succeeded", "active"), ("failed", "failed")])
def test_the_end_of_its_creation_decides_what_a_tenant_is(
    service: SqlCaller, state: str, status: str
) -> None:
    tenant = create(service)
    operation = uuid.UUID(lease(service, tenant)["id"])
    service(
        "platform_finish_operation", p_operation=operation, p_worker="one", p_state=state,
        p_reason="no quota",
    )  # fmt: skip
    read = service("platform_read_tenant", p_id=uuid.UUID(tenant["id"]))
    assert read["status"] == status
    assert read["operations"][0]["state"] == state
    assert lease(service, tenant) is None


def test_the_outbox_is_claimed_once_and_again_after_the_claim_ends(
    service: SqlCaller, sql: psycopg.Connection
) -> None:
    tenant = create(service)

    def claim() -> list[dict[str, Any]]:
        events = service("platform_claim_outbox", p_limit=1000, p_worker="one", p_lease_seconds=60)
        return [event for event in events if event["tenant_id"] == tenant["id"]]

    (event,) = claim()
    assert claim() == []
    sql.execute("update app.outbox set claimed_until = now() where tenant_id = %s", [tenant["id"]])
    assert claim()[0]["attempts"] == 2
    assert service("platform_mark_published", p_ids=[uuid.UUID(event["id"])]) == 1
    assert service("platform_mark_published", p_ids=[uuid.UUID(event["id"])]) == 0
    assert claim() == []


def test_the_sweep_nudges_what_nobody_works_on_and_drops_what_has_expired(
    service: SqlCaller, sql: psycopg.Connection
) -> None:
    tenant = create(service)

    def nudges() -> int:
        row = sql.execute(
            "select count(*) from app.outbox where tenant_id = %s", [tenant["id"]]
        ).fetchone()
        assert row is not None
        return int(row[0])

    now = datetime.now(UTC)
    service("platform_sweep", p_now=now)
    assert nudges() == 1, "just created: its own nudge is on the way"
    service("platform_sweep", p_now=now + timedelta(minutes=2))
    assert nudges() == 2
    lease(service, tenant)
    service("platform_sweep", p_now=now + timedelta(minutes=2, seconds=30))
    assert nudges() == 2, "nudged half a minute ago"
    expire_lease(sql, tenant)
    service("platform_sweep", p_now=now + timedelta(minutes=4))
    assert nudges() == 3
    sql.execute("update app.outbox set published_at = now() where tenant_id = %s", [tenant["id"]])
    swept = service("platform_sweep", p_now=now + timedelta(days=8))
    assert swept["events_purged"] >= 3
    assert nudges() == 1, "nudged once more, the old ones are gone"


def test_suspending_twice_is_fine_and_an_unfinished_tenant_is_refused(
    service: SqlCaller, agency: Tenant
) -> None:
    named = {"p_tenant": agency.id, "p_reason": "unpaid", "p_actor": "tests"}
    for _ in range(2):
        assert service("platform_suspend_tenant", **named)["data"]["status"] == "suspended"
    assert service("platform_resume_tenant", **named)["data"]["status"] == "active"
    unfinished = named | {"p_tenant": uuid.UUID(create(service)["id"])}
    with refused("invalid_transition"):
        service("platform_suspend_tenant", **unfinished)
    with refused("not_found"):
        service("platform_suspend_tenant", **named | {"p_tenant": uuid.uuid4()})


def test_tenants_are_listed_page_by_page(service: SqlCaller) -> None:
    made = [create(service)["id"] for _ in range(5)]
    first = service("platform_list_tenants", p_limit=3)
    second = service("platform_list_tenants", p_limit=3, p_after=first["next"])
    assert [t["id"] for t in first["rows"] + second["rows"]][:5] == made[::-1]
    assert service("platform_list_tenants", p_filter={"slug": "no-such"}) == {
        "rows": [],
        "next": None,
    }


def test_settings_keep_what_is_not_named(service: SqlCaller, agency: Tenant) -> None:
    seed = {"currency": "CHF", "time_zone": "Europe/Zurich", "branding": {"primary": "#0a0"}}
    service("platform_seed_settings", p_tenant=agency.id, p_settings=seed)
    settings = service("platform_seed_settings", p_tenant=agency.id, p_settings={"locale": "de-CH"})
    assert {name: settings[name] for name in seed} == seed
    assert settings["locale"] == "de-CH"
    for wrong in (
        {"time_zone": "Mars/Olympus"},
        {"currency": "chf"},
        {"client_visibility": "some"},
    ):
        with refused("invalid_request"):
            service("platform_seed_settings", p_tenant=agency.id, p_settings=wrong)


def test_the_indexer_reads_what_is_there_and_says_what_became_of_it(
    service: SqlCaller, agency: Tenant, agent: SqlCaller
) -> None:
    def add() -> uuid.UUID:
        document = {
            "id": str(uuid.uuid4()),
            "title": "Baggage",
            "filename": "baggage.md",
            "content_type": "text/markdown",
            "size": 12,
            "sha256": "0" * 64,
            "object_name": f"tenants/{uuid.uuid4()}",
        }
        reply = agent("add_document", p_document=document)
        assert reply["outbox"][0]["topic"] == "knowledge"
        return uuid.UUID(reply["data"]["id"])

    kept, broken, gone = add(), add(), add()
    agent("delete_document", p_id=gone)
    source = service("platform_index_source", p_tenant=agency.id)
    assert {d["id"] for d in source["documents"]} == {str(kept), str(broken)}
    assert source["knowledge_version"] == 4
    assert len(source["deleted"]) == 1

    results = [
        {"document_id": str(kept), "state": "indexed", "chunks": 3},
        {"document_id": str(broken), "state": "failed", "reason": "no text in it"},
        {"document_id": str(gone), "state": "indexed", "chunks": 1},
    ]
    named = {"p_tenant": agency.id, "p_version": "v1", "p_results": results}
    marked = service("platform_mark_indexed", p_knowledge_version=4, **named)
    assert marked == {"documents": 2, "knowledge_version": 4, "current": True}
    listed = agent("list_documents")
    assert listed["index_version"] == "v1"
    assert {(d["id"], d["status"], d["reason"]) for d in listed["rows"]} == {
        (str(kept), "indexed", None),
        (str(broken), "failed", "no text in it"),
    }
    add()
    assert not service("platform_mark_indexed", p_knowledge_version=4, **named)["current"]


def test_a_new_token_names_the_chosen_tenant_while_the_membership_lives(
    service: SqlCaller, sql: psycopg.Connection, agency: Tenant
) -> None:
    second = create(service)
    person = uuid.uuid4()
    for tenant_id in (agency.id, uuid.UUID(second["id"])):
        service("platform_upsert_member", p_tenant=tenant_id, p_user=person, p_role="agent")

    def claim(chosen: object = None) -> str | None:
        claims = {"tenant_id": "forged", "app_metadata": {"tenant_id": chosen and str(chosen)}}
        row = sql.execute(
            "select app.access_token_hook(%s)",
            [Jsonb({"user_id": str(person), "claims": claims})],
        ).fetchone()
        assert row is not None
        tenant: str | None = row[0]["claims"].get("tenant_id")
        return tenant

    assert claim() == str(agency.id)
    assert claim(second["id"]) == second["id"]
    assert claim(uuid.uuid4()) == str(agency.id)
    for tenant_id in (agency.id, uuid.UUID(second["id"])):
        service("platform_remove_member", p_tenant=tenant_id, p_user=person)
    assert claim(second["id"]) is None


def test_a_member_of_two_agencies_is_in_one_at_a_time(
    service: SqlCaller, sql: psycopg.Connection, agency: Tenant, agent: SqlCaller
) -> None:
    person = uuid.uuid4()
    service("platform_upsert_member", p_tenant=agency.id, p_user=person, p_role="viewer")
    assert user(sql, person, agency.id)("access")["access"]["role"] == "viewer"
    with refused("tenant_required"):
        user(sql, person, None)("access")
    with refused("membership_revoked"):
        user(sql, person, uuid.uuid4())("access")
