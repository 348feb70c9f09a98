"""uv.lock, as far as a build on Cloud Functions is concerned: which wheels fit its machine."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

LOCK_NAME: Final = "uv.lock"
GLIBC: Final = (2, 35)
"""Of Ubuntu 22.04, the base of the Python 3.12 runtime.
https://docs.cloud.google.com/run/docs/runtimes/python"""
_OLDEST_GLIBC: Final = 5  # manylinux_2_5 is manylinux1
_ARCHITECTURE: Final = "x86_64"


@dataclass(frozen=True, slots=True)
class Wheel:
    """One file of a release."""

    filename: str
    sha256: str
    bytes: int


def runtime_tags(python: str) -> dict[Tag, int]:
    """What the runtime's pip installs, each with its rank, the best first.

    Args:
        python: a minor version, such as ``3.12``.
    """
    major, minor = map(int, python.split("."))
    newest = GLIBC[1]
    platforms = [
        f"manylinux_{GLIBC[0]}_{old}_{_ARCHITECTURE}"
        for old in range(newest, _OLDEST_GLIBC - 1, -1)
    ]
    platforms += [f"manylinux{name}_{_ARCHITECTURE}" for name in ("2014", "2010", "1")]
    platforms.append(f"linux_{_ARCHITECTURE}")
    tags = chain(
        cpython_tags((major, minor), platforms=platforms),
        compatible_tags((major, minor), f"cp{major}{minor}", platforms),
    )
    ranks: dict[Tag, int] = {}
    for tag in tags:
        ranks.setdefault(tag, len(ranks))
    return ranks


class Lock:
    """The lock file's releases.

    Args:
        file: ``uv.lock``.
        python: the minor version that wheels must fit.
    """

    def __init__(self, file: Path, python: str) -> None:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        self._ranks = runtime_tags(python)
        self._wheels: Mapping[tuple[str, str], list[Wheel]] = {
            (package["name"], package["version"]): [
                Wheel(
                    filename=wheel["url"].rpartition("/")[2],
                    sha256=wheel["hash"].removeprefix("sha256:"),
                    bytes=wheel.get("size", 0),
                )
                for wheel in package.get("wheels", ())
            ]
            for package in document["package"]
        }
        self._fitting: dict[tuple[str, str], tuple[Wheel, ...]] = {}

    def fitting_wheels(self, name: str, version: str) -> tuple[Wheel, ...]:
        """The wheels of a release that the runtime could install, the one that it picks first."""
        if (name, version) not in self._fitting:
            ranked = [
                (rank, wheel.filename, wheel)
                for wheel in self._wheels.get((name, version), ())
                if (rank := self._rank(parse_wheel_filename(wheel.filename)[3])) is not None
            ]
            best_first = sorted(ranked, key=lambda each: each[:2])
            self._fitting[name, version] = tuple(wheel for *_, wheel in best_first)
        return self._fitting[name, version]

    def _rank(self, tags: Iterable[Tag]) -> int | None:
        return min((self._ranks[tag] for tag in tags if tag in self._ranks), default=None)
