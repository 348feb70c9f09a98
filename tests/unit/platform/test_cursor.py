"""Cursors belong to one list and cannot be edited."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from frontdesk.platform.cursor import Cursors
from frontdesk.platform.errors import InvalidCursor, NotConfigured
from frontdesk.platform.secrets import Secrets
from frontdesk.platform.settings import Settings

TENANT = UUID(int=1)
LIST: dict[str, Any] = {
    "tenant_id": TENANT,
    "listing": "clients",
    "filters": {"stage": ["QUOTED"], "q": "łukasz"},
    "sort": "name",
}
POSITION = {"name": "Łukasz", "id": "0193", "rank": 0.5, "at": None}
cursors = Cursors(b"a secret")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=20), json_values, max_size=4))
def test_a_cursor_comes_back_as_the_position_it_was_made_of(position: dict[str, Any]) -> None:
    assert cursors.decode(cursors.encode(position, **LIST), **LIST) == position


@pytest.mark.parametrize(
    "other",
    [
        {"tenant_id": UUID(int=2)},
        {"tenant_id": None},
        {"listing": "documents"},
        {"filters": {"stage": ["PAID"], "q": "łukasz"}},
        {"filters": {}},
        {"sort": "created"},
    ],
)
def test_a_cursor_works_for_no_other_list(other: dict[str, Any]) -> None:
    cursor = cursors.encode(POSITION, **LIST)

    with pytest.raises(InvalidCursor):
        cursors.decode(cursor, **LIST | other)


def test_the_order_of_filters_does_not_matter() -> None:
    cursor = cursors.encode(POSITION, **LIST)

    assert cursors.decode(
        cursor, **LIST | {"filters": {"q": "łukasz", "stage": ["QUOTED"]}}
    ) == POSITION  # fmt: skip


def test_no_edited_character_is_accepted() -> None:
    cursor = cursors.encode(POSITION, **LIST)

    for place, character in enumerate(cursor):
        edited = cursor[:place] + ("A" if character != "A" else "B") + cursor[place + 1 :]
        with pytest.raises(InvalidCursor):
            cursors.decode(edited, **LIST)


@pytest.mark.parametrize("cursor", ["", "A", "not base64!", "é", "AQ==", "A" * 5_000, "////"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        cursors.decode(cursor, **LIST)


@given(st.text(max_size=80))
def test_no_text_at_all_makes_it_fail_otherwise(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        cursors.decode(cursor, **LIST)


def test_a_cursor_of_another_format_or_secret_is_refused() -> None:
    raw = bytearray(base64.urlsafe_b64decode(cursors.encode(POSITION, **LIST) + "=="))
    raw[0] = 2
    newer = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    with pytest.raises(InvalidCursor):
        cursors.decode(newer, **LIST)
    with pytest.raises(InvalidCursor):
        Cursors(b"another secret").decode(cursors.encode(POSITION, **LIST), **LIST)


def test_the_secret_is_the_cursor_secret_or_the_tokens_secret() -> None:
    def made_with(settings: Settings) -> str:
        return Cursors.from_settings(settings, Secrets()).encode(POSITION, **LIST)

    own, derived = SecretStr("own"), SecretStr("tokens")
    assert made_with(Settings(cursor_secret=own, supabase_jwt_secret=derived)) == Cursors(
        b"own"
    ).encode(POSITION, **LIST)
    assert made_with(Settings(supabase_jwt_secret=derived)) == Cursors(b"tokens").encode(
        POSITION, **LIST
    )
    assert made_with(Settings()) == made_with(Settings())


def test_a_deployment_without_a_secret_makes_no_cursors() -> None:
    with pytest.raises(NotConfigured):
        Cursors.from_settings(Settings(environment="production"), Secrets())
