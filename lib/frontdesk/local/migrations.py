"""Applies ``supabase/migrations`` and keeps the history table that the Supabase CLI keeps.

A database migrated here can be continued by ``supabase migration up`` and the other way round.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psycopg

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_FILE_NAME: Final = re.compile(r"(?P<version>\d{14})_(?P<name>\w+)\.sql")
_COMMENTS: Final = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_CONCURRENTLY: Final = re.compile(r"\bconcurrently\b", re.IGNORECASE)
_LOCK_KEY: Final = 7_266_873_011  # any constant: two runners on one database take turns
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


class MigrationFailed(RuntimeError):
    """A migration's SQL failed, or a file's name or text is not what it has to be."""


@dataclass(frozen=True)
class Migration:
    """One file: ``YYYYMMDDHHMMSS_name.sql``."""

    version: str
    name: str
    path: Path
    sql: str

    @property
    def outside_transaction(self) -> bool:
        """``concurrently`` cannot run in one; such a file holds that single statement."""
        return _CONCURRENTLY.search(_COMMENTS.sub("", self.sql)) is not None


def read_migrations(folder: Path) -> list[Migration]:
    """The files of a folder in the order of their versions.

    Raises:
        MigrationFailed: a name that is none, or two files of one version.
    """
    found: dict[str, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None:
            raise MigrationFailed(f"{path}: the name must be YYYYMMDDHHMMSS_name.sql")
        version = match["version"]
        if version in found:
            raise MigrationFailed(f"{path}: {found[version].path.name} has the same version")
        found[version] = Migration(version, match["name"], path, path.read_text(encoding="utf-8"))
    return list(found.values())


def migrate(dsn: str, folder: Path) -> Sequence[Migration]:
    """Apply what the database has not seen yet, each file in a transaction of its own.

    Args:
        dsn: of the role that is to own what the migrations make.
        folder: with the migration files.

    Returns:
        The migrations that were applied now.

    Raises:
        MigrationFailed: naming the file and the line; earlier files stay applied.
    """
    migrations = read_migrations(folder)
    applied: list[Migration] = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", [_LOCK_KEY])
        connection.execute("set client_min_messages = warning")
        connection.execute(_HISTORY.encode())
        history: dict[str, str | None] = dict(
            connection.execute(
                "select version, case created_by when %s then statements[1] end"
                " from supabase_migrations.schema_migrations",
                [_RUNNER],
            ).fetchall()
        )
        for migration in migrations:
            if migration.version not in history:
                _apply(connection, migration)
                applied.append(migration)
            elif history[migration.version] not in {None, migration.sql}:
                raise MigrationFailed(
                    f"{migration.path.name} was edited after it was applied to this database."
                    " Migrations are only added; on a laptop `frontdesk dev --reset` starts anew."
                )
    return applied


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    try:
        if migration.outside_transaction:
            connection.execute(migration.sql.encode())
            _record(connection, migration)
        else:
            with connection.transaction():
                connection.execute(migration.sql.encode())
                _record(connection, migration)
    except psycopg.Error as error:
        position = int(error.diag.statement_position or 0)
        line = migration.sql.count("\n", 0, position) + 1
        where = f"{migration.path}:{line}" if position else str(migration.path)
        context = f"\n{error.diag.context}" if error.diag.context else ""
        raise MigrationFailed(f"{where}: {error.diag.message_primary or error}{context}") from error


def _record(connection: psycopg.Connection, migration: Migration) -> None:
    connection.execute(
        "insert into supabase_migrations.schema_migrations (version, statements, name, created_by)"
        " values (%s, %s, %s, %s)",
        [migration.version, [migration.sql], migration.name, _RUNNER],
    )
