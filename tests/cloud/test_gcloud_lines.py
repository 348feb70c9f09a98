"""Every gcloud line that the project prints or runs is one that gcloud understands.

gcloud's own linter knows commands, flags and choices, and needs no network. It does not know what
a value may be: ranges, units, runtimes, regions.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from frontdesk.deploy.commands import script
from frontdesk.deploy.gcloud import plan, shell
from frontdesk.deploy.logs import Query, read
from frontdesk.deploy.model import publish_model
from frontdesk.deploy.paths import REPOSITORY
from frontdesk.deploy.project_doctor import examine
from frontdesk.deploy.runner import Gcloud
from frontdesk.deploy.target import Target
from frontdesk.knowledge.minilm import MODEL_FILES
from frontdesk.platform.manifest import all_manifests
from tests.support.fake_gcloud import PROJECT, FakeGcloud
from tests.support.gcloud_lines import (
    GcloudMissing,
    lint,
    of_file,
    of_markdown,
    of_python,
    of_shell,
    of_yaml,
)

MANIFESTS = all_manifests(REPOSITORY)
TARGET = Target(
    project=PROJECT,
    supabase_url="https://project.supabase.co",
    cors_origins=("https://a.example", "https://b.example"),
    secret_versions={name: "1" for manifest in MANIFESTS for name in manifest.secrets},
    release="904a3eb",
    vpc_connector="functions",
)


@pytest.fixture
def cloud(tmp_path: Path) -> FakeGcloud:
    """A project in which next to nothing is there, but enough to look further."""
    fake = FakeGcloud(tmp_path)
    apis = ("cloudfunctions", "cloudscheduler", "iam", "pubsub", "run", "secretmanager")
    fake.enable(*(f"{name}.googleapis.com" for name in apis))
    fake.change(
        pools={"github": [{"name": "projects/1/providers/github"}]},
        buckets={f"{PROJECT}-frontdesk-indexes": {"name": f"{PROJECT}-frontdesk-indexes"}},
    )
    return fake


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [REPOSITORY / name for name in listed if (REPOSITORY / name).is_file()]


def test_every_line_that_deploy_prints_or_runs_is_right() -> None:
    printed = set(of_shell(script([], TARGET, REPOSITORY)))
    planned = {
        shell(line)
        for step in plan(MANIFESTS, MANIFESTS, TARGET)
        for line in (step.line, step.look, step.update)
        if line is not None
    }

    assert len(printed) == len(planned) + 1, "and the one that asks for the project's number"
    assert lint(printed) == {}


def test_every_line_that_the_other_commands_run_or_propose_is_right(
    cloud: FakeGcloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    for name in MODEL_FILES:
        (tmp_path / name).touch()
    with monkeypatch.context() as environment:
        for name, value in cloud.environment.items():
            environment.setenv(name, value)
        gcloud = Gcloud(REPOSITORY)
        found = list(
            examine(Target(PROJECT), MANIFESTS, gcloud, migrations=tmp_path, database=None)
        )
        read(Query(PROJECT, ["helpdesk"], severity="ERROR", request_id="r", tenant_id="t"), gcloud)
        publish_model(tmp_path, Target(PROJECT), gcloud, said.append)

    ran = {shell(call) for call in cloud.calls()}
    proposed = {line for finding in found for line in of_shell(finding.remedy)}
    assert len(ran) > 50
    assert len(proposed) > 30
    assert lint(ran | proposed) == {}


def test_every_line_in_code_documents_and_pipelines_is_right() -> None:
    files = tracked("*.md", "lib/**/*.py", "cloudbuild.yaml", ".github/workflows/*", ".ci/*")
    lines = {line: file for file in files for line in of_file(file)}

    wrong = lint(lines)
    assert {f"{lines[line].relative_to(REPOSITORY)}: {line}": wrong[line] for line in wrong} == {}
    assert lines, "the code has some"


def test_a_line_that_is_wrong_is_rejected_though_the_linter_ends_with_status_zero() -> None:
    flag = "gcloud pubsub topics create knowledge --forever"
    command = "gcloud pubsub topics conjure knowledge"
    choice = "gcloud functions deploy f --gen2 --region=r --ingress-settings=nobody"
    right = "gcloud pubsub topics create knowledge --project=agency-prod"

    wrong = lint([flag, command, choice, right])

    assert set(wrong) == {flag, command, choice}
    assert "unrecognized arguments: --forever" in wrong[flag]


def test_a_line_with_the_projects_number_left_open_is_still_checked() -> None:
    line = 'gcloud scheduler jobs pause x --location="${PROJECT_NUMBER}" --wrong'

    assert "--wrong" in str(lint(of_shell(line)))


def test_without_gcloud_the_check_fails_and_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(GcloudMissing, match="Install the Google Cloud CLI"):
        lint(["gcloud info"])


def test_lines_are_found_in_shell_scripts() -> None:
    text = """
# gcloud in a comment --is no line
NUMBER="$(gcloud projects describe p --format='value(projectNumber)')"
if gcloud iam roles list --project=p >/dev/null 2>&1; then
  gcloud pubsub topics create x \\
    --project=p
fi
printf %s "$VALUE" | gcloud secrets versions add NAME --data-file=- && echo 'gcloud is done'
gcloud logging read 'severity>=ERROR AND a="b"' --limit=1
"""

    assert list(of_shell(text)) == [
        "gcloud projects describe p --format='value(projectNumber)'",
        "gcloud iam roles list --project=p",
        "gcloud pubsub topics create x --project=p",
        "gcloud secrets versions add NAME --data-file=-",
        "gcloud logging read 'severity>=ERROR AND a=\"b\"' --limit=1",
    ]


def test_lines_are_found_in_documents() -> None:
    text = """
First `gcloud auth login --no-launch-browser`, then something of `gcloud pubsub`:

1. Do this.
   ```sh
   gcloud pubsub topics list \\
     --project=p
   ```

```json
"gcloud nothing --here"
```
"""

    assert sorted(of_markdown(text)) == [
        "gcloud auth login --no-launch-browser",
        "gcloud pubsub topics list --project=p",
    ]


def test_lines_are_found_in_pipelines() -> None:
    text = """
steps:
  - name: sdk
    entrypoint: gcloud
    args: [run, services, list, --region=r]
  - name: sdk
    entrypoint: bash
    args:
      - -c
      - |
        echo "$$X"
        gcloud run revisions list --service="$$X"
jobs:
  a:
    steps:
      - run: gcloud builds list --limit=1
"""

    assert list(of_yaml(text)) == [
        "gcloud run services list --region=r",
        "gcloud run revisions list --service='$X'",
        "gcloud builds list --limit=1",
    ]


def test_lines_are_found_in_code() -> None:
    text = '''
"""gcloud knows all of this."""
failed = "gcloud failed"
remedy = f"gcloud run services describe {name} --region={region}"
'''

    assert list(of_python(text)) == ["gcloud run services describe x --region=x"]
