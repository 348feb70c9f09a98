"""Before and after a deployment: recorded, put back; gcloud is another program on PATH."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from frontdesk.deploy.paths import REPOSITORY
from frontdesk.deploy.release import State
from tests.support.fake_cloud_run import FakeCloudRun

PROJECT, REGION = "acme-staging", "europe-west1"


@pytest.fixture
def gcloud(tmp_path: Path) -> FakeCloudRun:
    gcloud = FakeCloudRun(tmp_path, PROJECT, REGION)
    for service in ("crm-search", "crm-pipeline", "helpdesk", "somebody-elses"):
        gcloud.deploy(service, f"{service}-00001-aaa")
    return gcloud


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "release.json"


def release(
    gcloud: FakeCloudRun, file: Path, step: str, *options: str, project: str = PROJECT
) -> tuple[int, str]:
    """One step as a pipeline runs it: without any package, but for what is in the repository."""
    return run_step(gcloud.environment, step, project, file, *options)


def run_step(
    environment: dict[str, str], step: str, project: str, file: Path, *options: str
) -> tuple[int, str]:
    where = [f"--project={project}", f"--region={REGION}", f"--file={file}"]
    done = subprocess.run(
        [sys.executable, "-S", "-m", "frontdesk.deploy.release", step, *where, *options],
        env={**environment, "PYTHONPATH": str(REPOSITORY / "lib")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_what_serves_is_recorded_for_our_functions_alone(gcloud: FakeCloudRun, file: Path) -> None:
    gcloud.deploy("helpdesk", "helpdesk-00002-bbb")
    gcloud.split("helpdesk", {"helpdesk-00001-aaa": 90, "helpdesk-00002-bbb": 10})
    status, said = release(gcloud, file, "record")
    assert status == 0, said
    assert "helpdesk: helpdesk-00001-aaa 90 %, helpdesk-00002-bbb 10 %" in said
    state = State.read(file, PROJECT, REGION)
    assert state.passed is False
    assert state.services == {
        "crm-search": {"crm-search-00001-aaa": 100},
        "crm-pipeline": {"crm-pipeline-00001-aaa": 100},
        "helpdesk": {"helpdesk-00001-aaa": 90, "helpdesk-00002-bbb": 10},
    }


def test_what_changed_is_put_back_and_the_rest_left_alone(gcloud: FakeCloudRun, file: Path) -> None:
    gcloud.deploy("helpdesk", "helpdesk-00002-bbb")
    gcloud.split("helpdesk", {"helpdesk-00001-aaa": 90, "helpdesk-00002-bbb": 10})
    release(gcloud, file, "record")
    gcloud.deploy("crm-search", "crm-search-00002-bbb")
    gcloud.deploy("helpdesk", "helpdesk-00003-ccc")
    gcloud.deploy("knowledge", "knowledge-00001-aaa")
    gcloud.deploy("somebody-elses", "somebody-elses-00002-bbb")

    status, said = release(gcloud, file, "rollback")
    assert status == 0, said
    assert said.splitlines() == [
        "crm-search: put back from crm-search-00002-bbb 100 % to crm-search-00001-aaa 100 %",
        "crm-pipeline: crm-pipeline-00001-aaa 100 %, as before",
        (
            "helpdesk: put back from helpdesk-00003-ccc 100 %"
            " to helpdesk-00001-aaa 90 %, helpdesk-00002-bbb 10 %"
        ),
        "knowledge: is new, there is nothing to go back to",
    ]
    assert gcloud.traffic("crm-search") == {"crm-search-00001-aaa": 100}
    assert gcloud.traffic("helpdesk") == {"helpdesk-00001-aaa": 90, "helpdesk-00002-bbb": 10}
    assert gcloud.traffic("somebody-elses") == {"somebody-elses-00002-bbb": 100}


def test_after_a_failed_smoke_test_it_is_put_back_and_the_pipeline_fails(
    gcloud: FakeCloudRun, file: Path
) -> None:
    release(gcloud, file, "record")
    gcloud.deploy("crm-search", "crm-search-00002-bbb")
    status, said = release(gcloud, file, "rollback", "--unless-passed")
    assert status == 1
    assert gcloud.traffic("crm-search") == {"crm-search-00001-aaa": 100}, said


def test_after_a_passed_smoke_test_it_stays_and_the_pipeline_passes(
    gcloud: FakeCloudRun, file: Path
) -> None:
    release(gcloud, file, "record")
    gcloud.deploy("crm-search", "crm-search-00002-bbb")
    state = State.read(file, PROJECT, REGION)
    state.passed = True
    state.write(file)
    assert release(gcloud, file, "rollback", "--unless-passed") == (
        0,
        "The deployment answers; it stays.\n",
    )
    assert gcloud.traffic("crm-search") == {"crm-search-00002-bbb": 100}


def test_a_new_record_forgets_that_the_last_deployment_passed(
    gcloud: FakeCloudRun, file: Path
) -> None:
    State(PROJECT, REGION, passed=True).write(file)
    release(gcloud, file, "record")
    assert State.read(file, PROJECT, REGION).passed is False


def test_one_function_that_cannot_be_put_back_does_not_keep_the_others_from_it(
    gcloud: FakeCloudRun, file: Path
) -> None:
    release(gcloud, file, "record")
    for service in ("crm-search", "helpdesk"):
        gcloud.deploy(service, f"{service}-00002-bbb")
    gcloud.break_service("crm-search")
    status, said = release(gcloud, file, "rollback")
    assert status == 1
    assert "crm-search: NOT put back: gcloud run services update-traffic crm-search" in said
    assert "PERMISSION_DENIED" in said
    assert gcloud.traffic("helpdesk") == {"helpdesk-00001-aaa": 100}


def test_gclouds_own_sentence_is_handed_on(gcloud: FakeCloudRun, file: Path) -> None:
    status, said = release(gcloud, file, "record", project="acme-other")
    assert status == 1
    assert "Permission denied on acme-other" in said
    assert not file.exists()


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"format": 2}'])
def test_a_rollback_without_a_record_is_refused(
    gcloud: FakeCloudRun, file: Path, content: str | None
) -> None:
    if content is not None:
        file.parent.mkdir()
        file.write_text(content)
    assert release(gcloud, file, "rollback") == (2, f"{file} is no state that `record` wrote.\n")


def test_a_record_of_another_project_is_refused(gcloud: FakeCloudRun, file: Path) -> None:
    State("acme-production", REGION).write(file)
    status, said = release(gcloud, file, "rollback")
    assert status == 2
    assert "was recorded for acme-production in europe-west1" in said


@pytest.mark.parametrize(
    "options", [["--region=Europe"], ["--project=x"], ["--project=12345678"], []]
)
def test_a_name_that_is_none_is_refused(
    gcloud: FakeCloudRun, file: Path, options: list[str]
) -> None:
    arguments = options or [*options, "--flag"]
    assert release(gcloud, file, "record", *arguments)[0] == 2


def test_a_machine_without_gcloud_is_told_so(file: Path) -> None:
    environment = {**os.environ, "PATH": "/nowhere"}
    assert run_step(environment, "record", PROJECT, file) == (1, "gcloud is not on PATH.\n")


def test_the_file_is_readable_by_people(gcloud: FakeCloudRun, file: Path) -> None:
    release(gcloud, file, "record")
    assert json.loads(file.read_text())["services"]["helpdesk"] == {"helpdesk-00001-aaa": 100}
