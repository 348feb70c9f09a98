"""terraform/: formatted, valid, tested, and never planning what must not be."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import yaml

from frontdesk.platform.manifest import all_manifests
from tests.cloud import broken_plans, manifest_rules, plan_rules
from tests.cloud.terraform import (
    MISSING,
    REPOSITORY,
    Checked,
    Plan,
    Resource,
    TerraformFailed,
    Tree,
    list_roots,
    terraform,
)

ROOTS = list_roots()
ENVIRONMENTS = [root for root in ROOTS if root.startswith("environments/")]
MANIFESTS = all_manifests(REPOSITORY)
RUNBOOKS = {file.name for file in (REPOSITORY / "docs" / "runbooks").glob("*.md")}

RULES = [
    *dict.fromkeys(broken.rule for broken in broken_plans.BROKEN),
    manifest_rules.alerts_have_runbooks(RUNBOOKS),
    manifest_rules.every_function_is_there(MANIFESTS),
]
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda r: r.__qualname__.partition(".")[0])


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The repository's Terraform, in a place where it may write."""
    return Tree(tmp_path_factory.mktemp("terraform"))


@pytest.fixture(scope="session")
def checked(tree: Tree) -> dict[str, Checked]:
    """What became of every root."""
    return tree.check_all(ROOTS)


@pytest.fixture(scope="session")
def plans(checked: dict[str, Checked]) -> dict[str, Plan]:
    """The plan of each environment's example."""
    return {root.rpartition("/")[2]: checked[root].plan for root in ENVIRONMENTS}


@pytest.fixture(scope="session")
def production(plans: dict[str, Plan]) -> Plan:
    """The plan that has everything in it: load balancer, Redis, both pipelines."""
    return plans["production"]


def test_a_machine_without_terraform_is_told_where_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TerraformFailed, match=re.escape(MISSING)):
        terraform()


def test_every_file_is_formatted(tree: Tree) -> None:
    assert tree.unformatted() == ""


@pytest.mark.parametrize("root", ROOTS)
def test_a_root_is_valid(checked: dict[str, Checked], root: str) -> None:
    assert checked[root].validated == ""


@pytest.mark.parametrize("root", ROOTS)
def test_a_roots_own_tests_pass(checked: dict[str, Checked], root: str) -> None:
    assert checked[root].tested == ""
    assert checked[root].passed > 0, "a root without tests proves nothing"


@each_rule
@pytest.mark.parametrize("environment", ["production", "staging"])
def test_an_environment_obeys_the_rule(
    plans: dict[str, Plan], environment: str, rule: plan_rules.Rule
) -> None:
    assert rule(plans[environment]) == []


@pytest.mark.parametrize(
    "broken", broken_plans.BROKEN, ids=lambda b: f"{b.rule.__name__}-{b.what.replace(' ', '-')}"
)
def test_a_rule_rejects_a_broken_plan(production: Plan, broken: broken_plans.Broken) -> None:
    assert broken.rule(production) == []
    assert broken.rule(broken.plan(production)) != []


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        pytest.param(rule, change, id=f"{rule.__qualname__.partition('.')[0]}-{number}")
        for rule in (
            manifest_rules.alerts_have_runbooks(RUNBOOKS),
            manifest_rules.every_path_leads_to_its_function(MANIFESTS),
            manifest_rules.every_function_is_there(MANIFESTS),
        )
        for number, change in enumerate(
            broken_plans.BROKEN_BESIDE_THE_REPOSITORY[rule.__qualname__.partition(".")[0]]
        )
    ],
)
def test_a_rule_about_the_repository_rejects_a_broken_plan(
    production: Plan, rule: plan_rules.Rule, change: broken_plans.Change
) -> None:
    assert rule(production) == []
    assert rule(broken_plans.Broken(rule, "", change).plan(production)) != []


