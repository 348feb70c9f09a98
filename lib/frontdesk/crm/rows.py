"""A CSV file of clients, read row by row and never held whole.

The columns are the fields of ``ImportedClient``: ``name`` is required, the others are optional, and
any other column is refused by name. ``tags`` are separated by semicolons; ``quotes`` and
``activities`` hold JSON arrays (of ``ImportedQuote`` and ``ImportedActivity``).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, BinaryIO

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from frontdesk.crm.models import NewClient, ShortText, Source
from frontdesk.platform.errors import InvalidRequest
from frontdesk.platform.money import CurrencyCode

MAX_CELL_CHARACTERS = 100_000
_LIST_SEPARATOR = ";"
_JSON_COLUMNS = frozenset({"quotes", "activities"})

Amount = Annotated[str, StringConstraints(pattern=r"^\d{1,12}(\.\d{1,3})?$")]


class ImportedQuote(BaseModel):
    """A quote that the client had before Frontdesk."""

    model_config = ConfigDict(extra="forbid")

    number: ShortText | None = Field(None, description="The number that it had there.")
    destination: ShortText | None = None
    total: Amount
    currency: CurrencyCode
    status: Annotated[str, StringConstraints(pattern=r"^[a-z_]{3,20}$")] = "sent"
    created_at: datetime | None = None


class ImportedActivity(BaseModel):
    """Something that happened with the client before Frontdesk."""

    model_config = ConfigDict(extra="forbid")

    type: Annotated[str, StringConstraints(pattern=r"^[a-z_]{3,20}$")] = "note"
    description: Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
    occurred_at: datetime | None = None


class ImportedClient(NewClient):
    """One row of the file."""

    external_id: ShortText | None = None
    source: Source = Source.IMPORT
    created_at: datetime | None = None
    quotes: list[ImportedQuote] = Field(default_factory=list, max_length=100)
    activities: list[ImportedActivity] = Field(default_factory=list, max_length=200)


class RowError(BaseModel):
    """Why a row was left out; ``row`` counts from 1, the heading not included."""

    row: int
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file: either a client or the errors that keep it from being one."""

    number: int
    client: ImportedClient | None
    errors: tuple[RowError, ...] = ()


def read_rows(stream: BinaryIO) -> Iterator[Row]:
    """The rows of a UTF-8 CSV file (a byte-order mark is skipped), each checked on its own.

    Raises:
        InvalidRequest: the file as a whole cannot be read: not UTF-8, no heading, an unknown
            column, no ``name`` column. It is raised before the first row, or where the text breaks.
    """
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    reader = csv.DictReader(text, restkey="", strict=True)
    try:
        _check_heading(reader.fieldnames)
        for number, cells in enumerate(reader, start=1):
            yield _row(number, cells)
    except UnicodeDecodeError as error:
        raise InvalidRequest.for_field("file", "is not UTF-8 text") from error
    except csv.Error as error:
        raise InvalidRequest.for_field(
            "file", f"line {reader.line_num} is not valid CSV: {error}"
        ) from error
    finally:
        text.detach()


def _check_heading(heading: Sequence[str] | None) -> None:
    known = set(ImportedClient.model_fields)
    columns = [column.strip() for column in heading or []]
    if "name" not in columns:
        raise InvalidRequest.for_field("file", "the first line must name a column `name`")
    if unknown := sorted(set(columns) - known):
        raise InvalidRequest.for_field(
            "file",
            f"unknown columns {', '.join(unknown)[:200]}; known are {', '.join(sorted(known))}",
        )
    if len(columns) != len(set(columns)):
        raise InvalidRequest.for_field("file", "a column is named twice")


def _row(number: int, cells: dict[str, Any]) -> Row:
    if cells.get(""):
        return _refused(number, "", "has more cells than the heading")
    values: dict[str, Any] = {}
    for column, cell in cells.items():
        if not (text := (cell or "").strip()):
            continue
        try:
            values[column.strip()] = _value(column.strip(), text)
        except json.JSONDecodeError:
            return _refused(number, column, "is not valid JSON")
    try:
        return Row(number, ImportedClient.model_validate(values))
    except ValidationError as error:
        problems = tuple(
            RowError(
                row=number,
                field=".".join(str(part) for part in entry["loc"]),
                message=entry["msg"].removeprefix("Value error, "),
            )
            for entry in error.errors(include_url=False, include_input=False)
        )
        return Row(number, None, problems)


def _value(column: str, text: str) -> Any:
    if column in _JSON_COLUMNS:
        return json.loads(text)
    if column == "tags":
        return [tag for part in text.split(_LIST_SEPARATOR) if (tag := part.strip())]
    return text


def _refused(number: int, field: str, message: str) -> Row:
    return Row(number, None, (RowError(row=number, field=field, message=message),))
