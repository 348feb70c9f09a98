"""A user takes their own token to the Supabase API with curl: nothing that Frontdesk would refuse
can be done there, no table can be reached and no other agency's rows can be seen."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from frontdesk.platform.database import Rpc, Table
from tests.support.callers import HttpCaller

if TYPE_CHECKING:
    import httpx
    import psycopg

    from frontdesk.local.stack import Stack
    from tests.support.tenants import Tenant, TenantFactory

NOBODY = "00000000-0000-4000-8000-000000000000"
DOCUMENT = {
    "title": "Baggage",
    "filename": "baggage.md",
    "content_type": "text/markdown",
    "size": 12,
    "sha256": "0" * 64,
    "object_name": "tenants/x/baggage.md",
}
ANSWER = {"question": "May I bring skis?", "answer": "Yes.", "mode": "extractive"}

QUERIES: dict[str, dict[str, Any]] = {
    "access": {},
    "search_clients": {"p_query": "ada"},
    "pipeline": {},
    "read_client": {"p_id": NOBODY},
    "list_documents": {},
    "read_document": {"p_id": NOBODY},
    "read_conversation": {"p_id": NOBODY},
    "find_answer": {"p_command": {}},
    "list_conversations": {},
    "list_feedback": {},
    "summarize_feedback": {},
    "list_tickets": {},
    "read_ticket": {"p_id": NOBODY},
    "read_helpdesk_settings": {},
    "knowledge_status": {},
    "begin_answer": {},
    "read_usage": {},
}
COMMANDS: dict[str, dict[str, Any]] = {
    "create_client": {"p_client": {"id": NOBODY, "name": "Ada"}},
    "import_clients": {"p_rows": [{"id": NOBODY, "name": "Ada"}]},
    "add_document": {"p_document": {"id": NOBODY, **DOCUMENT}},
    "replace_document": {"p_id": NOBODY, "p_document": DOCUMENT},
    "update_document": {"p_id": NOBODY, "p_changes": {"title": "Bags"}},
    "delete_document": {"p_id": NOBODY},
    "reindex_knowledge": {"p_options": {}},
    "record_usage": {"p_usage": {"prompt_tokens": 1, "completion_tokens": 1, "cost_micros": 1}},
    "record_answer": {"p_answer": {"conversation_id": NOBODY, "answer_id": NOBODY, **ANSWER}},
    "rename_conversation": {"p_id": NOBODY, "p_changes": {"title": "x"}},
    "delete_conversation": {"p_id": NOBODY},
    "give_feedback": {"p_answer": NOBODY, "p_feedback": {"rating": "helpful"}},
    "create_ticket": {"p_ticket": {"id": NOBODY, "subject": "x"}},
    "change_ticket": {"p_id": NOBODY, "p_changes": {"subject": "x"}},
    "change_ticket_status": {"p_id": NOBODY, "p_change": {"status": "closed"}},
    "comment_on_ticket": {"p_id": NOBODY, "p_comment": {"text": "x", "visibility": "public"}},
    "change_helpdesk_settings": {"p_changes": {"retention_days": 30}},
}
STEP = {"p_operation": NOBODY, "p_worker": "x", "p_state": "failed"}
PLATFORM: dict[str, dict[str, Any]] = {
    "platform_create_tenant": {"p_tenant": {}, "p_actor": "x"},
    "platform_read_tenant": {"p_id": NOBODY},
    "platform_list_tenants": {},
    "platform_suspend_tenant": {"p_tenant": NOBODY, "p_reason": "x", "p_actor": "x"},
    "platform_resume_tenant": {"p_tenant": NOBODY, "p_reason": "x", "p_actor": "x"},
    "platform_upsert_member": {"p_tenant": NOBODY, "p_user": NOBODY, "p_role": "owner"},
    "platform_remove_member": {"p_tenant": NOBODY, "p_user": NOBODY},
    "platform_seed_settings": {"p_tenant": NOBODY, "p_settings": {}},
    "platform_lease_operation": {"p_tenant": NOBODY, "p_worker": "x", "p_lease_seconds": 60},
    "platform_record_step": {"p_step": "x", **STEP},
    "platform_finish_operation": STEP,
    "platform_release_operation": {"p_operation": NOBODY, "p_worker": "x"},
    "platform_claim_outbox": {"p_limit": 1, "p_worker": "x", "p_lease_seconds": 60},
    "platform_mark_published": {"p_ids": [NOBODY]},
    "platform_sweep": {},
    "platform_due_retention": {"p_before": "2026-01-01T00:00:00Z"},
    "platform_apply_retention": {"p_tenant": NOBODY},
    "platform_index_source": {"p_tenant": NOBODY},
    "platform_mark_indexed": {"p_tenant": NOBODY, "p_version": "x", "p_results": []},
    "platform_roll_back_index": {
        "p_tenant": NOBODY,
        "p_version": "x",
        "p_built_from": 1,
        "p_actor": "x",
    },
}
MEMBER_FUNCTIONS = QUERIES | COMMANDS
AGENT_COMMANDS = (
    "create_client", "import_clients", "add_document", "replace_document", "update_document",
    "delete_document", "reindex_knowledge", "change_ticket", "change_ticket_status",
    "change_helpdesk_settings",
)  # fmt: skip


@dataclass
class Cast:
    """Everybody who tries: ``callers`` by what they are."""

    tenant: Tenant
    other: Tenant
    callers: dict[str, HttpCaller]

    def __getitem__(self, who: str) -> HttpCaller:
        return self.callers[who]


@pytest.fixture(scope="module")
def cast(stack: Stack, make_tenant: TenantFactory) -> Cast:
    tenant, other, suspended = make_tenant(), make_tenant(), make_tenant()
    service = HttpCaller(stack, key=stack.identity.service_key)
    suspend = service.rpc(
        "platform_suspend_tenant", p_tenant=str(suspended.id), p_reason="unpaid", p_actor="tests"
    )
    assert suspend.is_success, suspend.text
    removed = uuid.uuid4()
    membership = {"p_tenant": str(tenant.id), "p_user": str(removed)}
    assert service.rpc("platform_upsert_member", p_role="owner", **membership).is_success
    assert service.rpc("platform_remove_member", **membership).is_success
    callers = {role: HttpCaller(stack, tenant.token(role)) for role in tenant.users}
    callers |= {
        "anon": HttpCaller(stack),
        "service": service,
        "other tenant's owner": HttpCaller(stack, other.token("owner")),
        # A token that names a tenant its user does not belong to.
        "stranger": HttpCaller(stack, stack.mint_token(other.users["owner"], tenant.id)),
        "suspended": HttpCaller(stack, suspended.token("owner")),
        "removed": HttpCaller(stack, stack.mint_token(removed, tenant.id)),
        "without tenant": HttpCaller(stack, stack.mint_token(tenant.users["owner"], None)),
    }
    return Cast(tenant, other, callers)


EVERYBODY = (
    "anon", "viewer", "agent", "owner", "service", "other tenant's owner", "stranger", "suspended",
    "removed", "without tenant",
)  # fmt: skip
MEMBERS = ("viewer", "agent", "owner")


def assert_refused(reply: httpx.Response, code: str) -> None:
    assert (reply.status_code, reply.json().get("details")) == (403, code), reply.text


def assert_no_grant(reply: httpx.Response) -> None:
    assert reply.status_code in (401, 403), reply.text
    assert reply.json()["code"] == "42501", reply.text


def test_the_matrix_below_covers_every_function() -> None:
    assert set(MEMBER_FUNCTIONS) | set(PLATFORM) == {str(rpc) for rpc in Rpc}


@pytest.mark.parametrize("who", EVERYBODY)
def test_no_table_can_be_reached(cast: Cast, who: str) -> None:
    attempts = [("GET", "app"), ("GET", "public")]
    attempts += [(method, "api") for method in ("GET", "POST", "PATCH", "DELETE")]
    for table in Table:
        for method, schema in attempts:
            body = {} if method in ("POST", "PATCH") else None
            reply = cast[who].request(method, table, schema=schema, json=body)
            assert reply.status_code in (401, 403, 404, 406), f"{method} {table}: {reply.text}"


@pytest.mark.parametrize("who", EVERYBODY)
def test_no_helper_can_be_called(cast: Cast, who: str) -> None:
    for helper, parameters in (
        ("enter_tenant", {"p_tenant": NOBODY}),
        ("take_number", {"p_tenant": NOBODY, "p_kind": "client", "p_time_zone": "UTC"}),
        ("tenant_id", {}),
        ("access_token_hook", {"event": {}}),
    ):
        for schema in ("api", "app"):
            reply = cast[who].rpc(helper, schema=schema, **parameters)
            assert reply.status_code in (401, 403, 404, 406), reply.text


@pytest.mark.parametrize("function", MEMBER_FUNCTIONS | PLATFORM)
def test_anonymous_callers_may_execute_nothing(cast: Cast, function: str) -> None:
    assert_no_grant(cast["anon"].rpc(function, **(MEMBER_FUNCTIONS | PLATFORM)[function]))


@pytest.mark.parametrize("function", PLATFORM)
@pytest.mark.parametrize("who", [*MEMBERS, "suspended", "removed"])
def test_members_may_not_execute_platform_functions(cast: Cast, who: str, function: str) -> None:
    assert_no_grant(cast[who].rpc(function, **PLATFORM[function]))


@pytest.mark.parametrize("function", MEMBER_FUNCTIONS)
def test_the_service_key_opens_no_member_function(cast: Cast, function: str) -> None:
    assert_no_grant(cast["service"].rpc(function, **MEMBER_FUNCTIONS[function]))


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("suspended", "tenant_suspended"),
        ("removed", "membership_revoked"),
        ("stranger", "membership_revoked"),
        ("without tenant", "tenant_required"),
    ],
)
@pytest.mark.parametrize("function", MEMBER_FUNCTIONS)
def test_who_has_lost_access_is_refused_by_every_function(
    cast: Cast, who: str, code: str, function: str
) -> None:
    assert_refused(cast[who].rpc(function, **MEMBER_FUNCTIONS[function]), code)


@pytest.mark.parametrize("function", AGENT_COMMANDS)
def test_a_viewer_may_change_nothing(cast: Cast, function: str) -> None:
    assert_refused(cast["viewer"].rpc(function, **COMMANDS[function]), "permission_denied")


def test_a_visitor_asks_and_sees_public_documents_alone(cast: Cast, stack: Stack) -> None:
    visitor = uuid.uuid4()
    membership = {"p_tenant": str(cast.tenant.id), "p_user": str(visitor)}
    cast["service"].rpc("platform_upsert_member", p_role="visitor", **membership)
    caller = HttpCaller(stack, stack.mint_token(visitor, cast.tenant.id))
    ids = {visibility: str(uuid.uuid4()) for visibility in ("public", "internal")}
    for visibility, document_id in ids.items():
        added = cast["agent"].rpc(
            "add_document", p_document={**DOCUMENT, "id": document_id, "visibility": visibility}
        )
        assert added.is_success, added.text

    seen = {row["id"] for row in caller.rpc("list_documents").json()["rows"]}
    assert ids["public"] in seen
    assert ids["internal"] not in seen
    assert caller.rpc("read_document", p_id=ids["public"]).is_success
    assert caller.rpc("read_document", p_id=ids["internal"]).status_code == 404
    for function in ("search_clients", "pipeline", "read_client", *AGENT_COMMANDS):
        assert_refused(caller.rpc(function, **MEMBER_FUNCTIONS[function]), "permission_denied")
    answer = {"conversation_id": str(uuid.uuid4()), "answer_id": str(uuid.uuid4()), **ANSWER}
    assert caller.rpc("record_answer", p_answer=answer).json()["status"] == 201


def test_claims_of_a_role_change_nothing(cast: Cast, stack: Stack) -> None:
    token = cast.tenant.token(
        "viewer", user_role="owner", app_metadata={"role": "owner"}, visibility="all"
    )
    reply = HttpCaller(stack, token).rpc("create_client", **COMMANDS["create_client"])
    assert_refused(reply, "permission_denied")


@pytest.mark.parametrize(
    "role", ["service_role", "postgres", "supabase_admin", "frontdesk_app", "frontdesk_platform"]
)
def test_a_signed_token_of_another_database_role_gains_nothing_of_a_tenant(
    cast: Cast, stack: Stack, role: str
) -> None:
    token = stack.mint_token(cast.tenant.users["owner"], cast.tenant.id, role=role)
    caller = HttpCaller(stack, token)
    for function, parameters in QUERIES.items():
        assert not caller.rpc(function, **parameters).is_success, function
    for table in Table:
        for schema in ("api", "app"):
            assert not caller.request("GET", table, schema=schema).is_success


@pytest.mark.parametrize(
    "forge",
    [
        lambda token: jwt.encode(jwt.decode(token, options={"verify_signature": False}), "x" * 48),
        lambda token: jwt.encode(
            jwt.decode(token, options={"verify_signature": False}), "", algorithm="none"
        ),
        lambda token: token[:-6] + "AAAAAA",
    ],
    ids=["wrong key", "no algorithm", "wrong signature"],
)
def test_a_forged_token_is_nobody(cast: Cast, stack: Stack, forge: Any) -> None:
    reply = HttpCaller(stack, forge(cast.tenant.token("owner"))).rpc("search_clients")
    assert reply.status_code in (401, 403)


def test_other_agencies_rows_do_not_exist(cast: Cast) -> None:
    ids = {name: str(uuid.uuid4()) for name in ("client", "document", "conversation", "answer")}
    canary = f"canary-{uuid.uuid4().hex}"
    answer = {"conversation_id": ids["conversation"], "answer_id": ids["answer"], **ANSWER}
    for reply in (
        cast["agent"].rpc("create_client", p_client={"id": ids["client"], "name": canary}),
        cast["agent"].rpc("add_document", p_document={**DOCUMENT, "id": ids["document"]}),
        cast["agent"].rpc("record_answer", p_answer=answer),
    ):
        assert reply.json()["status"] == 201, reply.text

    other = cast["other tenant's owner"]
    assert cast["agent"].rpc("search_clients", p_query=canary).json()["rows"]
    assert other.rpc("search_clients", p_query=canary).json()["rows"] == []
    for function, what in (
        ("read_client", "client"),
        ("read_document", "document"),
        ("replace_document", "document"),
        ("update_document", "document"),
        ("delete_document", "document"),
        ("read_conversation", "conversation"),
    ):
        reply = other.rpc(function, **(MEMBER_FUNCTIONS[function] | {"p_id": ids[what]}))
        assert (reply.status_code, reply.json()["details"]) == (404, "not_found"), reply.text
    # Even the same ids may be used by both: nobody learns that they are taken.
    twin = other.rpc("create_client", p_client={"id": ids["client"], "name": "Twin"})
    assert twin.json()["status"] == 201
    assert cast["agent"].rpc("read_client", p_id=ids["client"]).json()["client"]["name"] == canary


def test_a_tenant_in_the_parameters_is_not_listened_to(cast: Cast) -> None:
    client_id = str(uuid.uuid4())
    reply = cast["other tenant's owner"].rpc(
        "create_client",
        p_client={"id": client_id, "name": "Smuggled", "tenant_id": str(cast.tenant.id)},
    )
    assert reply.json()["status"] == 201
    assert cast["owner"].rpc("read_client", p_id=client_id).status_code == 404


def test_suspension_and_removal_work_from_the_next_call_on(
    stack: Stack, make_tenant: TenantFactory, sql: psycopg.Connection
) -> None:
    tenant = make_tenant()
    owner = HttpCaller(stack, tenant.token("owner"))
    service = HttpCaller(stack, key=stack.identity.service_key)
    named = {"p_tenant": str(tenant.id), "p_actor": "tests"}
    assert owner.rpc("access").is_success
    assert service.rpc("platform_suspend_tenant", p_reason="unpaid", **named).is_success
    assert_refused(owner.rpc("access"), "tenant_suspended")
    assert service.rpc("platform_resume_tenant", p_reason="paid", **named).is_success
    assert owner.rpc("access").is_success
    membership = {"p_tenant": str(tenant.id), "p_user": str(tenant.users["owner"])}
    assert service.rpc("platform_remove_member", **membership).is_success
    assert_refused(owner.rpc("access"), "membership_revoked")
    sql.execute("update app.tenants set status = 'deleted' where id = %s", [tenant.id])
    assert_refused(HttpCaller(stack, tenant.token("agent")).rpc("access"), "tenant_suspended")
