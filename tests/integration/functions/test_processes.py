"""Each function in a process of its own, served by functions-framework as Google serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from frontdesk.local.paths import REPOSITORY
from frontdesk.platform.manifest import Manifest, all_manifests
from tests.support.framework import served

if TYPE_CHECKING:
    from frontdesk.local.stack import Stack
    from tests.support.tenants import TenantFactory

MANIFESTS = all_manifests(REPOSITORY)


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest.name)
def test_a_function_serves_alone_and_answers_for_its_routes_only(
    manifest: Manifest, stack: Stack
) -> None:
    with served(manifest, stack) as address, httpx.Client(base_url=address) as client:
        assert client.get(f"/v1/health/{manifest.name}").json()["data"] == {"status": "ok"}
        assert client.get("/v1/health/another").status_code == 404
        for route in manifest.routes:
            path = route.path.replace("{", "").replace("}", "")
            refusals = [client.request(method, path).status_code for method in route.methods]
            assert set(refusals) <= {400, 401}, route.path


def test_a_search_through_a_real_process(stack: Stack, make_tenant: TenantFactory) -> None:
    (manifest,) = (manifest for manifest in MANIFESTS if manifest.name == "crm-search")
    tenant = make_tenant()
    with served(manifest, stack) as address:
        reply = httpx.get(
            f"{address}/v1/crm/search",
            params={"q": "nobody"},
            headers={"Authorization": f"Bearer {tenant.token('viewer')}"},
            timeout=10,
        )
    assert (reply.status_code, reply.json()["data"]) == (200, [])
