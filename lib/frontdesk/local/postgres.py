"""The embedded PostgreSQL 17: one cluster in the data directory, one database, hosted roles."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg

from frontdesk.local.node import postgres_distribution
from frontdesk.local.part import ServerProcess
from frontdesk.local.ports import LOOPBACK
from frontdesk.local.process import Child, Guard, StartFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from frontdesk.local.process import Guard

DATABASE: Final = "frontdesk"
SUPERUSER: Final = "supabase_admin"
MIGRATOR: Final = "postgres"
API_LOGIN: Final = "authenticator"
_SQL: Final = Path(__file__).with_name("supabase")
_START_SECONDS: Final = 30.0


class Postgres(ServerProcess):
    """The database part of the stack.

    Postgres refuses to run as root; then it runs as ``nobody``. A data directory that ``nobody``
    cannot reach (a parent without ``o+x``, such as a private home or a pytest folder) is kept in
    the system's temporary folder instead, and ``data`` says where.

    Args:
        folder: the stack's data directory.
        packages: where the Node packages are installed; Postgres's binaries are among them.
        port: to listen on, loopback only.
        guard: ends the server should we die.
        durable: survive a power failure; tests need not, and run faster.
    """

    name = "postgres"
    stop_signal = signal.SIGINT  # fast shutdown: open transactions are rolled back

    def __init__(
        self, folder: Path, *, packages: Path, port: int, guard: Guard, durable: bool = True
    ) -> None:
        super().__init__(guard)
        self._durable = durable
        self._user = "nobody" if os.geteuid() == 0 else None
        self._log = folder / "logs" / "postgres.log"
        self._port = port
        distribution = postgres_distribution(packages)
        self.data = folder / "postgres"
        if self._user and not _reachable(folder):
            self.data = _shared_folder(folder) / "data"
        if self._user and not _reachable(distribution):
            distribution = _copy_for_others(distribution)
        self._bin = distribution / "bin"

    def dsn(self, user: str = SUPERUSER, database: str = DATABASE) -> str:
        """A connection string; the cluster trusts every loopback connection."""
        return f"postgresql://{user}@{LOOPBACK}:{self._port}/{database}"

    def start(self) -> None:
        """Start the server; on the first start make the cluster, the roles and the database.

        Raises:
            StartFailed: with the end of the log.
        """
        fresh = not (self.data / "PG_VERSION").exists()
        if fresh:
            self._make_cluster()
        self._child = Child(
            "Postgres",
            [str(self._bin / "postgres"), "-D", str(self.data), *self._options()],
            log=self._log,
            env=self._environment(),
            cwd=self.data,
            guard=self._guard,
            user=self._user,
        )
        self._child.wait_until_ready(self.answers, seconds=_START_SECONDS)
        self._bootstrap()
        if problem := ctype_problem(self.dsn()):
            self.stop()
            raise StartFailed(f"{problem}; `frontdesk dev --reset` makes the database anew")

    def _options(self) -> Sequence[str]:
        return [
            f"--port={self._port}",
            f"--listen_addresses={LOOPBACK}",
            "--unix_socket_directories=",
            "--max_connections=60",
            # Off, commits reach the operating system all the same: killing Postgres loses
            # nothing, a power failure may lose everything.
            f"--fsync={'on' if self._durable else 'off'}",
            "--timezone=UTC",
            "--log_timezone=UTC",
        ]

    def _environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

    def _make_cluster(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        account = pwd.getpwnam(self._user) if self._user else None
        if account:
            os.chown(self.data, account.pw_uid, account.pw_gid)
        # C.UTF-8, not C: with a C ctype, lower('Ł') does nothing and '李' has no trigrams.
        done = subprocess.run(
            [
                self._bin / "initdb",
                f"--pgdata={self.data}",
                f"--username={SUPERUSER}",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
            cwd="/",
            env=self._environment(),
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            shutil.rmtree(self.data, ignore_errors=True)
            raise StartFailed(f"initdb failed:\n{done.stderr.strip()}")

    def _bootstrap(self) -> None:
        # In two databases, hence two connections; each is finished by its last statement, so a
        # crash in between is made good by the next start.
        with psycopg.connect(self.dsn(database="postgres"), autocommit=True) as cluster:
            exists = "select from pg_catalog.pg_roles where rolname = %s"
            if cluster.execute(exists, [MIGRATOR]).fetchone() is None:
                with cluster.transaction():
                    cluster.execute(_script("cluster.sql"))
            exists = "select from pg_catalog.pg_database where datname = %s"
            if cluster.execute(exists, [DATABASE]).fetchone() is None:
                cluster.execute(f"create database {DATABASE} owner {MIGRATOR}".encode())
        with psycopg.connect(self.dsn(), autocommit=True) as database:
            exists = "select from pg_catalog.pg_namespace where nspname = 'auth'"
            if database.execute(exists).fetchone() is None:
                with database.transaction():
                    database.execute(_script("database.sql"))

    def answers(self) -> bool:
        """Whether it takes connections now."""
        try:
            with psycopg.connect(self.dsn(database="postgres"), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False


def ctype_problem(dsn: str) -> str | None:
    """What is wrong with a database's character classes; None when all is well.

    With ctype C or POSIX only ASCII has letters: lower('Ł') does nothing, and the trigrams that
    search relies on leave '李' out. It is set when a database is made and never changes.

    Raises:
        psycopg.OperationalError: nobody answers there.
    """
    with psycopg.connect(dsn, connect_timeout=10) as connection:
        row = connection.execute(
            "select coalesce(datlocale, datctype), lower('Ł') = 'ł' and '李' ~ '[[:alpha:]]'"
            " from pg_catalog.pg_database where datname = current_database()"
        ).fetchone()
    if row is None or row[1]:
        return None
    return f"The database has ctype {row[0]}, which knows ASCII letters alone"


def remove_data(folder: Path) -> None:
    """Remove the data of a cluster that had to be kept outside of its stack's folder."""
    elsewhere = _place_for_others(folder)
    if elsewhere.exists() and elsewhere.stat().st_uid == os.geteuid():
        shutil.rmtree(elsewhere)


def _script(name: str) -> bytes:
    return (_SQL / name).read_bytes()


def _reachable(folder: Path) -> bool:
    """Whether every user may walk to that folder (or to its nearest existing parent)."""
    resolved = folder.resolve()
    existing = [place for place in (resolved, *resolved.parents) if place.exists()]
    return all(place.stat().st_mode & stat.S_IXOTH for place in existing)


def _shared_folder(origin: Path) -> Path:
    """A folder that every user may walk to, one for each origin, the same at the next start."""
    folder = _place_for_others(origin)
    folder.mkdir(mode=0o711, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():
        raise StartFailed(f"{folder} belongs to somebody else; remove it or set TMPDIR.")
    return folder


def _place_for_others(origin: Path) -> Path:
    key = sha256(str(origin.resolve()).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"frontdesk-{os.geteuid()}-{key}"


def _copy_for_others(distribution: Path) -> Path:
    copy = _shared_folder(distribution) / "postgres"
    if not copy.exists():
        partial = Path(tempfile.mkdtemp(dir=copy.parent))
        shutil.copytree(distribution, partial, symlinks=True, dirs_exist_ok=True)
        partial.chmod(0o755)
        partial.rename(copy)
    return copy
