"""Values from a request, checked by the handler's models; every problem at once, in plain words.

Unknown parameters and body fields are refused by name: a misspelt filter must not look like an
unfiltered list.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any, TypedDict, get_args, get_origin
from urllib.parse import unquote_to_bytes

from pydantic import BaseModel, ValidationError

from frontdesk.platform.errors import InvalidRequest

Values = dict[str, str | list[str]]
"""Parameters by name; a list where the model has one."""

MAX_QUERY_PARAMETERS = 100
MAX_PROBLEMS = 50
"""Problems listed in one reply; a thousand bad rows need not be told one by one."""
_MAX_NAME = 100
_MALFORMED_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Problem(TypedDict):
    """One entry of ``error.details.errors``."""

    field: str
    message: str


def invalid(problems: Sequence[Problem]) -> InvalidRequest:
    """One error that lists them all."""
    shown = list(problems[:MAX_PROBLEMS])
    message = f"{shown[0]['field']}: {shown[0]['message']}"
    if more := len(problems) - 1:
        message += f" (and {more} more)"
    return InvalidRequest(message, details={"errors": shown})


def parse_query(query: bytes, model: type[BaseModel] | None) -> Values:
    """The parameters of a query string; ``model`` says which may come several times.

    Raises:
        InvalidRequest: it is not UTF-8 in percent-encoding, or a parameter comes twice.
    """
    if not query:
        return {}
    pairs = query.split(b"&", MAX_QUERY_PARAMETERS)
    if len(pairs) > MAX_QUERY_PARAMETERS:
        raise InvalidRequest(f"The query has more than {MAX_QUERY_PARAMETERS} parameters.")
    decoded = []
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        if pair:
            decoded.append((_decode(name), _decode(value)))
    return collect(decoded, model)


def collect(pairs: Sequence[tuple[str, str]], model: type[BaseModel] | None) -> Values:
    """Pairs as a mapping; a name may come again only where the model has a list.

    Raises:
        InvalidRequest: another name comes twice.
    """
    lists = _list_fields(model) if model else frozenset[str]()
    values: Values = {}
    problems: list[Problem] = []
    for name, value in pairs:
        if name in lists:
            several = values.setdefault(name, [])
            assert isinstance(several, list)  # noqa: S101 -- names in lists only hold lists
            several.append(value)
        elif name in values:
            problems.append({"field": name[:_MAX_NAME], "message": "is given more than once."})
        else:
            values[name] = value
    if problems:
        raise invalid(problems)
    return values


def validate(
    model: type[BaseModel], values: Mapping[str, Any], problems: list[Problem]
) -> BaseModel | None:
    """The model of these values; problems are appended, and then there is no model."""
    try:
        return model.model_validate(values, extra="forbid")
    except ValidationError as error:
        problems += _problems(error)
        return None


def validate_json(
    model: type[BaseModel], content: bytes, problems: list[Problem]
) -> BaseModel | None:
    """The model of a JSON text; problems are appended, and then there is no model."""
    try:
        return model.model_validate_json(content, extra="forbid")
    except ValidationError as error:
        problems += _problems(error)
        return None


def refuse_unknown(values: Collection[str]) -> list[Problem]:
    """The problems of a route that takes no parameters."""
    return [{"field": name[:_MAX_NAME], "message": "is not known here."} for name in values]


def _decode(text: bytes) -> str:
    if _MALFORMED_PERCENT.search(text):
        raise InvalidRequest("The query has a % that no two hexadecimal digits follow.")
    try:
        decoded = unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest("The query is not valid UTF-8.") from None
    if "\0" in decoded:
        raise InvalidRequest("The query holds a null character.")
    return decoded


@cache
def _list_fields(model: type[BaseModel]) -> frozenset[str]:
    """Names under which the model takes several values."""
    names = set()
    for name, field in model.model_fields.items():
        if any(
            _is_collection(member) for member in (field.annotation, *get_args(field.annotation))
        ):
            alias = field.validation_alias or field.alias
            names.add(alias if isinstance(alias, str) else name)
    return frozenset(names)


def _is_collection(hint: Any) -> bool:
    kind = get_origin(hint) or hint
    if not isinstance(kind, type) or issubclass(kind, str):  # a StrEnum is one text too
        return False
    return issubclass(kind, Sequence | AbstractSet)


def _problems(error: ValidationError) -> list[Problem]:
    return [
        {"field": _field(entry["loc"]), "message": sentence(entry["type"], entry["msg"])}
        for entry in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def _field(location: tuple[int | str, ...]) -> str:
    """``rooms[0].name``; the whole body when the location is empty."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part[:_MAX_NAME]}" if text else part[:_MAX_NAME]
    return text if location else "body"


_SENTENCES = {
    "bool_parsing": "must be true or false.",
    "bool_type": "must be true or false.",
    "date_from_datetime_parsing": "must be a date such as 2026-07-31.",
    "date_parsing": "must be a date such as 2026-07-31.",
    "datetime_from_date_parsing": "must be a time such as 2026-07-31T09:30:00Z.",
    "datetime_parsing": "must be a time such as 2026-07-31T09:30:00Z.",
    "decimal_parsing": "must be a decimal number.",
    "decimal_type": "must be a decimal number.",
    "dict_type": "must be an object.",
    "extra_forbidden": "is not known here.",
    "finite_number": "must be a finite number.",
    "float_parsing": "must be a number.",
    "float_type": "must be a number.",
    "int_from_float": "must be a whole number.",
    "int_parsing": "must be a whole number.",
    "int_parsing_size": "must be a smaller whole number.",
    "int_type": "must be a whole number.",
    "json_invalid": "is not valid JSON.",
    "list_type": "must be a list.",
    "missing": "is required.",
    "model_attributes_type": "must be an object.",
    "model_type": "must be an object.",
    "none_required": "must be null.",
    "string_pattern_mismatch": "has not the required form.",
    "string_type": "must be a text.",
    "string_unicode": "must be valid Unicode.",
    "tuple_type": "must be a list.",
    "uuid_parsing": "must be a UUID.",
    "uuid_type": "must be a UUID.",
}


def sentence(kind: str, message: str) -> str:
    """pydantic's message as the rest of a sentence that begins with the field's name."""
    if kind in _SENTENCES:
        return _SENTENCES[kind]
    for prefix, start in (
        ("Value error, ", ""),
        ("Assertion failed, ", ""),
        ("Input should be ", "must be "),
        ("Input should have ", "must have "),
        ("Value should have ", "must have "),
        ("String should have ", "must have "),
        ("List should have ", "must have "),
        ("Decimal input should have ", "must have "),
        ("Datetimes? should ", "must "),
    ):
        if message.startswith(prefix):
            message = start + message.removeprefix(prefix)
            break
    return message if message.endswith(".") else message + "."
