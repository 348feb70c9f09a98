"""Migrating a database that others use meanwhile, and going on after a run that ended badly."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from frontdesk.deploy.migration_files import MigrationFailed
from frontdesk.deploy.migrations import Limits, LockNotHad, State, migrate, standing
from tests.support.clock import ManualClock
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLE = ("20260101000001_table.sql", "create table t (n int);")
COLUMN = ("20260101000002_column.sql", "create table u ();\nalter table t add column m int;")
INDEX = ("20260101000003_index.sql", "create index concurrently t_by_n on public.t (n);")
SNAPSHOT = ("set transaction isolation level repeatable read", "select 1")
"""What an index that is built concurrently waits for, whatever table it is."""
HURRIED = Limits(lock=0.2, statement=0.5, index=0.5)


def write(folder: Path, *files: tuple[str, str]) -> None:
    for name, sql in files:
        (folder / name).write_text(sql)


@contextmanager
def transaction(database: str, *statements: str) -> Iterator[psycopg.Connection]:
    """Another session in the middle of a transaction."""
    with psycopg.connect(database) as session:
        for statement in statements:
            session.execute(statement.encode())
        yield session
        session.rollback()


def ask(database: str, question: str) -> object:
    with psycopg.connect(database) as connection:
        row = connection.execute(question.encode()).fetchone()
    return row[0] if row and len(row) == 1 else row


def states(database: str, folder: Path) -> list[State]:
    return [entry.state for entry in standing(database, folder)]


def indexes(database: str) -> object:
    return ask(
        database,
        "select array_agg((indexrelid::regclass::text, indisvalid)::text order by 1)"
        " from pg_index where indrelid = 't'::regclass",
    )


def test_a_lock_that_is_not_had_ends_the_run_and_leaves_nothing_half_done(
    database: str, tmp_path: Path
) -> None:
    write(tmp_path, TABLE)
    migrate(database, tmp_path)
    write(tmp_path, COLUMN)
    with transaction(database, "select * from t"):
        with pytest.raises(LockNotHad, match=r"000002_column\.sql waited 0\.2 s for a lock"):
            migrate(database, tmp_path, limits=HURRIED)
        assert ask(database, "select to_regclass('u')") is None
        assert states(database, tmp_path) == [State.APPLIED, State.PENDING]
    assert [migration.name for migration in migrate(database, tmp_path)] == ["column"]


def test_who_waits_for_a_lock_does_not_keep_others_waiting_for_long(
    database: str, tmp_path: Path
) -> None:
    write(tmp_path, TABLE)
    migrate(database, tmp_path)
    write(tmp_path, COLUMN)
    with ThreadPoolExecutor(1) as pool, transaction(database, "select * from t"):
        run = pool.submit(migrate, database, tmp_path, limits=Limits(lock=1.0))
        waiting = "select count(*) from pg_locks where relation = 't'::regclass and not granted"
        eventually(lambda: ask(database, waiting) == 1, seconds=10)
        with psycopg.connect(database) as reader:
            reader.execute("set statement_timeout = '10s'")
            assert reader.execute("select count(*) from t").fetchone() == (0,)
        assert isinstance(run.exception(), LockNotHad)


def test_a_statement_that_takes_too_long_is_ended_with_its_file(
    database: str, tmp_path: Path
) -> None:
    write(tmp_path, ("20260101000001_slow.sql", "create table t (); select pg_sleep(30);"))
    with pytest.raises(MigrationFailed, match=r"statement timeout\nNothing of this file"):
        migrate(database, tmp_path, limits=HURRIED)
    assert ask(database, "select to_regclass('t')") is None


def test_the_limits_of_a_transaction_are_not_those_of_an_index(
    database: str, tmp_path: Path
) -> None:
    """An index waits for every transaction that is under way, and keeps nobody waiting."""
    write(tmp_path, TABLE, INDEX)
    with ThreadPoolExecutor(1) as pool, transaction(database, *SNAPSHOT) as other:
        run = pool.submit(migrate, database, tmp_path, limits=Limits(lock=0.2, statement=0.2))
        with pytest.raises(TimeoutError):
            run.result(timeout=1.0)
        other.rollback()
        assert [migration.name for migration in run.result(timeout=30)] == ["table", "index"]


def test_an_index_that_was_left_invalid_is_dropped_and_built_anew(
    database: str, tmp_path: Path
) -> None:
    unique = ("20260101000003_index.sql", "create unique index concurrently t_by_n on t (n);")
    write(tmp_path, TABLE, unique)
    with psycopg.connect(database, autocommit=True) as other:
        other.execute("create table t (n int); insert into t values (1), (1)")
        (tmp_path / TABLE[0]).write_text("select 1;")
        with pytest.raises(MigrationFailed, match="could not create unique index"):
            migrate(database, tmp_path)
        assert indexes(database) == ["(t_by_n,f)"]
        assert states(database, tmp_path) == [State.APPLIED, State.PENDING]
        other.execute("delete from t where ctid = (select min(ctid) from t)")
    said: list[str] = []
    migrate(database, tmp_path, report=said.append)
    assert indexes(database) == ["(t_by_n,t)"]
    assert said == [
        "the index public.t_by_n was left INVALID by an earlier run; building it anew",
        "applied 20260101000003_index.sql",
    ]


def test_a_build_that_was_cut_off_is_taken_up_again(database: str, tmp_path: Path) -> None:
    write(tmp_path, TABLE, INDEX)
    with transaction(database, *SNAPSHOT):
        with pytest.raises(MigrationFailed, match="statement timeout"):
            migrate(database, tmp_path, limits=HURRIED)
        assert indexes(database) == ["(t_by_n,f)"]
    assert [migration.name for migration in migrate(database, tmp_path)] == ["index"]
    assert indexes(database) == ["(t_by_n,t)"]


def test_if_not_exists_is_not_content_with_an_invalid_index(database: str, tmp_path: Path) -> None:
    again = "-- slowly\ncreate index concurrently if not exists T_BY_N on T (n);"
    write(tmp_path, TABLE, (INDEX[0], again))
    with transaction(database, *SNAPSHOT), pytest.raises(MigrationFailed):
        migrate(database, tmp_path, limits=HURRIED)
    migrate(database, tmp_path)
    assert indexes(database) == ["(t_by_n,t)"]


def test_an_index_that_was_finished_after_its_runner_had_gone_is_taken_over(
    database: str, tmp_path: Path
) -> None:
    write(tmp_path, TABLE)
    migrate(database, tmp_path)
    with psycopg.connect(database, autocommit=True) as gone:
        gone.execute(INDEX[1].encode())
    write(tmp_path, INDEX)
    said: list[str] = []
    assert [migration.name for migration in migrate(database, tmp_path, report=said.append)]
    assert said[0] == "the index public.t_by_n was finished by an earlier run"
    assert states(database, tmp_path) == [State.APPLIED, State.APPLIED]


def test_two_runners_take_turns_and_who_waits_does_not_hold_up_the_others_index(
    database: str, tmp_path: Path
) -> None:
    """Waiting inside of a statement, it would have a snapshot that the index waits for."""
    write(tmp_path, TABLE, ("20260101000002_slow.sql", "select pg_sleep(1);"), INDEX)
    together = threading.Barrier(2)

    def run() -> int:
        together.wait()
        return len(migrate(database, tmp_path))

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(run) for _ in range(2)]
        assert sorted(run.result(timeout=60) for run in runs) == [0, 3]


def test_a_runner_does_not_wait_for_another_one_for_ever(database: str, tmp_path: Path) -> None:
    write(tmp_path, TABLE)
    clock = ManualClock()
    with psycopg.connect(database, autocommit=True) as other:
        other.execute("select pg_advisory_lock(7266873011)")
        with pytest.raises(LockNotHad, match=r"Another runner has been migrating .* for 60 s"):
            migrate(database, tmp_path, limits=Limits(turn=60), clock=clock)
    assert clock.monotonic() == 60
    assert ask(database, "select to_regclass('t')") is None


def test_looking_changes_nothing(database: str, tmp_path: Path) -> None:
    write(tmp_path, TABLE, INDEX)
    assert states(database, tmp_path) == [State.PENDING, State.PENDING]
    assert ask(database, "select to_regnamespace('supabase_migrations')") is None


def test_what_another_release_applied_is_named_and_left_alone(
    database: str, tmp_path: Path
) -> None:
    write(tmp_path, TABLE, COLUMN)
    migrate(database, tmp_path)
    (tmp_path / COLUMN[0]).unlink()
    assert [(entry.name, entry.state) for entry in standing(database, tmp_path)] == [
        ("table", State.APPLIED),
        ("column", State.FOREIGN),
    ]
    assert migrate(database, tmp_path) == []


def test_a_database_that_the_supabase_cli_migrated_can_be_looked_at(
    database: str, tmp_path: Path
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "create schema supabase_migrations;"
            "create table supabase_migrations.schema_migrations (version text primary key);"
            "insert into supabase_migrations.schema_migrations values ('20260101000001')"
        )
    write(tmp_path, TABLE, COLUMN)
    assert states(database, tmp_path) == [State.APPLIED, State.PENDING]


def test_nothing_is_applied_when_an_earlier_file_was_edited(database: str, tmp_path: Path) -> None:
    write(tmp_path, TABLE)
    migrate(database, tmp_path)
    write(tmp_path, (TABLE[0], "create table t (n bigint);"), COLUMN)
    assert states(database, tmp_path) == [State.EDITED, State.PENDING]
    with pytest.raises(MigrationFailed, match=r"table\.sql was edited"):
        migrate(database, tmp_path)
    assert ask(database, "select to_regclass('u')") is None
