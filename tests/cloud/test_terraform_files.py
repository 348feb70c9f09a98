"""The files in terraform/: their style, their examples, and what a security review says of them."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from frontdesk.deploy.target import OPTIONAL_SECRETS
from tests.cloud.terraform import EXAMPLE, REPOSITORY, list_roots

TERRAFORM = REPOSITORY / "terraform"
ROOTS = list_roots()
ENVIRONMENTS = [root for root in ROOTS if root.startswith("environments/")]


def _blocks(root: str, kind: str) -> dict[str, str]:
    """The bodies of a root's variables or outputs by name, in the file's order."""
    text = (TERRAFORM / root / f"{kind}s.tf").read_text(encoding="utf-8")
    pattern = rf'^{kind} "(\w+)" \{{\n(.*?)^\}}$'
    return dict(re.findall(pattern, text, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("root", ROOTS)
def test_the_readmes_example_is_the_test(root: str) -> None:
    readme = (TERRAFORM / root / "README.md").read_text(encoding="utf-8")
    if root in ENVIRONMENTS:
        assert f"`{EXAMPLE}`" in readme
        return
    (example,) = re.findall(
        r'^module "\w+" \{\n  source = "[./\w-]+"\n\n(.*?)^\}$', readme, re.MULTILINE | re.DOTALL
    )
    test = (TERRAFORM / root / "tests" / "example.tftest.hcl").read_text(encoding="utf-8")
    (variables,) = re.findall(r"^variables \{\n(.*?)^\}$", test, re.MULTILINE | re.DOTALL)
    assert example == variables


@pytest.mark.parametrize("root", ROOTS)
def test_variables_and_outputs_are_described_and_in_order(root: str) -> None:
    for kind in ("variable", "output"):
        blocks = _blocks(root, kind)
        assert list(blocks) == sorted(blocks)
        assert [name for name, body in blocks.items() if "  description = " not in body] == []


@pytest.mark.parametrize("root", ROOTS)
def test_a_variable_may_be_null_only_where_that_is_its_default(root: str) -> None:
    loose = [
        name
        for name, body in _blocks(root, "variable").items()
        if "  nullable " not in body and not re.search(r"  default += null", body)
    ]
    assert loose == []


def test_both_environments_take_the_same_variables() -> None:
    for name in ("variables.tf", "outputs.tf", "versions.tf"):
        texts = {(TERRAFORM / root / name).read_text(encoding="utf-8") for root in ENVIRONMENTS}
        assert len(texts) == 1, name


def test_terraform_and_gcloud_agree_on_what_a_function_can_do_without() -> None:
    variables = (TERRAFORM / "modules/function/variables.tf").read_text(encoding="utf-8")
    block = variables.split('variable "optional_secrets"')[1].split("\n}\n")[0]
    assert set(re.findall(r'"([A-Z_]+)"', block)) == OPTIONAL_SECRETS


def test_an_example_names_every_variable_that_has_no_default() -> None:
    for root in ENVIRONMENTS:
        blocks = _blocks(root, "variable")
        required = {name for name, body in blocks.items() if "\n  default" not in body}
        example = (TERRAFORM / root / EXAMPLE).read_text(encoding="utf-8")
        assert required <= set(re.findall(r"^(\w+) +=", example, re.MULTILINE))


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in TERRAFORM.rglob("README.md"):
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page} links to {target}"


def test_only_the_google_provider_is_used() -> None:
    for file in TERRAFORM.rglob("*.tf"):
        sources = re.findall(r'source += +"(hashicorp/[^"]+)"', file.read_text(encoding="utf-8"))
        assert set(sources) <= {"hashicorp/google", "hashicorp/google-beta"}, file


def test_nothing_that_terraform_writes_is_tracked() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "terraform"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    assert re.findall(r".*(?:\.terraform|\.tfstate|\.tfplan).*", tracked) == []


def test_checkov_finds_nothing_that_has_no_reason() -> None:
    checkov = REPOSITORY / ".local" / "cloud-venv" / "bin" / "checkov"
    assert checkov.exists(), "checkov is not installed: run make check-cloud"
    options = ["--framework", "terraform", "--skip-download", "--quiet", "--compact", "-o", "json"]
    said = subprocess.run(
        [checkov, "-d", TERRAFORM, *options], capture_output=True, text=True, check=False
    )
    report = json.loads(said.stdout)
    failed = report["results"]["failed_checks"]
    assert [f"{f['check_id']} {f['resource']}: {f['check_name']}" for f in failed] == []
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 0


def test_every_check_that_is_skipped_has_a_reason() -> None:
    skips = [
        (file.name, *skip)
        for file in TERRAFORM.rglob("*.tf")
        for skip in re.findall(r"checkov:skip=(\w+)(.*)", file.read_text(encoding="utf-8"))
    ]
    assert skips
    assert [skip for skip in skips if not re.fullmatch(r":\S.{20,}\.", skip[2])] == []
