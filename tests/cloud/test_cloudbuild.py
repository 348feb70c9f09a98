"""cloudbuild.yaml and the workflows: their schemas, and what no schema knows."""

from __future__ import annotations

import copy
import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from frontdesk.deploy.paths import REPOSITORY
from frontdesk.deploy.release import list_line, own_address, traffic_line
from tests.cloud import pipeline_rules as rules

CLOUD_BUILD = REPOSITORY / "cloudbuild.yaml"
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yaml"))
CHECK_JSONSCHEMA = REPOSITORY / ".local" / "cloud-venv" / "bin" / "check-jsonschema"

Break = Callable[[dict[str, Any]], object]


def read(file: Path) -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as true; here nobody asks for it.
    document: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return document


def step(build: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [step for step in build["steps"] if step["id"] == name]
    return found


def change(name: str, **values: Any) -> Break:
    """A step with other values; None for none."""

    def damage(build: dict[str, Any]) -> None:
        changed = step(build, name)
        changed.update(values)
        for key in [key for key, value in values.items() if value is None]:
            del changed[key]

    return damage


LATEST = {"versionName": "projects/p/secrets/DATABASE_URL/versions/latest", "env": "DATABASE_URL"}
BROKEN_BUILDS: list[tuple[rules.Rule, Break]] = [
    (rules.words_are_known, lambda b: b.update(stepz=[])),
    (rules.words_are_known, change("test", wait_for=["check"])),
    (rules.steps_wait_for_earlier_ones, change("test", waitFor=["chekc"])),
    (rules.steps_wait_for_earlier_ones, change("check", waitFor=["test"])),
    (rules.steps_wait_for_earlier_ones, change("test", id="check")),
    (rules.everything_is_waited_for, change("initialise", waitFor=["build"])),
    (rules.secrets_are_declared, change("smoke", secretEnv=["SMOKE_TOKEN"])),
    (rules.secrets_are_declared, change("migrate", secretEnv=None)),
    (rules.secrets_have_a_version, lambda b: b["availableSecrets"].update(secretManager=[LATEST])),
    (rules.substitutions_are_declared, lambda b: b["substitutions"].update(REGION="here")),
    (rules.substitutions_are_declared, lambda b: b["substitutions"].pop("_REGION")),
    (rules.substitutions_are_declared, lambda b: b["substitutions"].update(_UNUSED="")),
    (rules.substitutions_are_declared, change("test", args=["test", "$_WORKERS"])),
    (rules.no_step_could_print_a_secret, change("migrate", entrypoint="bash")),
    (rules.no_step_could_print_a_secret, change("migrate", args=["--to=$$DATABASE_URL"])),
    (rules.no_step_could_print_a_secret, change("migrate", script="env")),
    (rules.there_is_no_key, change("plan", env=["GOOGLE_APPLICATION_CREDENTIALS=deployer.json"])),
    (rules.the_plan_that_is_shown_is_applied, change("plan", args=["plan"])),
    (rules.the_plan_that_is_shown_is_applied, change("apply", args=["apply", "-auto-approve"])),
    (rules.what_fails_fails_the_build, change("migrate", allowFailure=True)),
    (rules.what_fails_fails_the_build, change("apply", allowFailure=None)),
    (rules.what_fails_fails_the_build, change("rollback", allowFailure=True)),
    (rules.what_fails_fails_the_build, change("rollback", args=["rollback"])),
    (rules.the_log_has_a_place, lambda b: b["options"].pop("logging")),
    (rules.steps_end, change("apply", timeout=None)),
    (rules.steps_end, lambda b: b.pop("timeout")),
]
BROKEN_WORKFLOWS: list[tuple[rules.Rule, Break]] = [
    (rules.actions_are_pinned, lambda w: job_steps(w)[0].update(uses="actions/checkout@v4")),
    (rules.rights_are_the_least, lambda w: w.pop("permissions")),
    (rules.rights_are_the_least, lambda w: w["jobs"]["deploy"].pop("permissions")),
    (rules.rights_are_the_least, lambda w: w["jobs"]["check"].update(permissions="write-all")),
    (rules.everything_is_made, lambda w: job_steps(w)[-1].update(run="make apply; rm -rf .")),
    (
        rules.there_is_no_key,
        lambda w: job_steps(w)[1]["with"].update(credentials_json="${{ secrets.GCP_KEY }}"),
    ),
]


def job_steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = workflow["jobs"]["deploy"]["steps"]
    return steps


@pytest.mark.parametrize("rule", rules.CLOUD_BUILD, ids=lambda rule: rule.__name__)
def test_the_pipeline_keeps_the_rule(rule: rules.Rule) -> None:
    assert rule(read(CLOUD_BUILD)) == []


@pytest.mark.parametrize(("rule", "damage"), BROKEN_BUILDS)
def test_a_broken_pipeline_is_rejected(rule: rules.Rule, damage: Break) -> None:
    build = copy.deepcopy(read(CLOUD_BUILD))
    damage(build)
    assert rule(build) != []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
@pytest.mark.parametrize("rule", rules.WORKFLOW, ids=lambda rule: rule.__name__)
def test_a_workflow_keeps_the_rule(rule: rules.Rule, file: Path) -> None:
    assert rule(read(file)) == []


@pytest.mark.parametrize(("rule", "damage"), BROKEN_WORKFLOWS)
def test_a_broken_workflow_is_rejected(rule: rules.Rule, damage: Break) -> None:
    workflow = read(REPOSITORY / ".github" / "workflows" / "deploy.yaml")
    damage(workflow)
    assert rule(workflow) != []


def test_every_rule_has_something_that_it_rejects() -> None:
    rejecting = {rule for rule, _damage in (*BROKEN_BUILDS, *BROKEN_WORKFLOWS)}
    assert set(rules.CLOUD_BUILD) | set(rules.WORKFLOW) == rejecting


def fits(schema: str, *files: Path) -> subprocess.CompletedProcess[str]:
    assert CHECK_JSONSCHEMA.exists(), (
        f"{CHECK_JSONSCHEMA.relative_to(REPOSITORY)} is missing; `make check-cloud` installs it."
    )
    return subprocess.run(
        [CHECK_JSONSCHEMA, "--builtin-schema", f"vendor.{schema}", *files],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("schema", "files"), [("cloudbuild", [CLOUD_BUILD]), ("github-workflows", WORKFLOWS)]
)
def test_the_files_fit_their_schemas(schema: str, files: list[Path]) -> None:
    done = fits(schema, *files)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("schema", ["cloudbuild", "github-workflows"])
def test_what_does_not_fit_is_rejected(schema: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("steps: make\njobs: make\n", encoding="utf-8")
    assert fits(schema, broken).returncode != 0


def made(*arguments: str) -> list[str]:
    """The commands that make would run."""
    done = subprocess.run(
        ["make", "--no-print-directory", "-n", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.strip() for line in done.stdout.splitlines()]


def test_the_pipeline_does_what_make_does() -> None:
    """Terraform's image has no make, so its lines are written twice."""
    build = read(CLOUD_BUILD)
    values = {"_ENVIRONMENT": "staging", "PROJECT_ID": "acme", "_REGION": "europe-west1"}
    values |= {"PROJECT_NUMBER": "42", "_BASE_URL": ""}

    def line(name: str, program: str) -> str:
        words = shlex.join([program, *map(str, step(build, name)["args"])])
        return re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], words.replace("'", ""))

    release = made("deliver", "ENVIRONMENT=staging", "GCP_PROJECT_ID=acme")
    assert line("initialise", "terraform") in release
    assert line("plan", "terraform") in release
    applied = line("apply", "").strip().removeprefix("-c ").partition(" && ")
    assert applied[0] in release
    assert applied[2] == "touch .local/applied"
    for name in ("record", "smoke", "rollback"):
        program = ".venv/bin/python"
        wanted = line(name, program).replace(" --project-number=42", "")
        assert any(made_line.startswith(wanted) for made_line in release), wanted
    text = "\n".join(release)
    order = ["terraform -chdir=terraform/environments/staging init", " plan ", " record "]
    order += ["frontdesk migrate", " apply -input", " smoke ", " rollback "]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_gcloud_understands_what_a_release_asks_it() -> None:
    lines = [
        list_line("acme-staging", "europe-west1"),
        traffic_line("acme-staging", "europe-west1", "crm-search", {"a": 90, "b": 10}),
        ["projects", "describe", "acme-staging", "--format=value(projectNumber)"],
    ]
    assert own_address("acme-staging", "europe-west1", "42").startswith("https://{function}-42.")
    for line in lines:
        command = f"--command-string={shlex.join(['gcloud', *line])}"
        done = subprocess.run(
            ["gcloud", "meta", "lint-gcloud-commands", command],
            capture_output=True,
            text=True,
            check=False,
        )
        (answer,) = json.loads(done.stdout)
        assert answer["success"], answer["error_message"]
