"""A function with one route of every kind, whose handlers show what reached them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from frontdesk.http import ADMIN, PUBLIC, Role, delete, get, http_function, patch, post
from frontdesk.platform.context import Context
from frontdesk.platform.errors import (
    Conflict,
    FrontdeskError,
    InternalError,
    NotFound,
    UpstreamUnavailable,
)
from frontdesk.platform.paging import Page
from frontdesk.platform.reply import Reply, Stream
from frontdesk.platform.services import Services
from frontdesk.platform.upload import Upload

SECRET_WORDS = "the password is hunter2"


class Room(BaseModel):
    """A part of a body."""

    name: str = Field(min_length=2, max_length=20)
    beds: int = Field(1, ge=1, le=8)


class Booking(BaseModel):
    """A body."""

    hotel: str
    arrival: date | None = None
    price: Decimal | None = None
    rooms: list[Room] = []
    extra: dict[str, Any] = {}


class Filter(BaseModel):
    """A query."""

    q: str = ""
    tag: list[str] = []
    page_size: int = Field(20, ge=1, le=100)


class BookingPath(BaseModel):
    """A path."""

    booking_id: UUID


class FileNote(BaseModel):
    """A form."""

    note: str
    tag: list[str] = []


class Seen(BaseModel):
    """What reached the handler."""

    value: dict[str, Any]


def list_bookings(context: Context, query: Filter) -> Page[Booking]:
    """Three bookings, counted when asked for by q."""
    items = [Booking(hotel=query.q or "Kleio", price=Decimal("10.50")) for _ in range(3)]
    more = "next" if query.q == "more" else None
    return Page(items, query.page_size, more, 3 if query.q == "count" else None)


def create_booking(context: Context, body: Booking) -> Reply[Seen]:
    """Show the command."""
    command = context.command.as_json() if context.command else {}
    seen = Seen(value={"body": body.model_dump(mode="json"), "command": command})
    return Reply(seen, 201, {"Location": "/v1/toy/bookings/1"})


def read_booking(context: Context, path: BookingPath) -> Seen:
    """Show the path and the caller."""
    return Seen(value={"id": str(path.booking_id), "caller": repr(context.caller)})


def change_booking(path: BookingPath, body: Booking | None) -> Seen:
    """Take a body or none."""
    return Seen(value={"body": body and body.hotel})


def delete_booking(context: Context, path: BookingPath) -> Seen:
    """Take no body."""
    return Seen(value={"command": context.command_json})


def upload(file: Upload, form: FileNote) -> Seen:
    """Show the file."""
    return Seen(
        value={
            "filename": file.filename,
            "content_type": file.content_type,
            "size": file.size,
            "starts": file.stream.read(4).hex(),
            "note": form.note,
            "tag": form.tag,
        }
    )


def fail(query: Filter) -> Seen:
    """Fail in the way that q names."""
    failures: dict[str, Exception] = {
        "bug": RuntimeError(SECRET_WORDS),
        "internal": InternalError(SECRET_WORDS),
        "bare": FrontdeskError(SECRET_WORDS),
        "missing": NotFound("No such booking."),
        "conflict": Conflict(details={"field": "hotel"}),
        "upstream": UpstreamUnavailable(retry_after=1.2),
    }
    raise failures[query.q]


def stream(query: Filter) -> Stream:
    """Three pieces; q may make it break off."""

    def pieces() -> Iterator[bytes]:
        yield b"one "
        if query.q == "break":
            raise RuntimeError(SECRET_WORDS)
        yield b"two "
        yield b"three"

    return Stream(pieces(), "text/plain; charset=utf-8", filename='Łukasz "2026".txt')


def whole(context: Context) -> Seen:
    """Who calls, and how long there is."""
    return Seen(
        value={
            "caller": type(context.caller).__name__,
            "name": getattr(context.caller, "name", None),
            "remaining": context.deadline.remaining(),
            "request_id": context.request_id,
        }
    )


def make_toy(services: Callable[[], Services]) -> Any:
    """The function over these services."""
    return http_function(
        "toy",
        get("/v1/toy/bookings", list_bookings, allow=PUBLIC),
        post("/v1/toy/bookings", create_booking, allow=PUBLIC),
        get("/v1/toy/bookings/{booking_id}", read_booking, allow=Role.VIEWER),
        patch("/v1/toy/bookings/{booking_id}", change_booking, allow=PUBLIC),
        delete("/v1/toy/bookings/{booking_id}", delete_booking, allow=PUBLIC),
        post("/v1/toy/files", upload, allow=PUBLIC),
        get("/v1/toy/fail", fail, allow=PUBLIC),
        get("/v1/toy/stream", stream, allow=PUBLIC, produces="text/plain"),
        get("/v1/toy/whole", whole, allow=ADMIN),
        get("/v1/toy/mine", whole, allow=Role.VISITOR),
        get("/v1/toy/agents", whole, allow=Role.AGENT),
        services=services,
    )
