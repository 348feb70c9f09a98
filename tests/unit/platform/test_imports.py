"""What a process pays for before its first request: nothing that the request may not need."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "backoff",
    "faiss",
    "google.auth",
    "google.api_core",
    "google.cloud.storage",
    "grpc",
    "numpy",
    "onnxruntime",
    "openai",
    "postgrest",
    "pybreaker",
    "redis",
    "supabase",
}


def imported_by(code: str) -> set[str]:
    """The heavy packages in memory after the code ran in a process of its own."""
    program = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return HEAVY & set(done.stdout.split())


@pytest.mark.parametrize(
    "module", ["breaker", "cache", "context", "cursor", "database", "logging", "services"]
)
def test_importing_a_part_of_the_platform_imports_no_sdk(module: str) -> None:
    assert imported_by(f"import frontdesk.platform.{module}") == set()


def test_a_process_whose_calls_succeed_needs_postgrest_alone() -> None:
    code = """
import httpx
from pydantic import SecretStr
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.database import Database, Rpc
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.settings import Settings
clock = SystemClock()
transport = httpx.MockTransport(lambda request: httpx.Response(200, json={}))
database = Database(Settings(supabase_anon_key=SecretStr("anon")), transport=transport)
database.as_member("t").call(Rpc.ACCESS, {}, deadline=Deadline.after(9, clock), idempotent=True)
"""

    assert imported_by(code) == {"postgrest"}
