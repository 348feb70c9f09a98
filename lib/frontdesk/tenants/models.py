"""What is asked and told about tenants."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from frontdesk.platform.fields import Email, Name
from frontdesk.tenants.currencies import ISO_4217

_RESERVED = """
    account accounts admin administrator agency api app assets auth billing cdn console crm
    dashboard dev docs email frontdesk ftp guest health help helpdesk hostmaster imap internal
    invoice invoices localhost login logout mail maintenance me null oauth operator owner
    platform postmaster provisioner public quote quotes ready root security settings share
    shared signin signup smtp ssl staging static status support system tenant tenants test
    undefined user users v1 webhook webhooks webmaster www
"""
RESERVED_SLUGS = frozenset(_RESERVED.split())
"""Names that are, or may become, parts of our own addresses, or that could pass for us."""


class Plan(StrEnum):
    """What an agency pays for."""

    LITE = "lite"
    PRO = "pro"
    ENTERPRISE = "enterprise"


class TenantStatus(StrEnum):
    """Where a tenant is in its life; members get in while it is active."""

    PROVISIONING = "provisioning"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    FAILED = "failed"
    PENDING_PURGE = "pending_purge"
    PURGING = "purging"
    DELETED = "deleted"


class OperationState(StrEnum):
    """How far an operation is."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepState(StrEnum):
    """How far a step of an operation is."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


def _not_reserved(slug: str) -> str:
    if slug in RESERVED_SLUGS:
        raise ValueError("this name is reserved")
    return slug


def _is_currency(code: str) -> str:
    if code not in ISO_4217:
        raise ValueError("must be a currency code of ISO 4217, such as EUR")
    return code


def _is_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # unknown, a folder of the database, or a path
        raise ValueError(
            "must be a name of the IANA time zone database, such as Europe/Athens"
        ) from None
    return name


Slug = Annotated[
    str,
    StringConstraints(max_length=40, pattern=r"^[a-z](-?[a-z0-9])+$"),
    AfterValidator(_not_reserved),
]
Currency = Annotated[str, AfterValidator(_is_currency)]
TimeZone = Annotated[
    str,
    StringConstraints(max_length=64, pattern=r"^(UTC|[A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+)+)$"),
    AfterValidator(_is_time_zone),
]
Locale = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$")]
Colour = Annotated[str, StringConstraints(to_lower=True, pattern=r"^#[0-9a-fA-F]{6}$")]
HttpsUrl = Annotated[str, StringConstraints(max_length=2000, pattern=r"^https://[^\s/]+\.[^\s]+$")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Branding(BaseModel):
    """How an agency's pages and documents look."""

    model_config = ConfigDict(extra="forbid")

    primary_colour: Colour | None = Field(None, description="`#rrggbb`, the band of documents.")
    accent_colour: Colour | None = None
    logo_url: HttpsUrl | None = None
    tagline: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] | None = None


class TenantProfile(BaseModel):
    """What describes an agency from its first day."""

    slug: Slug = Field(description="Its short name: a-z, 0-9 and single hyphens; for good.")
    name: Name
    plan: Plan = Plan.LITE
    currency: Currency = Field(description="ISO 4217 code of its usual currency.")
    locale: Locale = Field("en", description="Language, and region where it matters: `de-CH`.")
    time_zone: TimeZone = Field("UTC", description="IANA name; days and years begin there.")
    owner_email: Email = Field(description="Its first owner, who is invited.")
    branding: Branding = Branding()


class NewTenant(TenantProfile):
    """An agency to create."""

    model_config = ConfigDict(extra="forbid")


class StatusChange(BaseModel):
    """Why a tenant is suspended or resumed."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason = Field(description="For the people who read the audit log.")


class OperationStep(BaseModel):
    """One named step of an operation, as last recorded."""

    step: str
    state: StepState
    attempts: int
    error: str | None
    started_at: datetime
    finished_at: datetime | None


class Operation(BaseModel):
    """Something that is done to a tenant in steps, and survives crashes in between."""

    id: UUID
    kind: str
    state: OperationState
    requested_by: str
    run_after: datetime
    attempts: int
    last_error: str | None
    created_at: datetime
    finished_at: datetime | None
    steps: list[OperationStep]


class Tenant(BaseModel):
    """An agency as the platform sees it."""

    id: UUID
    slug: str
    name: str
    status: TenantStatus
    status_reason: str | None
    plan: Plan
    knowledge_version: int
    index_version: str | None
    indexed_at: datetime | None
    created_at: datetime
    updated_at: datetime


class CreatedTenant(Tenant):
    """A tenant and the operation that makes its resources."""

    operations: list[Operation]


class TenantFile(CreatedTenant):
    """A tenant, its settings, and everything that was done to it, newest first."""

    settings: dict[str, Any] | None = Field(description="None until they have been seeded.")
