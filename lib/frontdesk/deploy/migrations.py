"""Applies ``supabase/migrations`` and keeps the history table that the Supabase CLI keeps.

A database migrated here can be continued by ``supabase migration up`` and the other way round.

A file runs in a transaction, which waits for a lock for a few seconds at most: while a migration
waits for a table, everybody who comes later waits behind it. A file that says ``concurrently``
holds one statement and runs outside of a transaction; ``concurrent_index`` makes it resumable.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import psycopg

from frontdesk.deploy.concurrent_index import make_way_for
from frontdesk.deploy.migration_files import Migration, MigrationFailed, read_migrations
from frontdesk.platform.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from frontdesk.platform.clock import Clock

_LOCK_KEY: Final = 7_266_873_011  # any constant: two runners on one database take turns
_LOOK_EVERY_SECONDS: Final = 0.5
_HISTORY: Final = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (
  version text not null primary key
);
alter table supabase_migrations.schema_migrations add column if not exists statements text[];
alter table supabase_migrations.schema_migrations add column if not exists name text;
alter table supabase_migrations.schema_migrations add column if not exists created_by text;
"""
_RUNNER: Final = (
    "frontdesk"  # the CLI splits files into statements; only our own rows can be compared
)


class LockNotHad(MigrationFailed):
    """Somebody else holds a lock, or migrates this database, for longer than we wait."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a migration may take, in seconds.

    Attributes:
        lock: it waits for a lock, in a transaction.
        statement: one statement of a transaction runs.
        index: a statement outside of a transaction runs, such as an index that is built
            ``concurrently``; that one keeps nobody else waiting.
        turn: another runner is waited for.
    """

    lock: float = 5.0
    statement: float = 300.0
    index: float = 3600.0
    turn: float = 600.0


class State(StrEnum):
    """How a migration and a database stand to each other."""

    APPLIED = "applied"
    PENDING = "pending"
    EDITED = "edited"
    """Its file is not the text that was applied."""
    FOREIGN = "foreign"
    """The database has it and the folder does not: another release's, most likely a newer one's."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One migration; without ``migration`` when only the database knows it."""

    version: str
    name: str
    state: State
    migration: Migration | None


def standing(dsn: str, folder: Path) -> list[Standing]:
    """Every migration that the folder or the database knows, by version. Changes nothing.

    Raises:
        MigrationFailed: see ``read_migrations``.
        psycopg.OperationalError: nobody answers there.
    """
    with _connect(dsn) as connection:
        connection.execute("set default_transaction_read_only = on")
        return _standing(connection, read_migrations(folder))


def migrate(
    dsn: str,
    folder: Path,
    *,
    limits: Limits | None = None,
    clock: Clock | None = None,
    report: Callable[[str], None] = lambda _line: None,
) -> Sequence[Migration]:
    """Apply what the database has not seen yet, each file in a transaction of its own.

    Args:
        dsn: of the role that is to own what the migrations make.
        folder: with the migration files.
        limits: how long each thing may take.
        clock: for the wait until another runner is done.
        report: called with one sentence for each file that is applied.

    Returns:
        The migrations that were applied now.

    Raises:
        LockNotHad: nothing of the file that it names was applied; run it again later.
        MigrationFailed: naming the file and the line; earlier files stay applied.
        psycopg.OperationalError: nobody answers there, or no longer.
    """
    limits, clock = limits or Limits(), clock or SystemClock()
    migrations = read_migrations(folder)
    applied: list[Migration] = []
    with _connect(dsn) as connection, _turn(connection, limits, clock, report):
        connection.execute("set client_min_messages = warning")
        connection.execute(_HISTORY.encode())
        known = _standing(connection, migrations)
        for edited in (entry for entry in known if entry.state is State.EDITED):
            raise MigrationFailed(
                f"{edited.version}_{edited.name}.sql was edited after it was applied to this"
                " database. Migrations are only added; on a laptop `frontdesk dev --reset`"
                " starts anew."
            )
        for entry in known:
            if entry.migration is not None and entry.state is State.PENDING:
                _apply(connection, entry.migration, limits, report)
                applied.append(entry.migration)
                report(f"applied {entry.migration.path.name}")
    return applied


def _connect(dsn: str) -> psycopg.Connection:
    # An index may take an hour in which nothing is said: keepalives hold the way open.
    return psycopg.connect(
        dsn,
        autocommit=True,
        connect_timeout=10,
        keepalives_idle=30,
        application_name="frontdesk migrate",
    )


