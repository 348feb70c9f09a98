"""/v1/helpdesk/tickets: what no answer settled, until somebody did."""

from __future__ import annotations

from typing import Any

from frontdesk.helpdesk.ticket_models import (
    NewComment,
    NewTicket,
    StatusChange,
    Ticket,
    TicketChange,
    TicketEvent,
    TicketFile,
    TicketPath,
    TicketQuery,
)
from frontdesk.platform.context import Context
from frontdesk.platform.database import Rpc
from frontdesk.platform.database_calls import change, read, read_page
from frontdesk.platform.paging import Page
from frontdesk.platform.reply import Reply, entity_tag


def create_ticket(context: Context, body: NewTicket) -> Reply[TicketFile]:
    """Open a ticket; from a conversation or an answer it takes the transcript along."""
    ticket = {
        "id": str(context.services.ids.new_id()),
        **body.model_dump(mode="json", exclude_none=True),
    }
    outcome = change(context, Rpc.CREATE_TICKET, {"p_ticket": ticket})
    location = f"/v1/helpdesk/tickets/{outcome['data']['id']}"
    return _reply(outcome["data"], 201, Location=location)


def list_tickets(context: Context, query: TicketQuery) -> Page[Ticket]:
    """List tickets, those that changed last first; members below agent see their own."""
    return read_page(context, Rpc.LIST_TICKETS, Ticket, query, sort=query.sort)


def read_ticket(context: Context, path: TicketPath) -> Reply[TicketFile]:
    """Read a ticket with its transcript and its events."""
    return _reply(read(context, Rpc.READ_TICKET, {"p_id": str(path.ticket_id)})["ticket"])


def change_ticket(context: Context, path: TicketPath, body: TicketChange) -> Reply[TicketFile]:
    """Change a ticket's subject, description, priority, assignee or client.

    Only the fields that are sent change. With If-Match a change that was made in between is not
    overwritten.
    """
    params = {"p_id": str(path.ticket_id), "p_changes": body.sent}
    return _reply(change(context, Rpc.CHANGE_TICKET, params)["data"])


def change_ticket_status(
    context: Context, path: TicketPath, body: StatusChange
) -> Reply[TicketFile]:
    """Move a ticket on; a step that is not possible is refused, and details list those that are."""
    params = {"p_id": str(path.ticket_id), "p_change": body.model_dump(mode="json")}
    return _reply(change(context, Rpc.CHANGE_TICKET_STATUS, params)["data"])


def comment_on_ticket(context: Context, path: TicketPath, body: NewComment) -> TicketEvent:
    """Comment on a ticket, for its requester too or for colleagues alone."""
    comment = {"id": str(context.services.ids.new_id()), **body.model_dump(mode="json")}
    params = {"p_id": str(path.ticket_id), "p_comment": comment}
    return TicketEvent.model_validate(change(context, Rpc.COMMENT_ON_TICKET, params)["data"])


def _reply(ticket: dict[str, Any], status: int | None = None, **headers: str) -> Reply[TicketFile]:
    file = TicketFile.model_validate(ticket)
    return Reply(file, status, {"ETag": entity_tag(file.version), **headers})
