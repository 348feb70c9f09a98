"""What a migration may not take away while the previous release still runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from frontdesk.deploy.contracting import contracting_statements, problems, release_of
from frontdesk.deploy.paths import MIGRATIONS

if TYPE_CHECKING:
    from pathlib import Path


def found_in(sql: str) -> list[str]:
    return [found.what for found in contracting_statements(sql)]


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("drop table app.clients", "drops the table app.clients"),
        ("DROP TABLE IF EXISTS app.clients CASCADE", "drops the table app.clients"),
        ("drop function api.search(text, int)", "drops the function api.search"),
        ("drop materialized view v", "drops the materialized view v"),
        ("drop schema api", "drops the schema api"),
        ("alter table app.clients drop column fax", "drops the column fax"),
        ("alter table app.clients drop fax", "drops the column fax"),
        ("alter table app.clients drop column if exists fax cascade", "drops the column fax"),
        ('alter table only app.clients drop "Fax"', 'drops the column "fax"'),
        ("alter table app.clients rename to customers", "renames to customers"),
        ("alter table app.clients rename column fax to telefax", "renames to telefax"),
        ("alter function api.search(text) rename to find", "renames to find"),
        ("alter type app.stage rename value 'a' to b", "renames to b"),
        ("alter table app.clients set schema old", "moves to the schema old"),
        ("alter table t alter column n type bigint", "changes the type of n"),
        ("alter table t alter n set data type text using n::text", "changes the type of n"),
        ("alter table t alter column n drop default", "drops the default of n"),
        ("alter table t alter column n set not null", "sets n not null without a default"),
        (
            "alter table t add column n int not null",
            "adds the column n, not null and without a default",
        ),
        (
            "alter table t add if not exists n uuid primary key",
            "adds the column n, not null and without a default",
        ),
    ],
)
def test_what_takes_something_away_is_found(sql: str, what: str) -> None:
    assert found_in(f"create index i on t (n);\n{sql};") == [what]


@pytest.mark.parametrize(
    "sql",
    [
        "create table t (n int not null)",
        "alter table t add column n int",
        "alter table t add column n int not null default 0",
        "alter table t add column n int generated always as (1) stored not null",
        "alter table t add column n bigserial not null",
        "alter table t add constraint t_n check (n is not null)",
        "alter table t add primary key (n)",
        "alter table t add unique (n, m)",
        "alter table t drop constraint t_n",
        "alter table t alter column n drop not null",
        "alter table t alter column n set default 0",
        "alter table t alter column n set default 0, alter column n set not null",
        "alter table t alter column n set statistics 500",
        "alter table t enable row level security",
        "drop index app.clients_by_fax",
        "drop policy tenant_isolation on app.clients",
        "create or replace function f() returns void language sql as $$ select 1 $$",
        "comment on table t is 'we never drop table t; or rename it to u'",
        "-- drop table t;\nselect 1",
        "/* drop table t; */ select 1",
        "select 'drop table t; it''s; gone'",
        "create function f() returns void language sql as $x$ drop table t; $x$",
        "create table part (n int); alter table part drop column n; drop table part",
    ],
)
def test_what_only_adds_is_not(sql: str) -> None:
    assert found_in(sql) == []


def test_several_actions_of_one_statement_are_read_each() -> None:
    sql = "alter table t add m numeric(10, 2), drop column n, alter column o type int"
    assert found_in(sql) == ["drops the column n", "changes the type of o"]


def test_a_block_that_runs_now_is_read() -> None:
    sql = "do $$\nbegin\n  if true then\n    drop table t;\n  end if;\nend\n$$;"
    assert [(found.line, found.what) for found in contracting_statements(sql)] == [
        (4, "drops the table t")
    ]


def test_a_statement_is_named_by_the_line_it_begins_in() -> None:
    sql = "-- why\nselect $$\n;\n$$;\n\nalter table t\n  drop column n;"
    assert [found.line for found in contracting_statements(sql)] == [6]


@pytest.mark.parametrize(
    ("sql", "release"),
    [
        ("-- contract: 1.4.0 no longer reads t.n\ndrop table t;", "1.4.0"),
        ("-- Tidy up.\n--\n-- contract: v2.0.1 stopped\n\ndrop table t;", "2.0.1"),
        ("-- contract: 1.4.0\ndrop table t;", None),
        ("-- contract: soon, I hope\ndrop table t;", None),
        ("drop table t;\n-- contract: 1.4.0 no longer reads t", None),
        ("select '\n-- contract: 1.4.0 no longer\n';", None),
        ("", None),
    ],
)
def test_the_header_names_a_release_and_a_reason_above_the_first_statement(
    sql: str, release: str | None
) -> None:
    assert release_of(sql) == release


def test_a_file_with_the_header_may_and_one_without_it_may_not(tmp_path: Path) -> None:
    drop = "drop table app.faxes;"
    (tmp_path / "20270101000000_tidy.sql").write_text(f"-- contract: 1.4.0 sends none\n{drop}")
    (tmp_path / "20270102000000_sneaky.sql").write_text(f"select 1;\n{drop}")
    (problem,) = problems(tmp_path)
    assert problem.startswith("20270102000000_sneaky.sql:2: drops the table app.faxes, while")


def test_our_own_migrations_keep_the_rule() -> None:
    assert problems(MIGRATIONS) == []
