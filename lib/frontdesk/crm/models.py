"""What the CRM speaks of: clients, their stages, what a search row shows."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from frontdesk.platform.fields import Email, Name, Phone
from frontdesk.platform.money import Money

ShortText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]


class Stage(StrEnum):
    """Where a client stands in the sales pipeline."""

    QUOTED = "QUOTED"
    NEGOTIATING = "NEGOTIATING"
    BOOKED = "BOOKED"
    PAID = "PAID"
    TRAVELLED = "TRAVELLED"
    LOST = "LOST"


class Source(StrEnum):
    """How a client came to the agency."""

    MANUAL = "manual"
    QUOTE = "quote"
    EMAIL = "email"
    WEBSITE = "website"
    IMPORT = "import"


class NewClient(BaseModel):
    """A client as somebody enters it."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    email: Email | None = None
    phone: Phone | None = None
    company: ShortText | None = None
    source: Source = Source.MANUAL
    consultant: ShortText | None = Field(
        None, description="A member's id or e-mail, or the name of somebody without an account."
    )
    stage: Stage = Stage.QUOTED
    tags: list[Tag] = Field(default_factory=list, max_length=20)
    notes: Annotated[str, StringConstraints(max_length=10_000)] | None = None


class Consultant(BaseModel):
    """Who looks after a client: a member, or somebody known by name alone."""

    id: UUID | None
    name: str | None


class Client(BaseModel):
    """A client as it is kept."""

    id: UUID
    number: str = Field(description="The number people use, such as CLI-00000042.")
    name: str
    email: str | None
    phone: str | None
    company: str | None
    source: Source
    consultant: Consultant | None
    stage: Stage
    tags: list[str]
    notes: str | None
    version: int = Field(description="Counts the changes; it is what an ETag is made of.")
    created_at: datetime
    updated_at: datetime
    last_activity_at: datetime


class ActivityGlimpse(BaseModel):
    """The newest activity of a client."""

    type: str
    description: str
    occurred_at: datetime


class QuoteGlimpse(BaseModel):
    """The newest quote of a client."""

    id: UUID
    number: str
    status: str
    destination: str | None
    total: Money


class ClientRow(Client):
    """A client in a list: with its newest quote and activity, and its value per currency."""

    latest_quote: QuoteGlimpse | None
    last_activity: ActivityGlimpse | None
    values: list[Money] = Field(description="Total of the client's quotes, one per currency.")
    matched: str | None = Field(description="The field in which the search words were found.")
