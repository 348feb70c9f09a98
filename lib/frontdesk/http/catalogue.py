"""Every function of the repository, loaded: for OpenAPI, the reference pages and tests."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from frontdesk.http.function import HttpFunction, function_of
from frontdesk.platform.manifest import Manifest, all_manifests


@dataclass(frozen=True, slots=True)
class Listed:
    """One function: its manifest and what its ``main.py`` makes."""

    manifest: Manifest
    function: HttpFunction


def catalogue(repository: Path) -> list[Listed]:
    """All functions, by name.

    Raises:
        ValueError: a ``main.py`` and its manifest contradict each other.
    """
    return [_load(manifest) for manifest in all_manifests(repository)]


def _load(manifest: Manifest) -> Listed:
    # Every file is called main.py; a name of its own keeps them apart in one process.
    name = f"frontdesk_function_{manifest.name.replace('-', '_')}"
    spec = importlib.util.spec_from_file_location(name, manifest.main)
    if spec is None or spec.loader is None:
        raise ValueError(f"{manifest.main} is no Python module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function = function_of(getattr(module, manifest.entry_point))
    if function.name != manifest.name:
        raise ValueError(f"{manifest.main} makes {function.name!r}, not {manifest.name!r}")
    return Listed(manifest, function)
