"""frontdesk deploy against a gcloud that keeps a project: what is there afterwards."""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from frontdesk.deploy.commands import Misused, script
from frontdesk.deploy.runner import Gcloud, GcloudFailed, GcloudMissing
from frontdesk.deploy.target import Target
from tests.integration.deploy.conftest import Deployment, build
from tests.support.fake_gcloud import NUMBER, PROJECT, REGION, FakeGcloud

INVOKER = f"push-invoker@{PROJECT}.iam.gserviceaccount.com"
AGENT = f"serviceAccount:service-{NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"
READS = ("describe", "list")
ONE_OF_EACH = ("crm-search", "indexer", "maintenance")
"""A public function, one that Pub/Sub wakes, one that is woken on a schedule."""


def account(name: str) -> str:
    return f"serviceAccount:{name}@{PROJECT}.iam.gserviceaccount.com"


def changes(cloud: FakeGcloud) -> list[list[str]]:
    return [call for call in cloud.calls() if not set(call) & set(READS)]


def test_from_an_empty_project_functions_are_deployed_with_all_that_they_need(
    deployment: Deployment, cloud: FakeGcloud
) -> None:
    deployment(*ONE_OF_EACH)

    state = cloud.state()
    assert set(state["functions"]) == set(ONE_OF_EACH)
    pushed = state["subscriptions"]["knowledge-indexer"]
    url = f"https://indexer-{NUMBER}.{REGION}.run.app"
    assert pushed["pushConfig"] == {
        "pushEndpoint": f"{url}/v1/events/indexer",
        "oidcToken": {"serviceAccountEmail": INVOKER, "audience": url},
    }
    assert pushed["deadLetterPolicy"] == {
        "deadLetterTopic": f"projects/{PROJECT}/topics/knowledge-dead-letter",
        "maxDeliveryAttempts": 10,
    }
    assert state["subscriptions"]["knowledge-dead-letter"]["expirationPolicy"] == {}
    assert state["jobs"]["maintenance"]["httpTarget"]["oidcToken"]["serviceAccountEmail"] == INVOKER
    policies = state["policies"]
    assert policies["topics knowledge-dead-letter"] == {"roles/pubsub.publisher": [AGENT]}
    assert policies["subscriptions knowledge-indexer"] == {"roles/pubsub.subscriber": [AGENT]}
    assert policies[f"accounts {INVOKER}"] == {"roles/iam.serviceAccountTokenCreator": [AGENT]}
    assert policies["functions indexer"] == {"roles/run.invoker": [account("push-invoker")]}
    assert policies["functions crm-search"] == {"roles/run.invoker": ["allUsers"]}


def test_a_function_may_use_its_own_secrets_and_buckets_and_no_others(
    deployment: Deployment, cloud: FakeGcloud
) -> None:
    deployment("crm-search", "helpdesk", "indexer")

    policies = cloud.state()["policies"]
    assert policies["secrets SUPABASE_SERVICE_KEY"] == {
        "roles/secretmanager.secretAccessor": [account("fn-indexer")]
    }
    indexes = policies[f"buckets {PROJECT}-frontdesk-indexes"]
    assert indexes == {
        "roles/storage.objectUser": [account("fn-indexer")],
        "roles/storage.objectViewer": [account("fn-helpdesk")],
    }
    at_project_level = policies[f"projects {PROJECT}"]
    sources = 'resource.name.startsWith("projects/_/buckets/gcf-v2-")'
    assert set(at_project_level) == {
        "roles/artifactregistry.writer",
        "roles/logging.logWriter",
        f"roles/storage.objectViewer if {sources}",
    }
    assert {*map(tuple, at_project_level.values())} == {(account("function-build"),)}


def test_one_function_brings_only_what_it_needs(deployment: Deployment, cloud: FakeGcloud) -> None:
    deployment("crm-search")

    state = cloud.state()
    assert set(state["functions"]) == {"crm-search"}
    assert {email.partition("@")[0] for email in state["accounts"]} == {
        "function-build",
        "fn-crm-search",
    }
    assert not state.get("topics")
    assert not state.get("buckets")