def test_every_rule_has_a_plan_that_it_rejects() -> None:
    rejecting = {broken.rule.__name__ for broken in broken_plans.BROKEN}
    rejecting |= set(broken_plans.BROKEN_BESIDE_THE_REPOSITORY)
    rules = {
        name
        for module in (plan_rules, manifest_rules)
        for name, value in vars(module).items()
        if callable(value)
        and getattr(value, "__module__", "") == module.__name__
        and not name.startswith("_")
        and value.__annotations__.get("return") in {"list[str]", "Rule"}
    }
    assert rules == rejecting


def test_the_rules_see_what_is_wrong_in_the_files(tmp_path: Path) -> None:
    """The other broken plans are made in Python; this one is made by Terraform."""
    tree = Tree(tmp_path)
    for file, right, wrong in [
        (
            "data/buckets.tf",
            "retention_duration_seconds = 0",
            "retention_duration_seconds = 604800",
        ),
        ("data/buckets.tf", '= "enforced"', '= "inherited"'),
        ("function/main.tf", '"ALLOW_INTERNAL_ONLY"', '"ALLOW_ALL"'),
        ("function/iam.tf", "local.is_platform ?", "!local.is_platform ?"),
        ("function/source.tf", "-${local.package_sha256}.zip", ".zip"),
        ("messaging/main.tf", "audience              = each.value.url", ""),
        ("identity/main.tf", "startsWith('${prefix}')", "endsWith('${prefix}')"),
        ("edge/routes.tf", '"/\\\\{[a-z_]+\\\\}/", "~"', '"/\\\\{[a-z_]+\\\\}/", "+"'),
    ]:
        place = tree.terraform / "modules" / file
        text = place.read_text(encoding="utf-8")
        assert right in text, f"{file} no longer says {right}"
        place.write_text(text.replace(right, wrong), encoding="utf-8")
    literal = _toy(
        "clients-recent", routes=[{"path": "/v1/crm/clients/recent", "methods": ["GET"]}]
    )
    _add_function(tree.folder / "functions", literal)
    tree.package("clients-recent")
    plan = tree.plan("environments/production")
    for rule in [
        plan_rules.deleted_is_deleted,
        plan_rules.no_bucket_is_public,
        plan_rules.the_platform_is_called_by_the_platform,
        plan_rules.pushes_are_signed_and_end_somewhere,
        plan_rules.outsiders_come_from_one_repository_and_ref,
        manifest_rules.packages_are_named_by_content,
        manifest_rules.every_path_leads_to_its_function(all_manifests(tree.folder)),
    ]:
        assert rule(plan) != [], rule.__qualname__


def test_a_new_folder_is_a_function_with_no_other_edit(tmp_path: Path) -> None:
    functions = tmp_path / "with-toys"
    shutil.copytree(REPOSITORY / "functions", functions)
    _add_function(
        functions,
        _toy(
            "toy-public", routes=[{"path": "/v1/crm/clients/{client_id}/toys", "methods": ["GET"]}]
        ),
    )
    event = {"path": "/v1/events/toy-worker", "methods": ["POST"]}
    pubsub = {"topic": "toys", "path": event["path"], "ack_deadline": 60}
    _add_function(
        functions,
        _toy("toy-worker", routes=[event], pubsub=pubsub | {"max_delivery_attempts": 5}),
    )
    tree = Tree(tmp_path / "copy", functions)
    plan = tree.plan("environments/production")
    manifests = all_manifests(tree.folder)

    assert [rule(plan) for rule in RULES[:-1]] == [[]] * (len(RULES) - 1)
    assert manifest_rules.every_function_is_there(manifests)(plan) == []
    assert manifest_rules.every_path_leads_to_its_function(manifests)(plan) == []
    toys = {
        r.address.partition("module.frontdesk.")[2] for r in plan.resources if "toy" in r.address
    }
    assert toys == {
        *(
            f'module.function["{name}"].{resource}'
            for name in ("toy-public", "toy-worker")
            for resource in (
                "google_cloud_run_service_iam_member.invoker",
                "google_cloudfunctions2_function.function",
                'google_secret_manager_secret_iam_member.accessor["SUPABASE_ANON_KEY"]',
                "google_service_account.function",
                'google_storage_bucket_iam_member.objects["indexes.read"]',
                "google_storage_bucket_object.package",
            )
        ),
        'module.edge[0].google_compute_backend_service.function["toy-public"]',
        'module.edge[0].google_compute_region_network_endpoint_group.function["toy-public"]',
        'module.observability.google_monitoring_alert_policy.latency["toy-public"]',
        'module.observability.google_monitoring_uptime_check_config.health["toy-public"]',
        'module.messaging.google_pubsub_subscription.push["toy-worker"]',
        'module.messaging.google_pubsub_subscription_iam_member.dead_letter_subscriber["toy-worker"]',
        *(
            f'module.messaging.google_pubsub_{resource}["toys"]'
            for resource in (
                "subscription.dead_letter",
                "topic.dead_letter",
                "topic.topic",
                "topic_iam_member.dead_letter_publisher",
            )
        ),
        *(
            f'module.function["{name}"].google_pubsub_topic_iam_member.publisher["toys"]'
            for name in sorted(m.name for m in manifests if "topics.publish" in m.roles)
        ),
    }
    environment = plan.named(plan_rules.FUNCTION, "knowledge")["service_config"][0]
    assert environment["environment_variables"]["TOYS_TOPIC"] == "toys"


