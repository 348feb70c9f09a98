"""Makes one archive per function: what Cloud Functions builds from, and nothing else.

``python -m frontdesk.deploy.package [NAME…] [--out DIR] [--json]``, or ``make build``. An archive
holds the function's main.py and function.yaml (its time-out is read from it at run time), the
modules of ``frontdesk`` that main.py reaches, and a requirements.txt of the function's extra.

The same input gives the same bytes, so a change is deployed to the functions that it reaches.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from frontdesk.deploy.archive import archive
from frontdesk.deploy.closure import PACKAGE, ImportRefused, Library
from frontdesk.deploy.package_report import table
from frontdesk.deploy.paths import REPOSITORY
from frontdesk.deploy.requirements import (
    RUNTIME_PYTHON,
    Distribution,
    Locked,
    RequirementsRefused,
    requirements_text,
)
from frontdesk.platform.manifest import MANIFEST_NAME, Manifest, all_manifests

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PACKAGES_FORMAT: Final = 1
PACKAGES_NAME: Final = "packages.json"
_FAILED, _MISUSED = 1, 2


class PackageRefused(ValueError):
    """A function's folder lacks its entry point, or holds what would silently not be deployed."""


@dataclass(frozen=True)
class Package:
    """One function, ready to be written.

    Attributes:
        name: the function's.
        files: what the archive holds, content by path.
        distributions: what requirements.txt makes the buildpack install.
    """

    name: str
    files: Mapping[str, bytes]
    distributions: tuple[Distribution, ...]

    @cached_property
    def archive(self) -> bytes:
        """The zip."""
        return archive(self.files)

    @property
    def file(self) -> str:
        """The archive's name."""
        return f"{self.name}.zip"

    @cached_property
    def record(self) -> dict[str, Any]:
        """Its entry in packages.json; ``download_bytes`` is what pip fetches for it."""
        return {
            "file": self.file,
            "sha256": hashlib.sha256(self.archive).hexdigest(),
            "bytes": len(self.archive),
            "unpacked_bytes": sum(map(len, self.files.values())),
            "files": len(self.files),
            "distributions": [each.pin for each in self.distributions],
            "download_bytes": sum(each.wheels[0].bytes for each in self.distributions),
        }


class Packager:
    """Makes packages from one checkout.

    Args:
        repository: its folder.
        python: the minor version of the runtime.
    """

    def __init__(self, repository: Path = REPOSITORY, python: str = RUNTIME_PYTHON) -> None:
        self._sources = repository / "lib"
        self._library = Library(self._sources)
        self._locked = Locked(repository, python)

    def package(self, manifest: Manifest) -> Package:
        """One function's.

        Raises:
            ImportRefused, PackageRefused, RequirementsRefused: with a sentence for whoever wrote
                the function.
        """
        _check_folder(manifest)
        distributions = self._locked.distributions(manifest.extra)
        vendored = self._library.reached_from(manifest.main)
        files = {file.relative_to(self._sources).as_posix(): file.read_bytes() for file in vendored}
        for own in (manifest.main, manifest.folder / MANIFEST_NAME):
            files[own.name] = own.read_bytes()
        files["requirements.txt"] = requirements_text(distributions).encode()
        return Package(manifest.name, files, distributions)


def build(repository: Path, names: Iterable[str], out: Path) -> tuple[list[Package], list[str]]:
    """Make these functions' packages and write them.

    Returns:
        The packages, and the names of those whose archive is another one than before.

    Raises:
        ImportRefused, PackageRefused, RequirementsRefused: nothing was written.
        KeyError: there is no such function.
        OSError: the folder cannot be written to.
    """
    manifests = {manifest.name: manifest for manifest in all_manifests(repository)}
    packager = Packager(repository)
    packages = [packager.package(manifests[name]) for name in sorted(set(names))]
    return packages, write_packages(packages, out, manifests)


def write_packages(packages: Iterable[Package], out: Path, known: Iterable[str]) -> list[str]:
    """Write the archives and packages.json; what has not changed is not touched.

    Archives of functions that exist no more are removed, those of others stay.

    Args:
        packages: what was built.
        out: the folder, made when it is missing.
        known: the names of all functions that exist.

    Returns:
        The names of the functions whose archive is another one than before.
    """
    out.mkdir(parents=True, exist_ok=True)
    recorded = _recorded(out)
    names = set(known)
    for gone in recorded.keys() - names:
        (out / recorded.pop(gone)["file"]).unlink(missing_ok=True)
    changed = []
    for package in packages:
        recorded[package.name] = package.record
        if _replace(out / package.file, package.archive):
            changed.append(package.name)
    document = {"format": PACKAGES_FORMAT, "functions": dict(sorted(recorded.items()))}
    _replace(out / PACKAGES_NAME, (json.dumps(document, indent=2) + "\n").encode())
    return changed


def _recorded(out: Path) -> dict[str, dict[str, Any]]:
    """What packages.json says; nothing when it is missing, broken or of another format."""
    file = out / PACKAGES_NAME
    try:
        document = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    except json.JSONDecodeError:
        return {}  # nobody's work but ours: it is written anew
    functions: dict[str, dict[str, Any]] = document.get("functions", {})
    return functions if document.get("format") == PACKAGES_FORMAT else {}


def _replace(file: Path, content: bytes) -> bool:
    """Write the file unless it has that content; whether it was written."""
    if file.exists() and file.read_bytes() == content:
        return False
    half = file.with_name(f".{file.name}.new")
    half.write_bytes(content)
    half.replace(file)
    return True


def _check_folder(manifest: Manifest) -> None:
    if not manifest.main.is_file():
        raise PackageRefused(f"{manifest.name} has no main.py.")
    expected = {manifest.main.name, MANIFEST_NAME, "__pycache__"}
    for entry in sorted(manifest.folder.iterdir()):
        if entry.name not in expected and not entry.name.startswith("."):
            raise PackageRefused(
                f"{manifest.name}/{entry.name} would not be deployed: beside main.py and"
                f" {MANIFEST_NAME} nothing is; code belongs into lib/{PACKAGE}."
            )


def main(arguments: Sequence[str] | None = None, repository: Path = REPOSITORY) -> int:
    """Build packages; returns the exit status: 0, 1 when one is refused, 2 on misuse."""
    parser = argparse.ArgumentParser(
        prog="python -m frontdesk.deploy.package",
        description="Make the archives that Cloud Functions builds from.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a function (default: all)")
    parser.add_argument("--out", type=Path, default=repository / "dist", help="default: dist")
    parser.add_argument("--json", action="store_true", help="print packages.json, no table")
    options = parser.parse_args(arguments)

    try:
        manifests = {manifest.name: manifest for manifest in all_manifests(repository)}
    except (KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        _say(f"A {MANIFEST_NAME} cannot be read ({error!r}); make check names what is wrong.")
        return _MISUSED
    if unknown := [name for name in options.names if name not in manifests]:
        _say(f"There is no function {unknown[0]!r}, but {', '.join(manifests)}.")
        return _MISUSED
    try:
        packages, changed = build(repository, options.names or manifests, options.out)
    except (ImportRefused, PackageRefused, RequirementsRefused) as error:
        _say(f"Nothing was built. {error}")
        return _FAILED
    except OSError as error:
        _say(f"{options.out} cannot be written to: {error.strerror}.")
        return _MISUSED
    if options.json:
        print((options.out / PACKAGES_NAME).read_text(encoding="utf-8"), end="")
    else:
        print(table(packages, changed))
    return 0


def _say(sentence: str) -> None:
    print(f"package: {sentence}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
