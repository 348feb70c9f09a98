"""The migration runner keeps the history that the Supabase CLI keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from frontdesk.deploy.migration_files import MigrationFailed
from frontdesk.deploy.migrations import migrate

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, name: str, sql: str) -> None:
    (folder / name).write_text(sql)


def test_files_are_applied_once_in_the_order_of_their_versions(
    database: str, tmp_path: Path
) -> None:
    write(tmp_path, "20260101000002_second.sql", "insert into t values (1);")
    write(tmp_path, "20260101000001_first.sql", "create table t (n int); -- 50% done: %s")

    assert [m.name for m in migrate(database, tmp_path)] == ["first", "second"]
    assert migrate(database, tmp_path) == []

    with psycopg.connect(database) as connection:
        history = connection.execute(
            "select version, name from supabase_migrations.schema_migrations order by version"
        ).fetchall()
    assert history == [("20260101000001", "first"), ("20260101000002", "second")]


def test_a_file_that_says_concurrently_runs_outside_a_transaction(
    database: str, tmp_path: Path
) -> None:
    write(tmp_path, "20260101000001_table.sql", "create table t (n int) -- not concurrently")
    write(tmp_path, "20260101000002_index.sql", "create index concurrently t_n on t (n);")
    assert len(migrate(database, tmp_path)) == 2


def test_a_failing_file_is_rolled_back_whole_and_named_with_its_line(
    database: str, tmp_path: Path
) -> None:
    write(tmp_path, "20260101000001_good.sql", "create table good (n int);")
    write(tmp_path, "20260101000002_bad.sql", "create table half (n int);\n\nselect nonsense;")
    with pytest.raises(MigrationFailed, match=r"20260101000002_bad\.sql:3: column .nonsense."):
        migrate(database, tmp_path)
    with psycopg.connect(database) as connection:
        tables = connection.execute("select to_regclass('good'), to_regclass('half')").fetchone()
    assert tables == ("good", None)


def test_a_file_edited_after_it_was_applied_is_refused(database: str, tmp_path: Path) -> None:
    write(tmp_path, "20260101000001_table.sql", "create table t (n int);")
    migrate(database, tmp_path)
    write(tmp_path, "20260101000001_table.sql", "create table t (n bigint);")
    with pytest.raises(MigrationFailed, match="edited after it was applied"):
        migrate(database, tmp_path)


def test_what_the_supabase_cli_applied_is_not_applied_again(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "create schema supabase_migrations;"
            "create table supabase_migrations.schema_migrations"
            " (version text primary key, statements text[], name text);"
            "insert into supabase_migrations.schema_migrations"
            " values ('20260101000001', '{create table t (n int),select 1}', 'table')"
        )
    write(tmp_path, "20260101000001_table.sql", "create table t (n int);\nselect 1;\n")
    assert migrate(database, tmp_path) == []


def test_a_name_that_the_supabase_cli_would_not_take_is_refused(
    database: str, tmp_path: Path
) -> None:
    write(tmp_path, "1_table.sql", "select 1")
    with pytest.raises(MigrationFailed, match="YYYYMMDDHHMMSS_name"):
        migrate(database, tmp_path)
