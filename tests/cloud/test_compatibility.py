"""The previous release's own code on this release's database; here HEAD plays the previous one."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from frontdesk.deploy.compatibility import CannotTry, checked_out, main, previous_release
from frontdesk.deploy.paths import MIGRATIONS, REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from frontdesk.deploy.compatibility import Release

# One that calls an SQL function through the release's own Python.
SMALLEST = (
    "tests/integration/crm/test_crm.py::test_percent_and_underscore_are_letters_like_any_other",
)
ADDITIVE = """
alter table app.clients add column fax text, add column favourite boolean not null default false;
create function api.favourites() returns bigint language sql as $$ select 0::bigint $$;
"""
CONTRACTING = """
-- contract: 0.1.0 no longer creates clients, it says
drop function api.create_client(jsonb, jsonb);
"""


@pytest.fixture(scope="module")
def release() -> Iterator[Release]:
    with checked_out(REPOSITORY, "HEAD") as release:
        yield release


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """The present ones, with room for one more."""
    return shutil.copytree(MIGRATIONS, tmp_path / "migrations")


@pytest.mark.timeout(300)
def test_a_migration_that_only_adds_leaves_the_previous_release_working(
    release: Release, migrations: Path
) -> None:
    (migrations / "29990101000000_expand.sql").write_text(ADDITIVE)
    release.take(migrations)
    assert release.passes(SMALLEST)


@pytest.mark.timeout(300)
def test_a_migration_that_drops_what_the_previous_release_calls_is_caught(
    release: Release, migrations: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (migrations / "29990101000000_contract.sql").write_text(CONTRACTING)
    release.take(migrations)
    assert not release.passes(SMALLEST)
    said = capfd.readouterr().out
    assert f"FAILED {SMALLEST[0]}" in said, "its code failed, not the migration"


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@frontdesk.example")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two commits and no release."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    for message in ("first", "second"):
        git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return folder


def test_without_a_previous_release_there_is_nothing_to_break(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], repository) == 0
    assert capsys.readouterr().out.startswith("There is no previous release yet")


def test_the_previous_release_is_the_newest_one_before_this_commit(repository: Path) -> None:
    for version in ("v0.9.0", "v0.10.0", "draft"):
        git(repository, "tag", version, "HEAD~1")
    assert previous_release(repository) == "v0.10.0"
    git(repository, "tag", "v0.11.0")
    assert previous_release(repository) == "v0.10.0"


def test_a_clone_without_history_is_no_proof_that_nothing_was_released(
    repository: Path, tmp_path: Path
) -> None:
    git(repository, "tag", "v0.9.0", "HEAD~1")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", repository.as_uri(), str(shallow))
    with pytest.raises(CannotTry, match="shallow"):
        previous_release(shallow)


def test_a_release_that_is_not_there_is_one_sentence(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--previous", "v9.9.9"], repository) == 2
    assert "v9.9.9^{commit} failed: no such commit" in capsys.readouterr().out


def test_a_release_that_cannot_be_installed_is_said_and_cleared_away(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--previous", "HEAD"], repository) == 2
    assert "cannot be installed:" in capsys.readouterr().out
    assert list((repository / ".local" / "compatibility").iterdir()) == []
