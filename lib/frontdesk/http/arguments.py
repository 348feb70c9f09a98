"""A handler's arguments, made from the request; every wrong value is told at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Request

from frontdesk.http import body, idempotency
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
    route: Route, request: Request, path: dict[str, str], settings: Settings, request_id: str
) -> Arguments:
    """Read and check path, query, headers and body.

    Raises:
        InvalidRequest: something is wrong; details list every field that is.
        PayloadTooLarge, UnsupportedMediaType: the body's, see ``body``.
    """
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
    read = _form if route.handler.takes & {"form", "file"} else _body
    content = read(route, request, size_limit(route, settings), values, problems)
    if problems:
        raise invalid(problems)
    if route.method == "GET":
        return Arguments(values, command=None)  # reading can be repeated as it is
    command = Command(
        idempotency_key=idempotency.idempotency_key(request.headers),
        fingerprint=idempotency.fingerprint(route.name, path, query, content),
        route=route.name,
        request_id=request_id,
    )
    return Arguments(values, command)


def _form(
    route: Route, request: Request, limit: int, values: dict[str, Any], problems: list[Problem]
) -> bytes:
    """Add ``form`` and ``file``; returns what a repetition is recognised by."""
    model = route.handler.models.get("form")
    form = body.read_form(request, limit, model)
    if model is not None:
        values["form"] = validate(model, form.values, problems)
    else:
        problems += refuse_unknown(form.values)
    if "file" in route.handler.takes:
        if form.file is None:
            problems.append({"field": "file", "message": "is required."})
        values["file"] = form.file
    elif form.file is not None:
        problems += refuse_unknown(["file"])
    return form.content


def _body(
    route: Route, request: Request, limit: int, values: dict[str, Any], problems: list[Problem]
) -> bytes:
    """Add ``body`` or ``event``; returns what a repetition is recognised by."""
    content = body.read_body(request, limit)
    handler = route.handler
    if "event" in handler.takes:
        from frontdesk.platform.events import PushMessage, decode_push

        message = decode_push(content)
        values["event"] = message if handler.event is PushMessage else message.event
    elif "body" not in handler.takes:
        # Cloud Scheduler posts what it likes; anybody else is told that nobody reads it.
        if content.strip() not in {b"", b"{}"} and route.allow is not PLATFORM:
            raise InvalidRequest("This route takes no body.")
    elif content.strip():
        body.check_json(request, content)
        values["body"] = validate_json(handler.models["body"], content, problems)
    else:
        values["body"] = None
        if not handler.body_optional:
            problems.append({"field": "body", "message": "is required, as JSON."})
    return content
