"""What a process pays for the door before its first request."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "cryptography",
    "google.auth",
    "google.cloud.storage",
    "grpc",
    "httpx",
    "jsonschema",
    "jwt",
    "numpy",
    "openai",
    "postgrest",
    "redis",
    "yaml",
}
FIRST_REQUESTS = """
import flask
from frontdesk.http import http_function
from tests.support import door, tokens
from tests.support.toy import make_toy
services = door.services()
client = door.client(make_toy(lambda: services))
headers = door.member_headers(services)
assert client.get("/v1/health/toy").status_code == 200
assert client.get("/v1/toy/mine", headers=headers).status_code == 200
assert client.post("/v1/toy/bookings", json={"hotel": "K"}).status_code == 201
"""


@pytest.mark.parametrize("code", ["import frontdesk.http", FIRST_REQUESTS], ids=["import", "serve"])
def test_the_door_imports_nothing_that_a_request_may_not_need(code: str) -> None:
    program = f"import sys\nsys.path.insert(0, '.')\n{code}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert HEAVY & set(done.stdout.split()) == set()


def test_the_documents_generator_is_not_part_of_a_function() -> None:
    program = "import sys, frontdesk.http; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert {name for name in loaded if name.startswith("frontdesk.http.")}.isdisjoint(
        {
            "frontdesk.http.openapi",
            "frontdesk.http.schemas",
            "frontdesk.http.catalogue",
            "frontdesk.http.compatibility",
        }
    )
