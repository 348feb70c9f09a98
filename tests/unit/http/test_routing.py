"""Which route answers, and what is said when none does."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import BaseModel
from werkzeug.test import TestResponse

from frontdesk.http import PLATFORM, PUBLIC, Role, get, http_function, post
from frontdesk.http.function import function_of
from frontdesk.platform.context import Context
from frontdesk.platform.errors import NotFound
from tests.support import door
from tests.support.toy import BookingPath, Filter, Seen, list_bookings, read_booking

BOOKING = "0197cccc-0000-7000-8000-000000000001"


class Named(BaseModel):
    name: str


def fixed() -> Seen:
    return Seen(value={"route": "fixed"})


def named(path: Named) -> Seen:
    return Seen(value={"route": path.name})


def nothing(context: Context) -> None:
    return None


def get_raw(client: FlaskClient, path: bytes) -> TestResponse:
    """With a path as a server hands it over, percent-decoded; the client would mend it."""
    return client.get("/", environ_overrides={"PATH_INFO": path.decode("latin-1")})


@pytest.fixture
def pages() -> FlaskClient:
    used = door.services()
    routes = (
        get("/v1/pages/{name}", named, allow=PUBLIC),
        get("/v1/pages/fixed", fixed, allow=PUBLIC),
    )
    return door.client(http_function("pages", *routes, services=lambda: used))


def test_a_fixed_segment_wins_over_a_parameter(pages: FlaskClient) -> None:
    assert pages.get("/v1/pages/fixed").get_json()["data"] == {"value": {"route": "fixed"}}
    assert pages.get("/v1/pages/other").get_json()["data"] == {"value": {"route": "other"}}


def test_a_parameter_is_decoded_once(pages: FlaskClient) -> None:
    reply = pages.get("/v1/pages/%E6%9D%8E%2525")
    assert reply.get_json()["data"] == {"value": {"route": "李%25"}}


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/toy",
        "/v1/toy/bookings/",
        "//v1/toy/bookings",
        "/v1//toy/bookings",
        "/v1/toy/bookings/a/b",
        "/v1/toy/../toy/bookings",
        "/v1/toy/BOOKINGS",
        "/v1/toy/bookings;x=1",
    ],
)
def test_another_path_is_not_found(toy: FlaskClient, path: str) -> None:
    door.error_of(toy.get(path), 404, "not_found")


@pytest.mark.parametrize("part", [b"\0", b"\rSet-Cookie:x", b"\x7f", b"\xe2\x80\xa8"])
def test_a_path_with_characters_that_cannot_be_printed_is_refused(
    toy: FlaskClient, part: bytes
) -> None:
    door.error_of(get_raw(toy, b"/v1/toy/" + part), 400, "invalid_request")


@pytest.mark.parametrize("part", [b"\xff", b"\xc3\x28", b"\xed\xa0\x80"])
def test_a_path_that_is_not_utf8_is_refused(toy: FlaskClient, part: bytes) -> None:
    door.error_of(get_raw(toy, b"/v1/toy/" + part), 400, "invalid_request")


def test_a_very_long_path_is_refused(toy: FlaskClient) -> None:
    door.error_of(toy.get("/v1/" + "a" * 5000), 400, "invalid_request")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "get"])
def test_another_method_is_refused_with_the_list_of_those_that_are_there(
    toy: FlaskClient, method: str
) -> None:
    reply = toy.open("/v1/toy/bookings", method=method)
    if method == "get":  # the client, like HTTP/1.1 servers, knows no lower-case methods
        assert reply.status_code == 200
        return
    error = door.error_of(reply, 405, "method_not_allowed")
    assert reply.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert error["details"] == {"allow": ["GET", "HEAD", "OPTIONS", "POST"]}


def test_head_answers_like_get_without_a_body(toy: FlaskClient) -> None:
    got, head = toy.get("/v1/toy/bookings"), toy.head("/v1/toy/bookings")
    assert head.status_code == 200
    assert head.data == b""
    assert head.headers["Content-Length"] == got.headers["Content-Length"]
    assert head.headers["Content-Type"] == got.headers["Content-Type"]


def test_head_of_a_path_without_get_is_refused(toy: FlaskClient) -> None:
    reply = toy.head("/v1/toy/files")
    assert reply.status_code == 405
    assert reply.headers["Allow"] == "OPTIONS, POST"


def test_plain_options_lists_the_methods(toy: FlaskClient) -> None:
    reply = toy.options("/v1/toy/bookings")
    assert reply.status_code == 204
    assert reply.data == b""
    assert reply.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


def test_options_of_nothing_is_not_found(toy: FlaskClient) -> None:
    door.error_of(toy.options("/v1/nothing"), 404, "not_found")


def test_a_malformed_id_is_named(toy: FlaskClient) -> None:
    assert door.fields_of(toy.delete("/v1/toy/bookings/7")) == {"booking_id": "must be a UUID."}


def test_every_function_has_health_and_readiness() -> None:
    entry = http_function("pages", get("/v1/pages", fixed, allow=PUBLIC))
    names = [route.name for route in function_of(entry).routes]
    assert names == ["GET /v1/pages", "GET /v1/health/pages", "GET /v1/ready/pages"]


def test_a_not_found_of_the_handler_is_told_as_it_was_raised(toy: FlaskClient) -> None:
    error = door.error_of(toy.get("/v1/toy/fail?q=missing"), 404, NotFound.code)
    assert error["message"] == "No such booking."


@pytest.mark.parametrize(
    ("path", "handler", "allow"),
    [
        ("/toy", list_bookings, PUBLIC),
        ("/v1/toy/", list_bookings, PUBLIC),
        ("/v1/toy/{Id}", list_bookings, PUBLIC),
        ("/v1/toy/{other_id}", read_booking, Role.VIEWER),
        ("/v1/toy", read_booking, Role.VIEWER),
        ("/v1/toy/{booking_id}", list_bookings, PUBLIC),
        ("/v1/toy", nothing, PUBLIC),
    ],
)
def test_a_route_whose_parts_do_not_fit_is_refused_at_import(
    path: str, handler: Any, allow: Any
) -> None:
    with pytest.raises(TypeError):
        get(path, handler, allow=allow)


def test_platform_routes_may_answer_without_a_body() -> None:
    assert post("/v1/toy/push", nothing, allow=PLATFORM).status == 204


def test_two_routes_for_one_method_and_path_are_refused_at_import() -> None:
    route = get("/v1/toy/bookings", list_bookings, allow=PUBLIC)
    with pytest.raises(TypeError, match="twice"):
        http_function("toy", route, route)


class OddPath(BookingPath):
    extra: int


def odd(path: OddPath, query: Filter) -> Seen:
    return Seen(value={})


def test_a_path_model_with_more_fields_than_the_path_is_refused_at_import() -> None:
    with pytest.raises(TypeError, match="booking_id"):
        get("/v1/toy/{booking_id}", odd, allow=PUBLIC)
