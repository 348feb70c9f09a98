"""The database client on the real stack."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import psycopg
import pytest

from frontdesk.platform.clock import SystemClock
from frontdesk.platform.database import SCHEMA, Rpc, Table
from frontdesk.platform.database_errors import UnexpectedReply
from frontdesk.platform.errors import (
    MembershipRevoked,
    NotFound,
    PermissionDenied,
    TenantRequired,
)
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.services import Services
from tests.support.tenants import Tenant, TenantFactory


@pytest.fixture(scope="module")
def tenant(make_tenant: TenantFactory) -> Tenant:
    return make_tenant()


def call(services: Services, token: str, rpc: Rpc, **params: Any) -> Any:
    deadline = Deadline.after(10, SystemClock())
    return services.database.as_member(token).call(rpc, params, deadline=deadline, idempotent=True)


def test_the_enum_of_tables_is_the_catalogue(sql: psycopg.Connection) -> None:
    rows = sql.execute("select tablename from pg_tables where schemaname = 'app'").fetchall()

    assert {name for (name,) in rows} == set(Table)


def test_the_enum_of_functions_is_the_catalogue(sql: psycopg.Connection) -> None:
    rows = sql.execute(
        "select proname from pg_proc where pronamespace = %s::regnamespace", [SCHEMA]
    ).fetchall()

    assert {name for (name,) in rows} == set(Rpc)


def test_a_member_is_told_their_access(services: Services, tenant: Tenant) -> None:
    access = call(services, tenant.token("agent"), Rpc.ACCESS)["access"]

    assert (access["role"], access["tenant_slug"]) == ("agent", tenant.slug)


def test_a_platform_function_is_for_the_service_key_alone(
    services: Services, tenant: Tenant
) -> None:
    params = {"p_id": str(tenant.id)}
    deadline = Deadline.after(10, SystemClock())

    read = services.database.as_service().call(
        Rpc.PLATFORM_READ_TENANT, params, deadline=deadline, idempotent=True
    )
    assert tenant.slug in str(read)
    with pytest.raises(PermissionDenied):
        call(services, tenant.token("owner"), Rpc.PLATFORM_READ_TENANT, **params)


def test_what_sql_refuses_arrives_as_our_errors(services: Services, tenant: Tenant) -> None:
    owner, mint = tenant.users["owner"], tenant.stack.mint_token

    with pytest.raises(TenantRequired):
        call(services, mint(owner, None), Rpc.ACCESS)
    with pytest.raises(MembershipRevoked):
        call(services, mint(owner, uuid4()), Rpc.ACCESS)
    with pytest.raises(MembershipRevoked):
        call(services, mint(uuid4(), tenant.id), Rpc.ACCESS)


def test_a_row_of_nobody_is_not_found(services: Services, tenant: Tenant) -> None:
    with pytest.raises(NotFound):
        call(services, tenant.token("viewer"), Rpc.READ_CLIENT, p_id=str(uuid4()))


def test_a_call_that_the_database_does_not_know_is_a_bug(
    services: Services, tenant: Tenant
) -> None:
    with pytest.raises(UnexpectedReply):
        call(services, tenant.token("viewer"), Rpc.READ_CLIENT, p_no_such_parameter=1)
