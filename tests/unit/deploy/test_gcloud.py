"""gcloud lines made from manifests: what they say, and how a shell reads them."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import pytest

from frontdesk.deploy.bindings import Binding, Resource
from frontdesk.deploy.gcloud import deploy_line, plan, shell
from frontdesk.deploy.paths import REPOSITORY
from frontdesk.deploy.target import (
    PROJECT_NUMBER,
    Target,
    environment_of,
    function_account_id,
)
from frontdesk.platform.manifest import Manifest, all_manifests
from frontdesk.platform.settings import load_settings

MANIFESTS = all_manifests(REPOSITORY)
BY_NAME = {manifest.name: manifest for manifest in MANIFESTS}
SECRETS = sorted({name for manifest in MANIFESTS for name in manifest.secrets})
TARGET = Target(
    project="agency-prod",
    number="123456789012",
    supabase_url="https://project.supabase.co",
    secret_versions={name: str(number) for number, name in enumerate(SECRETS, start=1)},
)


def flags(name: str, target: Target = TARGET) -> dict[str, str]:
    line = deploy_line(BY_NAME[name], MANIFESTS, target)
    return {flag: value for flag, _, value in (word.partition("=") for word in line)}


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest.name)
def test_a_deployment_says_what_the_manifest_says(manifest: Manifest) -> None:
    said = flags(manifest.name)
    resources = manifest.resources

    assert said["--memory"] == f"{resources.memory_mb}Mi"
    assert float(said["--cpu"]) == resources.cpu
    assert said["--concurrency"] == str(resources.concurrency)
    assert said["--timeout"] == f"{resources.timeout_seconds}s"
    assert said["--max-instances"] == str(resources.max_instances)
    assert said["--min-instances"] == str(resources.min_instances)
    assert said["--entry-point"] == manifest.entry_point
    assert said["--service-account"] == TARGET.function_account(manifest.name)
    mounted = [mount.partition("=")[0] for mount in said["--set-secrets"].split(",")]
    assert mounted == list(manifest.secrets)
    assert said["--update-labels"] == "managed-by=gcloud,app=frontdesk"


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest.name)
def test_a_function_starts_with_the_environment_that_it_is_given(manifest: Manifest) -> None:
    environment = environment_of(manifest, MANIFESTS, TARGET)

    settings = load_settings(environment | {"SUPABASE_ANON_KEY": "anon"})
    assert settings.environment == "production"
    assert settings.faiss_bucket_name == "agency-prod-frontdesk-indexes"
    assert settings.tenant_operations_topic == "tenant-operations"
    assert settings.knowledge_topic == "knowledge"
    assert environment["THREADS"] == str(manifest.resources.concurrency)
    woken = manifest.pubsub is not None or manifest.schedule is not None
    assert (settings.push_audience is not None) == woken


def test_only_google_may_call_a_function_that_it_wakes() -> None:
    woken, public = flags("provisioner"), flags("crm-search")

    assert "--no-allow-unauthenticated" in woken
    assert woken["--ingress-settings"] == "internal-only"
    assert "--allow-unauthenticated" in public
    assert public["--ingress-settings"] == "all"


def test_behind_a_load_balancer_its_address_is_the_only_way_in() -> None:
    behind = replace(TARGET, behind_load_balancer=True)

    assert flags("crm-search", behind)["--ingress-settings"] == "internal-and-gclb"
    assert flags("provisioner", behind)["--ingress-settings"] == "internal-only"


def test_an_optional_secret_is_mounted_only_where_its_version_is_given() -> None:
    needed = {name: "1" for name in SECRETS if name not in {"OPENAI_API_KEY", "REDIS_URL"}}

    assert (
        "OPENAI_API_KEY"
        not in flags("helpdesk", replace(TARGET, secret_versions=needed))["--set-secrets"]
    )
    assert "OPENAI_API_KEY=OPENAI_API_KEY:3" in flags("helpdesk")["--set-secrets"]


def test_redis_settings_go_to_the_functions_that_use_it() -> None:
    pem = "-----BEGIN CERTIFICATE-----\nMIIB,x;y\n-----END CERTIFICATE-----"
    target = replace(TARGET, vpc_connector="functions", redis_ca_certificate=pem)

    assert pem in flags("crm-search", target)["--set-env-vars"]
    assert flags("crm-search", target)["--vpc-connector"] == "functions"
    assert "CERTIFICATE" not in flags("maintenance", target)["--set-env-vars"]
    assert "--vpc-connector" not in flags("maintenance", target)


def test_values_with_commas_are_kept_apart_by_another_separator() -> None:
    target = replace(TARGET, cors_origins=("https://a.example", "https://b.example"))

    said = flags("crm-search", target)["--set-env-vars"]
    assert said.startswith("^;^ENVIRONMENT=production;")
    assert "CORS_ORIGINS=https://a.example,https://b.example" in said.split(";")


def test_a_line_is_quoted_for_a_shell_and_leaves_the_projects_number_to_it() -> None:
    awkward = ["a", "--x=it's 5 > 4; $HOME", f"--url=https://f-{PROJECT_NUMBER}.r.run.app", ""]

    assert shlex.split(shell(awkward)) == ["gcloud", *awkward]
    assert 'f-"${PROJECT_NUMBER}".r' in shell(awkward)


def test_everything_that_is_made_is_looked_for_first() -> None:
    for step in plan(MANIFESTS, MANIFESTS, TARGET):
        makes = "create" in step.line and "identity" not in step.line
        assert makes == (step.look is not None), step.purpose
        assert "describe" in (step.look or ["describe"])


def test_no_line_repeats_another() -> None:
    lines = [shell(step.line) for step in plan(MANIFESTS, MANIFESTS, TARGET)]

    assert len(lines) == len(set(lines))


def test_every_line_names_its_project() -> None:
    for step in plan(MANIFESTS, MANIFESTS, TARGET):
        for line in filter(None, (step.line, step.look, step.update)):
            assert "--project=agency-prod" in line or line[0] == "projects"


@pytest.mark.parametrize(
    "changed",
    [
        {"project": "Agency"},
        {"project": "123456789012"},
        {"project": "a; rm -rf /"},
        {"region": "europe"},
        {"number": "twelve"},
        {"release": "Nice Release"},
        {"secret_versions": {"REDIS_URL": "latest"}},
    ],
)
def test_names_that_google_cloud_would_not_take_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"is no|a secret's version is a number"):
        replace(TARGET, **changed)


def test_a_service_accounts_name_must_fit() -> None:
    assert function_account_id("a" * 27) == f"fn-{'a' * 27}"
    with pytest.raises(ValueError, match="over 30 characters"):
        function_account_id("a" * 28)


@pytest.mark.parametrize(
    ("kind", "added"),
    [
        ("bucket", "storage buckets add-iam-policy-binding gs://x --member=m --role=r"),
        ("project", "projects add-iam-policy-binding x --member=m --role=r --condition=None"),
        ("secret", "secrets add-iam-policy-binding x --member=m --role=r"),
        ("service", "run services add-iam-policy-binding x --region=europe-west1 --member=m"),
        ("topic", "pubsub topics add-iam-policy-binding x --member=m --role=r"),
    ],
)
def test_a_binding_is_added_and_removed_with_the_command_of_its_kind(kind: str, added: str) -> None:
    binding = Binding(Resource(kind, "x"), "m", "r")

    assert " ".join(binding.add(TARGET)).startswith(added)
    taken = [word.replace("add-", "remove-") for word in binding.add(TARGET)]
    assert binding.remove(TARGET) == taken
