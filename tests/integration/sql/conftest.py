"""One agency a module, and its members as callers inside the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.callers import SqlCaller, member, platform

if TYPE_CHECKING:
    import psycopg

    from tests.support.tenants import Tenant, TenantFactory


@pytest.fixture
def agency(make_tenant: TenantFactory) -> Tenant:
    """An agency of the test's own."""
    return make_tenant()


@pytest.fixture
def owner(sql: psycopg.Connection, agency: Tenant) -> SqlCaller:
    """Its owner."""
    return member(sql, agency, "owner")


@pytest.fixture
def agent(sql: psycopg.Connection, agency: Tenant) -> SqlCaller:
    """Its agent."""
    return member(sql, agency, "agent")


@pytest.fixture
def service(sql: psycopg.Connection) -> SqlCaller:
    """The platform."""
    return platform(sql)
