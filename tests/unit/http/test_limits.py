"""How often somebody may ask."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask import Request
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder

from frontdesk.http.limits import client_address
from frontdesk.platform.services import Services
from tests.support import door
from tests.support.clock import ManualClock
from tests.support.toy import make_toy

OTHER_USER = str(UUID(int=7))
OTHER_TENANT = str(UUID(int=8))


@pytest.fixture
def strict(clock: ManualClock) -> tuple[FlaskClient, Services]:
    """Three requests a minute for a user or an address, five for a tenant."""
    used = door.services(clock, rate_limit_per_user=3, rate_limit_per_tenant=5)
    return door.client(make_toy(lambda: used)), used


def statuses(toy: FlaskClient, times: int, **kwargs: object) -> list[int]:
    path = str(kwargs.pop("path", "/v1/toy/mine"))
    return [toy.get(path, **kwargs).status_code for _ in range(times)]  # type: ignore[arg-type]


def test_a_user_who_asks_too_often_is_told_when_to_come_back(
    strict: tuple[FlaskClient, Services],
) -> None:
    toy, used = strict
    headers = door.member_headers(used)
    assert statuses(toy, 3, headers=headers) == [200, 200, 200]
    reply = toy.get("/v1/toy/mine", headers=headers)
    error = door.error_of(reply, 429, "rate_limited")
    assert error["details"] == {"limit": "user"}
    assert error["retryable"] is True
    assert reply.headers["Retry-After"] == "20"
    assert reply.headers["RateLimit"] == '"user";r=0;t=20'


def test_after_that_time_there_is_one_more(
    strict: tuple[FlaskClient, Services], clock: ManualClock
) -> None:
    toy, used = strict
    headers = door.member_headers(used)
    statuses(toy, 3, headers=headers)
    clock.advance(20)
    assert statuses(toy, 2, headers=headers) == [200, 429]


def test_another_user_of_the_tenant_has_their_own_limit_within_the_tenants(
    strict: tuple[FlaskClient, Services],
) -> None:
    toy, used = strict
    statuses(toy, 3, headers=door.member_headers(used))
    other = door.member_headers(used, sub=OTHER_USER)
    assert statuses(toy, 3, headers=other) == [200, 200, 429]
    error = toy.get("/v1/toy/mine", headers=other).get_json()["error"]
    assert error["details"] in ({"limit": "tenant"}, {"limit": "user"})


def test_another_tenant_is_not_affected(strict: tuple[FlaskClient, Services]) -> None:
    toy, used = strict
    for number in range(3):
        statuses(toy, 3, headers=door.member_headers(used, sub=str(UUID(int=number))))
    other = door.member_headers(used, sub=OTHER_USER, tenant_id=OTHER_TENANT)
    assert statuses(toy, 1, headers=other) == [200]


def test_a_forged_token_takes_nothing_from_the_user_it_names(
    strict: tuple[FlaskClient, Services],
) -> None:
    toy, used = strict
    good = door.member_headers(used)
    forged = {"Authorization": good["Authorization"][:-4] + "AAAA"}
    assert statuses(toy, 9, headers=forged) == [401] * 9
    assert statuses(toy, 1, headers=good) == [200]


def test_guessing_admin_tokens_is_limited_by_address_before_they_are_compared(
    strict: tuple[FlaskClient, Services],
) -> None:
    toy, _ = strict
    guesses = statuses(toy, 5, path="/v1/toy/whole", headers={"X-Admin-Token": "guess"})
    assert guesses == [401, 401, 401, 429, 429]
    right = {"X-Admin-Token": door.ADMIN_TOKEN}
    assert statuses(toy, 1, path="/v1/toy/whole", headers=right) == [429]
    elsewhere = {"REMOTE_ADDR": "203.0.113.7"}
    reply = toy.get("/v1/toy/whole", headers=right, environ_overrides=elsewhere)
    assert reply.status_code == 200


def test_the_public_is_limited_by_address(strict: tuple[FlaskClient, Services]) -> None:
    toy, _ = strict
    assert statuses(toy, 4, path="/v1/toy/bookings") == [200, 200, 200, 429]


def test_health_is_not_limited(strict: tuple[FlaskClient, Services]) -> None:
    toy, _ = strict
    assert statuses(toy, 10, path="/v1/health/toy") == [200] * 10


def test_readiness_is(strict: tuple[FlaskClient, Services]) -> None:
    toy, _ = strict
    assert statuses(toy, 4, path="/v1/ready/toy")[-1] == 429


def test_replies_name_the_quotas(strict: tuple[FlaskClient, Services]) -> None:
    toy, used = strict
    reply = toy.get("/v1/toy/mine", headers=door.member_headers(used))
    assert reply.headers["RateLimit-Policy"] == '"user";q=3;w=60, "tenant";q=5;w=60'


@pytest.mark.parametrize(
    ("remote", "forwarded", "behind_proxy", "address"),
    [
        ("198.51.100.1", None, False, "198.51.100.1"),
        ("198.51.100.1", "203.0.113.9", False, "198.51.100.1"),
        ("169.254.1.1", "203.0.113.9", True, "203.0.113.9"),
        ("169.254.1.1", "1.1.1.1, 2.2.2.2,203.0.113.9", True, "203.0.113.9"),
        ("169.254.1.1", "203.0.113.9, rubbish", True, "unknown"),
        ("169.254.1.1", None, True, "169.254.1.1"),
        ("2001:db8:1:2:3:4:5:6", None, False, "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", None, False, "2001:db8:1:2::"),
        ("::ffff:203.0.113.9", None, False, "203.0.113.9"),
        ("", None, False, "unknown"),
    ],
)
def test_the_callers_address_is_the_last_that_the_front_end_saw(
    remote: str, forwarded: str | None, behind_proxy: bool, address: str
) -> None:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    environ = EnvironBuilder(headers=headers, environ_base={"REMOTE_ADDR": remote}).get_environ()
    assert client_address(Request(environ), behind_proxy=behind_proxy) == address
