"""GET /v1/crm/search: find anyone at once."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from frontdesk.crm.models import ClientRow, ShortText, Source, Stage
from frontdesk.crm.queries import ask
from frontdesk.platform.context import Context
from frontdesk.platform.database import Rpc
from frontdesk.platform.paging import Page

_LISTING = "clients"


class ClientSort(StrEnum):
    """The order of a list of clients; by relevance where there are search words."""

    RELEVANCE = "relevance"
    NAME = "name"
    CREATED = "created"
    LAST_ACTIVITY = "last_activity"


class ClientSearch(BaseModel):
    """What to look for, and in which order."""

    model_config = ConfigDict(extra="forbid")

    q: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = Field(
        "", description="Name, e-mail, phone, company or number; typing errors are forgiven."
    )
    stage: list[Stage] | None = Field(None, max_length=6, description="May be repeated.")
    source: list[Source] | None = Field(None, max_length=5, description="May be repeated.")
    consultant: ShortText | None = Field(None, description="A member's id, `me`, or a name.")
    sort: ClientSort | None = Field(
        None, description="By default relevance with search words, else last_activity."
    )
    page_size: int = Field(20, ge=1, le=100)
    cursor: Annotated[str, StringConstraints(max_length=2048)] | None = None

    @property
    def order(self) -> ClientSort:
        """The sort that applies."""
        return self.sort or (ClientSort.RELEVANCE if self.q else ClientSort.LAST_ACTIVITY)

    @property
    def filters(self) -> dict[str, object]:
        """What narrows the list, as SQL reads it."""
        chosen = {"stage": self.stage, "source": self.source, "consultant": self.consultant}
        return {name: value for name, value in chosen.items() if value}


def search_clients(context: Context, query: ClientSearch) -> Page[ClientRow]:
    """Find clients by name, e-mail, phone, company or number, typing errors and accents aside.

    Each row shows the client's newest quote and activity and its value per currency. Members who
    may see only their own clients find only those.
    """
    cursors = context.services.cursors
    binding = {"q": query.q, **query.filters}
    tenant_id = context.member.tenant_id
    after = (
        cursors.decode(
            query.cursor,
            tenant_id=tenant_id,
            listing=_LISTING,
            filters=binding,
            sort=query.order,
        )
        if query.cursor
        else None
    )
    reply = ask(
        context,
        Rpc.SEARCH_CLIENTS,
        {
            "p_query": query.q,
            "p_filter": query.filters,
            "p_sort": query.order,
            "p_limit": query.page_size,
            "p_after": after,
        },
    )
    following = reply["next"]
    return Page(
        items=[ClientRow.model_validate(row) for row in reply["rows"]],
        page_size=query.page_size,
        next_cursor=cursors.encode(
            following, tenant_id=tenant_id, listing=_LISTING, filters=binding, sort=query.order
        )
        if following
        else None,
    )