def test_a_publisher_gets_the_topics_of_functions_that_come_later(
    deployment: Deployment, cloud: FakeGcloud
) -> None:
    deployment("maintenance")

    published = cloud.state()["policies"]["topics knowledge"]
    assert published == {"roles/pubsub.publisher": [account("fn-maintenance")]}


def test_a_second_run_changes_nothing(deployment: Deployment, cloud: FakeGcloud) -> None:
    deployment(*ONE_OF_EACH)
    before = cloud.state()
    cloud.forget_calls()

    deployment(*ONE_OF_EACH)

    assert cloud.state() == before
    assert not [call for call in changes(cloud) if "create" in call and "identity" not in call]


def test_what_was_changed_by_hand_is_put_right(deployment: Deployment, cloud: FakeGcloud) -> None:
    deployment("indexer")
    before = cloud.state()
    subscriptions, buckets = cloud.state()["subscriptions"], cloud.state()["buckets"]
    subscriptions["knowledge-indexer"]["pushConfig"] = {"pushEndpoint": "https://elsewhere"}
    buckets[f"{PROJECT}-frontdesk-indexes"]["public_access_prevention"] = "inherited"
    cloud.change(subscriptions=subscriptions, buckets=buckets)

    deployment("indexer")

    assert cloud.state() == before


def test_it_stops_at_the_first_failure_and_names_the_line(
    deployment: Deployment, cloud: FakeGcloud
) -> None:
    cloud.change(denied=["pubsub topics create"])

    with pytest.raises(GcloudFailed) as caught:
        deployment("indexer")

    assert f"gcloud pubsub topics create knowledge --project={PROJECT}" in str(caught.value)
    assert "PERMISSION_DENIED" in str(caught.value)
    assert cloud.calls()[-1][:3] == ["pubsub", "topics", "create"]
    assert not cloud.state().get("functions")


def test_a_look_that_is_not_allowed_is_no_sign_of_absence(
    deployment: Deployment, cloud: FakeGcloud
) -> None:
    cloud.change(denied=["storage buckets describe"])

    with pytest.raises(GcloudFailed, match="storage buckets describe"):
        deployment("indexer")


def test_after_a_failure_the_next_run_goes_on(deployment: Deployment, cloud: FakeGcloud) -> None:
    cloud.change(denied=["functions deploy"])
    with pytest.raises(GcloudFailed):
        deployment("crm-search")
    cloud.change(denied=[])

    deployment("crm-search")

    assert cloud.state()["functions"]["crm-search"]["state"] == "ACTIVE"


def test_a_service_account_too_new_to_be_known_is_waited_for(
    deployment: Deployment, cloud: FakeGcloud
) -> None:
    cloud.change(lag=2)

    deployment("crm-pipeline")

    assert deployment.waited == [5.0] * 4  # the builder's and the function's
    assert cloud.state()["functions"]["crm-pipeline"]["state"] == "ACTIVE"


def test_what_terraform_manages_is_left_alone_unless_forced(
    deployment: Deployment, cloud: FakeGcloud
) -> None:
    deployment("crm-search")
    functions = cloud.state()["functions"]
    functions["crm-search"]["labels"]["managed-by"] = "terraform"
    cloud.change(functions=functions)
    cloud.forget_calls()

    with pytest.raises(Misused, match="Terraform manages crm-search"):
        deployment("crm-search", "crm-pipeline")
    assert changes(cloud) == []

    deployment("crm-search", force=True)
    assert cloud.state()["functions"]["crm-search"]["labels"]["managed-by"] == "gcloud"


def test_the_packages_functions_and_labels_are_those_of_the_run(
    deployment: Deployment, cloud: FakeGcloud, repository: Path
) -> None:
    left_over = repository / "dist" / "unpacked" / "crm-search" / "old.py"
    left_over.parent.mkdir(parents=True)
    left_over.touch()

    deployment("crm-search")

    assert [file.name for file in left_over.parent.iterdir()] == ["main.py"]
    labels = {"managed-by": "gcloud", "app": "frontdesk", "release": "904a3eb"}
    assert cloud.state()["functions"]["crm-search"]["labels"] == labels


