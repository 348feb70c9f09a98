"""Two look-alike agencies through one pool, one cache and one log: nobody sees the other's rows.

Each thing that keeps them apart is broken on purpose in a test of its own, and the hammer has to
notice: a shared header, a cache key without the tenant, a policy that lets everything through.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
import pytest

from frontdesk.local.stack import Stack
from frontdesk.platform.cache import Cache, Scope
from frontdesk.platform.cache_entries import Keys, Versions
from frontdesk.platform.database import SCHEMA, Database, Rpc
from frontdesk.platform.services import Services
from frontdesk.platform.settings import Settings, load_settings
from tests.support.crm_hammer import Agency, Hammer, look_alike_agencies
from tests.support.hammer import Report, logging_as_deployed
from tests.support.shared_header import SharedHeaderDatabase
from tests.support.tenants import TenantFactory

SEED = 20_260_105


class CountingDatabase(Database):
    """The real one; counts the calls that went out, so that cache hits can be told."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.sent = 0
        self._counting = threading.Lock()

    def send(self, rpc: Rpc, params: Mapping[str, Any], **how: Any) -> httpx.Response:
        with self._counting:
            self.sent += 1
        return super().send(rpc, params, **how)


class KeysWithoutTenant(Keys):
    """Broken on purpose: nothing of the tenant is in the key, neither its id nor its versions.

    Either alone would keep the answers apart, since versions are random.
    """

    def answer(self, scope: Scope, versions: Versions, name: str, params: Mapping[str, Any]) -> str:
        return self._digest(
            "answer", scope.role, scope.visibility, name, json.dumps(params, sort_keys=True)
        )


class TransactionDatabase(Database):
    """PostgREST's part played on one connection, inside a transaction that is rolled back.

    So the schema can be broken without anybody else noticing.
    """

    def __init__(self, settings: Settings, connection: psycopg.Connection) -> None:
        super().__init__(settings)
        self._connection = connection

    def send(
        self, rpc: Rpc, params: Mapping[str, Any], *, token: str, **_how: Any
    ) -> httpx.Response:
        claims = json.dumps(_claims_of(token))
        arguments = ", ".join(f"{name} => %s" for name in params)
        values = [json.dumps(v) if isinstance(v, dict) else v for v in params.values()]
        try:
            with self._connection.transaction():
                self._connection.execute("set local role authenticated")
                self._connection.execute(
                    "select set_config('request.jwt.claims', %s, true)", [claims]
                )
                query = f"select {SCHEMA}.{rpc}({arguments})".encode()
                row = self._connection.execute(query, values).fetchone()
        except psycopg.Error as error:
            said = error.diag
            body = {
                "code": error.sqlstate,
                "message": said.message_primary,
                "details": said.message_detail,
                "hint": said.message_hint,
            }
            return httpx.Response(400, json=body)
        return httpx.Response(200, json=row[0] if row else None)


def _claims_of(token: str) -> dict[str, Any]:
    import jwt

    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


CARELESS_SEARCH = """
create or replace function api.search_clients(
  p_query text default null, p_filter jsonb default '{}', p_sort text default 'relevance',
  p_limit int default 25, p_after jsonb default null
) returns jsonb language sql stable security definer set search_path = '' as $$
  select jsonb_build_object(
    'access', app.access_json(app.require_role('viewer')),
    'rows', coalesce((select jsonb_agg(app.client_json(c)) from app.clients as c), '[]'),
    'next', null)
$$;
alter function api.search_clients owner to frontdesk_app;
"""
"""A search whose author forgot the tenant: the policies alone stand between the agencies."""

OPEN_POLICY = "alter policy tenant_isolation on app.clients using (true)"


@pytest.fixture(scope="module")
def agencies(make_tenant: TenantFactory, services: Services) -> tuple[Agency, Agency]:
    return look_alike_agencies(make_tenant, services)


