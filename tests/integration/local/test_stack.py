"""The stack as a whole: its parts come back, its fixtures hold, and nothing outlives it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest
import redis

from frontdesk.local.postgres import ctype_problem, remove_data
from frontdesk.local.stack import Stack
from tests.support.dev import children_of, exists
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.support.tenants import TenantFactory


def rpc(stack: Stack, function: str, token: str) -> httpx.Response:
    return httpx.post(
        f"{stack.supabase_api.url}/rest/v1/rpc/{function}",
        headers={
            "apikey": stack.identity.anon_key,
            "Authorization": f"Bearer {token}",
            "Content-Profile": "api",
        },
        json={},
        timeout=10,
    )


def test_a_made_tenant_is_active_and_its_members_get_in(
    stack: Stack, make_tenant: TenantFactory
) -> None:
    tenant = make_tenant()
    for role in ("owner", "agent", "viewer"):
        reply = rpc(stack, "access", tenant.token(role))
        assert reply.status_code == 200, reply.text
        assert reply.json()["access"]["role"] == role


def test_a_member_of_one_tenant_is_nobody_in_another(
    stack: Stack, make_tenant: TenantFactory
) -> None:
    one, other = make_tenant(), make_tenant()
    stranger = stack.mint_token(one.users["owner"], other.id)
    assert rpc(stack, "access", stranger).status_code == 403


def test_redis_comes_back_when_it_is_killed(stack: Stack) -> None:
    client = redis.Redis.from_url(stack.redis.url)
    client.ping()
    restarts = stack.supervisor.restarts
    stack.redis.kill()
    eventually(lambda: stack.supervisor.restarts > restarts, seconds=10)
    assert client.ping()
    client.close()


def test_a_part_can_be_kept_down(stack: Stack) -> None:
    port = int(stack.redis.url.split(":")[2].split("/")[0])
    with stack.down(stack.redis), pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    socket.create_connection(("127.0.0.1", port)).close()


def test_a_frozen_part_hangs_and_thaws(stack: Stack) -> None:
    client = redis.Redis.from_url(stack.redis.url, socket_timeout=0.2)
    with stack.redis.frozen(), pytest.raises(redis.TimeoutError):
        client.ping()
    client.close()


def test_killed_postgres_comes_back_with_its_data_and_the_api_serves_it_again(
    stack: Stack, make_tenant: TenantFactory
) -> None:
    tenant = make_tenant()
    stack.postgres.kill()

    def serves() -> bool:
        try:
            return rpc(stack, "access", tenant.token()).status_code == 200
        except httpx.HTTPError:
            return False

    eventually(serves, seconds=30)


# A shell without a terminal starts what it puts in the background deaf to SIGINT.
HOST = """
    import signal, sys, time
    from pathlib import Path
    from frontdesk.local.stack import Stack

    signal.signal(signal.SIGINT, signal.default_int_handler)
    with Stack(Path(sys.argv[1])):
        print("up", flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_outlives_the_process_of_a_stack(
    stack_folder: Path, number: signal.Signals
) -> None:
    host = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOST), str(stack_folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert host.stdout is not None
    host.stdout.readline()
    children = children_of(host.pid)
    assert len(children) == 4, children  # the guard, Redis, Postgres, the API

    host.send_signal(number)
    host.communicate(timeout=90)
    eventually(lambda: not any(exists(pid) for pid in children))


def test_a_second_stack_on_the_same_folder_finds_the_first_ones_rows_and_addresses(
    stack_folder: Path,
) -> None:
    with Stack(stack_folder, durable=False) as first:
        token = first.mint_token("00000000-0000-0000-0000-000000000001", None)
        with psycopg.connect(first.postgres_dsn, autocommit=True) as sql:
            sql.execute("create table public.kept as select 1 as n")
        url = first.supabase_api.url
    with Stack(stack_folder, durable=False) as second:
        assert second.supabase_api.url == url
        assert rpc(second, "access", token).json()["details"] == "tenant_required"
        with psycopg.connect(second.postgres_dsn) as sql:
            assert sql.execute("select n from public.kept").fetchone() == (1,)


def test_a_folder_that_only_its_owner_may_enter_will_do(stack_folder: Path) -> None:
    closed = stack_folder / "closed"
    closed.mkdir(parents=True, mode=0o700)
    data_dir = closed / "data"
    with Stack(data_dir, durable=False) as stack:
        data = stack.postgres.data
        assert ctype_problem(stack.postgres_dsn) is None
    remove_data(data_dir)
    assert data.is_relative_to(data_dir) or not data.exists()


def test_a_database_with_ctype_c_is_refused(stack: Stack) -> None:
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as sql:
        sql.execute(
            "create database ascii template template0 locale_provider libc"
            " lc_ctype 'C' lc_collate 'C'"
        )
        problem = ctype_problem(stack.postgres.dsn(database="ascii"))
        sql.execute("drop database ascii")
    assert problem is not None
    assert "ctype C" in problem
    assert ctype_problem(stack.postgres_dsn) is None
