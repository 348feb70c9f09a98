"""Wrong values: all told at once, by field, in plain words."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import BaseModel, Field

from frontdesk.http.validation import MAX_PROBLEMS
from tests.support import door

BOOKINGS = "/v1/toy/bookings"
BOOKING = f"{BOOKINGS}/0197cccc-0000-7000-8000-000000000001"


def post_raw(toy: FlaskClient, content: bytes | str, **kwargs: Any) -> Any:
    return toy.post(BOOKINGS, data=content, content_type="application/json", **kwargs)


def test_every_wrong_field_is_listed_at_once(toy: FlaskClient) -> None:
    reply = toy.post(
        f"{BOOKINGS}?colour=red",
        json={
            "arrival": "soon",
            "price": "dear",
            "rooms": [{"name": "A", "beds": 9}, {"beds": "two"}, 7],
            "hotels": "Kleio",
        },
    )
    assert door.fields_of(reply) == {
        "colour": "is not known here.",
        "hotel": "is required.",
        "hotels": "is not known here.",
        "arrival": "must be a date such as 2026-07-31.",
        "price": "must be a decimal number.",
        "rooms[0].name": "must have at least 2 characters.",
        "rooms[0].beds": "must be less than or equal to 8.",
        "rooms[1].name": "is required.",
        "rooms[1].beds": "must be a whole number.",
        "rooms[2]": "must be an object.",
    }


def test_the_message_is_the_first_problem_and_their_number(toy: FlaskClient) -> None:
    error = toy.get(f"{BOOKINGS}?page_size=0&x=1&y=2").get_json()["error"]
    assert error["message"] == "page_size: must be greater than or equal to 1. (and 2 more)"


def test_path_and_body_are_checked_together(toy: FlaskClient) -> None:
    reply = toy.patch(f"{BOOKINGS}/7", json={})
    assert set(door.fields_of(reply)) == {"booking_id", "hotel"}


def test_no_reply_lists_a_thousand_problems(toy: FlaskClient) -> None:
    reply = toy.post(BOOKINGS, json={"hotel": "Kleio", "rooms": [{}] * 1000})
    error = door.error_of(reply, 400, "invalid_request")
    assert len(error["details"]["errors"]) == MAX_PROBLEMS
    assert "(and 999 more)" in error["message"]


def test_a_refusal_does_not_repeat_the_value(toy: FlaskClient) -> None:
    reply = toy.post(BOOKINGS, json={"hotel": ["my secret"], "price": "my secret"})
    assert "my secret" not in reply.text


def test_a_query_is_read_with_its_repetitions(toy: FlaskClient) -> None:
    assert toy.get(f"{BOOKINGS}?q=a&tag=1&tag=2&page_size=5").status_code == 200


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("q=a&q=b", {"q": "is given more than once."}),
        ("page_size=1&page_size=1", {"page_size": "is given more than once."}),
        ("pagesize=5", {"pagesize": "is not known here."}),
        ("Q=a", {"Q": "is not known here."}),
        ("page_size=", {"page_size": "must be a whole number."}),
        ("page_size=1e1", {"page_size": "must be a whole number."}),
        ("page_size=0x10", {"page_size": "must be a whole number."}),
        ("page_size=99999999999999999999999", {"page_size": "must be less than or equal to 100."}),
        ("=1", {"": "is not known here."}),
        ("tag[]=1", {"tag[]": "is not known here."}),
    ],
)
def test_a_wrong_query_is_refused_by_name(
    toy: FlaskClient, query: str, fields: dict[str, str]
) -> None:
    assert door.fields_of(toy.get(f"{BOOKINGS}?{query}")) == fields


@pytest.mark.parametrize(
    "query", ["q=%", "q=%z1", "q=%ff", "q=%c3%28", "q=%00", "%zz=1", "q=%ed%a0%80", "&" * 200]
)
def test_a_query_that_is_no_utf8_in_percent_encoding_is_refused(
    toy: FlaskClient, query: str
) -> None:
    reply = toy.get(BOOKINGS, environ_overrides={"QUERY_STRING": query})
    door.error_of(reply, 400, "invalid_request")


def test_text_of_every_script_arrives_as_it_was_sent(toy: FlaskClient) -> None:
    reply = toy.get(BOOKINGS, query_string={"q": "Łukasz 李雷 Ελένη محمد + &=%"})
    assert reply.get_json()["data"][0]["hotel"] == "Łukasz 李雷 Ελένη محمد + &=%"


def test_a_query_of_raw_utf8_arrives_too(toy: FlaskClient) -> None:
    raw = "q=Łukasz".encode().decode("latin-1")
    reply = toy.get(BOOKINGS, environ_overrides={"QUERY_STRING": raw})
    assert reply.get_json()["data"][0]["hotel"] == "Łukasz"


def test_a_route_without_parameters_refuses_any(toy: FlaskClient) -> None:
    assert door.fields_of(toy.delete(f"{BOOKING}?force=true")) == {"force": "is not known here."}


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "hotel=Kleio",
        '{"hotel": "Kleio",}',
        "{'hotel': 'Kleio'}",
        '{"hotel": "Kleio"} x',
        '{"hotel": NaN}',
        '{"hotel": "K", "extra": {"x": NaN}}',
        '{"hotel": "K", "extra": {"x": Infinity}}',
        '{"hotel": "K", "extra": {"x": "\\ud800"}}',
        '{"hotel": "K", "extra": {"x": "\\u0000"}}',
        '{"hotel": "K", "extra": {"\\u0000": 1}}',
        '{"hotel": "K", "extra": {"x": [["\\u0000"]]}}',
        '{"hotel": "K\x00"}',
        '{"hotel": "K", "extra": {"x": ' + "1" * 5000 + "}}",
        '{"hotel": "K", "extra": ' + '{"x":' * 500 + "1" + "}" * 501,
        "[" * 100_000,
        b'{"hotel": "\xff"}',
        b"\xef\xbb\xbf{}",
        '{"hotel": "K"}'.encode("utf-16"),
    ],
)
def test_a_body_that_is_no_json_that_all_can_carry_is_refused(
    toy: FlaskClient, content: bytes | str
) -> None:
    error = door.error_of(post_raw(toy, content), 400, "invalid_request")
    assert len(error["message"]) < 200


def test_an_escaped_backslash_before_u0000_is_just_text(toy: FlaskClient) -> None:
    reply = post_raw(toy, '{"hotel": "a\\\\u0000b"}')
    assert reply.get_json()["data"]["value"]["body"]["hotel"] == "a\\u0000b"


@pytest.mark.parametrize("content", ["[]", '"text"', "null", "17", "true"])
def test_a_body_that_is_no_object_is_refused(toy: FlaskClient, content: str) -> None:
    assert door.fields_of(post_raw(toy, content)) == {"body": "must be an object."}


@pytest.mark.parametrize("content", [b"", b"  \n"])
def test_a_missing_body_is_named(toy: FlaskClient, content: bytes) -> None:
    assert door.fields_of(post_raw(toy, content)) == {"body": "is required, as JSON."}


def test_an_optional_body_may_be_left_out(toy: FlaskClient) -> None:
    assert toy.patch(BOOKING).get_json()["data"] == {"value": {"body": None}}
    assert toy.patch(BOOKING, json={"hotel": "K"}).get_json()["data"] == {"value": {"body": "K"}}


def test_a_route_without_a_body_refuses_one(toy: FlaskClient) -> None:
    assert toy.delete(BOOKING).status_code == 200
    assert toy.delete(BOOKING, json={}).status_code == 200
    door.error_of(toy.delete(BOOKING, json={"force": True}), 400, "invalid_request")


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/xml",
        "application/json; charset=latin-1",
        "application/jsonp",
        "text/json",
    ],
)
def test_another_content_type_is_refused(toy: FlaskClient, content_type: str | None) -> None:
    reply = toy.post(BOOKINGS, data='{"hotel": "K"}', content_type=content_type)
    door.error_of(reply, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=UTF-8",
        "Application/JSON",
        "application/ld+json",
    ],
)
def test_json_may_be_declared_in_these_ways(toy: FlaskClient, content_type: str) -> None:
    reply = toy.post(BOOKINGS, data='{"hotel": "K"}', content_type=content_type)
    assert reply.status_code == 201


def test_a_compressed_body_is_refused(toy: FlaskClient) -> None:
    reply = post_raw(toy, b"\x1f\x8b\x08", headers={"Content-Encoding": "gzip"})
    door.error_of(reply, 415, "unsupported_media_type")


@pytest.mark.parametrize("price", ["1234567890123.45", '"1234567890123.45"', "0.1", '"0.1"'])
def test_an_amount_of_fifteen_digits_arrives_exactly(toy: FlaskClient, price: str) -> None:
    reply = post_raw(toy, f'{{"hotel": "K", "price": {price}}}')
    arrived = reply.get_json()["data"]["value"]["body"]["price"]
    assert Decimal(arrived) == Decimal(price.strip('"'))


class Aliased(BaseModel):
    page_size: list[int] | None = Field(None, validation_alias="pageSize")


def test_a_repeated_parameter_is_known_by_its_alias() -> None:
    from frontdesk.http.validation import parse_query

    assert parse_query(b"pageSize=1&pageSize=2", Aliased) == {"pageSize": ["1", "2"]}


class Shade(StrEnum):
    LIGHT = "light"


class Shaded(BaseModel):
    shade: Shade
    others: list[Shade] = []


def test_an_enum_of_texts_is_one_value_and_no_list() -> None:
    from frontdesk.http.validation import parse_query

    assert parse_query(b"shade=light&others=light", Shaded) == {
        "shade": "light",
        "others": ["light"],
    }
