"""``frontdesk dev`` as a user starts it: a real process with both demo agencies."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from frontdesk.local.devfile import DevFile
from frontdesk.local.paths import CACHE
from tests.support.dev import READY, Dev, forget
from tests.support.ports import free_port

READY_WITHIN_SECONDS = 400
STOPPED_WITHIN_SECONDS = 20


@dataclass(frozen=True, slots=True)
class House:
    """The running house.

    Attributes:
        data_dir: its data directory.
        described: what it wrote down for tools.
        output: the lines it printed so far.
    """

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
    forget(data_dir)
    dev = Dev(data_dir, "--port", str(free_port()))
    try:
        dev.wait_for(READY, READY_WITHIN_SECONDS)
        yield House(data_dir, dev.description, dev.lines)
    finally:
        dev.stop(seconds=STOPPED_WITHIN_SECONDS)
        forget(data_dir)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data directory of its own; pytest's are closed to the user that Postgres runs as."""
    folder = CACHE / "tests" / f"dev-{uuid.uuid4().hex[:8]}"
    yield folder
    forget(folder)


@pytest.fixture
def port() -> str:
    """A free port."""
    return str(free_port())
