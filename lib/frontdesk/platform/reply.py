"""What a handler may return besides its plain value: with a status and headers, as a stream, or as
events that end in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pydantic import BaseModel

    from frontdesk.platform.cancellation import Cancellation

T = TypeVar("T")


def entity_tag(version: int) -> str:
    """The ``ETag`` of a thing that counts its changes; ``If-Match`` brings it back."""
    return f'"{version}"'


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """A value with its own HTTP status and headers, such as 201 with a Location or 202.

    Attributes:
        value: a pydantic model or a ``Page``; the endpoint layer puts it into the envelope.
        status: a 2xx status; None keeps the route's own.
        headers: added to the reply, such as ``ETag``; neither names nor values hold line breaks.
    """

    value: T
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.status is not None and not 200 <= self.status <= 299:  # noqa: PLR2004
            raise ValueError("a reply has a 2xx status; raise a FrontdeskError for anything else")


@dataclass(frozen=True, slots=True)
class Stream:
    """A body that is sent piece by piece, outside the JSON envelope: server-sent events or a file.

    Attributes:
        content: the pieces, each sent as soon as it comes. It is closed when the caller hangs up,
            so a generator frees what it holds in its ``finally``.
        content_type: such as ``text/event-stream`` or ``application/pdf``.
        filename: when set the browser saves the body under this name.
        size: of the whole body in bytes, when it is known.
        headers: added to the reply.
    """

    content: Iterator[bytes]
    content_type: str
    filename: str | None = None
    size: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Events(Generic[T]):
    """A reply that is told while it is made: its pieces as server-sent events, then itself.

    A handler that may return it returns a model otherwise, and asks ``Context.wants_events``.

    Attributes:
        produce: makes the reply, in a thread of its own. It is called with what takes a piece, a
            pydantic model whose name is the event's, and with what says whether the caller is
            still there; when they are not it raises ``CallerGone``. Any other error is sent as an
            event.
    """

    produce: Callable[[Callable[[T], None], Cancellation], BaseModel]