def test_a_trigger_tells_the_pipeline_where_it_deploys_to(plans: dict[str, Plan]) -> None:
    told = {
        name: plan.of("google_cloudbuild_trigger")[0].values["substitutions"]
        for name, plan in plans.items()
    }
    shared = {"_DATABASE_URL_VERSION": "1", "_REGION": "europe-west1"}
    assert told == {
        "production": shared
        | {"_BASE_URL": "https://api.agency.example", "_ENVIRONMENT": "production"},
        "staging": shared | {"_ENVIRONMENT": "staging"},
    }
    pipeline = yaml.safe_load((REPOSITORY / "cloudbuild.yaml").read_text(encoding="utf-8"))
    assert set().union(*told.values()) == set(pipeline["substitutions"])


def test_what_is_counted_in_the_logs_is_what_the_code_logs(production: Plan) -> None:
    code = "".join(
        file.read_text(encoding="utf-8")
        for file in (REPOSITORY / "lib" / "frontdesk").rglob("*.py")
    )
    metrics = production.of("google_logging_metric")
    sentences = [sentence for metric in metrics for sentence in _sentences(metric)]
    assert len(sentences) >= len(metrics) - 1
    assert [sentence for sentence in sentences if f'"{sentence}"' not in code] == []
    fields = {field for metric in metrics for field in _fields(metric)}
    assert [name for name in sorted(fields) if not re.search(rf'\b{name}=|"{name}"', code)] == []


def _sentences(metric: Resource) -> list[str]:
    return re.findall(r'jsonPayload\.message="([^"]+)"', metric.values["filter"])


def _fields(metric: Resource) -> list[str]:
    return re.findall(r"jsonPayload\.(\w+)", json.dumps(metric.values))


def _toy(
    name: str, *, routes: Sequence[Mapping[str, object]], **trigger: object
) -> dict[str, object]:
    return {
        "format": 1,
        "name": name,
        "description": "A function that is only here for a test.",
        "entry_point": name.replace("-", "_"),
        "extra": "crm-search",
        "trigger": {"routes": list(routes), **trigger},
        "resources": {
            "memory_mb": 256,
            "cpu": 0.5,
            "concurrency": 1,
            "timeout_seconds": 20,
            "max_instances": 2,
            "min_instances": 1,
        },
        "secrets": ["SUPABASE_ANON_KEY"],
        "roles": ["indexes.read"],
        "environment": {},
    }


def _add_function(functions: Path, manifest: dict[str, object]) -> None:
    folder = functions / str(manifest["name"])
    folder.mkdir()
    (folder / "function.yaml").write_text(yaml.safe_dump(manifest), encoding="utf-8")
