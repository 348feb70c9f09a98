"""No route of any function lets anybody in whose token does not hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from frontdesk.http.catalogue import catalogue
from frontdesk.http.routing import ADMIN, PLATFORM, PUBLIC, WATCHER, Route
from frontdesk.local.identity import OIDC_ISSUER, PUSH_AUDIENCE, PUSH_SERVICE_ACCOUNT, Identity
from frontdesk.local.keys_server import KeysServer
from frontdesk.platform.context import Role
from tests.support import door, tokens
from tests.support.clock import START
from tests.support.ports import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
FUNCTIONS = catalogue(REPOSITORY)
ROUTES = [(listed.manifest.name, route) for listed in FUNCTIONS for route in listed.function.routes]
OF_MEMBERS = [(name, route) for name, route in ROUTES if isinstance(route.allow, Role)]
OF_ADMINS = [(name, route) for name, route in ROUTES if route.allow is ADMIN]
OF_THE_PLATFORM = [(name, route) for name, route in ROUTES if route.allow is PLATFORM]
BAD = tokens.bad_tokens(tokens.claims(START), START)
MEMBER = {"Authorization": f"Bearer {tokens.sign(tokens.claims(START))}"}
ADMINS = {"X-Admin-Token": door.ADMIN_TOKEN}


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return Identity.load(tmp_path_factory.mktemp("identity") / "identity.json")


@pytest.fixture(scope="module")
def clients(identity: Identity) -> Iterator[dict[str, FlaskClient]]:
    """Every function over services that know the keys and reach nothing else."""
    keys = KeysServer(identity, port=free_port())
    keys.start()
    services = door.services(
        push_audience=PUSH_AUDIENCE,
        push_service_account=PUSH_SERVICE_ACCOUNT,
        oidc_issuer=OIDC_ISSUER,
        oidc_jwks_url=keys.jwks_url,
        supabase_url=f"http://127.0.0.1:{free_port()}",
        supabase_jwt_issuer=tokens.ISSUER,
    )
    yield {
        listed.manifest.name: door.client(listed.function.over(lambda: services))
        for listed in FUNCTIONS
    }
    services.close()
    keys.stop()


class Door:
    """One route of one function."""

    def __init__(self, client: FlaskClient, route: Route) -> None:
        self._client = client
        self._route = route

    def knock(self, headers: dict[str, str]) -> TestResponse:
        path = self._route.path
        for parameter in self._route.parameters:
            path = path.replace(f"{{{parameter}}}", "0197cccc-0000-7000-8000-000000000001")
        return self._client.open(path, method=self._route.method, headers=headers)

    def refuses(self, headers: dict[str, str]) -> None:
        door.error_of(self.knock(headers), 401, "unauthenticated")

    def lets_in(self, headers: dict[str, str]) -> None:
        """Past authentication; what comes then (no database, no body) is another matter."""
        assert self.knock(headers).status_code not in {401, 403}


@pytest.fixture
def route(clients: dict[str, FlaskClient], request: pytest.FixtureRequest) -> Door:
    name, route = request.param
    return Door(clients[name], route)


def every(routes: list[tuple[str, Route]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("route", routes, ids=lambda pair: pair[1].name, indirect=True)


def test_every_function_is_here() -> None:
    names = {listed.manifest.name for listed in FUNCTIONS}
    assert names == {file.parent.name for file in REPOSITORY.glob("functions/*/main.py")}


def test_only_health_and_readiness_are_for_everybody() -> None:
    # Whoever adds a route for everybody says so here.
    for _, route in ROUTES:
        if route.allow in {PUBLIC, WATCHER}:
            assert route.path.startswith(("/v1/health/", "/v1/ready/"))


@every(OF_MEMBERS)
def test_a_members_route_refuses_every_bad_token(route: Door) -> None:
    route.refuses({})
    for token in BAD.values():
        route.refuses({"Authorization": f"Bearer {token}"})


@every(OF_MEMBERS)
def test_a_members_route_refuses_admins_and_the_platform(route: Door, identity: Identity) -> None:
    route.refuses(ADMINS)
    route.refuses({"Authorization": f"Bearer {door.ADMIN_TOKEN}"})
    route.refuses({"Authorization": f"Bearer {identity.oidc_token()}"})


@every(OF_MEMBERS)
def test_a_members_route_refuses_a_token_without_a_tenant(route: Door) -> None:
    token = tokens.sign(tokens.claims(START, tenant_id=None))
    reply = route.knock({"Authorization": f"Bearer {token}"})
    door.error_of(reply, 403, "tenant_required")


@every(OF_MEMBERS)
def test_a_members_route_lets_a_member_in(route: Door) -> None:
    route.lets_in(MEMBER)


@every(OF_ADMINS)
def test_an_admins_route_refuses_everybody_else(route: Door, identity: Identity) -> None:
    route.refuses({})
    for token in ("", "guess", door.ADMIN_TOKEN[:-1], door.ADMIN_TOKEN.upper()):
        route.refuses({"X-Admin-Token": token})
    route.refuses(MEMBER)
    route.refuses({"Authorization": f"Bearer {door.ADMIN_TOKEN}"})
    route.refuses({"Authorization": f"Bearer {identity.oidc_token()}"})


@every(OF_ADMINS)
def test_an_admins_route_lets_an_admin_in(route: Door) -> None:
    route.lets_in(ADMINS)


@every(OF_THE_PLATFORM)
def test_a_platform_route_refuses_everybody_else(route: Door, identity: Identity) -> None:
    route.refuses({})
    route.refuses(MEMBER)
    route.refuses(ADMINS)
    for token in BAD.values():
        route.refuses({"Authorization": f"Bearer {token}"})
    for changed in (
        identity.oidc_token(audience="https://elsewhere.example"),
        identity.oidc_token(email="somebody@else.example"),
        identity.oidc_token(email=None),
        identity.oidc_token(email_verified=False),
        identity.oidc_token(iss="https://evil.example"),
        identity.oidc_token(exp=1_700_000_000),
        identity.oidc_token(exp=None),
    ):
        route.refuses({"Authorization": f"Bearer {changed}"})


@every(OF_THE_PLATFORM)
def test_a_platform_route_lets_the_platform_in(route: Door, identity: Identity) -> None:
    route.lets_in({"Authorization": f"Bearer {identity.oidc_token()}"})