def test_a_redis_in_a_network_is_reached_by_the_functions_that_use_it_alone(
    deployment: Deployment, cloud: FakeGcloud, target: Target
) -> None:
    deployment("crm-search", "maintenance", target=replace(target, vpc_connector="functions"))

    lines = {call[2]: call for call in cloud.calls() if call[:2] == ["functions", "deploy"]}
    assert "--vpc-connector=functions" in lines["crm-search"]
    assert "--egress-settings=private-ranges-only" in lines["crm-search"]
    assert not [flag for flag in lines["maintenance"] if "vpc" in flag]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"secret_versions": {}}, "--secret-version CURSOR_SECRET=N"),
        ({"supabase_url": "http://project.supabase.co"}, "must be https"),
        ({"cors_origins": ("*",)}, "CORS_ORIGINS"),
        ({"log_level": "LOUD"}, "LOG_LEVEL"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_runs(
    changed: dict[str, Any], sentence: str, deployment: Deployment, cloud: FakeGcloud
) -> None:
    with pytest.raises(Misused) as caught:
        deployment("crm-search", target=replace(deployment.target, **changed))

    assert sentence in str(caught.value)
    assert cloud.calls() == []


def test_an_unknown_function_is_answered_with_the_known_ones(
    deployment: Deployment, cloud: FakeGcloud
) -> None:
    with pytest.raises(Misused) as caught:
        deployment("crm-search", "nope")

    assert "There is no function nope. There are: crm-clients, crm-pipeline," in str(caught.value)
    assert cloud.calls() == []


def test_the_printed_lines_pasted_into_a_shell_do_what_the_command_does(
    deployment: Deployment, cloud: FakeGcloud, repository: Path, target: Target, tmp_path: Path
) -> None:
    deployment(*ONE_OF_EACH)

    shell = FakeGcloud(tmp_path / "shell")
    shell.add_secrets(*target.secret_versions)
    shell.enable("secretmanager.googleapis.com")
    (repository / "Makefile").write_text("build:\n\t@true\n")
    file = tmp_path / "deploy.sh"
    file.write_text(script(ONE_OF_EACH, target, repository))
    build(repository, ONE_OF_EACH, repository / "dist")
    subprocess.run(
        ["bash", "-eu", str(file)], cwd=repository, env=os.environ | shell.environment, check=True
    )
    assert shell.state() == cloud.state()
    assert changes(shell) == changes(cloud)

    # And again, on what is there now.
    cloud.forget_calls()
    shell.forget_calls()
    deployment(*ONE_OF_EACH)
    subprocess.run(
        ["bash", "-eu", str(file)], cwd=repository, env=os.environ | shell.environment, check=True
    )
    assert shell.state() == cloud.state()
    assert changes(shell) == changes(cloud)


def test_a_dry_run_needs_no_gcloud_and_calls_none(
    cloud: FakeGcloud, repository: Path, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(repository))

    printed = script(["crm-search"], target, repository)

    assert cloud.calls() == []
    assert "\nmake build\n" in printed
    (line,) = [line for line in printed.splitlines() if "functions deploy" in line]
    words = shlex.split(line)
    assert words[:4] == ["gcloud", "functions", "deploy", "crm-search"]
    assert {"--gen2", "--runtime=python312", "--memory=256Mi", "--concurrency=40"} <= set(words)
    environment = "CORS_ORIGINS=https://a.example,https://b.example"
    (variables,) = [word for word in words if word.startswith("--set-env-vars=^;^")]
    assert environment in variables.split(";")


def test_a_machine_without_gcloud_says_how_to_get_it(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(repository))

    with pytest.raises(GcloudMissing, match="Install the Google Cloud CLI"):
        Gcloud(repository)
