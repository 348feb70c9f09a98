"""`frontdesk dev` starts everything, keeps it running, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import time
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest

from frontdesk.local.devfile import dev_file
from frontdesk.local.paths import REPOSITORY
from frontdesk.platform.manifest import all_manifests
from tests.support.dev import FRONTDESK, READY, Dev, children_of, exists
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

READY_SECONDS = 90


def frontdesk(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FRONTDESK, *arguments], capture_output=True, text=True, check=False, cwd=REPOSITORY
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_every_function_is_served_until_a_signal_and_then_nothing_is_left(
    data_dir: Path, port: str, number: signal.Signals
) -> None:
    dev = Dev(data_dir, "--port", port, "--no-demo")
    dev.wait_for(READY, READY_SECONDS)

    described = dev.description
    assert described.base_url == f"http://127.0.0.1:{port}"
    assert stat.S_IMODE(dev_file(data_dir).stat().st_mode) == 0o600
    for manifest in all_manifests(REPOSITORY):
        reply = httpx.get(f"{described.base_url}/v1/health/{manifest.name}")
        assert reply.status_code == 200, f"{manifest.name}: {reply.text}"
    assert frontdesk("token", "--admin", "--data-dir", data_dir).stdout.strip() == (
        described.admin_token
    )

    children = children_of(described.pid)
    assert len(children) == 5, children  # the guard, Redis, Postgres, the API, the functions
    assert dev.stop(number) == 0
    assert dev.lines[-1].endswith("stopped")
    assert not dev_file(data_dir).exists()
    eventually(lambda: not any(exists(pid) for pid in children))


def test_killed_parts_are_started_again_and_reported(data_dir: Path, port: str) -> None:
    dev = Dev(data_dir, "--port", port, "--no-demo")
    dev.wait_for(READY, READY_SECONDS)
    admin = {"X-Admin-Token": dev.description.admin_token}
    tenants = f"{dev.description.base_url}/v1/tenants"
    assert httpx.get(tenants, headers=admin).status_code == 200

    postmaster = int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)
    dev.wait_for("postgres died; starting it again", 20)
    dev.wait_for("postgres is back", 30)

    def serves() -> bool:
        try:
            return httpx.get(tenants, headers=admin).status_code == 200
        except httpx.HTTPError:
            return False

    eventually(serves, seconds=75)
    with psycopg.connect(dev.description.endpoints["postgres"]) as sql:
        assert sql.execute("select count(*) from app.tenants").fetchone() == (0,)
    assert dev.stop() == 0


def test_a_taken_port_is_refused_with_the_way_out(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = frontdesk("dev", "--port", str(port), "--data-dir", data_dir)
    assert outcome.returncode == 2
    assert f"Port {port} is taken" in outcome.stderr
    assert f"make run PORT={port + 1}" in outcome.stderr


def test_reset_does_not_touch_a_folder_that_is_not_ours(data_dir: Path, port: str) -> None:
    data_dir.mkdir(parents=True)
    (data_dir / "thesis.tex").write_text("years of work")
    outcome = frontdesk("dev", "--port", port, "--data-dir", data_dir, "--reset")
    assert outcome.returncode == 2
    assert "not touching it" in outcome.stderr
    assert (data_dir / "thesis.tex").read_text() == "years of work"


def test_a_token_for_nothing_that_runs_says_what_to_do(data_dir: Path) -> None:
    outcome = frontdesk("token", "coral", "--data-dir", data_dir)
    assert outcome.returncode == 1
    assert "make run" in outcome.stderr


def test_doctor_finds_this_machine_ready(data_dir: Path, port: str) -> None:
    outcome = frontdesk("doctor", "--data-dir", data_dir, "--port", port)
    assert outcome.returncode == 0, outcome.stdout
    for subject in ("Python", "Node", "npm", "Checkout", "Disk", "Port", "Database"):
        assert f"ok       {subject}:" in outcome.stdout
    assert outcome.stdout.endswith("This machine is ready.\n")


@pytest.mark.soak
@pytest.mark.wall_clock
def test_a_second_start_skips_the_demo_keeps_tokens_and_is_ready_within_ten_seconds(
    data_dir: Path, port: str
) -> None:
    first = Dev(data_dir, "--port", port)
    first.wait_for(READY, 240)
    token = first.description.tenants["coral"].tokens["viewer"]
    assert first.stop() == 0

    began = time.monotonic()
    second = Dev(data_dir, "--port", port)
    second.wait_for(READY, 60)
    took = time.monotonic() - began
    try:
        assert not second.says("clients imported")
        reply = httpx.get(
            f"{second.description.base_url}/v1/crm/search?q=lukasz",
            headers={"Authorization": f"Bearer {token}"},
        )
        assert [row["name"] for row in reply.json()["data"]], reply.text
    finally:
        assert second.stop() == 0
    assert took <= 10, f"{took:.1f} s"


@pytest.mark.soak
def test_every_part_may_be_killed_in_turn(data_dir: Path, port: str) -> None:
    dev = Dev(data_dir, "--port", port, "--no-demo")
    dev.wait_for(READY, READY_SECONDS)
    admin = {"X-Admin-Token": dev.description.admin_token}

    def serves() -> bool:
        try:
            tenants = f"{dev.description.base_url}/v1/tenants"
            return httpx.get(tenants, headers=admin).status_code == 200
        except httpx.HTTPError:
            return False

    for name, words in (
        ("redis", "redis-server"),
        ("functions", "frontdesk.local.gateway"),
        ("supabase-api", "server.mjs"),
        ("postgres", f"-D {data_dir}"),
    ):
        (part,) = (pid for pid, line in children_of(dev.description.pid).items() if words in line)
        os.kill(part, signal.SIGKILL)
        dev.wait_for(f"{name} is back", 60)
        eventually(serves, seconds=75)
    children = children_of(dev.description.pid)
    assert dev.stop() == 0
    eventually(lambda: not any(exists(pid) for pid in children))
