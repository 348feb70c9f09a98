"""A CSV file of clients: each row stands alone, the file as a whole is refused by name."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.crm.rows import Row, read_rows
from frontdesk.platform.errors import InvalidRequest


def _rows(text: str | bytes) -> list[Row]:
    data = text.encode() if isinstance(text, str) else text
    return list(read_rows(io.BytesIO(data)))


def test_a_row_becomes_a_client() -> None:
    quotes = json.dumps([{"destination": "Naxos", "total": "1234.50", "currency": "EUR"}])
    quoted = quotes.replace('"', '""')
    (row,) = _rows(f'name,email,tags,quotes\nŁukasz,L@Example.com,vip; family ,"{quoted}"\n')
    assert row.client is not None
    assert row.client.name == "Łukasz"
    assert row.client.email == "l@example.com"
    assert row.client.tags == ["vip", "family"]
    assert row.client.quotes[0].total == "1234.50"
    assert row.client.source == "import"


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_data() -> None:
    (row,) = _rows("﻿name,phone\r\n李雷,+30 22850 12345\r\n".encode())
    assert row.client is not None
    assert row.client.name == "李雷"


def test_a_wrong_cell_is_named_with_its_row_and_leaves_the_others_alone() -> None:
    rows = _rows("name,email\nAda,ada@example.com\nBob,not-an-address\nCleo,\n")
    assert [row.client is None for row in rows] == [False, True, False]
    assert [(error.row, error.field) for error in rows[1].errors] == [(2, "email")]


def test_a_row_with_too_many_cells_is_refused_not_shifted() -> None:
    (row,) = _rows("name,email\nAda,ada@example.com,surplus\n")
    assert row.errors[0].message == "has more cells than the heading"


def test_json_that_does_not_parse_is_that_rows_error() -> None:
    (row,) = _rows('name,quotes\nAda,"[{"\n')
    assert row.errors[0].field == "quotes"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must name a column `name`"),
        ("email\nada@example.com\n", "must name a column `name`"),
        ("name,shoe_size\nAda,42\n", "unknown columns shoe_size"),
        ("name,name\nAda,Ada\n", "named twice"),
        ("name\nAda\n".encode("utf-16"), "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_name(text: str | bytes, says: str) -> None:
    with pytest.raises(InvalidRequest, match=says) as refusal:
        _rows(text)
    assert refusal.value.details["errors"][0]["field"] == "file"


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_and_never_crash(data: bytes) -> None:
    try:
        rows = _rows(b"name,email,phone,tags,quotes\n" + data)
    except InvalidRequest:
        return
    assert all((row.client is None) == bool(row.errors) for row in rows)
