"""Which differences between two OpenAPI documents would break a client that works today.

v1 is additive: paths, optional request fields and reply fields may be added. A request that was
accepted must stay accepted, and a reply must keep what a client may read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

Document = dict[str, Any]

_METHODS = ("get", "post", "put", "patch", "delete")
# From the least to the most powerful: to demand more than before is a breaking change.
_ROLES = ("public", "watcher", "visitor", "viewer", "agent", "owner")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")


class Side(StrEnum):
    """Who sends what a schema describes."""

    REQUEST = "request"
    REPLY = "reply"


def breaking_changes(old: Document, new: Document) -> list[str]:
    """One sentence for each breaking difference; empty when every client of ``old`` goes on
    working with ``new``.
    """
    return list(_Comparison(old, new).run())


class _Comparison:
    def __init__(self, old: Document, new: Document) -> None:
        self._old = old
        self._new = new
        self._seen: set[tuple[str, str, Side]] = set()

    def run(self) -> Iterator[str]:
        for path, methods in self._old["paths"].items():
            for method in _METHODS:
                if method in methods:
                    name = f"{method.upper()} {path}"
                    operation = self._new["paths"].get(path, {}).get(method)
                    if operation is None:
                        yield f"{name} is gone"
                    else:
                        yield from self._operation(name, methods[method], operation)

    def _operation(self, name: str, old: Document, new: Document) -> Iterator[str]:
        yield from _callers(name, old, new)
        yield from self._parameters(name, old, new)
        yield from self._body(name, old.get("requestBody"), new.get("requestBody"))
        for status, response in old["responses"].items():
            if not status.startswith("2"):
                continue
            if status not in new["responses"]:
                yield f"{name} no longer answers {status}"
                continue
            after = new["responses"][status].get("content", {})
            for kind, media in response.get("content", {}).items():
                where = f"{name} → {status}"
                if kind not in after:
                    yield f"{where} no longer has {kind}"
                else:
                    yield from self._schema(
                        where, media["schema"], after[kind]["schema"], Side.REPLY
                    )

    def _parameters(self, name: str, old: Document, new: Document) -> Iterator[str]:
        before = {(p["in"], p["name"]): p for p in old.get("parameters", [])}
        after = {(p["in"], p["name"]): p for p in new.get("parameters", [])}
        for key, parameter in before.items():
            where = f"{name} {key[0]} parameter {key[1]}"
            if key not in after:
                yield f"{where} is gone"
                continue
            yield from self._schema(where, parameter["schema"], after[key]["schema"], Side.REQUEST)
        for key, parameter in after.items():
            if parameter["required"] and not before.get(key, {"required": False})["required"]:
                yield f"{name} {key[0]} parameter {key[1]} is now required"

    def _body(self, name: str, old: Document | None, new: Document | None) -> Iterator[str]:
        if new is None:
            if old is not None:
                yield f"{name} no longer takes a body"
            return
        if new["required"] and not (old or {"required": False})["required"]:
            yield f"{name} now requires a body"
        for kind, media in (old or {"content": {}})["content"].items():
            if kind not in new["content"]:
                yield f"{name} no longer takes {kind}"
            else:
                after = new["content"][kind]["schema"]
                yield from self._schema(f"{name} body", media["schema"], after, Side.REQUEST)

    def _schema(self, where: str, old: Document, new: Document, side: Side) -> Iterator[str]:
        pair = (old.get("$ref", ""), new.get("$ref", ""), side)
        if all(pair[:2]):
            if pair in self._seen:
                return
            self._seen.add(pair)
        before = self._variants(old, self._old)
        after = self._variants(new, self._new)
        # Every variant that is sent must be known to who receives it.
        sent, known = (before, after) if side is Side.REQUEST else (after, before)
        for kind in sorted(set(sent) - set(known)):
            if "any" not in known:
                change = "no longer takes" if side is Side.REQUEST else "may now be"
                yield f"{where} {change} {kind}"
        for kind in sorted(set(before) & set(after)):
            yield from self._variant(where, before[kind], after[kind], side)

    def _variants(self, schema: Document, document: Document) -> dict[str, Document]:
        """The alternatives of a schema by their JSON type; several objects by their name too."""
        options = list(_options(schema, document))
        objects = sum("object" in _types(option) for option in options)
        variants: dict[str, Document] = {}
        for option in options:
            for kind in _types(option):
                several = kind == "object" and objects > 1
                variants[f"object {option.get('title', '')}" if several else kind] = option
        return variants

    def _variant(self, where: str, old: Document, new: Document, side: Side) -> Iterator[str]:
        if old.get("format") != new.get("format"):
            yield f"{where} has another format: {old.get('format')}, now {new.get('format')}"
        if side is Side.REQUEST:
            yield from _narrowed(where, old, new)
        yield from self._properties(where, old, new, side)
        for keyword, suffix in (("items", "[]"), ("additionalProperties", "{}")):
            if isinstance(old.get(keyword), dict) and isinstance(new.get(keyword), dict):
                yield from self._schema(where + suffix, old[keyword], new[keyword], side)

    def _properties(self, where: str, old: Document, new: Document, side: Side) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        required_before, required_after = set(old.get("required", [])), set(new.get("required", []))
        for name, schema in before.items():
            if name not in after:
                yield f"{where}: {name} is gone"
                continue
            if side is Side.REPLY and name in required_before - required_after:
                yield f"{where}: {name} may now be missing"
            yield from self._schema(f"{where}.{name}", schema, after[name], side)
        if side is Side.REQUEST:
            for name in sorted(required_after - required_before):
                yield f"{where}: {name} is now required"


def _callers(name: str, old: Document, new: Document) -> Iterator[str]:
    before, after = old["x-frontdesk-allow"], new["x-frontdesk-allow"]
    if before == after:
        return
    if before in _ROLES and after in _ROLES and _ROLES.index(after) < _ROLES.index(before):
        return
    yield f"{name} was for {before} and is now for {after}"


def _resolve(schema: Document, document: Document) -> Document:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def _options(schema: Document, document: Document) -> Iterator[Document]:
    """The alternatives of a schema, without references; itself when it has none."""
    schema = _resolve(schema, document)
    options = schema.get("anyOf") or schema.get("oneOf")
    if options is None:
        yield schema
    for option in options or []:
        yield from _options(option, document)


def _types(schema: Document) -> list[str]:
    """JSON types of a schema; ``any`` when it does not say."""
    kinds = schema.get("type")
    if kinds is None:
        values = _constants(schema) or []
        kinds = "string" if values and all(isinstance(v, str) for v in values) else "any"
    return kinds if isinstance(kinds, list) else [kinds]


def _narrowed(where: str, old: Document, new: Document) -> Iterator[str]:
    """What a request may no longer say."""
    before, after = _constants(old), _constants(new)
    if after is not None:
        if before is None:
            yield f"{where} now takes only {', '.join(map(str, after))}"
        else:
            gone = [str(value) for value in before if value not in after]
            if gone:
                yield f"{where} no longer takes {', '.join(gone)}"
    for keywords, is_narrower in ((_UPPER, _is_less), (_LOWER, _is_more)):
        for keyword in keywords:
            if keyword in new and is_narrower(new[keyword], old.get(keyword)):
                yield f"{where} has a narrower {keyword}: {old.get(keyword)}, now {new[keyword]}"
    if "pattern" in new and new["pattern"] != old.get("pattern"):
        yield f"{where} must now match {new['pattern']}"


_Compare = Callable[[Any, Any], bool]


def _is_less(new: Any, old: Any) -> bool:
    return old is None or new < old


def _is_more(new: Any, old: Any) -> bool:
    return old is None or new > old


def _constants(schema: Document) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return schema.get("enum")
