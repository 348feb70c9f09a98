"""A request's context without the request: handlers called the way the door calls them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from frontdesk.platform.context import Caller, Command, Context, Member, Platform
from frontdesk.platform.resilience import Deadline

if TYPE_CHECKING:
    from frontdesk.platform.services import Services
    from tests.support.tenants import Tenant


def member_context(
    services: Services,
    tenant: Tenant,
    role: str = "owner",
    *,
    key: str | None = None,
    fingerprint: str = "f" * 64,
    seconds: float = 20.0,
) -> Context:
    """A member's request, with an Idempotency-Key when one is given."""
    caller = Member(tenant.users[role], tenant.id, tenant.token(role))
    return _context(services, caller, key, fingerprint, seconds)


def platform_context(services: Services, *, seconds: float = 60.0) -> Context:
    """A Pub/Sub push's request."""
    return _context(services, Platform("tests@frontdesk.example"), None, "f" * 64, seconds)


def _context(
    services: Services, caller: Caller, key: str | None, fingerprint: str, seconds: float
) -> Context:
    request_id = f"tests-{uuid.uuid4()}"
    return Context(
        request_id=request_id,
        function="tests",
        caller=caller,
        deadline=Deadline.after(seconds, services.clock),
        command=Command(key, fingerprint, "POST /v1/tests", request_id),
        services=services,
    )
