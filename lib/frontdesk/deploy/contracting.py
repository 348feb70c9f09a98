"""Expand first, contract in a later release: finds statements that the running release may miss.

A migration is applied while the previous release still serves, and stays when that release is put
back. So it may add; what takes something away waits until a release is out that does without it,
and its file says which one, in a comment above the first statement::

    -- contract: 1.4.0 no longer reads clients.fax

``python -m frontdesk.deploy.contracting`` is a part of ``make check``. The rule knows statements,
not what a release calls; that is tried out by ``frontdesk.deploy.compatibility``.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from frontdesk.deploy.migration_files import MigrationFailed, read_migrations
from frontdesk.deploy.paths import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BEGINNING: Final = re.compile(r"(?:\s*--[^\n]*(?:\n|$)|\s*/\*.*?\*/)*", re.DOTALL)
_HEADER: Final = re.compile(r"^-- contract: v?(?P<release>\d+\.\d+\.\d+) \S", re.MULTILINE)

# What a statement is not made of. The body of `do` is: it runs now, a function's does not.
_NOT_CODE: Final = re.compile(
    r"--[^\n]*|/\*.*?\*/"
    r"|'(?:[^']|'')*'"
    r"|\bdo\s+\$(?P<do>\w*)\$(?P<block>.*?)\$(?P=do)\$"
    r"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$",
    re.DOTALL | re.IGNORECASE,
)
_CONTROL_WORDS: Final = re.compile(r"\b(?:begin|then|else|loop)\b", re.IGNORECASE)

_WORD: Final = r'(?:"[^"]+"|\w+)'
_NAME: Final = rf"{_WORD}(?:\.{_WORD})*"
_CREATES: Final = re.compile(rf"create .*?\btable (?:if not exists )?(?P<name>{_NAME})")
_ALTER_TABLE: Final = re.compile(
    rf"alter table (?:if exists )?(?:only )?(?P<name>{_NAME}) (?P<actions>.*)"
)
_STATEMENTS: Final = (
    (
        re.compile(
            r"drop (?P<kind>table|view|materialized view|function|procedure|routine|aggregate"
            r"|schema|sequence|type|domain|extension|role|owned)"
            rf"(?: if exists)? (?P<name>{_NAME})"
        ),
        "drops the {kind} {name}",
    ),
    (re.compile(rf"alter .*?\brename (?:.* )?to (?P<name>{_NAME})"), "renames to {name}"),
    (re.compile(rf"alter .*?\bset schema (?P<name>{_NAME})"), "moves to the schema {name}"),
)
_ACTIONS: Final = (
    (
        re.compile(
            r"drop (?:column )?(?!constraint |column )(?:if exists )?"
            rf"(?P<name>{_WORD})(?: cascade| restrict)?$"
        ),
        "drops the column {name}",
    ),
    (
        re.compile(
            r"add (?:column )?(?!constraint |primary |unique |check |foreign |exclude |column )"
            rf"(?:if not exists )?(?P<name>{_WORD})"
            r"(?!.*\b(?:default|generated|(?:small|big)?serial)\b).*\b(?:not null|primary key)\b"
        ),
        "adds the column {name}, not null and without a default",
    ),
    (
        re.compile(rf"alter (?:column )?(?P<name>{_WORD}) (?:set data )?type "),
        "changes the type of {name}",
    ),
    (
        re.compile(rf"alter (?:column )?(?P<name>{_WORD}) drop default"),
        "drops the default of {name}",
    ),
    (
        re.compile(rf"alter (?:column )?(?P<name>{_WORD}) set not null"),
        "sets {name} not null without a default",
    ),
)


@dataclass(frozen=True, slots=True)
class Contracting:
    """A statement that takes something away, with the line that it begins in."""

    line: int
    what: str


def release_of(sql: str) -> str | None:
    """The release that does without what a migration takes away, by its header; None for none."""
    beginning = _BEGINNING.match(sql)
    header = _HEADER.search(beginning[0]) if beginning else None
    return header["release"] if header else None


def contracting_statements(sql: str) -> Iterator[Contracting]:
    """The statements of a migration that the previous release may miss.

    A table that the migration itself makes is its own business.
    """
    made: set[str] = set()
    for line, statement in _statements(sql):
        if created := _CREATES.match(statement):
            made.add(created["name"])
        altered = _ALTER_TABLE.match(statement)
        for pattern, sentence in _STATEMENTS:
            match = pattern.match(statement)
            if match is None or (altered and altered["name"] in made):
                continue
            if match["name"] not in made or "," in statement:
                yield Contracting(line, sentence.format_map(match.groupdict()))
        if altered and altered["name"] not in made:
            yield from (Contracting(line, what) for what in _losses(altered["actions"]))


def _statements(sql: str) -> Iterator[tuple[int, str]]:
    """Each statement's first line, and its words in lower case with one blank between them."""
    line = 1
    for part in _NOT_CODE.sub(_blanked, sql).split(";"):
        words = " ".join(part.lower().split())
        if words:
            leading = part[: len(part) - len(part.lstrip())]
            yield line + leading.count("\n"), words
        line += part.count("\n")


def _blanked(found: re.Match[str]) -> str:
    if found["block"] is not None:
        block = _NOT_CODE.sub(_blanked, found["block"])
        before = "\n" * found[0][: found.start("block") - found.start()].count("\n")
        return f";{before}{_CONTROL_WORDS.sub(';', block)};"
    return " " + "\n" * found[0].count("\n")


def _losses(actions: str) -> Iterator[str]:
    for action in _at_commas(actions):
        for pattern, sentence in _ACTIONS:
            match = pattern.match(action)
            if match is None:
                continue
            name = re.escape(match["name"])
            filled = re.search(rf"alter (?:column )?{name} set default\b", actions)
            if not (filled and action.endswith("set not null")):
                yield sentence.format_map(match.groupdict())


def _at_commas(actions: str) -> Iterator[str]:
    """The actions of ``alter table``, which have commas inside of parentheses as well."""
    depth, start = 0, 0
    for position, character in enumerate(f"{actions},"):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            yield actions[start:position].strip()
            start = position + 1


def problems(folder: Path) -> list[str]:
    """One sentence for each statement that takes something away in a file without the header.

    Raises:
        MigrationFailed: see ``read_migrations``.
    """
    return [
        f"{migration.path.name}:{found.line}: {found.what}, while the previous release still runs."
        " Leave it to a later release, and say there since when nothing needs it:"
        " `-- contract: 1.4.0 no longer …`"
        for migration in read_migrations(folder)
        if release_of(migration.sql) is None
        for found in contracting_statements(migration.sql)
    ]


def main() -> int:
    """Check the repository's migrations; 1 when one of them takes something away unannounced."""
    try:
        found = problems(MIGRATIONS)
    except MigrationFailed as error:
        found = [str(error)]
    sys.stderr.writelines(f"{problem}\n" for problem in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
