"""Idempotency-Key from the header to the row: a change happens once, however often it is sent."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from frontdesk.http.catalogue import catalogue
from frontdesk.http.function import HttpFunction
from frontdesk.platform.services import Services
from tests.support import door
from tests.support.tenants import Tenant, TenantFactory

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def function(services: Services) -> HttpFunction:
    functions = {listed.manifest.name: listed.function for listed in catalogue(REPOSITORY)}
    return functions["crm-clients"].over(lambda: services)


@pytest.fixture
def client(function: HttpFunction) -> FlaskClient:
    return door.client(function)


@pytest.fixture(scope="module")
def tenant(make_tenant: TenantFactory) -> Tenant:
    return make_tenant()


def create(
    client: FlaskClient, tenant: Tenant, key: str | None, name: str, role: str = "owner"
) -> TestResponse:
    headers = {"Authorization": f"Bearer {tenant.token(role)}"}
    if key is not None:
        headers["Idempotency-Key"] = key
    return client.post("/v1/crm/clients", json={"name": name}, headers=headers)


def test_the_same_request_with_the_same_key_gives_the_same_reply(
    client: FlaskClient, tenant: Tenant
) -> None:
    first, again = create(client, tenant, "once-1", "Ada"), create(client, tenant, "once-1", "Ada")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json()["data"] == again.get_json()["data"]
    assert first.get_json()["request_id"] != again.get_json()["request_id"]


def test_another_request_with_the_same_key_is_refused(client: FlaskClient, tenant: Tenant) -> None:
    create(client, tenant, "once-2", "Ada")
    reply = create(client, tenant, "once-2", "Grace")
    door.error_of(reply, 422, "idempotency_key_reused")


def test_without_a_key_each_request_counts(client: FlaskClient, tenant: Tenant) -> None:
    first, second = create(client, tenant, None, "Ada"), create(client, tenant, None, "Ada")
    assert first.get_json()["data"]["id"] != second.get_json()["data"]["id"]


def test_a_key_belongs_to_its_user(client: FlaskClient, tenant: Tenant) -> None:
    mine = create(client, tenant, "shared", "Ada", "owner")
    theirs = create(client, tenant, "shared", "Grace", "agent")
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.get_json()["data"]["id"] != theirs.get_json()["data"]["id"]


def test_a_reply_is_not_given_again_to_who_may_not_have_it_any_more(
    client: FlaskClient, make_tenant: TenantFactory
) -> None:
    tenant = make_tenant()
    assert create(client, tenant, "once", "Ada", "agent").status_code == 201
    agent = str(tenant.users["agent"])
    make_tenant.call("platform_remove_member", p_tenant=str(tenant.id), p_user=agent)
    reply = create(client, tenant, "once", "Ada", "agent")
    door.error_of(reply, 403, "membership_revoked")


def test_of_many_at_once_one_counts(
    function: HttpFunction, tenant: Tenant, sql: psycopg.Connection
) -> None:
    name = f"Ada-{uuid.uuid4()}"
    with ThreadPoolExecutor(8) as pool:
        replies = list(
            pool.map(lambda _: create(door.client(function), tenant, name, name), range(16))
        )
    assert {reply.status_code for reply in replies} <= {201, 409}
    for reply in replies:
        if reply.status_code == 409:
            door.error_of(reply, 409, "idempotency_in_progress")
    made = {reply.get_json()["data"]["id"] for reply in replies if reply.status_code == 201}
    assert len(made) == 1
    row = sql.execute("select count(*) from app.clients where name = %s", [name]).fetchone()
    assert row == (1,)
