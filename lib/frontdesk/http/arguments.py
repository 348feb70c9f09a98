"""A handler's arguments, made from the request; every wrong value is told at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Request

from frontdesk.http import body, idempotency, preconditions
from frontdesk.http.exchange import Exchange
from frontdesk.http.routing import PLATFORM, Route
from frontdesk.http.validation import (
    Problem,
    invalid,
    parse_query,
    refuse_unknown,
    validate,
    validate_json,
)
from frontdesk.platform.context import Command
from frontdesk.platform.errors import InvalidRequest
from frontdesk.platform.settings import Settings


@dataclass(frozen=True, slots=True)
class Arguments:
    """What the handler is called with, apart from the context, and the command it makes."""

    values: dict[str, Any]
    command: Command | None


def size_limit(route: Route, settings: Settings) -> int:
    """Bytes that a request's body may have."""
    uploads = "file" in route.handler.takes
    return settings.max_upload_bytes if uploads else settings.max_body_bytes


def read_arguments(
    route: Route,
    path: dict[str, str],
    exchange: Exchange,
    settings: Settings,
) -> Arguments:
    """Read and check path, query, headers and body of the exchange's request.

    Raises:
        InvalidRequest: something is wrong; details list every field that is.
        PayloadTooLarge, UnsupportedMediaType: the body's, see ``body``.
    """
    request = exchange.request
    problems: list[Problem] = []
    models = route.handler.models
    values: dict[str, Any] = {}
    if "path" in models:
        values["path"] = validate(models["path"], path, problems)
    query = parse_query(request.query_string, models.get("query"))
    if "query" in models:
        values["query"] = validate(models["query"], query, problems)
    else:
        problems += refuse_unknown(query)
    limit = size_limit(route, settings)
    if route.handler.takes & {"form", "file"}:
        form = body.read_form(request, limit, models.get("form"), exchange.resources)
        values |= _form(route, form, problems)
        content = form.content
    else:
        content = body.read_body(request, limit)
        values |= _body(route, request, content, problems)
    if problems:
        raise invalid(problems)
    if route.method == "GET":
        return Arguments(values, command=None)  # reading can be repeated as it is
    command = Command(
        idempotency_key=idempotency.idempotency_key(request.headers),
        fingerprint=idempotency.fingerprint(route.name, path, query, content),
        route=route.name,
        request_id=exchange.request_id,
        if_match=preconditions.if_match(request.headers) if route.conditional else None,
    )
    return Arguments(values, command)


def _form(route: Route, form: body.Form, problems: list[Problem]) -> dict[str, Any]:
    """``form`` and ``file``, as far as the handler takes them."""
    values: dict[str, Any] = {}
    if "form" in route.handler.models:
        values["form"] = validate(route.handler.models["form"], form.values, problems)
    else:
        problems += refuse_unknown(form.values)
    if "file" in route.handler.takes:
        if form.file is None:
            problems.append({"field": "file", "message": "is required."})
        values["file"] = form.file
    elif form.file is not None:
        problems += refuse_unknown(["file"])
    return values


def _body(
    route: Route, request: Request, content: bytes, problems: list[Problem]
) -> dict[str, Any]:
    """``body`` or ``event``, as far as the handler takes them."""
    handler = route.handler
    if "event" in handler.takes:
        from frontdesk.platform.events import PushMessage, decode_push

        message = decode_push(content)
        return {"event": message if handler.event is PushMessage else message.event}
    if "body" not in handler.takes:
        # Cloud Scheduler posts what it likes; anybody else is told that nobody reads it.
        if content.strip() not in {b"", b"{}"} and route.allow is not PLATFORM:
            raise InvalidRequest("This route takes no body.")
        return {}
    if content.strip():
        body.check_json(request, content)
        return {"body": validate_json(handler.models["body"], content, problems)}
    if not handler.body_optional:
        problems.append({"field": "body", "message": "is required, as JSON."})
    return {"body": None}
