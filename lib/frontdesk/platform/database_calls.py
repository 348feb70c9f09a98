"""How a handler calls the database: to read, to read a page of a list, or to change something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from frontdesk.platform.context import Context
from frontdesk.platform.database import Rpc
from frontdesk.platform.paging import Page

Row = TypeVar("Row", bound=BaseModel)


class ListQuery(BaseModel):
    """The parameters of every list; a list's own query adds its filters, and a ``sort`` if any."""

    model_config = ConfigDict(extra="forbid")

    page_size: int = Field(20, ge=1, le=100)
    cursor: Annotated[str, StringConstraints(max_length=2048)] | None = None

    @property
    def filters(self) -> dict[str, Any]:
        """What narrows the list, as SQL reads it."""
        return self.model_dump(
            mode="json", exclude={"page_size", "cursor", "sort"}, exclude_none=True
        )


def read(context: Context, rpc: Rpc, params: Mapping[str, Any]) -> dict[str, Any]:
    """The reply of a function that only reads.

    Raises:
        FrontdeskError: what SQL refuses, or the database's own failures.
    """
    reply: dict[str, Any] = context.database.call(
        rpc, params, deadline=context.deadline, idempotent=True
    )
    return reply


def read_page(
    context: Context, rpc: Rpc, row: type[Row], asked: ListQuery, *, sort: str | None = None
) -> Page[Row]:
    """A page of a list whose function takes ``p_filter``, ``p_limit``, ``p_after``.

    Args:
        rpc: the function; the list is called like it.
        row: the model of its rows.
        asked: the page and its filters, which the cursor is bound to.
        sort: ``p_sort``, where the function has one.

    Raises:
        InvalidCursor: the cursor was edited, or made for another list.
        FrontdeskError: see ``read``.
    """
    cursors, filters = context.services.cursors, asked.filters
    binding: dict[str, Any] = {
        "tenant_id": context.member.tenant_id,
        "listing": rpc.value,
        "filters": filters,
        "sort": sort or "newest",
    }
    params = {
        "p_filter": filters,
        "p_limit": asked.page_size,
        "p_after": cursors.decode(asked.cursor, **binding) if asked.cursor else None,
    }
    reply = read(context, rpc, params if sort is None else params | {"p_sort": sort})
    following = reply["next"]
    return Page(
        items=[row.model_validate(each) for each in reply["rows"]],
        page_size=asked.page_size,
        next_cursor=cursors.encode(following, **binding) if following else None,
    )


def change(context: Context, rpc: Rpc, params: Mapping[str, Any]) -> dict[str, Any]:
    """The outcome of a change: ``{"status", "data", "replayed", "outbox"}``.

    Raises:
        FrontdeskError: see ``read``.
    """
    outcome: dict[str, Any] = context.database.call(
        rpc,
        {**params, "p_command": context.command_json},
        deadline=context.deadline,
        idempotent=False,
    )
    return outcome
