"""``frontdesk migrate`` as a pipeline runs it: a process with DATABASE_URL in its environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from frontdesk.deploy.migrate_command import NoDatabase, database_address, run
from frontdesk.deploy.migrations import Limits
from frontdesk.local.postgres import MIGRATOR

if TYPE_CHECKING:
    from frontdesk.local.stack import Stack

FRONTDESK = Path(sys.executable).with_name("frontdesk")
HURRIED = Limits(lock=0.2)


def frontdesk_migrate(dsn: str | None, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run(
        [FRONTDESK, "migrate", *options],
        env=environment | ({"DATABASE_URL": dsn} if dsn is not None else {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def command(dsn: str, folder: Path, mode: str = "apply") -> tuple[int, list[str]]:
    """Exit status and all that was said."""
    said: list[str] = []
    status = run(
        {"DATABASE_URL": dsn},
        folder,
        mode=mode,
        limits=HURRIED,
        write=said.append,
        complain=said.append,
    )
    return status, said


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "20260101000001_table.sql").write_text("create table t (n int);")
    (tmp_path / "20260101000002_index.sql").write_text("create index concurrently i on t (n);")
    return tmp_path


def test_the_repositorys_migrations_are_found_applied(stack: Stack) -> None:
    dsn = stack.postgres.dsn(MIGRATOR)
    done = frontdesk_migrate(dsn)
    assert (done.returncode, done.stdout) == (0, "The database is up to date.\n")
    listed = frontdesk_migrate(dsn, "--status")
    assert listed.returncode == 0
    assert listed.stdout.splitlines()[0] == "applied  20261123000100_roles_and_schemas"
    assert listed.stdout.splitlines()[-1].endswith(" applied")


def test_a_dry_run_says_what_would_happen_and_does_nothing(database: str, folder: Path) -> None:
    (folder / "20260101000003_tidy.sql").write_text(
        "-- contract: 1.4.0 no longer fills it\ndrop table t;"
    )
    for _ in range(2):
        assert command(database, folder, "dry-run") == (
            0,
            [
                "would apply 20260101000001_table.sql (in a transaction)",
                "would apply 20260101000002_index.sql (outside of a transaction)",
                (
                    "would apply 20260101000003_tidy.sql"
                    " (in a transaction; takes away what 1.4.0 did without)"
                ),
            ],
        )


def test_the_status_lists_each_file_before_and_after(database: str, folder: Path) -> None:
    assert command(database, folder, "status") == (
        0,
        ["pending  20260101000001_table", "pending  20260101000002_index", "2 pending"],
    )
    assert command(database, folder) == (
        0,
        [
            "applied 20260101000001_table.sql",
            "applied 20260101000002_index.sql",
            "2 migrations applied.",
        ],
    )
    assert command(database, folder, "status")[1][-1] == "2 applied"
    assert command(database, folder, "dry-run") == (0, ["The database is up to date."])


@pytest.mark.parametrize("mode", ["apply", "dry-run", "status"])
def test_an_edited_file_fails_whatever_is_asked(database: str, folder: Path, mode: str) -> None:
    command(database, folder)
    (folder / "20260101000001_table.sql").write_text("create table t (n bigint);")
    status, said = command(database, folder, mode)
    assert status == 1
    assert any("edited" in line for line in said)


def test_a_lock_that_is_not_had_is_one_clear_sentence(database: str, folder: Path) -> None:
    command(database, folder)
    (folder / "20260101000003_column.sql").write_text("alter table t add column m int;")
    with psycopg.connect(database) as other:
        other.execute("select * from t")
        assert command(database, folder) == (
            1,
            [
                (
                    "20260101000003_column.sql waited 0.2 s for a lock that another session holds."
                    " Nothing of it was applied; run it again later."
                )
            ],
        )


@pytest.mark.parametrize(
    ("dsn", "status", "sentence"),
    [
        (None, 2, "frontdesk: DATABASE_URL is not set"),
        ("", 2, "frontdesk: DATABASE_URL is not set"),
        ("postgresql//me:hunter2@db.example/x", 2, "frontdesk: DATABASE_URL is no address"),
        ("hunter2", 2, "frontdesk: DATABASE_URL is no address"),
        ("postgresql://me:hunter2@db.example:6543/x", 2, "frontdesk: DATABASE_URL leads to a"),
        ("postgresql://me:hunter2@127.0.0.1:1/x", 1, "frontdesk: The database does not answer"),
    ],
)
def test_a_wrong_address_is_one_sentence_without_the_address(
    dsn: str | None, status: int, sentence: str
) -> None:
    done = frontdesk_migrate(dsn)
    assert done.returncode == status
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1
    assert "hunter2" not in done.stderr + done.stdout


@pytest.mark.parametrize("given", ["0", "-1", "nan", "soon", "90000"])
def test_a_time_out_that_is_none_is_refused(given: str) -> None:
    done = frontdesk_migrate("postgresql://127.0.0.1/x", "--lock-timeout", given)
    assert done.returncode == 2
    assert "is no number of seconds" in done.stderr


@pytest.mark.parametrize(
    ("given", "encrypted"),
    [
        ("postgresql://me@db.example/x", True),
        ("host=db.example user=me", True),
        ("postgresql://me@db.example/x?sslmode=verify-full", False),
        ("postgresql://me@127.0.0.1/x", False),
        ("postgresql:///x?host=/run/postgresql", False),
    ],
)
def test_a_database_elsewhere_is_reached_encrypted(given: str, encrypted: bool) -> None:
    address = database_address({"DATABASE_URL": given})
    assert ("sslmode=require" in address) == encrypted
    assert encrypted or address == given


def test_a_pooler_of_transactions_is_refused() -> None:
    with pytest.raises(NoDatabase, match="port 5432"):
        database_address({"DATABASE_URL": "host=db.example port=6543"})
