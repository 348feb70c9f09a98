"""Adding a function is adding a folder: everything that reads manifests knows it, unedited."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from frontdesk.deploy import cost, drawing
from frontdesk.deploy.commands import script
from frontdesk.deploy.paths import REPOSITORY
from frontdesk.deploy.target import Target
from frontdesk.http import openapi
from frontdesk.local.gateway import Gateway
from frontdesk.platform.manifest import Manifest, all_manifests

MAIN = '''"""toy-box: a toy, of the tests."""

from frontdesk.http import PLATFORM, PUBLIC, get, http_function, post
from tests.support.toy import list_bookings

toy_box = http_function(
    "toy-box",
    get("/v1/toys", list_bookings, allow=PUBLIC),
    post("/v1/events/toy-box", list_bookings, allow=PLATFORM),
)
'''
MANIFEST = """
format: 1
name: toy-box
description: A toy, of the tests.
entry_point: toy_box
extra: toy-box
trigger:
  routes:
    - { path: /v1/toys, methods: [GET] }
    - { path: /v1/events/toy-box, methods: [POST] }
  pubsub: { topic: toys, path: /v1/events/toy-box, ack_deadline: 60, max_delivery_attempts: 5 }
resources: { memory_mb: 256, cpu: 1, concurrency: 3, timeout_seconds: 10, max_instances: 1 }
secrets: [SUPABASE_ANON_KEY]
roles: [documents.read]
environment: { TOY: bear }
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The real functions and one more folder."""
    shutil.copytree(REPOSITORY / "functions", tmp_path / "functions")
    folder = tmp_path / "functions" / "toy-box"
    folder.mkdir()
    (folder / "main.py").write_text(MAIN)
    (folder / "function.yaml").write_text(MANIFEST)
    return tmp_path


def names_itself(manifest: Manifest) -> Callable[..., Iterable[bytes]]:
    """A function's application that says whose it is."""

    def application(_environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [])
        return [manifest.name.encode()]

    return application


def test_it_is_deployed(repository: Path) -> None:
    secrets = {name: "1" for m in all_manifests(repository) for name in m.secrets}
    target = Target("agency-prod", supabase_url="https://p.supabase.co", secret_versions=secrets)

    printed = script([], target, repository)

    (deployed,) = [line for line in printed.splitlines() if "functions deploy toy-box " in line]
    for said in ("--entry-point=toy_box", "--concurrency=3", "TOY=bear", "TOYS_TOPIC=toys"):
        assert said in deployed
    assert "python3 -m zipfile -e dist/toy-box.zip dist/unpacked/toy-box" in printed
    assert "gcloud iam service-accounts create fn-toy-box " in printed
    assert "gcloud pubsub topics create toys-dead-letter " in printed
    assert "gcloud pubsub subscriptions create toys-toy-box --topic=toys " in printed
    assert "fn-toy-box: roles/storage.objectViewer on the bucket" in printed
    assert "fn-tenants: roles/pubsub.publisher on the topic toys." in printed


@pytest.mark.parametrize("path", ["/v1/toys", "/v1/events/toy-box", "/v1/health/toy-box"])
def test_the_local_gateway_serves_it(repository: Path, path: str) -> None:
    gateway = Gateway(all_manifests(repository), load=names_itself)

    assert list(gateway({"PATH_INFO": path}, lambda *_: None)) == [b"toy-box"]


def test_it_is_in_openapi(repository: Path) -> None:
    document = openapi.build(repository)

    assert set(document["paths"]["/v1/toys"]) == {"get"}
    assert set(document["paths"]["/v1/events/toy-box"]) == {"post"}
    assert "toy-box" in [tag["name"] for tag in document["tags"]]
    assert "/v1/crm/search" in document["paths"]


def test_it_is_drawn_and_its_cost_is_computed(repository: Path) -> None:
    manifests = all_manifests(repository)

    assert "topic_toys -->|signed push| fn_toy_box" in drawing.draw(manifests)
    assert "| toy-box | 1 | 0.25 | 3 | 0.2 (default) |" in cost.table(manifests)
