"""What it takes to make an agency, as a list of named steps.

Each step may run any number of times: it finds what an earlier try left behind. The names are
stored with every operation, so a step that is renamed is another step.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from frontdesk.platform.context import Role
from frontdesk.platform.database import CallerDatabase, Rpc
from frontdesk.platform.errors import PreconditionFailed
from frontdesk.platform.events import CloudEvent, EventType, Topic
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.services import Services
from frontdesk.tenants.models import Plan
from frontdesk.tenants.users import UserDirectory

MARKER = ".tenant.json"
"""The first object under a tenant's prefix in the bucket of documents: whose it is."""
MARKER_FORMAT = 1

# Users, quotes a month and bytes of documents; None is as many as they like.
QUOTAS: dict[Plan, dict[str, int | None]] = {
    Plan.LITE: {"max_users": 5, "quotes_per_month": 100, "storage_bytes": 10**9},
    Plan.PRO: {"max_users": 20, "quotes_per_month": 1000, "storage_bytes": 10 * 10**9},
    Plan.ENTERPRISE: {"max_users": None, "quotes_per_month": None, "storage_bytes": None},
}


class CreateRequest(BaseModel):
    """The payload of a ``create`` operation: what the admin sent, checked at the door then.

    Rules that have changed since must not stop a tenant that was accepted, so it is read loosely.
    """

    model_config = ConfigDict(extra="ignore")

    slug: str
    plan: Plan = Plan.LITE
    currency: str
    locale: str
    time_zone: str
    owner_email: str
    branding: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Task:
    """One tenant to work on, and what to work with."""

    tenant_id: UUID
    operation_id: UUID
    request: CreateRequest
    services: Services
    database: CallerDatabase
    users: UserDirectory
    deadline: Deadline


class Step(NamedTuple):
    """A named step."""

    name: str
    run: Callable[[Task], None]


def seed_settings(task: Task) -> None:
    """The agency has its currency, language, time zone, looks and quotas."""
    request = task.request
    task.database.call(
        Rpc.PLATFORM_SEED_SETTINGS,
        {
            "p_tenant": str(task.tenant_id),
            "p_settings": {
                "currency": request.currency,
                "locale": request.locale,
                "time_zone": request.time_zone,
                "branding": request.branding,
                "quotas": QUOTAS[request.plan],
            },
        },
        deadline=task.deadline,
        idempotent=True,
    )


def mark_storage_prefix(task: Task) -> None:
    """The agency has its place in the bucket of documents."""
    marker = {
        "format": MARKER_FORMAT,
        "tenant_id": str(task.tenant_id),
        "slug": task.request.slug,
    }
    try:
        task.services.storage.write(
            task.services.settings.documents_bucket_name,
            f"{task.tenant_id}/{MARKER}",
            json.dumps(marker).encode(),
            content_type="application/json",
            if_generation_match=0,
            deadline=task.deadline,
        )
    except PreconditionFailed:
        return  # an earlier try wrote it


def request_first_index(task: Task) -> None:
    """The indexer is asked for the agency's first index, which may be empty."""
    event = CloudEvent(
        # The same event however often it is sent.
        id=f"{task.operation_id}-first-index",
        type=EventType.KNOWLEDGE_CHANGED,
        source="frontdesk/provisioner",
        time=task.services.clock.now(),
        tenant_id=task.tenant_id,
        data={"knowledge_version": 0},
    )
    task.services.events.publish(Topic.KNOWLEDGE, event, deadline=task.deadline)


def admit_owner(task: Task) -> None:
    """The agency has an owner, who can sign in."""
    email = task.request.owner_email
    user_id = task.users.ensure_user(email, deadline=task.deadline)
    task.database.call(
        Rpc.PLATFORM_UPSERT_MEMBER,
        {
            "p_tenant": str(task.tenant_id),
            "p_user": str(user_id),
            "p_role": Role.OWNER,
            "p_email": email,
        },
        deadline=task.deadline,
        idempotent=True,
    )


STEPS: dict[str, tuple[Step, ...]] = {
    "create": (
        Step("settings", seed_settings),
        Step("storage_prefix", mark_storage_prefix),
        Step("first_index", request_first_index),
        Step("owner", admit_owner),
    ),
}
"""The steps of each kind of operation, in order. Finishing a ``create`` activates its tenant."""
