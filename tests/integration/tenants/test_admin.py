"""An admin creates, lists, reads, suspends and resumes agencies."""

from __future__ import annotations

import uuid

import psycopg
import pytest
from google.api_core.exceptions import ServiceUnavailable

from frontdesk.platform.context import Access, Role
from frontdesk.platform.database import Rpc
from frontdesk.platform.errors import (
    Conflict,
    IdempotencyKeyReused,
    InvalidCursor,
    InvalidTransition,
    NotFound,
    TenantSuspended,
)
from frontdesk.platform.services import Services
from frontdesk.tenants.admin import (
    TenantPath,
    TenantQuery,
    create_tenant,
    list_tenants,
    read_tenant,
    resume_tenant,
    suspend_tenant,
)
from frontdesk.tenants.models import CreatedTenant, OperationState, StatusChange, TenantStatus
from tests.integration.tenants.conftest import ContextMaker, new_tenant
from tests.support.contexts import member_context
from tests.support.pubsub import FakePubSub
from tests.support.tenants import Tenant, TenantFactory

WHY = StatusChange(reason="The invoice of May is open.")


def unpublished(sql: psycopg.Connection, tenant: CreatedTenant) -> int:
    """Events of a tenant that wait in the outbox."""
    query = "select count(*) from app.outbox where tenant_id = %s and published_at is null"
    row = sql.execute(query, (tenant.id,)).fetchone()
    assert row is not None
    return int(row[0])


def test_a_new_agency_is_provisioning_and_its_nudge_is_published(
    admin: ContextMaker, pubsub: FakePubSub, sql: psycopg.Connection
) -> None:
    reply = create_tenant(admin(), new_tenant(name="Coral Travel"))

    tenant = reply.value
    assert (reply.status, reply.headers["Location"]) == (201, f"/v1/tenants/{tenant.id}")
    assert (tenant.name, tenant.status) == ("Coral Travel", TenantStatus.PROVISIONING)
    [operation] = tenant.operations
    assert (operation.kind, operation.state, operation.steps) == ("create", "pending", [])
    [push] = pubsub.pushes("tenant-operations")
    assert push.event.tenant_id == tenant.id
    assert push.event.data == {"operation_id": str(operation.id)}
    assert unpublished(sql, tenant) == 0


def test_without_pubsub_the_agency_is_created_and_the_nudge_waits(
    admin: ContextMaker, pubsub: FakePubSub, sql: psycopg.Connection
) -> None:
    pubsub.down = ServiceUnavailable("down")

    tenant = create_tenant(admin(), new_tenant()).value

    assert tenant.status is TenantStatus.PROVISIONING
    assert unpublished(sql, tenant) == 1


def test_the_same_key_creates_one_agency(admin: ContextMaker) -> None:
    body, key = new_tenant(), f"key-{uuid.uuid4()}"

    first = create_tenant(admin(key=key), body).value
    again = create_tenant(admin(key=key), body).value

    assert again.id == first.id
    with pytest.raises(IdempotencyKeyReused):
        create_tenant(admin(key=key, fingerprint="0" * 64), new_tenant())


def test_a_slug_is_taken_once(admin: ContextMaker, created: CreatedTenant) -> None:
    with pytest.raises(Conflict):
        create_tenant(admin(), new_tenant(slug=created.slug))


def test_an_agency_can_be_read_with_its_operations(
    admin: ContextMaker, created: CreatedTenant
) -> None:
    tenant = read_tenant(admin(), TenantPath(tenant_id=created.id))

    assert tenant.settings is None
    assert [operation.state for operation in tenant.operations] == [OperationState.PENDING]
    with pytest.raises(NotFound):
        read_tenant(admin(), TenantPath(tenant_id=uuid.uuid4()))


def test_agencies_are_listed_newest_first_page_by_page(admin: ContextMaker) -> None:
    made = [create_tenant(admin(), new_tenant()).value.id for _ in range(3)]
    query = TenantQuery(status=[TenantStatus.PROVISIONING], page_size=2)

    first = list_tenants(admin(), query)
    assert [tenant.id for tenant in first.items] == [made[2], made[1]]
    assert first.next_cursor is not None

    second = list_tenants(admin(), query.model_copy(update={"cursor": first.next_cursor}))
    assert second.items[0].id == made[0]

    with pytest.raises(InvalidCursor):
        list_tenants(admin(), TenantQuery(page_size=2, cursor=first.next_cursor))


def test_agencies_are_found_by_slug_and_by_status(
    admin: ContextMaker, created: CreatedTenant
) -> None:
    def found(**query: object) -> list[str]:
        return [t.slug for t in list_tenants(admin(), TenantQuery.model_validate(query)).items]

    assert found(slug=created.slug) == [created.slug]
    assert found(slug=created.slug, status=["active", "suspended"]) == []


@pytest.fixture
def active(make_tenant: TenantFactory) -> Tenant:
    return make_tenant()


def test_suspended_members_are_refused_and_resumed_ones_are_not(
    admin: ContextMaker, services: Services, active: Tenant
) -> None:
    path, member = TenantPath(tenant_id=active.id), member_context(services, active)

    def enter() -> object:
        return member.database.call(Rpc.ACCESS, {}, deadline=member.deadline, idempotent=True)

    enter()
    suspended = suspend_tenant(admin(), path, WHY)
    assert (suspended.status, suspended.status_reason) == ("suspended", WHY.reason)
    with pytest.raises(TenantSuspended):
        enter()

    assert resume_tenant(admin(), path, WHY).status is TenantStatus.ACTIVE
    enter()


def test_what_the_cache_knew_of_a_members_access_ends_with_the_suspension(
    admin: ContextMaker, services: Services, active: Tenant
) -> None:
    owner = active.users["owner"]
    access = Access(
        role=Role.OWNER,
        visibility="all",
        tenant_slug=active.slug,
        currency="EUR",
        locale="en",
        time_zone="UTC",
    )
    services.cache.bump_access(active.id)  # waits for Redis, which a first use does not
    services.cache.session(active.id).remember_access(owner, access)
    assert services.cache.access_of(active.id, owner) == access

    suspend_tenant(admin(), TenantPath(tenant_id=active.id), WHY)

    assert services.cache.access_of(active.id, owner) is None


def test_suspending_twice_is_suspending_once(admin: ContextMaker, active: Tenant) -> None:
    path = TenantPath(tenant_id=active.id)

    suspend_tenant(admin(), path, WHY)
    assert suspend_tenant(admin(), path, WHY).status is TenantStatus.SUSPENDED


def test_an_agency_that_is_not_there_yet_cannot_be_suspended(
    admin: ContextMaker, created: CreatedTenant
) -> None:
    with pytest.raises(InvalidTransition):
        suspend_tenant(admin(), TenantPath(tenant_id=created.id), WHY)


def test_every_change_is_in_the_audit_log(
    admin: ContextMaker, active: Tenant, sql: psycopg.Connection
) -> None:
    suspend_tenant(admin(), TenantPath(tenant_id=active.id), WHY)

    rows = sql.execute("select action from app.audit_log where tenant_id = %s", (active.id,))
    assert {"tenant.created", "tenant.suspended"} <= {row[0] for row in rows}
