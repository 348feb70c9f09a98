"""Server-sent events as a browser reads them: the parser of the HTML standard, section 9.2.6."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_LINE_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Event:
    """One event."""

    name: str
    data: str

    @property
    def json(self) -> Any:
        return json.loads(self.data)


@dataclass(frozen=True)
class Told:
    """All that came in one reply.

    Attributes:
        comments: heartbeats.
    """

    events: tuple[Event, ...]
    comments: int
    retry: int | None

    @property
    def names(self) -> list[str]:
        return [event.name for event in self.events]

    @property
    def text(self) -> str:
        """Of the sentences."""
        return "".join(event.json["text"] for event in self.events if event.name == "sentence")

    @property
    def citations(self) -> list[dict[str, Any]]:
        """Of the sentences, in the order in which they came."""
        told = [event.json for event in self.events if event.name == "sentence"]
        return [citation for sentence in told for citation in sentence["citations"]]

    @property
    def last(self) -> Any:
        """What the last event, final or error, carries."""
        return self.events[-1].json


def read(body: bytes | Iterable[bytes]) -> Told:
    """A whole reply, read."""
    content = body if isinstance(body, bytes) else b"".join(body)
    lines = _LINE_BREAK.split(content.decode())
    retry = [int(line[6:]) for line in lines if line.startswith("retry:")]
    return Told(
        events=tuple(_events(lines)),
        comments=sum(line.startswith(":") for line in lines),
        retry=retry[-1] if retry else None,
    )


def _events(lines: Iterable[str]) -> Iterator[Event]:
    name, data = "", []
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield Event(name or "message", "\n".join(data))
            name, data = "", []
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
