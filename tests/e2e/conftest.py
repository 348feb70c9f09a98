"""``frontdesk dev`` as a user starts it: a real process with both demo agencies."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from frontdesk.local.devfile import DevFile, dev_file
from frontdesk.local.paths import CACHE, REPOSITORY
from tests.support.ports import free_port

COMMAND = Path(sys.executable).with_name("frontdesk")
READY_WITHIN_SECONDS = 240
STOPPED_WITHIN_SECONDS = 20


@dataclass(frozen=True, slots=True)
class House:
    """The running house.

    Attributes:
        process: of ``frontdesk dev``.
        data_dir: its data directory.
        described: what it wrote down for tools.
        output: the lines it printed so far.
    """

    process: subprocess.Popen[str]
    data_dir: Path
    described: DevFile
    output: list[str]

    def call(
        self,
        method: str,
        path: str,
        *,
        tenant: str = "coral",
        role: str = "owner",
        admin: bool = False,
        **request: Any,
    ) -> httpx.Response:
        """A request as a member of a demo agency, or with the admin token."""
        identity = (
            {"X-Admin-Token": self.described.admin_token}
            if admin
            else {"Authorization": f"Bearer {self.described.tenants[tenant].tokens[role]}"}
        )
        headers = {**identity, **request.pop("headers", {})}
        return httpx.request(
            method, f"{self.described.base_url}{path}", headers=headers, timeout=60, **request
        )


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    """The house, ready, with its demo agencies; stopped at the end as by Ctrl-C."""
    data_dir = CACHE / "tests" / f"house-{os.getpid()}"
    shutil.rmtree(data_dir, ignore_errors=True)
    process = subprocess.Popen(
        [str(COMMAND), "dev", "--port", str(free_port()), "--data-dir", str(data_dir)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that Ctrl-C on the tests is ours to pass on
    )
    output: list[str] = []
    ready = threading.Event()
    reader = threading.Thread(target=_read, args=(process, output, ready), daemon=True)
    reader.start()
    try:
        ready.wait(READY_WITHIN_SECONDS)
        file = dev_file(data_dir)
        assert file.exists(), "it did not get ready:\n" + "\n".join(output)
        yield House(process, data_dir, DevFile.read(file), output)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOPPED_WITHIN_SECONDS)
        finally:
            process.kill()
            reader.join(5)
            if process.stdout is not None:
                process.stdout.close()
            shutil.rmtree(data_dir, ignore_errors=True)


def _read(process: subprocess.Popen[str], output: list[str], ready: threading.Event) -> None:
    """Keep what it prints; it is ready once it says how to stop it, and hopeless once it ended."""
    assert process.stdout is not None
    for line in process.stdout:
        output.append(line.rstrip())
        if line.startswith("Ctrl-C stops everything"):
            ready.set()
    ready.set()
