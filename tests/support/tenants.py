"""Agencies to test with, made the way the provisioner makes them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from frontdesk.local.stack import Stack

ROLES = ("owner", "agent", "viewer")


@dataclass(frozen=True)
class Tenant:
    """An active agency.

    Attributes:
        id: its id.
        slug: its short name.
        users: the user of each role.
    """

    id: UUID
    slug: str
    users: Mapping[str, UUID]
    stack: Stack

    def token(self, role: str = "owner", **claims: Any) -> str:
        """An access token of the member with that role."""
        return self.stack.mint_token(self.users[role], self.id, **claims)


class TenantFactory:
    """Makes agencies through the platform functions, as the service role."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def __call__(self, slug: str | None = None, **fields: Any) -> Tenant:
        """A new active agency; ``fields`` overrides what its create request says."""
        tenant_id = uuid.uuid4()
        slug = slug or f"agency-{tenant_id.hex[:12]}"
        request = {
            "id": str(tenant_id),
            "slug": slug,
            "name": slug.replace("-", " ").title(),
            "plan": "pro",
            "currency": "EUR",
            "locale": "en",
            "time_zone": "Europe/Athens",
            "owner_email": f"owner@{slug}.example",
            "operation_id": str(uuid.uuid4()),
        } | fields
        self.call(
            "platform_create_tenant", p_tenant=request, p_actor="tests", p_command=self._command()
        )
        users = {role: uuid.uuid4() for role in ROLES}
        for role, user in users.items():
            self.call(
                "platform_upsert_member",
                p_tenant=str(tenant_id),
                p_user=str(user),
                p_role=role,
                p_email=f"{role}@{slug}.example",
            )
        operation = self.call(
            "platform_lease_operation",
            p_tenant=str(tenant_id),
            p_worker="tests",
            p_lease_seconds=60,
        )
        self.call(
            "platform_finish_operation",
            p_operation=operation["id"],
            p_worker="tests",
            p_state="succeeded",
            p_reason=None,
        )
        return Tenant(tenant_id, slug, users, self._stack)

    def call(self, function: str, **parameters: Any) -> Any:
        """Call a platform function through the API with the service key."""
        key = self._stack.identity.service_key
        reply = httpx.post(
            f"{self._stack.supabase_api.url}/rest/v1/rpc/{function}",
            headers={"apikey": key, "Authorization": f"Bearer {key}", "Content-Profile": "api"},
            json=parameters,
            timeout=30,
        )
        assert reply.is_success, f"{function}: {reply.status_code} {reply.text}"
        return reply.json() if reply.content else None

    def _command(self) -> dict[str, Any]:
        return {
            "idempotency_key": None,
            "fingerprint": "0" * 64,
            "route": "tests",
            "request_id": f"tests-{uuid.uuid4()}",
        }
