"""CRM search and pipeline in SQL, 100,000 clients in one tenant, as the caller's own role.

The baselines are the original system's two ways of drawing one page, made to return the same rows:
the clients, then their quotes and activities by three ``in`` queries; and one query per client and
kind. Both get their page of ids from our search, for their own did not find the same clients.
"""

from __future__ import annotations

import json
import random
import shutil
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from bench.harness import Figure, median, paired, percentile, timings
from frontdesk.local.paths import CACHE
from frontdesk.local.stack import Stack

CLIENTS = 100_000
PAGE = 20
SEED = 23
MILLISECONDS = 1e3
TENANT = UUID("0198f3a0-0000-7000-8000-00000000000a")
OWNER = UUID("0198f3a0-0000-7000-8000-00000000000b")
FIRST = ("Łukasz", "Anna", "José", "李雷", "Ελένη", "محمد", "Zoë", "Marta", "Piet", "Sipho", "Ines")
LAST = ("Nowak", "Müller", "García", "Papadopoulos", "van der Merwe", "Dlamini", "Rossi", "Keller")

FILL = """
insert into app.tenants (id, slug, name, status) values (%(tenant)s, 'bench', 'Bench', 'active');
insert into app.tenant_settings (tenant_id) values (%(tenant)s);
insert into app.tenant_members (tenant_id, user_id, role) values (%(tenant)s, %(owner)s, 'owner');
insert into app.clients
  (tenant_id, id, number, name, email, phone, company, stage, source, created_at, last_activity_at)
select %(tenant)s, md5(i::text)::uuid, 'CLI-' || lpad(i::text, 8, '0'),
  (%(first)s::text[])[1 + i %% 11] || ' ' || (%(last)s::text[])[1 + (i / 11) %% 8] || ' ' ||
    substr(md5('n' || i), 1, 5),
  'client' || i || '@' || substr(md5('d' || i), 1, 6) || '.example',
  '+30 22850 ' || lpad(i::text, 6, '0'), 'Company ' || substr(md5('c' || (i %% 5000)), 1, 8),
  (array['QUOTED','NEGOTIATING','BOOKED','PAID','TRAVELLED','LOST'])[1 + i %% 6],
  (array['manual','quote','email','website','import'])[1 + i %% 5],
  now() - i * interval '1 minute', now() - (i * 7919 %% 100000) * interval '1 minute'
from generate_series(1, %(clients)s) as i;
insert into app.quotes
  (tenant_id, id, client_id, number, status, destination, currency, total_minor, created_at)
select %(tenant)s, md5('q' || i || '-' || n)::uuid, md5(i::text)::uuid, 'Q-2026-' || i || '-' || n,
  'sent', 'Naxos', (array['EUR','USD'])[1 + (i + n) %% 2], 10000 + i, now() - n * interval '1 day'
from generate_series(1, %(clients)s) as i, generate_series(1, 2) as n;
insert into app.client_values (tenant_id, client_id, currency, total_minor, quote_count)
select tenant_id, client_id, currency, sum(total_minor), count(*) from app.quotes
where tenant_id = %(tenant)s group by 1, 2, 3
on conflict (tenant_id, client_id, currency) do nothing;
insert into app.activities (tenant_id, id, client_id, type, description, occurred_at)
select %(tenant)s, md5('a' || i || '-' || n)::uuid, md5(i::text)::uuid, 'note', 'Note ' || n,
  now() - n * interval '1 hour'
from generate_series(1, %(clients)s) as i, generate_series(1, 2) as n;
"""

GIN_INDEXES = """select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
from pg_index as i
join pg_class as c on c.oid = i.indexrelid join pg_am as a on a.oid = c.relam
where i.indrelid = 'app.clients'::regclass and a.amname = 'gin'"""

QUOTES = """select client_id, number, total_minor, currency from app.quotes
where tenant_id = %s and client_id = any(%s) and deleted_at is null order by created_at desc"""
VALUES = """select client_id, currency, total_minor from app.client_values
where tenant_id = %s and client_id = any(%s)"""
ACTIVITIES = """select client_id, type, description, occurred_at from app.activities
where tenant_id = %s and client_id = any(%s) order by occurred_at desc"""
CLIENT_ROWS = "select * from app.clients where tenant_id = %s and id = any(%s)"


def run() -> list[Figure]:
    """Fill a database, then search it in many ways."""
    folder = CACHE / "bench" / "crm"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with Stack(folder) as stack, psycopg.connect(stack.postgres_dsn, autocommit=True) as admin:
            _fill(admin)
            with psycopg.connect(stack.postgres_dsn, autocommit=True) as member:
                _become_owner(member)
                return _measure(member, admin)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(member: psycopg.Connection, admin: psycopg.Connection) -> list[Figure]:
    searches = _searches()
    pages = {json.dumps(search): _search(member, search) for search in searches}
    samples, in_queries, per_client = [], [], []
    for search in searches:
        ids = [row["id"] for row in pages[json.dumps(search)]]
        ours = timings(lambda: _search(member, search), rounds=3, warmup=1)  # noqa: B023
        one, two = paired(
            lambda: _original_in(admin, ids),  # noqa: B023 -- called at once
            lambda: _original_per_client(admin, ids),  # noqa: B023
            rounds=3,
            warmup=1,
        )
        # The original's page has to be found before it can be drawn.
        samples += ours
        in_queries += [found + drawn for found, drawn in zip(ours, one, strict=True)]
        per_client += [found + drawn for found, drawn in zip(ours, two, strict=True)]
    pipeline = timings(lambda: _call(member, "pipeline", {}), rounds=9)
    in_python = timings(lambda: _count_in_python(admin), rounds=3, warmup=1)
    where = f"{CLIENTS:,} clients"
    return [
        Figure(
            f"crm search p95, {where}, {len(searches)} searches",
            percentile(samples, 0.95) * MILLISECONDS,
            "ms",
            budget=25.0,
            baseline=percentile(in_queries, 0.95) * MILLISECONDS,
            baseline_name="the same page drawn by three more queries",
        ),
        Figure(
            f"crm search p50, {where}",
            median(samples) * MILLISECONDS,
            "ms",
            baseline=median(per_client) * MILLISECONDS,
            baseline_name="the same page drawn by 1 + 2N queries",
        ),
        Figure(
            f"crm pipeline, {where}, cold",
            median(pipeline) * MILLISECONDS,
            "ms",
            budget=60.0,
            baseline=median(in_python) * MILLISECONDS,
            baseline_name="fetching every row and counting in Python",
        ),
    ]


