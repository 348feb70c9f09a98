"""The command line: what it prints, and with which status it ends."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from frontdesk import cli
from frontdesk.deploy import logs
from frontdesk.deploy.model import publish_model
from frontdesk.deploy.runner import Gcloud
from frontdesk.deploy.target import Target
from frontdesk.knowledge.minilm import MODEL_FILES
from tests.support.fake_gcloud import PROJECT, FakeGcloud

DEPLOY = ["deploy", "--project", PROJECT, "--supabase-url", "https://project.supabase.co"]
VERSIONS = ["--secret-version=SUPABASE_ANON_KEY=1", "--secret-version=SUPABASE_JWT_SECRET=4"]


def entry(number: int, at: str) -> dict[str, Any]:
    return {
        "insertId": str(number),
        "timestamp": f"2026-11-23T{at}Z",
        "severity": "INFO",
        "resource": {"labels": {"service_name": "crm-search"}},
        "jsonPayload": {"message": f"Line {number}."},
    }


@pytest.fixture
def no_gcloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def test_a_dry_run_prints_a_script(no_gcloud: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*DEPLOY, *VERSIONS, "--dry-run", "crm-pipeline"]) == 0

    printed = capsys.readouterr().out
    assert "gcloud functions deploy crm-pipeline --gen2 " in printed
    assert "SUPABASE_JWT_SECRET=SUPABASE_JWT_SECRET:4" in printed
    assert "REDIS_URL" not in printed


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([*DEPLOY, "nope"], "frontdesk: There is no function nope. There are: crm-clients,"),
        ([*DEPLOY, "crm-pipeline"], "--secret-version SUPABASE_ANON_KEY=N"),
        ([*DEPLOY, "--region", "mars", "crm-pipeline"], "'mars' is no region"),
        ([*DEPLOY, "--redis-ca-file", "nowhere.pem"], "No such file or directory"),
        (["logs", "--project", PROJECT, "nope"], "There is no function nope."),
        (["logs", "--project", PROJECT, "--since", "soon"], "'soon' is no length of time"),
        (["logs", "--project", PROJECT, "--severity", "loud"], "'LOUD' is none of DEBUG"),
        (["doctor", "--project", "Nice Project"], "'Nice Project' is no project id"),
    ],
)
def test_a_misused_command_ends_with_status_two_and_a_sentence(
    arguments: list[str], sentence: str, cloud: FakeGcloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2

    assert sentence in capsys.readouterr().err
    assert cloud.calls() == []


def test_a_secrets_version_is_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*DEPLOY, "--secret-version=REDIS_URL=latest"])

    assert ended.value.code == 2
    assert "does not read NAME=VERSION" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [*DEPLOY, *VERSIONS, "crm-pipeline"],
        ["logs", "--project", PROJECT],
        ["doctor", "--project", PROJECT],
        ["publish-model", "--project", PROJECT],
    ],
)
def test_without_gcloud_every_command_says_how_to_get_it(
    arguments: list[str], no_gcloud: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 1

    assert "Install the Google Cloud CLI" in capsys.readouterr().err


def test_a_line_that_fails_ends_the_command_with_status_one(
    cloud: FakeGcloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.change(denied=["projects describe"])

    assert cli.main([*DEPLOY, *VERSIONS, "crm-pipeline"]) == 1

    said = capsys.readouterr().err
    assert f"This line failed:\n  gcloud projects describe {PROJECT}\n" in said
    assert "what is done stays done" in said


def test_logs_are_printed_the_oldest_first(
    cloud: FakeGcloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.change(logs=[entry(2, "09:30:01"), entry(1, "09:30:00")])

    assert cli.main(["logs", "crm-search", "--project", PROJECT, "--since", "2h"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("crm-search")[2].strip() for line in lines] == ["Line 1.", "Line 2."]
    (asked,) = cloud.calls()
    assert "--freshness=2h" in asked


def test_logs_as_json_are_a_line_each(
    cloud: FakeGcloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.change(logs=[entry(2, "09:30:01"), entry(1, "09:30:00")])

    assert cli.main(["logs", "--project", PROJECT, "--json"]) == 0

    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert printed == [entry(1, "09:30:00"), entry(2, "09:30:01")]


def test_following_shows_what_arrives_late_and_nothing_twice(cloud: FakeGcloud) -> None:
    late = entry(3, "09:30:00.5")
    cloud.change(logs=[entry(1, "09:30:00")], logs_arriving=[[entry(2, "09:30:01")], [late]])
    waited: list[float] = []

    query = logs.Query(PROJECT, ["crm-search"])
    shown = list(islice(logs.follow(query, Gcloud(Path.cwd()), waited.append), 3))

    assert [each["insertId"] for each in shown] == ["1", "2", "3"]
    assert waited == [logs.PAUSE] * 2
    assert 'timestamp>="2026-11-23T09:29:31+00:00"' in cloud.calls()[-1][2]


def test_a_doctor_of_a_project_that_cannot_be_seen_ends_with_status_one(
    cloud: FakeGcloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["doctor", "--project", "another-project", "--json"]) == 1

    (finding,) = json.loads(capsys.readouterr().out)
    assert finding["remedy"] == "gcloud auth login"


def test_a_model_is_published_before_the_pointer_to_it(cloud: FakeGcloud, tmp_path: Path) -> None:
    cloud.change(buckets={f"{PROJECT}-frontdesk-indexes": {}})
    folder = tmp_path / ("ab" * 32)
    folder.mkdir()
    for name in MODEL_FILES:
        (folder / name).touch()
    said: list[str] = []

    publish_model(folder, Target(PROJECT), Gcloud(tmp_path), said.append)

    models = f"gs://{PROJECT}-frontdesk-indexes/models"
    assert cloud.state()["objects"] == [
        f"{models}/{folder.name}/model.onnx",
        f"{models}/{folder.name}/tokenizer.json",
        f"{models}/{folder.name}/manifest.json",
        f"{models}/minilm.json",
    ]
    assert [line for line in said if "--no-clobber" not in line] == [said[-1]]
