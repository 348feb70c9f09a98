"""Who is let in."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask.testing import FlaskClient

from frontdesk.platform.cache import Cache
from frontdesk.platform.context import Access, Role
from frontdesk.platform.services import Services
from tests.support import door, tokens
from tests.support.clock import START, ManualClock
from tests.support.toy import make_toy

BAD = tokens.bad_tokens(tokens.claims(START), START)
BOOKING = "/v1/toy/bookings/0197cccc-0000-7000-8000-000000000001"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_valid_token_names_user_and_tenant(toy: FlaskClient, services: Services) -> None:
    reply = toy.get(BOOKING, headers=door.member_headers(services))
    assert reply.get_json()["data"]["value"]["caller"] == (
        f"Member(user_id={tokens.USER_ID}, tenant_id={tokens.TENANT_ID})"
    )


@pytest.mark.parametrize("token", BAD.values(), ids=BAD.keys())
def test_a_bad_token_is_refused(toy: FlaskClient, token: str) -> None:
    reply = toy.get("/v1/toy/mine", headers=bearer(token))
    door.error_of(reply, 401, "unauthenticated")
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")
    assert not token or token not in reply.text


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic dTpw",
        "Token {}",
        "{}",
        "Bearer {}, Bearer {}",
        "Bearer\t{}",
    ],
)
def test_another_authorization_header_is_refused(
    toy: FlaskClient, services: Services, authorization: str | None
) -> None:
    token = tokens.sign(tokens.claims(services.clock.now()))
    headers = {} if authorization is None else {"Authorization": authorization.replace("{}", token)}
    reply = toy.get("/v1/toy/mine", headers=headers)
    door.error_of(reply, 401, "unauthenticated")


def test_a_token_in_the_query_is_not_read(toy: FlaskClient, services: Services) -> None:
    token = tokens.sign(tokens.claims(services.clock.now()))
    door.error_of(toy.get(f"/v1/toy/mine?access_token={token}"), 401, "unauthenticated")


def test_the_scheme_may_be_written_in_lower_case(toy: FlaskClient, services: Services) -> None:
    token = tokens.sign(tokens.claims(services.clock.now()))
    assert toy.get("/v1/toy/mine", headers={"Authorization": f"bearer {token}"}).status_code == 200


def test_a_token_works_until_it_expires(
    toy: FlaskClient, services: Services, clock: ManualClock
) -> None:
    headers = door.member_headers(services)
    clock.advance(tokens.HOUR + 9)  # the clocks of two machines may differ by ten seconds
    assert toy.get("/v1/toy/mine", headers=headers).status_code == 200
    clock.advance(1)
    error = door.error_of(toy.get("/v1/toy/mine", headers=headers), 401, "unauthenticated")
    assert error["message"] == "The token has expired."


def test_one_of_several_audiences_is_enough(toy: FlaskClient, services: Services) -> None:
    headers = door.member_headers(services, aud=["storage", "authenticated"])
    assert toy.get("/v1/toy/mine", headers=headers).status_code == 200


def test_a_token_without_a_tenant_is_told_so(toy: FlaskClient, services: Services) -> None:
    headers = door.member_headers(services, tenant_id=None)
    door.error_of(toy.get("/v1/toy/mine", headers=headers), 403, "tenant_required")


class Remembering(Cache):
    """A cache in which a recent answer of SQL left the member's role."""

    role = Role.VIEWER

    def access_of(self, tenant_id: UUID, user_id: UUID) -> Access | None:
        assert (tenant_id, user_id) == (tokens.TENANT_ID, tokens.USER_ID)
        return Access(
            role=self.role,
            visibility="all",
            tenant_slug="coral",
            currency="EUR",
            locale="en",
            time_zone="Europe/Athens",
        )


def test_a_member_whose_role_is_known_to_be_too_low_is_turned_away_at_the_door(
    clock: ManualClock,
) -> None:
    settings = door.services().settings
    used = Services(settings, clock=clock, cache=Remembering(settings, clock=clock))
    toy = door.client(make_toy(lambda: used))
    claimed = door.member_headers(used, user_role="owner", app_metadata={"role": "owner"})
    door.error_of(toy.get("/v1/toy/agents", headers=claimed), 403, "permission_denied")
    assert toy.get(BOOKING, headers=claimed).status_code == 200
    assert toy.get("/v1/toy/mine", headers=claimed).status_code == 200


def test_an_unknown_role_is_left_to_the_database(toy: FlaskClient, services: Services) -> None:
    assert toy.get("/v1/toy/agents", headers=door.member_headers(services)).status_code == 200


def test_the_bearer_of_an_admin_token_is_named(toy: FlaskClient) -> None:
    reply = toy.get("/v1/toy/whole", headers={"X-Admin-Token": door.ADMIN_TOKEN})
    assert reply.get_json()["data"]["value"]["name"] == "ops"


def test_every_configured_admin_token_works_so_that_one_can_be_replaced(toy: FlaskClient) -> None:
    reply = toy.get("/v1/toy/whole", headers={"X-Admin-Token": "the-next-admin-token"})
    assert reply.get_json()["data"]["value"]["name"] == "next"


@pytest.mark.parametrize(
    "token", [None, "", " ", "guess", door.ADMIN_TOKEN[:-1], door.ADMIN_TOKEN + "x", "ops", "ä"]
)
def test_another_admin_token_is_refused(toy: FlaskClient, token: str | None) -> None:
    headers = {} if token is None else {"X-Admin-Token": token}
    door.error_of(toy.get("/v1/toy/whole", headers=headers), 401, "unauthenticated")


def test_the_hash_of_an_admin_token_is_not_the_token(toy: FlaskClient, services: Services) -> None:
    configured = services.settings.admin_api_tokens
    assert configured is not None
    digest = configured.get_secret_value().split('"')[3]
    reply = toy.get("/v1/toy/whole", headers={"X-Admin-Token": digest})
    door.error_of(reply, 401, "unauthenticated")


def test_a_users_token_is_no_admin_token(toy: FlaskClient, services: Services) -> None:
    headers = door.member_headers(services)
    door.error_of(toy.get("/v1/toy/whole", headers=headers), 401, "unauthenticated")


def test_an_admin_token_is_no_users_token(toy: FlaskClient) -> None:
    headers = {"X-Admin-Token": door.ADMIN_TOKEN, **bearer(door.ADMIN_TOKEN)}
    door.error_of(toy.get("/v1/toy/mine", headers=headers), 401, "unauthenticated")


def test_one_plain_admin_token_is_named_default() -> None:
    used = door.services(admin_api_tokens=None, admin_api_token="plain-token")
    reply = door.client(make_toy(lambda: used)).get(
        "/v1/toy/whole", headers={"X-Admin-Token": "plain-token"}
    )
    assert reply.get_json()["data"]["value"]["name"] == "default"


def test_without_any_admin_token_the_route_is_not_configured() -> None:
    toy = door.client(make_toy(lambda: door.services(admin_api_tokens=None)))
    for headers in ({}, {"X-Admin-Token": ""}, {"X-Admin-Token": "guess"}):
        door.error_of(toy.get("/v1/toy/whole", headers=headers), 503, "not_configured")


def test_a_handler_has_until_a_second_before_the_functions_time_out(toy: FlaskClient) -> None:
    reply = toy.get("/v1/toy/whole", headers={"X-Admin-Token": door.ADMIN_TOKEN})
    assert reply.get_json()["data"]["value"]["remaining"] == 59.0
