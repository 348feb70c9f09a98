"""The admin's side: POST and GET /v1/tenants, and suspending and resuming one."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from frontdesk.platform.context import Admin, Context
from frontdesk.platform.database import Rpc
from frontdesk.platform.errors import PermissionDenied
from frontdesk.platform.logging import get_logger
from frontdesk.platform.paging import Page
from frontdesk.platform.reply import Reply
from frontdesk.tenants.models import (
    CreatedTenant,
    NewTenant,
    StatusChange,
    Tenant,
    TenantFile,
    TenantStatus,
)
from frontdesk.tenants.nudges import nudge

log = get_logger(__name__)

_LISTING = "tenants"
_NEWEST_FIRST = "created_at"


class TenantPath(BaseModel):
    """The tenant that the path names."""

    tenant_id: UUID


class TenantQuery(BaseModel):
    """Which tenants to list; newest first."""

    model_config = ConfigDict(extra="forbid")

    status: list[TenantStatus] | None = Field(None, max_length=7, description="May be repeated.")
    slug: Annotated[str, StringConstraints(max_length=40)] | None = None
    page_size: int = Field(50, ge=1, le=200)
    cursor: Annotated[str, StringConstraints(max_length=2048)] | None = None

    @property
    def filters(self) -> dict[str, object]:
        """What narrows the list, as SQL reads it."""
        chosen = {"status": self.status, "slug": self.slug}
        return {name: value for name, value in chosen.items() if value}


def create_tenant(context: Context, body: NewTenant) -> Reply[CreatedTenant]:
    """Create an agency; its resources follow within seconds.

    The reply comes at once with status `provisioning`. Read the tenant to see how far its
    operation is: the status becomes `active`, or `failed` with a reason.
    """
    ids = context.services.ids
    database = context.database
    outcome = database.call(
        Rpc.PLATFORM_CREATE_TENANT,
        {
            "p_tenant": {
                "id": str(ids.new_id()),
                "operation_id": str(ids.new_id()),
                **body.model_dump(mode="json", exclude_none=True),
            },
            "p_actor": _admin(context),
            "p_command": context.command_json,
        },
        deadline=context.deadline,
        idempotent=False,
    )
    tenant = CreatedTenant.model_validate(outcome["data"])
    nudge(context.services, database, outcome["outbox"], context.deadline)
    return Reply(tenant, 201, {"Location": f"/v1/tenants/{tenant.id}"})


def list_tenants(context: Context, query: TenantQuery) -> Page[Tenant]:
    """List agencies, newest first."""
    binding: dict[str, Any] = {
        "tenant_id": None,
        "listing": _LISTING,
        "filters": query.filters,
        "sort": _NEWEST_FIRST,
    }
    cursors = context.services.cursors
    reply = context.database.call(
        Rpc.PLATFORM_LIST_TENANTS,
        {
            "p_filter": query.filters,
            "p_limit": query.page_size,
            "p_after": cursors.decode(query.cursor, **binding) if query.cursor else None,
        },
        deadline=context.deadline,
        idempotent=True,
    )
    return Page(
        items=[Tenant.model_validate(row) for row in reply["rows"]],
        page_size=query.page_size,
        next_cursor=cursors.encode(reply["next"], **binding) if reply["next"] else None,
    )


def read_tenant(context: Context, path: TenantPath) -> TenantFile:
    """Read an agency with its settings, its operations and their steps."""
    reply = context.database.call(
        Rpc.PLATFORM_READ_TENANT,
        {"p_id": str(path.tenant_id)},
        deadline=context.deadline,
        idempotent=True,
    )
    return TenantFile.model_validate(reply)


def suspend_tenant(context: Context, path: TenantPath, body: StatusChange) -> Tenant:
    """Suspend an agency: from this reply on its members are refused, whatever their tokens say."""
    return _change_status(context, Rpc.PLATFORM_SUSPEND_TENANT, path, body)


def resume_tenant(context: Context, path: TenantPath, body: StatusChange) -> Tenant:
    """Let the members of a suspended agency in again."""
    return _change_status(context, Rpc.PLATFORM_RESUME_TENANT, path, body)


def _change_status(context: Context, rpc: Rpc, path: TenantPath, body: StatusChange) -> Tenant:
    outcome = context.database.call(
        rpc,
        {
            "p_tenant": str(path.tenant_id),
            "p_reason": body.reason,
            "p_actor": _admin(context),
            "p_command": context.command_json,
        },
        deadline=context.deadline,
        idempotent=True,  # a tenant that is suspended already stays so
    )
    # Also after a replay: the first try may have committed and then failed here.
    if not context.services.cache.bump_access(path.tenant_id):
        log.warning(
            "Redis was not told of a tenant's new status; cached answers live up to their TTL",
            tenant_id=path.tenant_id,
        )
    return Tenant.model_validate(outcome["data"])


def _admin(context: Context) -> str:
    if not isinstance(context.caller, Admin):
        raise PermissionDenied
    return context.caller.name
