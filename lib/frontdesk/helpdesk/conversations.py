"""/v1/helpdesk/conversations: what was asked and answered, listed, read, renamed, deleted."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from frontdesk.helpdesk.feedback import GivenOpinion
from frontdesk.helpdesk.stored import Person, StoredMessage
from frontdesk.platform.context import Context
from frontdesk.platform.database import Rpc
from frontdesk.platform.database_calls import ListQuery, change, read, read_page
from frontdesk.platform.paging import Page


class Channel(StrEnum):
    """Where a conversation was held."""

    STAFF = "staff"
    WEBSITE = "website"


class ConversationScope(StrEnum):
    """Whose conversations."""

    MINE = "mine"
    ALL = "all"


class ConversationPath(BaseModel):
    """The conversation that the path names."""

    conversation_id: UUID


class ConversationQuery(ListQuery):
    """Which conversations to list; the newest activity comes first."""

    scope: ConversationScope = Field(
        ConversationScope.MINE, description="`all` of the agency's is for owners and agents."
    )
    channel: Channel | None = None
    user: UUID | None = Field(None, description="A member's id, with scope=all.")


class ConversationTitle(BaseModel):
    """Another title for a conversation."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)
    ] = Field(description="At first the first question.")


class Conversation(BaseModel):
    """A conversation in a list."""

    id: UUID
    title: str | None
    channel: Channel
    user: Person
    message_count: int
    created_at: datetime
    last_activity_at: datetime = Field(description="When something was last asked in it.")


class ConversationMessage(StoredMessage):
    """A question or an answer of a conversation."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    position: int = Field(description="In the conversation, from 1.")
    query_type: str | None
    degraded: bool | None
    degraded_reason: str | None
    feedback: GivenOpinion | None = Field(description="What the caller thinks of the answer.")


class ConversationFile(Conversation):
    """A conversation with its last 200 messages, the oldest of them first."""

    messages: list[ConversationMessage]
    has_more: bool = Field(description="Whether there are earlier messages than these.")


class DeletedConversation(BaseModel):
    """What was deleted."""

    id: UUID
    deleted: Literal[True]


def list_conversations(context: Context, query: ConversationQuery) -> Page[Conversation]:
    """List the caller's conversations, the newest activity first; staff may list all."""
    return read_page(context, Rpc.LIST_CONVERSATIONS, Conversation, query)


def read_conversation(context: Context, path: ConversationPath) -> ConversationFile:
    """Read a conversation with its messages, their citations and the caller's feedback."""
    reply = read(context, Rpc.READ_CONVERSATION, {"p_id": str(path.conversation_id)})
    return ConversationFile.model_validate(reply["conversation"])


def rename_conversation(
    context: Context, path: ConversationPath, body: ConversationTitle
) -> Conversation:
    """Give a conversation another title; for its user and for owners."""
    params = {"p_id": str(path.conversation_id), "p_changes": body.model_dump(mode="json")}
    outcome = change(context, Rpc.RENAME_CONVERSATION, params)
    return Conversation.model_validate(outcome["data"])


def delete_conversation(context: Context, path: ConversationPath) -> DeletedConversation:
    """Delete a conversation with its messages and their feedback; for its user and for owners.

    Tickets that were opened from it keep their transcript.
    """
    outcome = change(context, Rpc.DELETE_CONVERSATION, {"p_id": str(path.conversation_id)})
    return DeletedConversation.model_validate(outcome["data"])