@contextmanager
def process(
    stack: Stack, *, database: type[Database] = Database, keys: Keys | None = None
) -> Iterator[Services]:
    """The services of a process of its own, with its own part of the cache."""
    settings = load_settings(stack.environment | {"REVISION": f"{database.__name__}/{keys}"})
    cache = Cache(settings, keys=keys)
    cache.connect()
    services = Services(settings, database=database(settings), cache=cache)
    try:
        yield services
    finally:
        services.close()


@contextmanager
def broken_schema(stack: Stack, dsn: str, *statements: str) -> Iterator[Services]:
    """The services of a process whose database was changed by these statements, for the block."""
    settings = load_settings(stack.environment | {"CACHE_TTL_SECONDS": "0"})
    with psycopg.connect(dsn) as connection:
        for statement in statements:
            connection.execute(statement.encode())
        yield Services(settings, database=TransactionDatabase(settings, connection))
        connection.rollback()


def assert_clean(report: Report, requests: int) -> None:
    assert report.foreign == []
    assert report.failures == []
    assert (report.requests, report.own > 0) == (requests, True)


def test_nobody_sees_the_others_rows(stack: Stack, agencies: tuple[Agency, Agency]) -> None:
    with process(stack, database=CountingDatabase) as services:
        report = Hammer(services, agencies, seed=SEED).strike(threads=8, requests=600)
        assert isinstance(services.database, CountingDatabase)

        assert_clean(report, 600)
        # Both ways were hammered: answers from the cache, and answers over the pool.
        assert 100 < services.database.sent < 500


@pytest.mark.soak
def test_nobody_sees_the_others_rows_in_20000_requests_of_32_threads(
    stack: Stack, agencies: tuple[Agency, Agency]
) -> None:
    with process(stack) as services:
        assert_clean(
            Hammer(services, agencies, seed=SEED).strike(threads=32, requests=20_000), 20_000
        )


def test_no_log_line_is_filed_under_the_other_or_quotes_anybody(
    stack: Stack, agencies: tuple[Agency, Agency], capsys: pytest.CaptureFixture[str]
) -> None:
    with logging_as_deployed(), process(stack) as services:
        Hammer(services, agencies, seed=SEED).strike(threads=8, requests=120)
    printed = capsys.readouterr().out

    lines = [json.loads(line) for line in printed.splitlines()]
    asked = [line for line in lines if line["message"] == "Asked"]
    slugs = {str(agency.tenant.id): agency.tenant.slug for agency in agencies}
    assert len(asked) == 120
    assert all(slugs[line["tenant_id"]] == line["asked_by"] for line in asked)
    for trace in ("look-alike", "Lovelace", *(agency.canary for agency in agencies)):
        assert trace not in printed


def test_a_token_on_a_shared_client_is_noticed(
    stack: Stack, agencies: tuple[Agency, Agency]
) -> None:
    with process(stack, database=SharedHeaderDatabase) as services:
        report = Hammer(services, agencies, seed=SEED).strike(threads=8, requests=200)

    assert report.foreign


def test_a_cache_key_without_the_tenant_is_noticed(
    stack: Stack, agencies: tuple[Agency, Agency]
) -> None:
    with process(stack, keys=KeysWithoutTenant("broken")) as services:
        report = Hammer(services, agencies, seed=SEED).strike(threads=8, requests=200)

    assert report.foreign


def test_policies_alone_keep_the_agencies_apart(
    stack: Stack, dsn: str, agencies: tuple[Agency, Agency]
) -> None:
    with broken_schema(stack, dsn, CARELESS_SEARCH) as services:
        assert_clean(Hammer(services, agencies, seed=SEED).strike(threads=1, requests=60), 60)


def test_a_policy_that_lets_everything_through_is_noticed(
    stack: Stack, dsn: str, agencies: tuple[Agency, Agency]
) -> None:
    with broken_schema(stack, dsn, CARELESS_SEARCH, OPEN_POLICY) as services:
        report = Hammer(services, agencies, seed=SEED).strike(threads=1, requests=60)

    assert report.foreign
