"""JSON schemas of the models that routes take and give, named once for the whole API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from frontdesk.http.envelope import APIResponse, ErrorResponse, PaginatedResponse
from frontdesk.http.events import ERROR, FINAL, event_of
from frontdesk.http.handler import Shape
from frontdesk.http.routing import Route

Schema = dict[str, Any]
Mode = Literal["validation", "serialization"]
_PREFIX = "#/components/schemas/"


class Schemas:
    """The schemas of a set of routes.

    Attributes:
        components: schemas by name, for ``components.schemas``.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        wanted: dict[tuple[type[BaseModel], Mode], None] = {(ErrorResponse, "serialization"): None}
        for route in routes:
            for model in route.handler.models.values():
                wanted[model, "validation"] = None
            envelope = _envelope(route)
            if envelope is not None:
                wanted[envelope, "serialization"] = None
            if route.handler.pieces is not None:
                wanted[route.handler.pieces, "serialization"] = None
        self._references, definitions = models_json_schema(
            list(wanted), ref_template=_PREFIX + "{model}"
        )
        self.components: dict[str, Schema] = definitions.get("$defs", {})

    def error(self) -> Schema:
        """A reference to the error envelope."""
        return self._references[ErrorResponse, "serialization"]

    def reply(self, route: Route) -> Schema | None:
        """A reference to the envelope of a route's success; None when it has no JSON."""
        envelope = _envelope(route)
        return None if envelope is None else self._references[envelope, "serialization"]

    def events(self, route: Route) -> dict[str, Schema] | None:
        """References to the data of a route's events, by event; None when it has none."""
        pieces, reply = route.handler.pieces, self.reply(route)
        if pieces is None or reply is None:
            return None
        piece = self._references[pieces, "serialization"]
        return {event_of(pieces): piece, FINAL: reply, ERROR: self.error()}

    def request(self, model: type[BaseModel]) -> Schema:
        """A reference to what a request must send."""
        return self._references[model, "validation"]

    def fields(self, model: type[BaseModel]) -> Schema:
        """The object schema of a flat model: its parameters, or the fields of a form."""
        return self.components[_name(self.request(model))]

    def close(self, roots: Iterable[Schema], replies: Iterable[Schema]) -> None:
        """Say of what only requests hold that unknown fields are refused, as the door does;
        replies stay open to fields that are added later.
        """
        of_replies = self._reachable(replies)
        for name in self._reachable(roots) - of_replies:
            schema = self.components[name]
            if "properties" in schema:
                schema.setdefault("additionalProperties", False)

    def keep(self, roots: Iterable[Schema]) -> None:
        """Drop the components that nothing refers to, such as models spread into parameters."""
        used = self._reachable(roots)
        self.components = {name: self.components[name] for name in sorted(used)}

    def _reachable(self, roots: Iterable[Schema]) -> set[str]:
        found: set[str] = set()
        waiting = [name for root in roots for name in references(root)]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(references(self.components[name]))
        return found


def references(schema: Any) -> Iterator[str]:
    """Names of the components that a schema mentions, anywhere in it."""
    if isinstance(schema, dict):
        if isinstance(target := schema.get("$ref"), str) and target.startswith(_PREFIX):
            yield _name(schema)
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


def _name(reference: Schema) -> str:
    target: str = reference["$ref"]
    return target.removeprefix(_PREFIX)


def _envelope(route: Route) -> type[BaseModel] | None:
    model = route.handler.returns
    if model is None:
        return None
    if route.handler.shape is Shape.PAGE:
        return PaginatedResponse[model]  # type: ignore[valid-type]
    return APIResponse[model]  # type: ignore[valid-type]
