"""The embedded API is as closed as a hosted project that exposes schema ``api`` alone."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

import httpx
import jwt
import psycopg
import pytest

from frontdesk.local.postgres import MIGRATOR
from frontdesk.platform.resilience import Deadline
from frontdesk.tenants.users import SupabaseUsers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from frontdesk.local.stack import Stack
    from frontdesk.platform.services import Services

TABLES = ("tenants", "tenant_members", "clients", "audit_log", "users")


@pytest.fixture
def rest(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{stack.supabase_api.url}/rest/v1", timeout=10) as client:
        yield client


def test_anon_may_not_execute_a_member_function(stack: Stack, rest: httpx.Client) -> None:
    reply = rest.post(
        "/rpc/access",
        headers={"apikey": stack.identity.anon_key, "Content-Profile": "api"},
        json={},
    )
    assert reply.json()["code"] == "42501"
    assert reply.status_code in {401, 403}


def test_a_request_without_any_key_is_refused_though_it_comes_from_this_machine(
    rest: httpx.Client,
) -> None:
    reply = rest.post("/rpc/access", headers={"Content-Profile": "api"}, json={})
    assert reply.status_code == 401


@pytest.mark.parametrize("schema", ["app", "auth", "public", "supabase_migrations", "pg_catalog"])
def test_no_schema_but_api_is_served(stack: Stack, rest: httpx.Client, schema: str) -> None:
    key = stack.identity.service_key
    for table in TABLES:
        reply = rest.get(
            f"/{table}",
            headers={"apikey": key, "Authorization": f"Bearer {key}", "Accept-Profile": schema},
        )
        assert reply.status_code in {404, 406}, f"{schema}.{table}: {reply.text}"


def test_a_request_without_a_profile_means_schema_api(stack: Stack, rest: httpx.Client) -> None:
    reply = rest.post("/rpc/access", headers={"apikey": stack.identity.anon_key}, json={})
    assert reply.json()["code"] == "42501"


@pytest.mark.parametrize("role", ["postgres", "supabase_admin", "authenticator", "frontdesk_app"])
def test_a_signed_token_with_a_database_role_gets_nowhere(
    stack: Stack, rest: httpx.Client, role: str
) -> None:
    token = stack.mint_token(uuid.uuid4(), uuid.uuid4(), role=role)
    reply = rest.post(
        "/rpc/access",
        headers={
            "apikey": stack.identity.anon_key,
            "Authorization": f"Bearer {token}",
            "Content-Profile": "api",
        },
        json={},
    )
    assert reply.status_code in {401, 403}
    assert reply.json()["code"] == "42501"


def test_a_forged_token_falls_to_anon(stack: Stack, rest: httpx.Client) -> None:
    now = int(time.time())
    forged = jwt.encode(
        {"sub": str(uuid.uuid4()), "role": "service_role", "exp": now + 600}, "x" * 40
    )
    reply = rest.post(
        "/rpc/platform_list_tenants",
        headers={
            "apikey": stack.identity.anon_key,
            "Authorization": f"Bearer {forged}",
            "Content-Profile": "api",
        },
        json={"p_filter": {}, "p_limit": 1, "p_after": None},
    )
    assert reply.status_code in {401, 403}


def test_the_first_requests_grant_nothing(
    stack: Stack, rest: httpx.Client, sql: psycopg.Connection
) -> None:
    rest.get("/x", headers={"apikey": stack.identity.anon_key, "Accept-Profile": "api"})
    grants = sql.execute(
        "select table_schema, table_name, grantee from information_schema.role_table_grants"
        " where grantee in ('anon', 'authenticated', 'service_role')"
        " and table_schema in ('app', 'api')"
    ).fetchall()
    assert grants == []


def test_the_migration_role_is_no_superuser_as_hosted(sql: psycopg.Connection) -> None:
    row = sql.execute(
        "select rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = %s", [MIGRATOR]
    ).fetchone()
    assert row == (False, True, True)


def test_trigrams_and_case_work_for_every_script(sql: psycopg.Connection) -> None:
    row = sql.execute(
        "select lower('ŁUKASZ'), lower('ΕΛΈΝΗ'), cardinality(extensions.show_trgm('李雷')) > 0"
    ).fetchone()
    assert row == ("łukasz", "ελένη", True)


def test_users_can_be_invited_found_and_deleted_with_the_secret_key_alone(stack: Stack) -> None:
    users = f"{stack.supabase_api.url}/auth/v1/admin/users"
    service = {"apikey": stack.identity.service_key}
    email = f"{uuid.uuid4().hex}@Coral.example"

    invited = httpx.post(
        f"{stack.supabase_api.url}/auth/v1/invite", headers=service, json={"email": email}
    )
    assert invited.json()["email"] == email.lower()
    user = f"{users}/{invited.json()['id']}"

    again = httpx.post(users, headers=service, json={"email": email})
    assert (again.status_code, again.json()["error_code"]) == (422, "email_exists")
    assert httpx.get(user, headers=service).json()["email"] == email.lower()
    assert httpx.get(user, headers={"apikey": stack.identity.anon_key}).status_code == 403
    assert httpx.delete(user, headers=service).status_code == 200
    assert httpx.get(user, headers=service).status_code == 404


def test_the_cloud_s_own_directory_of_users_works_on_the_embedded_auth(services: Services) -> None:
    users = SupabaseUsers(services.settings, secrets=services.secrets, clock=services.clock)
    deadline = Deadline.after(30, services.clock)
    email = f"{uuid.uuid4().hex}@alpine.example"
    made = users.ensure_user(email, deadline=deadline)
    assert users.ensure_user(email, deadline=deadline) == made
    users.delete_user(made, deadline=deadline)
    users.delete_user(made, deadline=deadline)
    assert users.ensure_user(email, deadline=deadline) != made
