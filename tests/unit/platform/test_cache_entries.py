"""Names and contents of cache entries."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.platform.cache import Cache, Scope
from frontdesk.platform.cache_entries import MISSING, Keys, Versions, dumps, loads
from frontdesk.platform.context import Access, Role
from frontdesk.platform.settings import Settings

TENANT, USER = UUID(int=1), UUID(int=2)
SCOPE = Scope(TENANT, Role.AGENT, "own", USER)
VERSIONS = Versions("d1", "a1")
keys = Keys("r1")

numbers = st.decimals(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | numbers,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def access(visibility: str = "all") -> Access:
    return Access.model_validate(
        {
            "role": "agent",
            "visibility": visibility,
            "tenant_slug": "coral",
            "currency": "EUR",
            "locale": "en",
            "time_zone": "Europe/Athens",
        }
    )


@pytest.mark.parametrize(
    "other",
    [
        keys.answer(Scope(UUID(int=9), Role.AGENT, "own", USER), VERSIONS, "n", {"a": 1}),
        keys.answer(Scope(TENANT, Role.OWNER, "own", USER), VERSIONS, "n", {"a": 1}),
        keys.answer(Scope(TENANT, Role.AGENT, "all"), VERSIONS, "n", {"a": 1}),
        keys.answer(Scope(TENANT, Role.AGENT, "own", UUID(int=9)), VERSIONS, "n", {"a": 1}),
        keys.answer(SCOPE, Versions("d2", "a1"), "n", {"a": 1}),
        keys.answer(SCOPE, Versions("d1", "a2"), "n", {"a": 1}),
        keys.answer(SCOPE, VERSIONS, "m", {"a": 1}),
        keys.answer(SCOPE, VERSIONS, "n", {"a": 2}),
        Keys("r2").answer(SCOPE, VERSIONS, "n", {"a": 1}),
    ],
)
def test_a_key_depends_on_everything_that_the_answer_depends_on(other: str) -> None:
    assert keys.answer(SCOPE, VERSIONS, "n", {"a": 1}) != other


def test_a_key_does_not_depend_on_the_order_of_parameters() -> None:
    assert keys.answer(SCOPE, VERSIONS, "n", {"a": 1, "b": 2}) == keys.answer(
        SCOPE, VERSIONS, "n", {"b": 2, "a": 1}
    )


def test_parts_of_a_key_do_not_run_together() -> None:
    first = keys.answer(SCOPE, Versions("ab", "c"), "n", {})
    second = keys.answer(SCOPE, Versions("a", "bc"), "n", {})

    assert first != second


def test_a_scope_names_the_user_exactly_when_they_see_only_their_own() -> None:
    assert Scope.of(TENANT, access("all"), USER).user_id is None
    assert Scope.of(TENANT, access("own"), USER).user_id == USER
    with pytest.raises(ValueError, match="scope"):
        Scope(TENANT, Role.AGENT, "own")
    with pytest.raises(ValueError, match="scope"):
        Scope(TENANT, Role.AGENT, "all", USER)


def test_a_session_gives_no_scope_of_another_tenant() -> None:
    session = Cache(Settings()).session(UUID(int=9))

    with pytest.raises(ValueError, match="another tenant"):
        session.scoped(SCOPE)


@given(values)
def test_a_hit_returns_exactly_what_a_miss_returned(value: Any) -> None:
    found = loads(dumps(value))

    assert found == value
    assert repr(found) == repr(value)


def test_a_text_that_looks_like_our_mark_for_decimals_is_left_alone() -> None:
    for value in (["\u0000decimal"], {"a": '{"\\u0000decimal": "1"}'}, Decimal("1.50")):
        assert loads(dumps(value)) == value


def test_what_is_no_json_is_refused_when_it_is_written() -> None:
    with pytest.raises(TypeError, match="UUID"):
        dumps({"id": TENANT})


def test_a_damaged_entry_counts_as_missing() -> None:
    assert loads(b'{"half') is MISSING
    assert loads(b"\xff\xfe") is MISSING


def test_without_redis_everything_is_loaded_and_bumping_is_no_failure() -> None:
    cache = Cache(Settings())
    scoped = cache.scoped(SCOPE)
    answers = iter(["first", "second"])

    assert scoped.get_or_load("n", {}, lambda: next(answers)).value == "first"
    assert scoped.get_or_load("n", {}, lambda: next(answers)).hit is False
    assert cache.access_of(TENANT, USER) is None
    assert cache.bump_data(TENANT)
    assert cache.bump_access(TENANT)