@contextmanager
def _turn(
    connection: psycopg.Connection, limits: Limits, clock: Clock, report: Callable[[str], None]
) -> Iterator[None]:
    """Wait until no other runner works on this database; the connection's end is the turn's.

    It asks again and again instead of waiting inside of ``pg_advisory_lock``: a statement that
    waits has a snapshot, which an index that is built ``concurrently`` waits for in turn.
    """
    began: float | None = None
    while not _lock_is_ours(connection):
        if began is None:
            began = clock.monotonic()
            report("another runner migrates this database; waiting for it")
        if (waited := clock.monotonic() - began) >= limits.turn:
            raise LockNotHad(
                f"Another runner has been migrating this database for {waited:.0f} s."
                " Nothing was applied; run it again later."
            )
        clock.sleep(_LOOK_EVERY_SECONDS)
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("select pg_advisory_unlock(%s)", [_LOCK_KEY])


def _lock_is_ours(connection: psycopg.Connection) -> bool:
    return connection.execute("select pg_try_advisory_lock(%s)", [_LOCK_KEY]).fetchone() == (True,)


def _standing(connection: psycopg.Connection, migrations: Sequence[Migration]) -> list[Standing]:
    history = _history(connection)
    found = [
        Standing(migration.version, migration.name, _state(migration, history), migration)
        for migration in migrations
    ]
    ours = {migration.version for migration in migrations}
    found += [
        Standing(version, name or "", State.FOREIGN, None)
        for version, (name, _text) in history.items()
        if version not in ours
    ]
    return sorted(found, key=lambda entry: entry.version)


def _state(migration: Migration, history: dict[str, tuple[str | None, str | None]]) -> State:
    if migration.version not in history:
        return State.PENDING
    _name, text = history[migration.version]
    return State.APPLIED if text in {None, migration.sql} else State.EDITED


def _history(connection: psycopg.Connection) -> dict[str, tuple[str | None, str | None]]:
    """Name and text of what was applied, by version; the text is known of our own rows only."""
    exists = connection.execute("select to_regclass('supabase_migrations.schema_migrations')")
    if exists.fetchone() == (None,):
        return {}
    # As JSON, because a table that the CLI made may lack columns that we added.
    rows = connection.execute(
        "select row ->> 'version', row ->> 'name',"
        " case row ->> 'created_by' when %s then row -> 'statements' ->> 0 end"
        " from (select to_jsonb(m) as row from supabase_migrations.schema_migrations m) as rows",
        [_RUNNER],
    ).fetchall()
    return {version: (name, text) for version, name, text in rows}


def _apply(
    connection: psycopg.Connection,
    migration: Migration,
    limits: Limits,
    report: Callable[[str], None],
) -> None:
    try:
        if migration.outside_transaction:
            _limit(connection, lock=0, statement=limits.index, local=False)
            if make_way_for(connection, migration.code, report):
                connection.execute(migration.sql.encode())
            _record(connection, migration)
        else:
            with connection.transaction():
                _limit(connection, lock=limits.lock, statement=limits.statement, local=True)
                connection.execute(migration.sql.encode())
                _record(connection, migration)
    except psycopg.errors.LockNotAvailable as error:
        raise LockNotHad(
            f"{migration.path.name} waited {limits.lock:g} s for a lock that another session"
            " holds. Nothing of it was applied; run it again later."
        ) from error
    except psycopg.Error as error:
        raise MigrationFailed(_explained(error, migration)) from error


def _limit(connection: psycopg.Connection, *, lock: float, statement: float, local: bool) -> None:
    """Time-outs of the session, or of its transaction; 0 for none."""
    connection.execute(
        "select set_config('lock_timeout', %s, %s), set_config('statement_timeout', %s, %s)",
        [f"{lock * 1000:.0f}ms", local, f"{statement * 1000:.0f}ms", local],
    )


def _explained(error: psycopg.Error, migration: Migration) -> str:
    position = int(error.diag.statement_position or 0)
    line = migration.sql.count("\n", 0, position) + 1
    where = f"{migration.path}:{line}" if position else str(migration.path)
    context = f"\n{error.diag.context}" if error.diag.context else ""
    # Without a SQLSTATE it was the connection that failed, perhaps while the server committed.
    whole = error.sqlstate is not None and not migration.outside_transaction
    left = "\nNothing of this file was applied." if whole else ""
    return f"{where}: {error.diag.message_primary or error}{context}{left}"


def _record(connection: psycopg.Connection, migration: Migration) -> None:
    row: list[Any] = [migration.version, [migration.sql], migration.name, _RUNNER]
    connection.execute(
        "insert into supabase_migrations.schema_migrations (version, statements, name, created_by)"
        " values (%s, %s, %s, %s)",
        row,
    )
