"""Each function in a process of its own, served by functions-framework as Google serves it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from frontdesk.local.paths import REPOSITORY
from frontdesk.platform.manifest import Manifest, all_manifests
from tests.support.ports import free_port
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from frontdesk.local.stack import Stack
    from tests.support.tenants import TenantFactory

FRAMEWORK = Path(sys.executable).with_name("functions-framework")
START_WITHIN_SECONDS = 60.0
MANIFESTS = all_manifests(REPOSITORY)


@contextmanager
def _served(manifest: Manifest, stack: Stack) -> Iterator[str]:
    """The function's address, once it accepts connections."""
    port = free_port()
    process = subprocess.Popen(
        [
            str(FRAMEWORK),
            f"--source={manifest.main}",
            f"--target={manifest.entry_point}",
            "--host=127.0.0.1",
            f"--port={port}",
        ],
        env=os.environ | stack.environment | {"K_SERVICE": manifest.name},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        eventually(lambda: _accepts(process, address), seconds=START_WITHIN_SECONDS, every=0.05)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


def _accepts(process: subprocess.Popen[bytes], address: str) -> bool:
    assert process.poll() is None, "the function ended instead of serving"
    try:
        httpx.get(address, timeout=5)
    except httpx.ConnectError:
        return False
    return True


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest.name)
def test_a_function_serves_alone_and_answers_for_its_routes_only(
    manifest: Manifest, stack: Stack
) -> None:
    with _served(manifest, stack) as address, httpx.Client(base_url=address) as client:
        assert client.get(f"/v1/health/{manifest.name}").json()["data"] == {"status": "ok"}
        assert client.get("/v1/health/another").status_code == 404
        for route in manifest.routes:
            path = route.path.replace("{", "").replace("}", "")
            refusals = [client.request(method, path).status_code for method in route.methods]
            assert set(refusals) <= {400, 401}, route.path


def test_a_search_through_a_real_process(stack: Stack, make_tenant: TenantFactory) -> None:
    (manifest,) = (manifest for manifest in MANIFESTS if manifest.name == "crm-search")
    tenant = make_tenant()
    with _served(manifest, stack) as address:
        reply = httpx.get(
            f"{address}/v1/crm/search",
            params={"q": "nobody"},
            headers={"Authorization": f"Bearer {tenant.token('viewer')}"},
            timeout=10,
        )
    assert (reply.status_code, reply.json()["data"]) == (200, [])
