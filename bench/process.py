"""A function served the way Google serves it: functions-framework in a process of its own."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.upstream import free_port

REPOSITORY = Path(__file__).resolve().parents[1]
ENVIRONMENTS = REPOSITORY / ".local" / "functions"
START_LIMIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Served:
    """A running function and the seconds from process start to its first 200."""

    port: int
    first_reply_seconds: float
    pid: int

    @property
    def memory_bytes(self) -> int:
        """What its processes hold that no file holds: the part that a limit is about.

        Shared pages are counted once. Files that it maps (libraries, an index) are not in it.
        """
        return sum(_anonymous_bytes(pid) for pid in (self.pid, *_children(self.pid)))


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [int(child) for child in listed]


def _anonymous_bytes(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    (kilobytes,) = re.findall(r"^Pss_Anon:\s+(\d+) kB", rollup, re.MULTILINE)
    return int(kilobytes) * 1024


def own_environment(extra: str) -> Path:
    """The interpreter of an environment that has what the function installs, and nothing else.

    A package that the function does not bring changes what is measured: httpx, for one, imports
    rich where it finds it.
    """
    environment = ENVIRONMENTS / extra
    uv = shutil.which("uv", path=str(REPOSITORY / ".venv" / "bin")) or shutil.which("uv") or "uv"
    python = environment / "bin" / "python"
    sync = [uv, "sync", "--quiet", "--frozen", "--no-default-groups", "--extra", extra]
    subprocess.run(
        sync,
        cwd=REPOSITORY,
        env=os.environ | {"UV_PROJECT_ENVIRONMENT": str(environment)},
        check=True,
    )
    compile_packages(python)
    return python


def compile_packages(python: Path) -> None:
    """Compile what an interpreter imports to bytecode, as the cloud's build does."""
    packages = subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    ).strip()
    # Some packages carry templates and files of other versions that are no Python.
    subprocess.run(
        [python, "-m", "compileall", "-qq", packages, "lib", "functions"],
        cwd=REPOSITORY,
        check=False,
    )


@contextmanager
def served(
    source: Path,
    target: str,
    *,
    path: str,
    headers: Mapping[str, str],
    env: Mapping[str, str],
    python: Path = Path(sys.executable),
    body: bytes | None = None,
) -> Iterator[Served]:
    """Start it, wait for the first 200 on ``path``, stop it at the end.

    Args:
        body: makes the request a POST.

    Raises:
        RuntimeError: it answered with another status, or not at all.
    """
    port = free_port()
    framework = str(python.with_name("functions-framework"))
    command = [framework, f"--source={source}", f"--target={target}", f"--port={port}"]
    start = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--host=127.0.0.1"],
        env=os.environ | dict(env),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port, path, headers, body, until=start + START_LIMIT_SECONDS)
        yield Served(port, time.perf_counter() - start, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=15)


def send(
    connection: http.client.HTTPConnection,
    path: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
) -> int:
    """One GET, or POST when there is a body, on an open connection; returns the status."""
    connection.request("GET" if body is None else "POST", path, body, dict(headers))
    response = connection.getresponse()
    response.read()
    return response.status


def _wait(
    port: int, path: str, headers: Mapping[str, str], body: bytes | None, *, until: float
) -> None:
    while time.perf_counter() < until:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            status = send(connection, path, headers, body)
        except ConnectionError:
            time.sleep(0.002)
            continue
        if status != http.client.OK:
            raise RuntimeError(f"the first reply was {status}")
        return
    raise RuntimeError("the function did not start")
