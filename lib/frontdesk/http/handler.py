"""What a handler takes and gives, read once from its signature.

A handler is a plain function of a domain package::

    def create_client(context: Context, body: NewClient) -> Reply[Client]: ...

It takes any of ``context``, ``path``, ``query``, ``body``, ``form``, ``file`` and ``event``, by
name. ``path``, ``query``, ``body`` and ``form`` are pydantic models, and no request may name a
field that they don't know. A signature that the endpoint layer cannot serve is a TypeError at
import, not a surprise at the first request.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from frontdesk.platform.context import Context
from frontdesk.platform.paging import Page
from frontdesk.platform.reply import Events, Reply, Stream
from frontdesk.platform.upload import Upload

MODELS = ("path", "query", "body", "form")
"""Parameters that are built from the request by validation."""


class Shape(StrEnum):
    """What the reply's envelope is."""

    ONE = "one"
    PAGE = "page"
    EMPTY = "empty"
    STREAM = "stream"


@dataclass(frozen=True, slots=True)
class Handler:
    """A handler with the meaning of its signature.

    Attributes:
        function: the handler itself.
        takes: names of its parameters.
        models: the model of each of ``MODELS`` that it takes.
        body_optional: whether the body may be left out (``body: NewClient | None``).
        shape: the envelope of what it returns.
        returns: the model within that envelope; None when there is no envelope.
        streams: whether it may answer with a ``Stream``, alone or besides a model.
        pieces: the model of each piece when it may answer with ``Events``; None when it may not.
        event: what it takes as ``event``, a PushMessage or the CloudEvent in it.
    """

    function: Callable[..., Any]
    takes: frozenset[str]
    models: dict[str, type[BaseModel]]
    body_optional: bool
    shape: Shape
    returns: type[BaseModel] | None
    streams: bool
    pieces: type[BaseModel] | None = None
    event: type | None = None

    @property
    def name(self) -> str:
        """The handler's own name; OpenAPI's operationId."""
        return self.function.__name__

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Handler:
        """Read a handler's signature.

        Raises:
            TypeError: it takes or returns something that no request or reply can be.
        """
        where = f"{function.__module__}.{function.__qualname__}"
        try:
            hints = typing.get_type_hints(function)
        except NameError as error:
            raise TypeError(
                f"{where}: {error}. Import what its annotations name outside TYPE_CHECKING."
            ) from error
        models: dict[str, type[BaseModel]] = {}
        body_optional = False
        names = list(inspect.signature(function).parameters)
        for name in names:
            if name not in hints:
                raise TypeError(f"{where}: the parameter {name} has no annotation")
            hint = hints[name]
            if name == "body":
                hint, body_optional = _without_none(hint)
            if name in MODELS and _is_model(hint):
                models[name] = hint
            elif not _is_provided(name, hint):
                raise TypeError(f"{where}: the endpoint layer cannot make {name}: {hint}")
        if "body" in names and ("form" in names or "file" in names):
            raise TypeError(f"{where}: a request has a JSON body or a form, not both")
        if "return" not in hints:
            raise TypeError(f"{where}: the return annotation is missing")
        returned, pieces = _without_events(hints["return"])
        shape, returns, streams = _result(where, returned)
        if pieces is not None and (shape is not Shape.ONE or streams):
            raise TypeError(f"{where}: events end in a model, not in {returned}")
        return cls(
            function,
            frozenset(names),
            models,
            body_optional,
            shape,
            returns,
            streams,
            pieces,
            event=hints.get("event"),
        )


def _is_model(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, BaseModel)


def _is_provided(name: str, hint: Any) -> bool:
    """Whether the endpoint layer makes this parameter without a model of the handler's own."""
    match name:
        case "context":
            return hint is Context
        case "file":
            return hint is Upload
        case "event":
            # The module brings Google's tokens with it; only push functions pay for that.
            from frontdesk.platform.events import CloudEvent, PushMessage

            return hint in {CloudEvent, PushMessage}
        case _:
            return False


def _without_none(hint: Any) -> tuple[Any, bool]:
    members = _members(hint)
    if types.NoneType not in members or len(members) == 1:
        return hint, False
    rest = [member for member in members if member is not types.NoneType]
    return rest[0] if len(rest) == 1 else hint, len(rest) == 1


def _without_events(hint: Any) -> tuple[Any, type[BaseModel] | None]:
    """What is returned besides ``Events``, and the model of the events' pieces."""
    members = _members(hint)
    events = [member for member in members if get_origin(member) is Events]
    rest = [member for member in members if member not in events]
    if len(events) == len(rest) == 1:
        return rest[0], get_args(events[0])[0]
    return hint, None


def _members(hint: Any) -> tuple[Any, ...]:
    if get_origin(hint) in {typing.Union, types.UnionType}:
        return get_args(hint)
    return (hint,)


def _result(where: str, hint: Any) -> tuple[Shape, type[BaseModel] | None, bool]:
    """The envelope's shape, the model in it, and whether a stream is possible."""
    members = _members(hint)
    rest = [member for member in members if member is not Stream]
    streams = len(rest) < len(members)
    if not rest:
        return Shape.STREAM, None, True
    if len(rest) == 1:
        only = rest[0]
        if only is types.NoneType and not streams:
            return Shape.EMPTY, None, False
        if get_origin(only) is Reply:
            only = get_args(only)[0]
        if get_origin(only) is Page and _is_model(get_args(only)[0]):
            return Shape.PAGE, get_args(only)[0], streams
        if _is_model(only):
            return Shape.ONE, only, streams
    raise TypeError(
        f"{where}: returns {hint}; the envelope takes a pydantic model, Page[Model], Reply of "
        "either, a Stream, Events besides a model, or None"
    )
