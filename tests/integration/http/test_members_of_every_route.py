"""Through the real door to the real database: who has no business with a tenant gets nowhere.

A token that is signed and not expired is not enough: the tenant may be suspended, the member
removed, the role too low, or the user no member of the tenant that the token names.
"""

from __future__ import annotations

import io
import uuid
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from frontdesk.http.catalogue import catalogue
from frontdesk.http.routing import Route
from frontdesk.platform.context import Role
from frontdesk.platform.services import Services
from tests.support import door
from tests.support.tenants import Tenant, TenantFactory

REPOSITORY = Path(__file__).resolve().parents[3]
FUNCTIONS = catalogue(REPOSITORY)
ROUTES = [
    (listed.manifest.name, route)
    for listed in FUNCTIONS
    for route in listed.function.routes
    if isinstance(route.allow, Role)
]


def csv_file() -> dict[str, Any]:
    return {"data": {"file": (io.BytesIO(b"name\nAda\n"), "clients.csv", "text/csv")}}


def markdown_file() -> dict[str, Any]:
    return {"data": {"file": (io.BytesIO(b"# Visa\n\nNo visa."), "visa.md", "text/markdown")}}


EXAMPLES: dict[str, Any] = {
    "POST /v1/crm/clients": lambda: {"json": {"name": "Ada"}},
    "POST /v1/crm/imports": csv_file,
    "POST /v1/helpdesk/answers/{answer_id}/feedback": lambda: {"json": {"rating": "helpful"}},
    "PATCH /v1/helpdesk/conversations/{conversation_id}": lambda: {"json": {"title": "Visas"}},
    "PATCH /v1/helpdesk/settings": lambda: {"json": {"retention_days": 365}},
    "POST /v1/helpdesk/tickets": lambda: {"json": {"subject": "No visa"}},
    "PATCH /v1/helpdesk/tickets/{ticket_id}": lambda: {"json": {"priority": "high"}},
    "POST /v1/helpdesk/tickets/{ticket_id}/status": lambda: {"json": {"status": "closed"}},
    "POST /v1/helpdesk/tickets/{ticket_id}/comments": lambda: {
        "json": {"text": "Done", "visibility": "public"}
    },
    "POST /v1/helpdesk/ask": lambda: {"json": {"question": "Do I need a visa?"}},
    "POST /v1/knowledge/documents": markdown_file,
    "PUT /v1/knowledge/documents/{document_id}": markdown_file,
    "PATCH /v1/knowledge/documents/{document_id}": lambda: {"json": {"title": "Visas"}},
    "POST /v1/knowledge/reindex": lambda: {"json": {}},
}
"""What a route needs to get past validation, where that is more than nothing."""


def send(client: FlaskClient, route: Route, token: str) -> TestResponse:
    path = route.path
    for parameter in route.parameters:
        path = path.replace(f"{{{parameter}}}", str(uuid.uuid4()))
    example = EXAMPLES[route.name]() if route.name in EXAMPLES else {}
    headers = {"Authorization": f"Bearer {token}"}
    return client.open(path, method=route.method, headers=headers, **example)


@pytest.fixture(scope="module")
def clients(services: Services) -> dict[str, FlaskClient]:
    return {
        listed.manifest.name: door.client(listed.function.over(lambda: services))
        for listed in FUNCTIONS
    }


def every_route(minimum: Role = Role.VISITOR) -> pytest.MarkDecorator:
    """The routes that ask for at least that role."""
    routes = [(name, route) for name, route in ROUTES if route.allow.at_least(minimum)]  # type: ignore[union-attr]
    return pytest.mark.parametrize(
        ("function", "route"), routes, ids=[route.name for _, route in routes]
    )


@pytest.fixture(scope="module")
def active(make_tenant: TenantFactory) -> Tenant:
    return make_tenant()


@pytest.fixture(scope="module")
def suspended(make_tenant: TenantFactory) -> Tenant:
    tenant = make_tenant()
    make_tenant.call(
        "platform_suspend_tenant",
        p_tenant=str(tenant.id),
        p_reason="tests",
        p_actor="tests",
        p_command={
            "idempotency_key": None,
            "fingerprint": "0" * 64,
            "route": "tests",
            "request_id": "tests",
        },
    )
    return tenant


@pytest.fixture(scope="module")
def left(make_tenant: TenantFactory) -> Tenant:
    """A tenant whose owner was removed."""
    tenant = make_tenant()
    make_tenant.call(
        "platform_upsert_member",
        p_tenant=str(tenant.id),
        p_user=str(uuid.uuid4()),
        p_role="owner",
        p_email="second@owner.example",
    )
    owner = str(tenant.users["owner"])
    make_tenant.call("platform_remove_member", p_tenant=str(tenant.id), p_user=owner)
    return tenant


@every_route()
def test_a_member_gets_past_the_door(
    clients: dict[str, FlaskClient], function: str, route: Route, active: Tenant
) -> None:
    # Without this the refusals below could have another reason; 404 is an id made up.
    reply = send(clients[function], route, active.token("owner"))
    assert reply.status_code in {200, 201, 202, 404}, reply.text


@every_route()
def test_members_of_a_suspended_tenant_are_refused(
    clients: dict[str, FlaskClient], function: str, route: Route, suspended: Tenant
) -> None:
    reply = send(clients[function], route, suspended.token("owner"))
    door.error_of(reply, 403, "tenant_suspended")


@every_route()
def test_a_member_who_was_removed_is_refused(
    clients: dict[str, FlaskClient], function: str, route: Route, left: Tenant
) -> None:
    reply = send(clients[function], route, left.token("owner"))
    door.error_of(reply, 403, "membership_revoked")


@every_route()
def test_a_user_of_another_tenant_is_refused(
    clients: dict[str, FlaskClient], function: str, route: Route, active: Tenant, left: Tenant
) -> None:
    token = active.stack.mint_token(left.users["agent"], active.id)
    door.error_of(send(clients[function], route, token), 403, "membership_revoked")


@every_route()
def test_a_tenant_that_does_not_exist_is_refused(
    clients: dict[str, FlaskClient], function: str, route: Route, active: Tenant
) -> None:
    token = active.stack.mint_token(active.users["owner"], uuid.uuid4())
    door.error_of(send(clients[function], route, token), 403, "membership_revoked")


@every_route(Role.AGENT)
def test_a_viewer_is_refused_what_agents_may_do(
    clients: dict[str, FlaskClient], function: str, route: Route, active: Tenant
) -> None:
    # The role that a token claims counts for nothing.
    token = active.token("viewer", user_role="owner", app_metadata={"role": "owner"})
    door.error_of(send(clients[function], route, token), 403, "permission_denied")
