"""The smoke test over real HTTP."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from frontdesk.deploy.paths import REPOSITORY
from frontdesk.deploy.release import State, own_address
from frontdesk.deploy.smoke import PATIENCE_SECONDS, smoke
from frontdesk.platform.manifest import all_manifests
from tests.support.clock import ManualClock
from tests.support.fake_cloud_run import FakeCloudRun
from tests.support.http_answers import Answer, answering
from tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FINE = (200, '{"success": true, "data": {"status": "ok"}, "request_id": "r"}')
TOKEN = {"SMOKE_TOKEN": "a-members-token"}
PROJECT, REGION = "acme-staging", "europe-west1"
PUBLIC = ["crm-clients", "crm-pipeline", "crm-search", "helpdesk", "knowledge", "tenants"]


def fine(_path: str, _before: int, _headers: dict[str, str]) -> Answer:
    return FINE


def try_out(
    answer: Callable[[str, int, dict[str, str]], Answer], environ: dict[str, str] | None = None
) -> tuple[bool, list[str], list[str], ManualClock]:
    """Whether it passed, what was asked, what was said, and the clock."""
    said: list[str] = []
    clock = ManualClock()
    with answering(answer) as server:
        passed = smoke(server.url, report=said.append, environ=environ or {}, clock=clock)
        lines = [line.replace(server.url, "") for line in said]
    return passed, server.asked, lines, clock


def test_every_public_function_is_asked_and_no_other() -> None:
    passed, asked, said, _clock = try_out(fine)
    assert passed
    expected = [f"/v1/{what}/{name}" for name in PUBLIC for what in ("health", "ready")]
    assert set(expected) <= set(asked)
    closed = {m.name for m in all_manifests(REPOSITORY) if m.pubsub or m.schedule}
    assert not {path.rpartition("/")[2] for path in asked} & closed
    assert said[0] == "SMOKE_TOKEN is not set, so nothing is searched"
    assert said[1] == "ok     /v1/health/crm-clients 0.0 s"


def test_with_a_token_one_search_is_made_as_its_member() -> None:
    seen: list[str | None] = []

    def answer(path: str, before: int, headers: dict[str, str]) -> Answer:
        if path.startswith("/v1/crm/search"):
            seen.append(headers.get("Authorization"))
        else:
            assert "Authorization" not in headers
        return fine(path, before, headers)

    passed, asked, said, _clock = try_out(answer, TOKEN)
    assert passed
    assert seen == ["Bearer a-members-token"]
    assert asked[-1] == "/v1/crm/search?page_size=1"
    assert "a-members-token" not in "\n".join(said)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ((503, '{"success": false}'), "answers 503"),
        ((404, "Not found"), "answers 404"),
        ((200, "<html>A page of somebody else's</html>"), "answers something that is not"),
        ((200, '{"success": false}'), "answers something that is not"),
        ((301, ""), "answers 301"),
    ],
)
def test_one_wrong_answer_fails_it_and_the_others_are_asked_all_the_same(
    answer: Answer, problem: str
) -> None:
    passed, asked, said, _clock = try_out(
        lambda path, *_: answer if path == "/v1/ready/crm-search" else FINE
    )
    assert not passed
    (failed,) = [line for line in said if line.startswith("FAILED")]
    assert failed.startswith(f"FAILED /v1/ready/crm-search {problem}")
    assert "/v1/ready/tenants" in asked


def test_a_function_that_is_still_starting_is_waited_for() -> None:
    passed, asked, _said, clock = try_out(
        lambda _path, before, _headers: FINE if before == 3 else (503, "")
    )
    assert passed
    assert asked.count("/v1/ready/crm-search") == 4
    assert clock.monotonic() < PATIENCE_SECONDS


def test_nobody_is_waited_for_for_ever() -> None:
    passed, _asked, said, clock = try_out(lambda *_: (503, ""))
    assert not passed
    assert clock.monotonic() == PATIENCE_SECONDS
    assert len([line for line in said if line.startswith("FAILED")]) == 2 * len(PUBLIC)


def test_nobody_there_is_a_failure_too() -> None:
    said: list[str] = []
    address = f"http://127.0.0.1:{free_port()}"
    assert not smoke(address, report=said.append, environ={}, clock=ManualClock())
    assert said[-1].endswith("ConnectError")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "release.json"
    State(PROJECT, REGION).write(file)
    return file


def step(file: Path, *options: str) -> tuple[int, str]:
    where = [f"--project={PROJECT}", f"--region={REGION}", f"--file={file}"]
    done = subprocess.run(
        [sys.executable, "-m", "frontdesk.deploy.release", "smoke", *where, *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


def test_the_step_leaves_behind_that_it_passed(file: Path) -> None:
    with answering(fine) as server:
        status, said = step(file, f"--base-url={server.url}")
    assert status == 0, said
    assert State.read(file, PROJECT, REGION).passed


def test_the_step_leaves_behind_that_it_failed(file: Path) -> None:
    State(PROJECT, REGION, passed=True).write(file)
    with answering(lambda *_: (404, "")) as server:
        status, _said = step(file, f"--base-url={server.url}")
    assert status == 1
    assert not State.read(file, PROJECT, REGION).passed


def test_what_was_not_applied_whole_does_not_pass(file: Path, tmp_path: Path) -> None:
    applied = tmp_path / "applied"
    with answering(fine) as server:
        options = (f"--base-url={server.url}", f"--applied={applied}")
        assert step(file, *options) == (1, "The deployment was not applied whole.\n")
        assert server.asked == []
        applied.touch()
        assert step(file, *options)[0] == 0


def test_without_an_address_each_functions_own_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gcloud = FakeCloudRun(tmp_path, PROJECT, REGION)
    for name, value in gcloud.environment.items():
        monkeypatch.setenv(name, value)
    address = own_address(PROJECT, REGION)
    assert address == "https://{function}-123456789.europe-west1.run.app"
    assert own_address("not-asked", REGION, "42") == "https://{function}-42.europe-west1.run.app"

    with answering(fine) as server:
        each = f"{server.url}/{{function}}"
        assert smoke(each, report=lambda _line: None, environ={}, clock=ManualClock())
    assert "/crm-search/v1/health/crm-search" in server.asked


@pytest.mark.parametrize("address", ["api.example", "https://api.example/v1", "ftp://x"])
def test_an_address_that_is_none_is_refused(file: Path, address: str) -> None:
    assert step(file, f"--base-url={address}")[0] == 2
