"""``supabase/migrations``: one file a migration, named as the Supabase CLI names them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_FILE_NAME: Final = re.compile(r"(?P<version>\d{14})_(?P<name>\w+)\.sql")
_COMMENTS: Final = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_CONCURRENTLY: Final = re.compile(r"\bconcurrently\b", re.IGNORECASE)


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
        return _CONCURRENTLY.search(self.code) is not None

    @property
    def code(self) -> str:
        """The text without its comments."""
        return _COMMENTS.sub("", self.sql)


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
