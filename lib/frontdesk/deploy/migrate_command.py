"""``frontdesk migrate``: brings a hosted database up to date.

The database is the one that DATABASE_URL names, which is a secret: it is read from the environment
and printed nowhere.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from frontdesk.deploy.contracting import release_of
from frontdesk.deploy.migration_files import MigrationFailed
from frontdesk.deploy.migrations import Limits, State, migrate, standing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from frontdesk.deploy.migration_files import Migration
    from frontdesk.deploy.migrations import Standing

_FAILED, _MISUSED = 1, 2
_TRANSACTION_POOLER_PORT: Final = "6543"
_LOOPBACK: Final = ("", "localhost", "127.0.0.1", "::1")


class NoDatabase(ValueError):
    """DATABASE_URL is missing, or does not name a database that can be migrated."""


def run(
    environ: Mapping[str, str],
    folder: Path,
    *,
    mode: str,
    limits: Limits,
    write: Callable[[str], None],
    complain: Callable[[str], None],
) -> int:
    """Carry the command out; returns its exit status.

    Args:
        environ: holds DATABASE_URL.
        folder: with the migration files.
        mode: ``apply``; ``dry-run`` and ``status`` change nothing.
        limits: see ``migrate``.
        write: takes the lines of the output.
        complain: takes what went wrong, one sentence.
    """
    try:
        dsn = database_address(environ)
    except NoDatabase as error:
        complain(str(error))
        return _MISUSED
    try:
        if mode == "apply":
            applied = migrate(dsn, folder, limits=limits, report=write)
            write(f"{len(applied)} migrations applied." if applied else _UP_TO_DATE)
            return 0
        known = standing(dsn, folder)
        lines = _status(known) if mode == "status" else _plan(known)
        for line in lines:
            write(line)
    except MigrationFailed as error:
        complain(str(error))
        return _FAILED
    except psycopg.OperationalError as error:
        complain(f"The database does not answer: {' '.join(str(error).split())}")
        return _FAILED
    return _FAILED if any(entry.state is State.EDITED for entry in known) else 0


def database_address(environ: Mapping[str, str]) -> str:
    """DATABASE_URL as a connection string, encrypted unless it leads to this machine.

    Raises:
        NoDatabase: with a sentence that quotes nothing of it.
    """
    given = environ.get("DATABASE_URL", "").strip()
    if not given:
        raise NoDatabase("DATABASE_URL is not set; it names the database to migrate.")
    try:
        parts = conninfo_to_dict(given)
    except psycopg.ProgrammingError:
        # The driver's own sentence quotes what it could not read.
        raise NoDatabase(
            "DATABASE_URL is no address of a Postgres database; it reads"
            " postgresql://user:password@host:5432/database, signs in the password %-encoded."
        ) from None
    if str(parts.get("port")) == _TRANSACTION_POOLER_PORT:
        raise NoDatabase(
            "DATABASE_URL leads to a pooler that gives each transaction another session (port"
            " 6543); migrations need one session: the direct address, or the pooler at port 5432."
        )
    host = str(parts.get("host") or "")
    if "sslmode" not in parts and host not in _LOOPBACK and not host.startswith("/"):
        return make_conninfo(given, sslmode="require")
    return given


_UP_TO_DATE: Final = "The database is up to date."


def _status(known: Sequence[Standing]) -> list[str]:
    counts = Counter(entry.state for entry in known)
    return [
        *(f"{entry.state:<8} {entry.version}_{entry.name}" for entry in known),
        ", ".join(f"{counts[state]} {state}" for state in State if counts[state]) or "none",
    ]


def _plan(known: Sequence[Standing]) -> list[str]:
    edited = [
        f"{entry.version}_{entry.name}.sql was edited after it was applied."
        for entry in known
        if entry.state is State.EDITED
    ]
    pending = [
        f"would apply {entry.migration.path.name} ({_manner(entry.migration)})"
        for entry in known
        if entry.migration is not None and entry.state is State.PENDING
    ]
    return [*edited, *(pending or [_UP_TO_DATE])]


def _manner(migration: Migration) -> str:
    manner = "outside of a transaction" if migration.outside_transaction else "in a transaction"
    release = release_of(migration.sql)
    return f"{manner}; takes away what {release} did without" if release else manner
