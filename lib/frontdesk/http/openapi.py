"""OpenAPI 3.1 of the whole API, generated from the routes and models that serve it.

``python -m frontdesk.http.openapi --check`` fails when docs/openapi.json, docs/errors.md or
docs/routes.md is not what the code says. ``--write`` brings them up to date, and refuses a change
that would break a client unless ``--allow-breaking`` says that this is meant.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from frontdesk.http.catalogue import Listed, catalogue
from frontdesk.http.compatibility import breaking_changes
from frontdesk.http.docstrings import description, summary
from frontdesk.http.error_page import error_page, errors_by_status
from frontdesk.http.events import EVENT_STREAM
from frontdesk.http.idempotency import HEADER as IDEMPOTENCY_HEADER
from frontdesk.http.preconditions import HEADER as IF_MATCH_HEADER
from frontdesk.http.route_page import route_page
from frontdesk.http.routing import ADMIN, PLATFORM, PUBLIC, WATCHER, Allow, Route
from frontdesk.http.schemas import Schemas

REPOSITORY = Path(__file__).resolve().parents[3]
_DESCRIPTION = """Every reply is JSON in one of three shapes: a success, a page of a list, an error.
Errors carry a documented code (docs/errors.md) and say whether the same request may succeed later.
Unknown parameters and fields of requests are refused; replies may gain fields within v1.
Every request may carry X-Request-Id, and every reply does."""

Document = dict[str, Any]


def build(repository: Path) -> Document:
    """The OpenAPI document of all functions in ``repository/functions``."""
    return describe(catalogue(repository))


def describe(functions: list[Listed]) -> Document:
    """The OpenAPI document of these functions."""
    routes = [route for listed in functions for route in listed.function.routes]
    schemas = Schemas(routes)
    paths: dict[str, Document] = {}
    for listed in functions:
        for route in listed.function.routes:
            operation = _operation(listed, route, schemas)
            paths.setdefault(route.path, {})[route.method.lower()] = operation
    errors = _error_responses(schemas)
    requests = [schemas.request(m) for route in routes for m in route.handler.models.values()]
    replies = [*filter(None, map(schemas.reply, routes)), schemas.error()]
    schemas.close(requests, replies)
    schemas.keep([paths, errors])
    return {
        "openapi": "3.1.0",
        "info": {"title": "Frontdesk", "version": "1", "description": _DESCRIPTION},
        "tags": [
            {"name": listed.manifest.name, "description": listed.manifest.description}
            for listed in functions
        ],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "responses": errors,
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


_SECURITY_SCHEMES = {
    "member": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A user's Supabase token with the claim tenant_id.",
    },
    "admin": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Admin-Token",
        "description": "One of the named admin tokens of the deployment.",
    },
    "platform": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Google's OIDC token of our own Pub/Sub or Scheduler service account.",
    },
}


def _operation(listed: Listed, route: Route, schemas: Schemas) -> Document:
    handler = route.handler
    tag = listed.manifest.name
    of_every_function = route.path.startswith(("/v1/health/", "/v1/ready/"))
    operation: Document = {
        "operationId": handler.name + (f"_{tag.replace('-', '_')}" if of_every_function else ""),
        "summary": summary(handler.function),
        "tags": [tag],
        "x-frontdesk-allow": str(route.allow),
        "security": _security(route.allow),
        "responses": {str(route.status): _success(route, schemas)},
    }
    if text := description(handler.function):
        operation["description"] = text
    if parameters := list(_parameters(route, schemas)):
        operation["parameters"] = parameters
    if body := _request_body(route, schemas):
        operation["requestBody"] = body
    for status in _error_statuses(route):
        operation["responses"][str(status)] = {"$ref": f"#/components/responses/Error{status}"}
    return operation


def _security(allow: Allow) -> list[dict[str, list[str]]]:
    if allow is PUBLIC:
        return []
    if allow is WATCHER:
        return [{}, {"admin": []}]
    return [{str(allow) if allow in {ADMIN, PLATFORM} else "member": []}]


def _parameters(route: Route, schemas: Schemas) -> Iterator[Document]:
    for place in ("path", "query"):
        model = route.handler.models.get(place)
        if model is None:
            continue
        fields = schemas.fields(model)
        for name, schema in fields.get("properties", {}).items():
            parameter: Document = {
                "name": name,
                "in": place,
                "required": place == "path" or name in fields.get("required", []),
                "schema": _of_parameter(schema),
            }
            if "description" in schema:
                parameter["description"] = schema["description"]
            yield parameter
    if route.method == "POST" and route.allow not in {PLATFORM, PUBLIC}:
        yield {
            "name": IDEMPOTENCY_HEADER,
            "in": "header",
            "required": False,
            "description": "The same key with the same request gives the same reply for 24 hours.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }
    if route.conditional:
        yield {
            "name": IF_MATCH_HEADER,
            "in": "header",
            "required": False,
            "description": "The ETag that was read; when it changed since, nothing is done: 412.",
            "schema": {"type": "string"},
        }


def _of_parameter(schema: Document) -> Document:
    """A field's schema as a parameter's: without pydantic's title, which repeats the name, and
    without null, which a query cannot say.
    """
    rest = {key: schema[key] for key in schema if key not in {"title", "description"}}
    options: list[Document] = [
        option for option in rest.get("anyOf", []) if option != {"type": "null"}
    ]
    if len(options) == 1 and rest.get("default") is None:
        return options[0]
    return rest


def _request_body(route: Route, schemas: Schemas) -> Document | None:
    handler = route.handler
    if "body" in handler.models:
        schema = schemas.request(handler.models["body"])
        content = {"application/json": {"schema": schema}}
        return {"required": not handler.body_optional, "content": content}
    if "event" in handler.takes:
        return {
            "required": True,
            "description": "A Pub/Sub push message with a CloudEvent in its data.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    if handler.takes & {"form", "file"}:
        form = handler.models.get("form")
        fields = schemas.fields(form) if form else {"properties": {}}
        properties = dict(fields.get("properties", {}))
        required = list(fields.get("required", []))
        if "file" in handler.takes:
            properties["file"] = {"type": "string", "format": "binary"}
            required.append("file")
        schema = {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }
        return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    return None


def _success(route: Route, schemas: Schemas) -> Document:
    response: Document = {"description": "Success."}
    content: Document = {}
    if (schema := schemas.reply(route)) is not None:
        content["application/json"] = {"schema": schema}
    if route.produces is not None:
        content[route.produces] = {"schema": {"type": "string"}}
    if (events := schemas.events(route)) is not None:
        content[EVENT_STREAM]["x-frontdesk-events"] = events
    if content:
        response["content"] = content
    return response


def _error_statuses(route: Route) -> Iterator[int]:
    """What this route may refuse or fail with, besides what every server may."""
    takes_body = bool(route.handler.takes & {"body", "form", "file", "event"})
    yield 400
    if route.allow not in {PUBLIC, WATCHER}:
        yield 401
        yield 403
    if route.path.startswith("/v1/health/"):
        return
    if route.parameters:
        yield 404
    if route.method != "GET":
        yield from (409, 412, 413)
    if takes_body:
        yield from (415, 422)
    yield from (429, 500, 503, 504)


def _error_responses(schemas: Schemas) -> Document:
    return {
        f"Error{status}": {
            "description": "One of: " + ", ".join(f"`{kind.code}`" for kind in kinds) + ".",
            "content": {"application/json": {"schema": schemas.error()}},
        }
        for status, kinds in errors_by_status().items()
    }


def render(document: Document) -> str:
    """The document as it is kept: sorted, so that a diff shows only what changed."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None, repository: Path = REPOSITORY) -> int:
    """Check or write the generated documents in docs/; returns the exit status."""
    parser = argparse.ArgumentParser(description="The API's generated documents.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="fail when they are out of date")
    action.add_argument("--write", action="store_true", help="bring them up to date")
    parser.add_argument("--allow-breaking", action="store_true", help="write breaking changes too")
    options = parser.parse_args(arguments)

    functions = catalogue(repository)
    document = describe(functions)
    file = repository / "docs" / "openapi.json"
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    broken = breaking_changes(json.loads(before), document) if before else []
    pages = {
        file: render(document),
        repository / "docs" / "errors.md": error_page(),
        repository / "docs" / "routes.md": route_page(functions),
    }
    stale = [p for p, text in pages.items() if not p.exists() or p.read_text("utf-8") != text]
    for change in broken:
        _say(f"breaking: {change}")
    if options.check:
        for page in stale:
            _say(f"{page.relative_to(repository)} is out of date: make openapi")
        return 1 if stale or broken else 0
    if broken and not options.allow_breaking:
        _say("Nothing written. If this is meant, add --allow-breaking.")
        return 1
    for page in stale:
        page.write_text(pages[page], encoding="utf-8")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
