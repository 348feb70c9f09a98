"""Which files of ``frontdesk`` an entry point needs, read from import statements and not run.

Every import counts: at the top, inside a function (SDKs are imported where they are first needed),
and under TYPE_CHECKING (pydantic and the endpoint layer read annotations at run time). A package
too many costs a few kilobytes, a module too few an error in production.

A data file, which is anything but Python, belongs to the package whose folder it lies in, however
deep, and comes along when that package is reached.
"""

from __future__ import annotations

import ast
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE: Final = "frontdesk"
NEVER_DEPLOYED: Final = ("frontdesk.cli", "frontdesk.deploy", "frontdesk.local")
"""For laptops, tests and pipelines."""

_DYNAMIC: Final = {"__import__", "import_module"}


class ImportRefused(ValueError):
    """An entry point reaches what must not be deployed, or what cannot be followed."""


@dataclass(frozen=True, slots=True)
class _Import:
    """A module by its absolute name; without ``certain`` it may be an attribute of its parent."""

    name: str
    certain: bool = True


class Library:
    """The package as it lies on disk. Each module is parsed once, however many functions need it.

    Args:
        root: the folder that holds ``frontdesk/``.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._imports: dict[str, tuple[_Import, ...]] = {}
        self._files: dict[str, Path | None] = {}

    def reached_from(self, main: Path) -> list[Path]:
        """The files of the package that ``main`` needs, absolute and sorted.

        Raises:
            ImportRefused: see there; the sentence names the place.
        """
        start = _place(main)
        imported_by = dict.fromkeys(self._follow(_imports(main, None), start), start)
        waiting = deque(imported_by)
        while waiting:
            name = waiting.popleft()
            if _within(name, NEVER_DEPLOYED):
                raise ImportRefused(
                    f"{_way(name, imported_by)}: {name} is never deployed with a function."
                )
            for found in self._follow(self._imports_of(name), name):
                if found not in imported_by:
                    imported_by[found] = name
                    waiting.append(found)
        files = [file for name in imported_by if (file := self._file(name))]
        data = [each for file in files if file.name == "__init__.py" for each in _data(file.parent)]
        return sorted([*files, *data])

    def _follow(self, imports: tuple[_Import, ...], importer: str) -> Iterator[str]:
        """The modules of the package among these imports, each after the packages it lies in."""
        for wanted in imports:
            parts = wanted.name.split(".")
            if parts[0] != PACKAGE:
                continue
            if self._file(wanted.name) is None:
                if wanted.certain:
                    raise ImportRefused(f"{importer} imports {wanted.name}, which does not exist.")
                continue
            yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))

    def _imports_of(self, name: str) -> tuple[_Import, ...]:
        file = self._file(name)
        if name not in self._imports and file is not None:
            package = name if file.name == "__init__.py" else name.rpartition(".")[0]
            self._imports[name] = _imports(file, package)
        return self._imports[name]

    def _file(self, name: str) -> Path | None:
        """Where a module lies; None when there is no such module."""
        if name not in self._files:
            path = self._root.joinpath(*name.split("."))
            places = (path / "__init__.py", path.with_suffix(".py"))
            self._files[name] = next((place for place in places if place.is_file()), None)
        return self._files[name]


def _imports(file: Path, package: str | None) -> tuple[_Import, ...]:
    """What a file imports anywhere in it; ``package`` is what its relative imports start from."""
    found: list[_Import] = []
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError as error:
        raise ImportRefused(
            f"{_place(file)} is no Python, see line {error.lineno}: {error.msg}."
        ) from error
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found += [_Import(alias.name) for alias in names]
            case ast.ImportFrom():
                base = _base(node, file, package)
                found.append(_Import(base))
                found += [_Import(f"{base}.{each.name}", certain=False) for each in node.names]
            case ast.Call() if _called(node) in _DYNAMIC:
                found.append(_Import(_literal(node, file)))
    return tuple(found)


def _base(node: ast.ImportFrom, file: Path, package: str | None) -> str:
    """The absolute name of the module that names are imported from."""
    if not node.level:
        return node.module or ""
    if package is None:
        raise ImportRefused(
            f"{_place(file)} imports from beside itself in line {node.lineno};"
            " an entry point stands alone."
        )
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [node.module])])


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _literal(node: ast.Call, file: Path) -> str:
    match node.args:
        case [ast.Constant(value=str(name))]:
            return name
    raise ImportRefused(
        f"{_place(file)} imports in line {node.lineno} what only a run can tell; name it in full."
    )


def _place(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"


def _data(package: Path) -> Iterator[Path]:
    """The data files of a package, without those of the packages inside it."""
    for entry in package.iterdir():
        if entry.name.startswith(".") or entry.name == "__pycache__":
            continue
        if entry.is_file() and entry.suffix not in {".py", ".pyc"}:
            yield entry
        elif entry.is_dir() and not (entry / "__init__.py").exists():
            yield from _data(entry)


def _within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _way(name: str, imported_by: dict[str, str]) -> str:
    """``main.py → a → b``: how a module was reached."""
    way = [name]
    while way[-1] in imported_by:
        way.append(imported_by[way[-1]])
    return " → ".join(reversed(way))
