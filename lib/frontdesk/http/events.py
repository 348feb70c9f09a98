"""Server-sent events: an answer in pieces, then the very envelope that JSON would have been.

::

    : here                                      a comment at once, then at least every 2 s
    retry: 2000

    event: sentence                             a piece; named after its model, Sentence
    data: {…}

    event: final                                the reply, whole and authoritative
    data: {"success":true,"data":…,"request_id":…}

    event: error                                instead of it, when something fails after the 200
    data: {"success":false,"error":…,"request_id":…}

Events have no ids: nothing is resumed in the middle. Who asks again with the same Idempotency-Key
is sent what was stored. The framing is the HTML standard's (section 9.2, "Server-sent events").
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final

from frontdesk.platform.cancellation import CallerGone, Cancellation

if TYPE_CHECKING:
    from flask import Request
    from pydantic import BaseModel

    from frontdesk.platform.clock import Clock
    from frontdesk.platform.reply import Events

EVENT_STREAM: Final = "text/event-stream"
HEADERS: Final = {"X-Accel-Buffering": "no"}
"""Asks proxies that know it (nginx's convention) to pass pieces on as they come."""

HEARTBEAT_SECONDS: Final = 2.0
"""A caller who hung up is noticed at the second write after that, thus within two heartbeats."""

OPENING: Final = b": here\nretry: 2000\n\n"
HEARTBEAT: Final = b": here\n\n"
FINAL: Final = "final"
ERROR: Final = "error"

_LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")
_JSON: Final = "application/json"
_PARTING_SECONDS: Final = 1.0


def prefers_events(request: Request) -> bool:
    """Whether the Accept header puts events before JSON (RFC 9110, section 12.5.1); who would take
    either, or says nothing, gets JSON.
    """
    return request.accept_mimetypes.best_match([_JSON, EVENT_STREAM], _JSON) == EVENT_STREAM


def event_of(model: type[BaseModel]) -> str:
    """The name of the event that carries such a piece."""
    return model.__name__.lower()


def frame(event: str, data: str) -> bytes:
    """One event; its data may hold line breaks of any kind, which arrive as line feeds."""
    lines = "".join(f"data: {line}\n" for line in _LINE_BREAK.split(data))
    return f"event: {event}\n{lines}\n".encode()


class EventStream(Iterator[bytes]):
    """The body of a reply in events. The work is done in a thread of its own, so that heartbeats
    go out while it waits for something.

    Args:
        events: what the handler does.
        clock: of the heartbeats.
        final: the envelope of the handler's result.
        failed: the envelope of what it raised.
        ended: called once, when the work is over.
    """

    def __init__(
        self,
        events: Events[Any],
        *,
        clock: Clock,
        final: Callable[[BaseModel], bytes],
        failed: Callable[[Exception], bytes],
        ended: Callable[[], None],
    ) -> None:
        self._events = events
        self._clock = clock
        self._final = final
        self._failed = failed
        self._ended = ended
        self._cancellation = Cancellation()
        self._changed = threading.Condition()
        self._frames = deque([OPENING])
        self._over = False
        # What is bound for logs is bound to this thread.
        work = copy_context().run
        self._thread = threading.Thread(target=work, args=(self._work,), daemon=True)
        self._begun = False

    def __next__(self) -> bytes:
        if not self._begun:
            self._begun = True
            self._thread.start()
        with self._changed:
            beat = self._clock.monotonic() + HEARTBEAT_SECONDS
            while not self._frames:
                if self._over:
                    raise StopIteration
                if self._clock.monotonic() >= beat:
                    return HEARTBEAT
                self._clock.wait_until(self._changed, beat)
            return self._frames.popleft()

    def close(self) -> None:
        """The caller has everything, or is gone: work that goes on is told to stop.

        It is waited for only a little, since whoever serves has other callers.
        """
        self._cancellation.cancel()
        if self._begun:
            self._thread.join(_PARTING_SECONDS)
        else:
            self._begun = True
            self._end(None)

    def _work(self) -> None:
        try:
            result = self._events.produce(self._emit, self._cancellation)
            last = frame(FINAL, self._final(result).decode())
        except CallerGone:
            last = None
        except Exception as error:  # noqa: BLE001 -- mapped and logged by ``failed``
            last = frame(ERROR, self._failed(error).decode())
        self._end(last)

    def _emit(self, piece: BaseModel) -> None:
        with self._changed:
            self._frames.append(frame(event_of(type(piece)), piece.model_dump_json()))
            self._changed.notify_all()

    def _end(self, last: bytes | None) -> None:
        self._ended()
        with self._changed:
            if last is not None:
                self._frames.append(last)
            self._over = True
            self._changed.notify_all()
