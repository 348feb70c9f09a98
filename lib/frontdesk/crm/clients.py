"""POST /v1/crm/clients and GET /v1/crm/clients/{client_id}."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from frontdesk.crm.models import ActivityGlimpse, Client, NewClient, QuoteGlimpse
from frontdesk.crm.queries import ask
from frontdesk.platform.context import Context
from frontdesk.platform.database import Rpc
from frontdesk.platform.money import Money
from frontdesk.platform.reply import Reply


class ClientPath(BaseModel):
    """The client that the path names."""

    client_id: UUID


class ClientWithValues(Client):
    """A client and what its quotes are worth."""

    values: list[Money] = Field(description="Total of the client's quotes, one per currency.")


class ClientQuote(QuoteGlimpse):
    """A quote of a client."""

    title: str | None
    travel_from: date | None
    travel_to: date | None
    created_at: datetime


class ClientActivity(ActivityGlimpse):
    """Something that happened with a client."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    id: UUID
    metadata: dict[str, Any]
    actor_id: UUID | None


class ClientFile(ClientWithValues):
    """A client with its newest quotes and activities, at most 100 of each."""

    quotes: list[ClientQuote]
    activities: list[ClientActivity]


def create_client(context: Context, body: NewClient) -> Reply[ClientWithValues]:
    """Create a client; the same e-mail address cannot be taken twice."""
    client_id = context.services.ids.new_id()
    outcome = context.database.call(
        Rpc.CREATE_CLIENT,
        {
            "p_client": {"id": str(client_id), **body.model_dump(mode="json", exclude_none=True)},
            "p_command": context.command_json,
        },
        deadline=context.deadline,
        idempotent=False,
    )
    context.services.cache.bump_data(context.member.tenant_id)
    client = ClientWithValues.model_validate(outcome["data"])
    return Reply(client, 201, {"Location": f"/v1/crm/clients/{client.id}"})


def read_client(context: Context, path: ClientPath) -> ClientFile:
    """Read a client with its newest quotes and activities."""
    reply = ask(context, Rpc.READ_CLIENT, {"p_id": str(path.client_id)})
    return ClientFile.model_validate(reply["client"])
