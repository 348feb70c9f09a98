"""Who calls the functions of schema ``api``: inside Postgres, or from outside by PostgREST."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from frontdesk.local.stack import Stack
    from tests.support.tenants import Tenant


@dataclass(frozen=True)
class SqlCaller:
    """A caller as PostgREST presents one: a role switched to, and the claims of a token.

    Args:
        connection: of a superuser, in autocommit mode; each call is a transaction of its own.
        role: anon, authenticated or service_role.
        claims: of the token.
    """

    connection: psycopg.Connection
    role: str
    claims: dict[str, Any] = field(default_factory=dict)

    def __call__(self, function: str, **parameters: Any) -> Any:
        """Call ``api.<function>`` with named parameters; lists of ids stay arrays."""
        call = sql.SQL("select {}({})").format(
            sql.Identifier("api", function),
            sql.SQL(", ").join(
                sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name))
                for name in parameters
            ),
        )
        with self.connection.transaction():
            self.connection.execute(sql.SQL("set local role {}").format(sql.Identifier(self.role)))
            self.connection.execute(
                "select set_config('request.jwt.claims', %s, true)", [json.dumps(self.claims)]
            )
            values = {name: _parameter(value) for name, value in parameters.items()}
            row = self.connection.execute(call, values).fetchone()
        assert row is not None
        return row[0]


def _parameter(value: Any) -> Any:
    if isinstance(value, dict) or (
        isinstance(value, list) and not all(isinstance(item, UUID) for item in value)
    ):
        return Jsonb(value)
    return value


def member(connection: psycopg.Connection, tenant: Tenant, role: str = "owner") -> SqlCaller:
    """The tenant's member with that role."""
    return user(connection, tenant.users[role], tenant.id)


def user(connection: psycopg.Connection, user_id: UUID, tenant_id: UUID | None) -> SqlCaller:
    """A signed-in user whose token names that tenant."""
    claims = {"sub": str(user_id), "role": "authenticated"}
    if tenant_id is not None:
        claims["tenant_id"] = str(tenant_id)
    return SqlCaller(connection, "authenticated", claims)


def platform(connection: psycopg.Connection) -> SqlCaller:
    """The platform's own functions, with the service key."""
    return SqlCaller(connection, "service_role", {"role": "service_role"})


@contextmanager
def refused(code: str) -> Iterator[pytest.ExceptionInfo[psycopg.Error]]:
    """Expect SQL to refuse with that documented error code."""
    with pytest.raises(psycopg.Error) as caught:
        yield caught
    assert caught.value.diag.message_detail == code, caught.value


@dataclass(frozen=True)
class HttpCaller:
    """Somebody with curl, a token and the publishable key: the Supabase API itself, no function.

    Args:
        stack: whose API it is.
        token: sent as bearer token; None sends the key alone.
        key: the API key, by default the publishable one.
    """

    stack: Stack
    token: str | None = None
    key: str | None = None

    def rpc(self, function: str, *, schema: str = "api", **parameters: Any) -> httpx.Response:
        """POST to a function."""
        return self.request("POST", f"rpc/{function}", schema=schema, json=parameters)

    def request(
        self, method: str, path: str, *, schema: str = "api", **options: Any
    ) -> httpx.Response:
        """Any request to the REST API."""
        key = self.key or self.stack.identity.anon_key
        headers = {"apikey": key, "Accept-Profile": schema, "Content-Profile": schema}
        bearer = self.token or (key if self.key else None)
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        return httpx.request(
            method,
            f"{self.stack.supabase_api.url}/rest/v1/{path}",
            headers=headers,
            timeout=30,
            trust_env=False,
            # Plain HTTP: loading certificates would cost each request 20 ms.
            verify=False,
            **options,
        )
