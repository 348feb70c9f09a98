"""Does the previous release work on the database that this one migrates?

``make check-compatibility``: while a release is rolled out, and after it was rolled back, the
previous release's code meets the new release's database. So that code is checked out beside this
one, given this one's ``supabase/migrations``, and put through its own tests: the flows through
every part, and the SQL functions that it calls.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from frontdesk.deploy.paths import MIGRATIONS, REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FLOWS: Final = ("tests/e2e/test_flows.py", "tests/integration/sql")
"""What a release is tried with; paths in its own checkout."""

_FAILED, _MISUSED = 1, 2
_SHARED: Final = ("node", "models")
"""Folders of ``.local`` that are named after their contents: no need to install them twice."""
_OURS: Final = ("GIT_", "MAKE", "MFLAGS", "PUBSUB_", "PYTEST", "PYTHON", "STORAGE_", "VIRTUAL_ENV")
"""What the other checkout must not inherit: where our own code and test stack are."""


class CannotTry(RuntimeError):
    """The previous release is not to be had, or cannot be installed."""


@dataclass(frozen=True, slots=True)
class Release:
    """Another release, checked out and installed in a folder of its own."""

    commit: str
    folder: Path

    def take(self, migrations: Path) -> None:
        """Put these migrations in the place of its own."""
        target = self.folder / "supabase" / "migrations"
        shutil.rmtree(target)
        shutil.copytree(migrations, target)

    def passes(self, tests: Sequence[str]) -> bool:
        """Run some of its own tests with its own code; what they print goes to our output."""
        python = self.folder / ".venv" / "bin" / "python"
        command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        # Its own limit is for a stack that is warm.
        command += ["--timeout", "600", *tests]
        done = subprocess.run(command, cwd=self.folder, env=_environment(), check=False)
        return done.returncode == 0


def previous_release(repository: Path) -> str | None:
    """The newest version tag before the present commit; None when nothing was released yet.

    Raises:
        CannotTry: this clone has no history to look it up in.
    """
    tags = _git(
        repository,
        *("tag", "--list", "v[0-9]*", "--sort=-version:refname"),
        *("--merged", "HEAD", "--no-contains", "HEAD"),
    ).split()
    if not tags and _git(repository, "rev-parse", "--is-shallow-repository") == "true":
        raise CannotTry(
            "This clone is shallow; `git fetch --unshallow --tags` brings the releases."
        )
    return tags[0] if tags else None


@contextmanager
def checked_out(repository: Path, ref: str) -> Iterator[Release]:
    """A release in a git worktree, installed as its own Makefile does it; gone afterwards.

    Raises:
        CannotTry: there is no such commit, or it cannot be installed.
    """
    commit = _git(repository, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    folder = repository / ".local" / "compatibility" / f"{commit[:12]}-{os.getpid()}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    _git(repository, "worktree", "prune")
    _git(repository, "worktree", "add", "--detach", str(folder), commit)
    try:
        _share(repository / ".local", folder / ".local")
        _install(folder)
        yield Release(commit, folder)
    finally:
        _git(repository, "worktree", "remove", "--force", str(folder))


def _share(ours: Path, theirs: Path) -> None:
    theirs.mkdir()
    for name in _SHARED:
        (ours / name).mkdir(exist_ok=True)
        (theirs / name).symlink_to(ours / name)


def _install(folder: Path) -> None:
    # With our uv, and linked instead of copied where the file system can: seconds, not a minute.
    command = ["make", "--silent", ".venv/.synced", "UV_LINK_MODE=hardlink"]
    command.append(f"UV={Path(sys.executable).with_name('uv')}")
    done = subprocess.run(
        command,
        cwd=folder,
        env={**_environment(), "UV_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CannotTry(f"The previous release cannot be installed:\n{done.stderr.strip()}")


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}


def _git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],  # noqa: S607 -- git is where the machine has it
        cwd=repository,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        reason = done.stderr.strip() or "no such commit"
        raise CannotTry(f"git {' '.join(arguments)} failed: {reason}")
    return done.stdout.strip()


def main(arguments: Sequence[str] | None = None, repository: Path = REPOSITORY) -> int:
    """Try the previous release; 1 when it does not work, 2 when it is not to be had."""
    parser = argparse.ArgumentParser(
        prog="python -m frontdesk.deploy.compatibility",
        description="Run the previous release's own tests on the database that this one migrates.",
    )
    parser.add_argument("--previous", metavar="REF", help="its tag or commit (default: newest tag)")
    parser.add_argument(
        "--migrations", type=Path, default=MIGRATIONS, help="folder (default: supabase/migrations)"
    )
    parser.add_argument("tests", nargs="*", default=FLOWS, help=f"(default: {' '.join(FLOWS)})")
    options = parser.parse_args(arguments)
    try:
        ref = options.previous or previous_release(repository)
        if ref is None:
            _say("There is no previous release yet, so nothing can be incompatible with it.")
            return 0
        with checked_out(repository, ref) as release:
            _say(f"{ref} ({release.commit[:12]}) on the migrations of this release:")
            release.take(options.migrations)
            passes = release.passes(options.tests)
    except CannotTry as error:
        _say(str(error))
        return _MISUSED
    if not passes:
        _say(f"{ref} does not work on the migrated database. Expand first, contract later.")
    return 0 if passes else _FAILED


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
