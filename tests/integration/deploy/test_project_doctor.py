"""frontdesk doctor --project: what is well, what is not, and the command that mends it."""

from __future__ import annotations

import json
import shlex
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from frontdesk.deploy import project_doctor
from frontdesk.deploy.findings import Finding, Verdict, show, show_json
from frontdesk.deploy.migrations import migrate
from frontdesk.deploy.paths import REPOSITORY
from frontdesk.deploy.project_doctor import check_migrations
from frontdesk.deploy.runner import Gcloud
from frontdesk.deploy.target import Target
from frontdesk.local.paths import MIGRATIONS
from frontdesk.local.stack import Stack
from frontdesk.platform.manifest import all_manifests
from tests.integration.deploy.conftest import SECRETS, Deployment
from tests.support.fake_gcloud import NUMBER, PROJECT, FakeGcloud
from tests.support.ports import free_port

PROVIDER = f"projects/{NUMBER}/locations/global/workloadIdentityPools/github/providers/github"
FUNCTIONS = ("crm-search", "indexer", "maintenance")
"""A public function, one that Pub/Sub wakes, one that is woken on a schedule."""
MANIFESTS = [m for m in all_manifests(REPOSITORY) if m.name in FUNCTIONS]
CONDITION = "assertion.repository == 'agency/frontdesk' && assertion.ref == 'refs/heads/main'"
INDEXES = f"gs://{PROJECT}-frontdesk-indexes"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The state of a project in which everything is as it should be."""
    folder = tmp_path_factory.mktemp("deployed")
    cloud = FakeGcloud(folder / "cloud")
    cloud.enable("secretmanager.googleapis.com")
    cloud.add_secrets(*SECRETS, "OPENAI_API_KEY")
    cloud.change(
        services={
            "secretmanager.googleapis.com": {"config": {"name": "secretmanager.googleapis.com"}}
        },
        pools={"github": [{"name": PROVIDER, "attributeCondition": CONDITION}]},
        objects=[
            f"{INDEXES}/models/minilm.json",
            f"{INDEXES}/indexes/01890000-0000-7000-8000-000000000001/current.json",
        ],
    )
    with pytest.MonkeyPatch.context() as environment:
        for name, value in cloud.environment.items():
            environment.setenv(name, value)
        target = Target(
            project=PROJECT,
            supabase_url="https://project.supabase.co",
            secret_versions=dict.fromkeys((*SECRETS, "OPENAI_API_KEY"), "1"),
        )
        (folder / "functions").symlink_to(REPOSITORY / "functions")
        Deployment(folder, target)(*FUNCTIONS)
    return cloud.state()


@pytest.fixture
def project(cloud: FakeGcloud, deployed: dict[str, Any]) -> FakeGcloud:
    """Such a project, to be broken."""
    cloud.change(**deployed)
    return cloud


def examine() -> Iterator[Finding]:
    return project_doctor.examine(
        Target(PROJECT),
        MANIFESTS,
        Gcloud(REPOSITORY),
        migrations=MIGRATIONS,
        database=None,
    )


def problems(findings: Iterator[Finding]) -> dict[str, Finding]:
    return {f.subject: f for f in findings if f.verdict is Verdict.PROBLEM}


def test_a_project_that_was_deployed_is_well(project: FakeGcloud) -> None:
    findings = list(examine())

    assert [f for f in findings if f.verdict is Verdict.PROBLEM] == []
    subjects = {finding.subject for finding in findings}
    assert {"APIs", "Keys", "Model", "Indexes", "Workload Identity", "Callers"} <= subjects
    for manifest in MANIFESTS:
        assert {f"Identity fn-{manifest.name}", f"Function {manifest.name}"} <= subjects
    assert [f.subject for f in findings if f.verdict is Verdict.WARNING] == ["Migrations"]
    assert not [call for call in project.calls() if set(call) & {"create", "update", "deploy"}]


def test_an_empty_project_gets_a_command_for_each_thing_that_is_missing(cloud: FakeGcloud) -> None:
    cloud.change(services={}, secrets={})

    found = problems(examine())

    in_project = f"--project={PROJECT}"
    assert found["APIs"].remedy.startswith("gcloud services enable artifactregistry.googleapis.com")
    assert found["Secret CURSOR_SECRET"].remedy.splitlines() == [
        f"gcloud secrets create CURSOR_SECRET --replication-policy=automatic {in_project}",
        f"printf %s VALUE | gcloud secrets versions add CURSOR_SECRET --data-file=- {in_project}",
    ]
    assert "OPENAI_API_KEY" not in str(found), "what is optional is no problem"
    assert found[f"Bucket {PROJECT}-frontdesk-documents"].message == "there is none"
    assert "gcloud pubsub topics create knowledge " in found["Topic knowledge"].remedy
    assert (
        "subscriptions create knowledge-indexer" in found["Subscription knowledge-indexer"].remedy
    )
    assert "scheduler jobs create http" in found["Schedule maintenance"].remedy
    assert found["Function crm-search"].remedy.startswith("frontdesk deploy crm-search")
    assert found["Model"].remedy == f"frontdesk publish-model --project {PROJECT}"


def test_each_thing_that_is_broken_is_named_with_the_command_that_mends_it(
    project: FakeGcloud,
) -> None:
    state = project.state()
    del state["services"]["logging.googleapis.com"]
    state["accounts"][f"fn-maintenance@{PROJECT}.iam.gserviceaccount.com"]["disabled"] = True
    state["policies"]["secrets CURSOR_SECRET"] = {}
    fn_search = f"serviceAccount:fn-crm-search@{PROJECT}.iam.gserviceaccount.com"
    state["policies"]["secrets SUPABASE_SERVICE_KEY"]["roles/secretmanager.secretAccessor"].append(
        fn_search
    )
    state["policies"]["topics knowledge-dead-letter"] = {}
    state["policies"]["functions crm-search"]["roles/run.invoker"] = ["user:me@agency.example"]
    state["keys"] = {f"fn-indexer@{PROJECT}.iam.gserviceaccount.com": [{"name": "k/keys/0123"}]}
    state["pools"]["github"][0]["attributeCondition"] = "assertion.repository_owner == 'agency'"
    state["secrets"]["SUPABASE_ANON_KEY"]["1"] = "DISABLED"
    state["buckets"][f"{PROJECT}-frontdesk-documents"] |= {
        "public_access_prevention": "inherited",
        "soft_delete_policy": {"retentionDurationSeconds": "604800"},
    }
    del state["subscriptions"]["knowledge-dead-letter"]
    pushed = state["subscriptions"]["knowledge-indexer"]
    pushed["pushConfig"]["oidcToken"]["audience"] = "https://elsewhere"
    del pushed["deadLetterPolicy"]
    state["jobs"]["maintenance"]["state"] = "PAUSED"
    state["functions"]["crm-search"] |= {
        "state": "FAILED",
        "stateMessages": [{"message": "the container did not start"}],
    }
    state["functions"]["indexer"]["serviceConfig"]["ingressSettings"] = "ALLOW_ALL"
    state["objects"] = []
    project.change(**state)

    found = problems(examine())

    for subject, said, mended in [
        ("APIs", "off: logging.googleapis.com", "services enable logging.googleapis.com"),
        ("Identity fn-maintenance", "disabled", "iam service-accounts enable fn-maintenance@"),
        ("Identity fn-crm-search", "on secret CURSOR_SECRET", "gcloud secrets add-iam-policy-bind"),
        (
            "Nothing beyond the manifests",
            "fn-crm-search",
            "gcloud secrets remove-iam-policy-binding",
        ),
        ("Pub/Sub's own account", "knowledge-dead-letter", "pubsub topics add-iam-policy-binding"),
        ("Callers", "nobody may call crm-search", "--member=allUsers"),
        ("Keys", "fn-indexer has the key 0123", "iam service-accounts keys delete 0123"),
        ("Workload Identity", "no condition on the repository and the ref", "update-oidc github"),
        ("Secret SUPABASE_ANON_KEY", "no enabled version", "gcloud secrets versions add"),
        (f"Bucket {PROJECT}-frontdesk-documents", "kept for 7 days", "--clear-soft-delete"),
        ("Topic knowledge", "no subscription", "subscriptions create knowledge-dead-letter"),
        ("Subscription knowledge-indexer", "has the audience https://else", "subscriptions update"),
        ("Schedule maintenance", "it is PAUSED", "scheduler jobs resume maintenance"),
        ("Function crm-search", "FAILED: the container did not start", "frontdesk deploy crm-sea"),
        ("Function indexer", "accepts requests from outside", "frontdesk deploy indexer"),
        ("Model", "none is published", "frontdesk publish-model"),
    ]:
        assert said in found[subject].message, subject
        assert mended in found[subject].remedy, subject


def test_each_mending_line_mends(project: FakeGcloud) -> None:
    state = project.state()
    del state["services"]["logging.googleapis.com"]
    state["policies"]["secrets CURSOR_SECRET"] = {}
    state["policies"]["functions crm-search"] = {"roles/run.invoker": []}
    state["subscriptions"]["knowledge-indexer"]["ackDeadlineSeconds"] = 10
    del state["topics"]["knowledge-dead-letter"]
    project.change(**state)

    mend(problems(examine()))
    mend(problems(examine()))  # what could only be bound to a topic that exists again

    assert problems(examine()) == {}


def mend(found: dict[str, Finding]) -> None:
    """Run every command that was proposed."""
    for finding in found.values():
        for line in finding.remedy.splitlines():
            subprocess.run(shlex.split(line), check=True, capture_output=True)


def test_a_rotated_secret_that_is_not_deployed_is_a_warning(project: FakeGcloud) -> None:
    project.add_secrets("CURSOR_SECRET", versions=2)

    (stale,) = [f for f in examine() if f.subject == "Function crm-search"]

    assert stale.verdict is Verdict.WARNING
    assert stale.message == "it gets version 1 of CURSOR_SECRET, the newest is 2"


def test_what_may_not_be_looked_at_is_a_problem_and_not_a_good_sign(project: FakeGcloud) -> None:
    project.change(denied=["storage buckets list", "secrets list"])

    found = problems(examine())

    assert "PERMISSION_DENIED" in found["Buckets"].message
    assert "PERMISSION_DENIED" in found["Secrets"].message
    assert found["Buckets"].remedy == f"gcloud storage buckets list --project={PROJECT}"


def test_another_accounts_project_ends_the_examination(cloud: FakeGcloud) -> None:
    cloud.change(denied=["projects describe"])

    (finding,) = examine()

    assert (finding.subject, finding.verdict) == ("Project", Verdict.PROBLEM)
    assert finding.remedy == "gcloud auth login"


def test_migrations_that_the_database_has_not_seen_are_pending(
    stack: Stack, tmp_path: Path
) -> None:
    name = f"scratch_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as server:
        server.execute(f"create database {name}".encode())
    database = stack.postgres.dsn(database=name)
    (tmp_path / "20260101000001_first.sql").write_text("create table t (n int)")
    new = check_migrations(tmp_path, database)
    migrate(database, tmp_path)
    (tmp_path / "20260101000002_second.sql").write_text("create table u (n int)")
    behind = check_migrations(tmp_path, database)
    migrate(database, tmp_path)
    whole = check_migrations(tmp_path, database)
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as server:
        server.execute(f"drop database {name} with (force)".encode())

    assert new.message == "1 pending, the first is 20260101000001_first.sql"
    assert behind.message == "1 pending, the first is 20260101000002_second.sql"
    assert behind.remedy == "frontdesk migrate"
    assert (whole.verdict, whole.message) == (Verdict.OK, "all 2 are applied")


def test_an_unreachable_database_is_a_problem() -> None:
    found = check_migrations(MIGRATIONS, f"postgresql://127.0.0.1:{free_port()}/x")

    assert found.verdict is Verdict.PROBLEM
    assert found.remedy == "Check DATABASE_URL."


def test_findings_are_shown_for_people_and_for_programs() -> None:
    findings = [
        Finding("APIs", Verdict.OK, "all are on"),
        Finding("Topic a", Verdict.PROBLEM, "there is no topic a", "first\nsecond"),
    ]
    lines: list[str] = []

    assert not show(iter(findings), lines.append)
    assert lines == [
        "  ok       APIs: all are on",
        "  PROBLEM  Topic a: there is no topic a",
        "             first",
        "             second",
    ]

    lines.clear()
    assert not show_json(iter(findings), lines.append)
    assert json.loads("".join(lines))[1] == {
        "subject": "Topic a",
        "verdict": "problem",
        "message": "there is no topic a",
        "remedy": "first\nsecond",
    }
