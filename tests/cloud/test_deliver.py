"""`make deliver` from end to end: real make, Postgres and HTTP; gcloud and terraform behave."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from frontdesk.deploy.paths import REPOSITORY
from frontdesk.local.postgres import MIGRATOR
from tests.support.fake_cloud_run import FakeCloudRun
from tests.support.http_answers import answering

if TYPE_CHECKING:
    from frontdesk.local.stack import Stack

PROJECT, REGION = "acme-staging", "europe-west1"
FINE = (200, '{"success": true, "data": {}}')
OLD = {"crm-search": {"crm-search-00001-old": 100}, "helpdesk": {"helpdesk-00001-old": 100}}
NEW = {"crm-search": {"crm-search-00002-new": 100}, "helpdesk": {"helpdesk-00002-new": 100}}


@pytest.fixture
def cloud(tmp_path: Path, stack: Stack) -> FakeCloudRun:
    cloud = FakeCloudRun(tmp_path, PROJECT, REGION)
    cloud.keep_secret(stack.postgres.dsn(MIGRATOR))
    for service in OLD:
        cloud.deploy(service, f"{service}-00001-old")
    return cloud


@pytest.fixture(autouse=True)
def no_leftovers() -> Iterator[None]:
    yield
    for name in ("applied", "release.json"):
        (REPOSITORY / ".local" / name).unlink(missing_ok=True)


def deliver(cloud: FakeCloudRun, base_url: str) -> subprocess.CompletedProcess[str]:
    make = shutil.which("make")
    assert make is not None, "make is missing"
    return subprocess.run(
        [
            make,
            "deliver",
            "ENVIRONMENT=staging",
            f"GCP_PROJECT_ID={PROJECT}",
            f"BASE_URL={base_url}",
        ],
        cwd=REPOSITORY,
        env=cloud.environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def serving(cloud: FakeCloudRun) -> dict[str, dict[str, int]]:
    return {service: cloud.traffic(service) for service in OLD}


def test_what_answers_stays(cloud: FakeCloudRun, stack: Stack) -> None:
    with answering(lambda *_: FINE) as server:
        done = deliver(cloud, server.url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert serving(cloud) == NEW
    where = "-chdir=terraform/environments/staging"
    assert cloud.terraform_calls == [
        f"{where} init -input=false -backend-config=bucket={PROJECT}-frontdesk-state",
        f"{where} plan -input=false -lock-timeout=300s -out=tfplan",
        f"{where} apply -input=false -lock-timeout=300s tfplan",
    ]
    assert "The database is up to date." in done.stdout
    assert stack.postgres.dsn(MIGRATOR) not in done.stdout + done.stderr


def test_what_does_not_answer_is_put_back_and_fails(cloud: FakeCloudRun) -> None:
    with answering(lambda path, *_: FINE if "search" not in path else (404, "")) as server:
        done = deliver(cloud, server.url)
    assert done.returncode != 0
    assert "put back from crm-search-00002-new 100 % to crm-search-00001-old 100 %" in done.stdout
    assert serving(cloud) == OLD


def test_what_was_applied_in_part_is_put_back_and_fails(cloud: FakeCloudRun) -> None:
    cloud.fail_to_apply(after=1)
    with answering(lambda *_: FINE) as server:
        done = deliver(cloud, server.url)
    assert done.returncode != 0
    assert "The deployment was not applied whole." in done.stdout
    assert serving(cloud) == OLD


def test_nothing_is_applied_when_the_database_was_not_migrated(cloud: FakeCloudRun) -> None:
    cloud.keep_secret("postgresql://postgres:hunter2@127.0.0.1:1/frontdesk")
    with answering(lambda *_: FINE) as server:
        done = deliver(cloud, server.url)
    assert done.returncode != 0
    assert "apply" not in " ".join(cloud.terraform_calls)
    assert "The database does not answer" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    assert serving(cloud) == OLD
