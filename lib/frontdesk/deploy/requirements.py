"""requirements.txt of a function: what its extra brings, pinned and hashed, for one machine.

The buildpack prefers this file to any other, and its pip then demands a hash for everything. The
lock knows wheels and source archives for every platform; listed are the wheels that fit the
runtime, so that nothing else can be installed and nothing is compiled with tools nobody pinned.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from packaging.requirements import InvalidRequirement, Requirement

from frontdesk.deploy.lockfile import LOCK_NAME, Lock, Wheel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packaging.markers import Marker

RUNTIME_PYTHON: Final = "3.12"
"""Of the runtime ``python312``."""

_NEWEST_PATCH: Final = 99


class RequirementsRefused(ValueError):
    """An extra cannot be installed by the buildpack."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """One line of a requirements.txt.

    Attributes:
        name: normalised.
        version: exact.
        marker: what only the runtime's patch version decides; mostly empty.
        wheels: that fit, the one that pip picks first.
    """

    name: str
    version: str
    marker: str
    wheels: tuple[Wheel, ...]

    @property
    def pin(self) -> str:
        """``name==version``."""
        return f"{self.name}=={self.version}"


class Locked:
    """What the lock file of a repository says, for one version of Python.

    Args:
        repository: the folder of pyproject.toml and uv.lock.
        python: the minor version of the runtime.
    """

    def __init__(self, repository: Path, python: str = RUNTIME_PYTHON) -> None:
        self._repository = repository
        self._python = python
        self._lock = Lock(repository / LOCK_NAME, python)
        self._by_extra: dict[str, tuple[Distribution, ...]] = {}

    def distributions(self, extra: str) -> tuple[Distribution, ...]:
        """Everything that an extra brings to the runtime, dependencies included, by name.

        Raises:
            RequirementsRefused: there is no such extra, or a release has no wheel that fits.
        """
        if extra not in self._by_extra:
            self._by_extra[extra] = tuple(self._parse(_export(self._repository, extra)))
        return self._by_extra[extra]

    def _parse(self, exported: str) -> Iterator[Distribution]:
        for line in exported.splitlines():
            requirement = _requirement(line)
            marker = self._undecided(requirement.marker)
            if marker is None:
                continue
            (pin,) = requirement.specifier
            wheels = self._lock.fitting_wheels(requirement.name, pin.version)
            if not wheels:
                raise RequirementsRefused(
                    f"{requirement.name} {pin.version} has no wheel for Python {self._python} on"
                    " linux x86-64, and the build must not compile."
                )
            yield Distribution(requirement.name, pin.version, marker, wheels)

    def _undecided(self, marker: Marker | None) -> str | None:
        """What is left of a marker: nothing where it holds, None where it doesn't."""
        if marker is None:
            return ""
        # Google moves the patch version by itself: a line is kept as it is where that decides.
        holds = {
            marker.evaluate(runtime_environment(f"{self._python}.{patch}"))
            for patch in range(_NEWEST_PATCH + 1)
        }
        if holds == {True, False}:
            return str(marker)
        return "" if holds == {True} else None


def requirements_text(distributions: tuple[Distribution, ...]) -> str:
    """The file: one pin a paragraph, each with the hashes that may be installed."""
    paragraphs = []
    for each in distributions:
        pin = f"{each.pin} ; {each.marker}" if each.marker else each.pin
        hashes = [f"--hash=sha256:{digest}" for digest in sorted(w.sha256 for w in each.wheels)]
        paragraphs.append(" \\\n    ".join([pin, *hashes]))
    return "\n".join(paragraphs) + "\n"


def _export(repository: Path, extra: str) -> str:
    """uv's own list, from the lock alone: no network, nothing resolved again."""
    command = [sys.executable, "-m", "uv", "export", "--quiet", "--frozen", "--no-config"]
    command += ["--format=requirements.txt", "--no-default-groups", "--no-emit-project"]
    command += ["--no-header", "--no-annotate", "--no-hashes", f"--extra={extra}"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RequirementsRefused(f"uv cannot export the extra {extra}: {done.stderr.strip()}")
    return done.stdout


def _requirement(line: str) -> Requirement:
    try:
        return Requirement(line)
    except InvalidRequirement as error:
        raise RequirementsRefused(f"This line cannot be deployed: {line}") from error


def runtime_environment(python: str) -> dict[str, str]:
    """The runtime as markers see it, https://packaging.python.org/specifications/dependency-specifiers/."""
    return {
        "extra": "",
        "implementation_name": "cpython",
        "implementation_version": python,
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "sys_platform": "linux",
    }
