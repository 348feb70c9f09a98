"""What the desk speaks of when it speaks of tickets."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from frontdesk.helpdesk.stored import Person, StoredMessage
from frontdesk.platform.changes import Changes
from frontdesk.platform.database_calls import ListQuery
from frontdesk.platform.fields import Email, Name, Phone, Since, Until

Subject = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000)]
CommentText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)
]


class TicketStatus(StrEnum):
    """Where a ticket stands; `app.ticket_transitions` in SQL says what may follow what."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    CLOSED = "closed"


class TicketPriority(StrEnum):
    """How soon somebody should look at a ticket."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class TicketEventType(StrEnum):
    """What may happen to a ticket."""

    OPENED = "opened"
    EDITED = "edited"
    ASSIGNED = "assigned"
    STATUS_CHANGED = "status_changed"
    COMMENTED = "commented"
    TRANSCRIPT_REMOVED = "transcript_removed"


class EventVisibility(StrEnum):
    """Whether a ticket's requester sees an event, or owners and agents alone."""

    PUBLIC = "public"
    INTERNAL = "internal"


class TicketSort(StrEnum):
    """The order of a list of tickets; the newest comes first."""

    UPDATED = "updated"
    CREATED = "created"


class TicketPath(BaseModel):
    """The ticket that the path names."""

    ticket_id: UUID


class Contact(BaseModel):
    """How to reach somebody who is no member."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None


class NewTicket(BaseModel):
    """A ticket as somebody opens it: out of nothing, a conversation, or one of its answers."""

    model_config = ConfigDict(extra="forbid")

    subject: Subject | None = Field(
        None, description="By default the question; required when there is no conversation."
    )
    description: Description | None = None
    conversation_id: UUID | None = Field(None, description="Its transcript goes into the ticket.")
    answer_id: UUID | None = Field(None, description="The answer that was no help.")
    priority: TicketPriority = TicketPriority.NORMAL
    client_id: UUID | None = None
    contact: Contact | None = Field(
        None, description="A visitor leaves an e-mail address or a phone number."
    )


class TicketChange(Changes):
    """What may be changed of a ticket."""

    subject: Subject = ""
    description: Description = ""
    priority: TicketPriority = TicketPriority.NORMAL
    assignee_id: UUID | None = Field(None, description="An active owner or agent; null for nobody.")
    client_id: UUID | None = Field(None, description="Null for none.")


class StatusChange(BaseModel):
    """The next status of a ticket."""

    model_config = ConfigDict(extra="forbid")

    status: TicketStatus
    note: CommentText | None = Field(None, description="Becomes an internal comment.")


class NewComment(BaseModel):
    """A comment on a ticket."""

    model_config = ConfigDict(extra="forbid")

    text: CommentText
    visibility: EventVisibility = Field(
        description="`public` is for the requester too; `internal` for owners and agents, who "
        "alone may choose it."
    )


class TicketQuery(ListQuery):
    """Which tickets to list; members below agent find their own alone."""

    status: list[TicketStatus] | None = Field(None, max_length=4, description="May be repeated.")
    priority: list[TicketPriority] | None = Field(
        None, max_length=4, description="May be repeated."
    )
    assignee: UUID | Literal["me", "none"] | None = Field(
        None, description="A member's id, `me`, or `none` for tickets that nobody works on."
    )
    requester: UUID | Literal["me"] | None = Field(None, description="A user's id, or `me`.")
    client: UUID | None = None
    q: (
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
        | None
    ) = Field(None, description="Words of the subject, or a part of the number.")
    created_since: Since | None = None
    created_until: Until | None = None
    updated_since: Since | None = None
    updated_until: Until | None = None
    sort: TicketSort = TicketSort.UPDATED


class TicketClient(BaseModel):
    """The client that a ticket is about."""

    id: UUID
    number: str
    name: str


class TicketContact(BaseModel):
    """How to reach the requester."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    name: str | None = None
    email: str | None = None
    phone: str | None = None


class Ticket(BaseModel):
    """A ticket in a list."""

    id: UUID
    number: str = Field(description="The number people use, such as T-2026-0042.")
    subject: str
    description: str
    status: TicketStatus
    priority: TicketPriority
    requester: Person
    assignee: Person | None
    client: TicketClient | None = Field(description="Null also when the caller may not see them.")
    contact: TicketContact | None
    conversation_id: UUID | None = Field(description="Null also when it was deleted.")
    answer_id: UUID | None
    version: int = Field(description="Counts the changes; the ETag is made of it.")
    created_at: datetime
    updated_at: datetime
    resolved_at: datetime | None
    closed_at: datetime | None


class TicketEvent(BaseModel):
    """Something that happened to a ticket."""

    id: UUID
    type: TicketEventType
    visibility: EventVisibility
    actor: Person | None = Field(description="Null when the platform did it.")
    text: str | None = Field(description="Of a comment.")
    details: dict[str, Any] = Field(
        description="`fields` that were edited; `from` and `to` of a status or an assignee."
    )
    created_at: datetime


class TicketFile(Ticket):
    """A ticket with the conversation that it came from and its history."""

    transcript: list[StoredMessage] | None = Field(
        description="The conversation as it was when the ticket was opened."
    )
    events: list[TicketEvent] = Field(
        description="The newest 500 in order; a requester sees the public ones."
    )
