"""Which changes of the API would break a client that works today."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from frontdesk.http.compatibility import breaking_changes

Document = dict[str, Any]
PATH = "/v1/hotels/{hotel_id}"


@pytest.fixture
def document() -> Document:
    """A small API with one of everything."""
    return {
        "paths": {
            PATH: {
                "post": {
                    "x-frontdesk-allow": "agent",
                    "parameters": [
                        {"in": "path", "name": "hotel_id", "required": True, "schema": STRING},
                        {
                            "in": "query",
                            "name": "sort",
                            "required": False,
                            "schema": {"type": "string", "enum": ["name", "price"]},
                        },
                    ],
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": reference("NewRoom")}},
                    },
                    "responses": {
                        "200": {"content": {"application/json": {"schema": reference("Reply")}}},
                        "404": {"$ref": "#/components/responses/Error404"},
                    },
                }
            }
        },
        "components": {
            "schemas": {
                "NewRoom": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string", "minLength": 1, "maxLength": 100},
                        "beds": {"type": "integer", "maximum": 8},
                        "note": {"anyOf": [STRING, {"type": "null"}]},
                        "tags": {"type": "array", "items": STRING, "maxItems": 5},
                    },
                    "required": ["name"],
                },
                "Reply": {
                    "type": "object",
                    "properties": {"data": reference("Room"), "request_id": STRING},
                    "required": ["data", "request_id"],
                },
                "Room": {
                    "type": "object",
                    "properties": {
                        "id": {"type": "string", "format": "uuid"},
                        "name": STRING,
                        "beds": {"type": "integer"},
                        "price": {"anyOf": [reference("Money"), {"type": "null"}]},
                        "parts": {"type": "array", "items": reference("Room")},
                    },
                    "required": ["id", "name", "price"],
                },
                "Money": {
                    "type": "object",
                    "title": "Money",
                    "properties": {"amount": STRING, "currency": STRING},
                    "required": ["amount", "currency"],
                },
            }
        },
    }


STRING = {"type": "string"}


def reference(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def operation(document: Document) -> Any:
    return document["paths"][PATH]["post"]


def schema(document: Document, name: str) -> Any:
    return document["components"]["schemas"][name]


def fields(document: Document, name: str) -> Any:
    return schema(document, name)["properties"]


def body(document: Document) -> Any:
    return operation(document)["requestBody"]


def content(document: Document) -> Any:
    return operation(document)["responses"]["200"]["content"]


Change = Callable[[Document], object]
BREAKING: dict[str, Change] = {
    "a path is gone": lambda d: d["paths"].clear(),
    "a method is gone": lambda d: d["paths"][PATH].clear(),
    "a higher role": lambda d: operation(d).update({"x-frontdesk-allow": "owner"}),
    "another kind of caller": lambda d: operation(d).update({"x-frontdesk-allow": "admin"}),
    "a parameter is gone": lambda d: operation(d)["parameters"].pop(),
    "a parameter is required": lambda d: operation(d)["parameters"][1].update(required=True),
    "a new required parameter": lambda d: operation(d)["parameters"].append(
        {"in": "query", "name": "x", "required": True, "schema": STRING}
    ),
    "a parameter takes less": lambda d: operation(d)["parameters"][1]["schema"]["enum"].pop(),
    "another status": lambda d: operation(d)["responses"].update(
        {"201": operation(d)["responses"].pop("200")}
    ),
    "another content type of the reply": lambda d: content(d).update(
        {"application/xml": content(d).pop("application/json")}
    ),
    "no body any more": lambda d: operation(d).pop("requestBody"),
    "another content type of the body": lambda d: body(d)["content"].update(
        {"application/xml": body(d)["content"].pop("application/json")}
    ),
    "a field of the body is gone": lambda d: fields(d, "NewRoom").pop("note"),
    "a field of the body is required": lambda d: schema(d, "NewRoom")["required"].append("beds"),
    "a new required field of the body": lambda d: (
        fields(d, "NewRoom").update(kind=STRING),
        schema(d, "NewRoom")["required"].append("kind"),
    ),
    "a shorter text": lambda d: fields(d, "NewRoom")["name"].update(maxLength=50),
    "a longer minimum": lambda d: fields(d, "NewRoom")["name"].update(minLength=2),
    "a smaller maximum": lambda d: fields(d, "NewRoom")["beds"].update(maximum=4),
    "a new minimum": lambda d: fields(d, "NewRoom")["beds"].update(minimum=1),
    "a new pattern": lambda d: fields(d, "NewRoom")["name"].update(pattern="^[a-z]+$"),
    "a shorter list": lambda d: fields(d, "NewRoom")["tags"].update(maxItems=1),
    "only some values": lambda d: fields(d, "NewRoom")["name"].update(enum=["a", "b"]),
    "another type of a field of the body": lambda d: fields(d, "NewRoom").update(
        name={"type": "integer"}
    ),
    "another type within a list": lambda d: fields(d, "NewRoom")["tags"].update(
        items={"type": "integer"}
    ),
    "null is no longer taken": lambda d: fields(d, "NewRoom").update(note=STRING),
    "a field of the reply is gone": lambda d: fields(d, "Room").pop("beds"),
    "a field of the reply may be missing": lambda d: schema(d, "Room")["required"].remove("name"),
    "a field of the reply may be null": lambda d: fields(d, "Room").update(
        name={"anyOf": [STRING, {"type": "null"}]}
    ),
    "another type of a field of the reply": lambda d: fields(d, "Room").update(beds=STRING),
    "another format": lambda d: fields(d, "Room")["id"].update(format="date"),
    "a field far down in the reply is gone": lambda d: fields(d, "Money").pop("currency"),
    "another object in the reply": lambda d: fields(d, "Room")["price"]["anyOf"].append(
        {"type": "object", "title": "Points"}
    ),
}
HARMLESS: dict[str, Change] = {
    "nothing": lambda d: None,
    "a new path": lambda d: d["paths"].update({"/v1/new": {"get": operation(d)}}),
    "a new method": lambda d: d["paths"][PATH].update(get=operation(d)),
    "a lower role": lambda d: operation(d).update({"x-frontdesk-allow": "viewer"}),
    "a new optional parameter": lambda d: operation(d)["parameters"].append(
        {"in": "query", "name": "x", "required": False, "schema": STRING}
    ),
    "a parameter takes more": lambda d: operation(d)["parameters"][1]["schema"]["enum"].append("x"),
    "a parameter takes anything": lambda d: operation(d)["parameters"][1].update(schema=STRING),
    "an optional body": lambda d: body(d).update(required=False),
    "a new optional field of the body": lambda d: fields(d, "NewRoom").update(kind=STRING),
    "a field of the body is optional": lambda d: schema(d, "NewRoom")["required"].clear(),
    "a longer text": lambda d: fields(d, "NewRoom")["name"].update(maxLength=500),
    "no minimum": lambda d: fields(d, "NewRoom")["name"].pop("minLength"),
    "null is taken": lambda d: fields(d, "NewRoom").update(
        name={"anyOf": [{"type": "string"}, {"type": "null"}]}
    ),
    "a new field of the reply": lambda d: fields(d, "Room").update(stars=STRING),
    "a field of the reply is always there": lambda d: schema(d, "Room")["required"].append("beds"),
    "a field of the reply is never null": lambda d: fields(d, "Room").update(
        price=reference("Money")
    ),
    "another error": lambda d: operation(d)["responses"].pop("404"),
    "another description": lambda d: schema(d, "Room").update(description="A room."),
    "another name of a schema": lambda d: (
        d["components"]["schemas"].update(Chamber=schema(d, "Room")),
        fields(d, "Reply").update(data=reference("Chamber")),
    ),
}


@pytest.mark.parametrize("change", BREAKING.values(), ids=BREAKING.keys())
def test_a_change_that_breaks_clients_is_named(document: Document, change: Change) -> None:
    changed = copy.deepcopy(document)
    change(changed)
    assert breaking_changes(document, changed)


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS.keys())
def test_a_change_that_breaks_nobody_is_not(document: Document, change: Change) -> None:
    changed = copy.deepcopy(document)
    change(changed)
    assert breaking_changes(document, changed) == []


def test_the_sentence_says_where(document: Document) -> None:
    changed = copy.deepcopy(document)
    fields(changed, "Money").pop("currency")
    assert breaking_changes(document, changed) == [
        f"POST {PATH} → 200.data.price: currency is gone"
    ]
