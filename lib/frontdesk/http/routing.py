"""Which handler answers a method and a path.

A path is written whole, as the manifest has it: ``/v1/crm/clients/{client_id}``. A parameter is
one segment and becomes a field of the handler's ``path`` model, which converts it. Fixed segments
win over parameters. A trailing slash is another path, and there is nothing at it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from frontdesk.http.events import EVENT_STREAM
from frontdesk.http.handler import Handler, Shape
from frontdesk.platform.context import Role
from frontdesk.platform.errors import MethodNotAllowed, NotFound

_TEMPLATE = re.compile(r"/v1(/([a-z0-9-]+|\{[a-z_]+\}))+")
_PARAMETER = re.compile(r"\{([a-z_]+)\}")


class Caller(StrEnum):
    """Who besides members may use a route."""

    ADMIN = "admin"
    PLATFORM = "platform"
    PUBLIC = "public"
    WATCHER = "watcher"


ADMIN = Caller.ADMIN
"""The holder of an admin token, in X-Admin-Token."""
PLATFORM = Caller.PLATFORM
"""Pub/Sub or Cloud Scheduler, with an OIDC token of our own service account."""
PUBLIC = Caller.PUBLIC
"""Anybody."""
WATCHER = Caller.WATCHER
"""Anybody, and the holder of an admin token is told more: readiness."""

Allow = Role | Caller
"""A member with at least that role, or one of ``Caller``."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path. Make it with ``get``, ``post``, ``patch``, ``put`` or ``delete``.

    Attributes:
        method: in capitals.
        path: the template.
        handler: the function that answers, with its signature read.
        allow: who may call; a role is a minimum, which SQL checks again.
        status: of a success, unless the handler returns a ``Reply`` with its own.
        limited: whether requests are counted against rate limits.
        produces: the content type of what it streams; None when it does not. Of events it is
            ``text/event-stream``, chosen by the caller's Accept header.
        conditional: whether it honours If-Match. Its SQL compares, see ``app.require_match``.
    """

    method: str
    path: str
    handler: Handler
    allow: Allow
    status: int
    limited: bool = True
    produces: str | None = None
    conditional: bool = False

    @property
    def name(self) -> str:
        """``POST /v1/crm/clients``: in logs, as the scope of idempotency keys, in the docs."""
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the path's parameters, in order."""
        return tuple(_PARAMETER.findall(self.path))


def _route(
    method: str,
    path: str,
    handler: Callable[..., Any],
    *,
    allow: Allow,
    status: int = 200,
    limited: bool = True,
    produces: str | None = None,
    conditional: bool = False,
) -> Route:
    """A route for ``http_function``.

    Raises:
        TypeError: the handler's signature, the path and the caller do not fit together.
    """
    read = Handler.of(handler)
    if read.shape is Shape.EMPTY:
        status = 204
    if read.pieces is not None:
        produces = EVENT_STREAM
    route = Route(method, path, read, allow, status, limited, produces, conditional)
    if not _TEMPLATE.fullmatch(path):
        raise TypeError(f"{route.name}: a path reads /v1/some-thing/{{some_id}}")
    model = route.handler.models.get("path")
    fields = set(model.model_fields) if model else set()
    if fields != set(route.parameters):
        raise TypeError(f"{route.name}: the path has {route.parameters}, the model {fields}")
    if method == "GET" and route.handler.takes & {"body", "form", "file", "event"}:
        raise TypeError(f"{route.name}: GET has no body")
    if method == "GET" and conditional:
        raise TypeError(f"{route.name}: If-Match is for changes")
    if route.handler.shape is Shape.EMPTY and allow is not PLATFORM:
        raise TypeError(f"{route.name}: only platform routes may answer without a body")
    if route.handler.streams != (produces is not None and read.pieces is None):
        raise TypeError(f"{route.name}: produces names the content type of a Stream, and only that")
    if "event" in route.handler.takes and allow is not PLATFORM:
        raise TypeError(f"{route.name}: only the platform sends events")
    return route


get = partial(_route, "GET")
post = partial(_route, "POST")
patch = partial(_route, "PATCH")
put = partial(_route, "PUT")
delete = partial(_route, "DELETE")


class Router:
    """Finds a function's route for a path and a method."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Build the table.

        Raises:
            TypeError: two routes answer the same method and path.
        """
        self._fixed: dict[str, dict[str, Route]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Route]]] = []
        patterns: dict[str, dict[str, Route]] = {}
        for route in routes:
            if route.parameters:
                pattern = _PARAMETER.sub(r"(?P<\1>[^/]+)", route.path)
                methods = patterns.setdefault(pattern, {})
            else:
                methods = self._fixed.setdefault(route.path, {})
            if route.method in methods:
                raise TypeError(f"{route.name} is there twice")
            methods[route.method] = route
        # More fixed segments first: /clients/{id}/stage before /clients/{id}/{other}.
        for pattern in sorted(patterns, key=lambda text: text.count("(?P<")):
            self._patterns.append((re.compile(pattern), patterns[pattern]))

    def methods(self, path: str) -> dict[str, Route]:
        """The routes of a path, by method; empty when there is nothing at it."""
        return self._find(path)[0]

    def match(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route and the path's parameters as text. HEAD is answered by GET.

        Raises:
            NotFound: nothing is at this path.
            MethodNotAllowed: something is, and ``details.allow`` lists its methods.
        """
        methods, parameters = self._find(path)
        if not methods:
            raise NotFound("There is nothing at this path.")
        route = methods.get("GET" if method == "HEAD" else method)
        if route is None:
            raise MethodNotAllowed(details={"allow": allowed(methods)})
        return route, parameters

    def _find(self, path: str) -> tuple[dict[str, Route], dict[str, str]]:
        if path in self._fixed:
            return self._fixed[path], {}
        for pattern, methods in self._patterns:
            if found := pattern.fullmatch(path):
                return methods, found.groupdict()
        return {}, {}


def allowed(methods: Iterable[str]) -> list[str]:
    """What the Allow header lists for a path with these methods."""
    names = set(methods)
    return sorted(names | {"OPTIONS"} | ({"HEAD"} if "GET" in names else set()))