def _fill(admin: psycopg.Connection) -> None:
    values = {
        "tenant": TENANT,
        "owner": OWNER,
        "clients": CLIENTS,
        "first": list(FIRST),
        "last": list(LAST),
    }
    with admin.transaction(), psycopg.ClientCursor(admin) as cursor:
        # Made after the rows, the trigram indexes take a fraction of the time.
        indexes = cursor.execute(GIN_INDEXES).fetchall()
        for name, _ in indexes:
            cursor.execute(f"drop index {name}".encode())
        cursor.execute("set local maintenance_work_mem = '512MB'")
        cursor.execute(FILL, values)
        for _, definition in indexes:
            cursor.execute(definition.encode())
    admin.execute("vacuum analyze")


def _become_owner(connection: psycopg.Connection) -> None:
    """What PostgREST does before it calls a function, for the length of the connection."""
    claims = {"sub": str(OWNER), "tenant_id": str(TENANT), "role": "authenticated"}
    for name in ("request.jwt.claims", "request.jwt.claim.sub", "request.jwt.claim.role"):
        value = json.dumps(claims) if name.endswith("claims") else claims[name.rsplit(".")[-1]]
        connection.execute("select set_config(%s, %s, false)", (name, value))
    connection.execute("set role authenticated")


def _searches() -> list[dict[str, Any]]:
    """Names, typing errors, accents, one CJK name, e-mail, phone, numbers, filters and sorts."""
    draw = random.Random(SEED)
    words = [f"{first} {last}" for first in FIRST for last in LAST[:2]]
    words += ["lukas nowak", "mueler", "papadopulos", "garsia", "李", "zoe", "van der"]
    words += [f"client{draw.randrange(1, CLIENTS)}@" for _ in range(6)]
    words += [f"22850{draw.randrange(1, CLIENTS):06}" for _ in range(6)]
    words += [f"CLI-{draw.randrange(1, CLIENTS):08}" for _ in range(4)]
    words += ["company", "nothing at all like this", "100%", "a_b"]
    searches: list[dict[str, Any]] = [{"p_query": word} for word in words]
    searches += [{"p_sort": sort} for sort in ("name", "created", "last_activity")]
    searches += [{"p_filter": {"stage": ["BOOKED"]}, "p_sort": "last_activity"}]
    searches += [{"p_query": "nowak", "p_filter": {"stage": ["LOST"]}, "p_sort": "name"}]
    return searches


def _call(connection: psycopg.Connection, function: str, params: dict[str, Any]) -> Any:
    names = ", ".join(f"{name} => %s" for name in params)
    values = [Jsonb(value) if isinstance(value, dict) else value for value in params.values()]
    row = connection.execute(f"select api.{function}({names})".encode(), values).fetchone()
    assert row is not None
    return row[0]


def _search(connection: psycopg.Connection, search: dict[str, Any]) -> list[dict[str, Any]]:
    defaults = {"p_query": "", "p_filter": {}, "p_limit": PAGE, "p_after": None}
    sort = "relevance" if "p_query" in search else "created"
    rows: list[dict[str, Any]] = _call(
        connection, "search_clients", {"p_sort": sort, **defaults, **search}
    )["rows"]
    return rows


def _original_in(connection: psycopg.Connection, ids: list[str]) -> None:
    for query in (CLIENT_ROWS, QUOTES, VALUES, ACTIVITIES):
        connection.execute(query, (TENANT, ids)).fetchall()


def _original_per_client(connection: psycopg.Connection, ids: list[str]) -> None:
    connection.execute(CLIENT_ROWS, (TENANT, ids)).fetchall()
    for one in ids:
        connection.execute(QUOTES, (TENANT, [one])).fetchall()
        connection.execute(ACTIVITIES, (TENANT, [one])).fetchall()


def _count_in_python(connection: psycopg.Connection) -> dict[tuple[str, str], int]:
    rows = connection.execute(
        "select c.stage, v.currency, v.total_minor from app.clients c join app.client_values v"
        " on v.tenant_id = c.tenant_id and v.client_id = c.id where c.tenant_id = %s",
        (TENANT,),
    ).fetchall()
    sums: dict[tuple[str, str], int] = {}
    for stage, currency, minor in rows:
        sums[stage, currency] = sums.get((stage, currency), 0) + minor
    return sums
