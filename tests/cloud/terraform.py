"""Terraform, run on a copy of the tree: nothing is applied and no credentials are needed.

``terraform test`` with a mocked provider also writes the plan that it made, as JSON; the rules in
``plan_rules.py`` read that. Where the provider comes from is the caller's affair: Terraform reads
``TF_CLI_CONFIG_FILE``.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = "terraform.tfvars.example"
OLDEST = (1, 9)
"""The oldest Terraform that the modules say they work with."""

UNKNOWN = "(known after apply)"

MISSING = (
    "These checks need Terraform 1.9 or newer, and there is none on the PATH: "
    "see https://developer.hashicorp.com/terraform/install"
)


class TerraformFailed(AssertionError):
    """A command of Terraform's failed; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a plan.

    Attributes:
        address: such as ``module.data.google_storage_bucket.source``.
        values: its arguments; one that is known only afterwards is ``UNKNOWN``.
    """

    address: str
    type: str
    values: dict[str, Any]


@dataclass(slots=True)
class Plan:
    """All resources that a plan would make, and what it would print."""

    resources: list[Resource]
    outputs: dict[str, Any] = field(default_factory=dict)

    def of(self, *types: str) -> list[Resource]:
        """The resources of these types."""
        return [resource for resource in self.resources if resource.type in types]

    def named(self, type_: str, name: str) -> dict[str, Any]:
        """The values of the one resource whose ``name`` argument is this."""
        (found,) = [r.values for r in self.of(type_) if r.values.get("name") == name]
        return found


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of one root.

    Attributes:
        validated: what ``terraform validate`` complained of; empty when it did not.
        tested: what ``terraform test`` complained of.
        passed: how many of the root's test runs passed.
        plans: what its runs would make; a run that applies makes none.
    """

    validated: str = ""
    tested: str = ""
    passed: int = 0
    plans: list[Plan] = field(default_factory=list)

    @property
    def plan(self) -> Plan:
        """The first plan.

        Raises:
            TerraformFailed: there is none, with the reason.
        """
        if not self.plans:
            raise TerraformFailed(self.validated or self.tested or "no run made a plan")
        return self.plans[0]


def terraform() -> str:
    """The path of the command.

    Raises:
        TerraformFailed: it is not there, or too old.
    """
    found = shutil.which("terraform")
    if found is None:
        raise TerraformFailed(MISSING)
    said = json.loads(_output(found, "version", "-json"))["terraform_version"]
    version = tuple(int(part) for part in re.findall(r"\d+", said)[:2])
    if version < OLDEST:
        raise TerraformFailed(f"{MISSING} (this one is {said})")
    return found


class Tree:
    """A copy of everything that Terraform reads, with packages that only look like packages.

    Args:
        folder: an empty folder.
        functions: the folder of functions to copy; by default the repository's.
    """

    def __init__(self, folder: Path, functions: Path = REPOSITORY / "functions") -> None:
        self.folder = folder
        self.terraform = folder / "terraform"
        self._command = terraform()
        self._installing = threading.Lock()
        local = shutil.ignore_patterns(".terraform*", "*.tfstate*", "__pycache__")
        shutil.copytree(REPOSITORY / "terraform", self.terraform, ignore=local)
        shutil.copytree(functions, folder / "functions", ignore=local)
        for manifest in (folder / "functions").glob("*/function.yaml"):
            self.package(manifest.parent.name)

    def package(self, function: str) -> Path:
        """Write a package for a function, its name being all that is in it."""
        file = self.folder / "dist" / f"{function}.zip"
        file.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(zipfile.ZipInfo("main.py"), f"NAME = {function!r}\n")
        return file

    def roots(self) -> list[str]:
        """Every folder that Terraform can be run in, as a path below ``terraform/``."""
        return list_roots(self.terraform)

    def unformatted(self) -> str:
        """The files that ``terraform fmt`` would change."""
        return self._run(self.terraform, "fmt", "-check", "-recursive", check=False)

    def check(self, root: str) -> Checked:
        """Initialise, validate and test one root."""
        folder = self.terraform / root
        try:
            self._init(folder)
            self._run(folder, "validate")
        except TerraformFailed as failure:
            return Checked(validated=str(failure), tested="not run: it is not valid")
        try:
            return self._test(folder)
        except TerraformFailed as failure:
            return Checked(tested=str(failure))

    def check_all(self, roots: list[str]) -> dict[str, Checked]:
        """Check several roots, two at a time."""
        with ThreadPoolExecutor(2) as pool:
            return dict(zip(roots, pool.map(self.check, roots), strict=True))

    def plan(self, root: str) -> Plan:
        """The plan of a root's example.

        Raises:
            TerraformFailed: with what Terraform said.
        """
        self._init(self.terraform / root)
        return self._test(self.terraform / root).plan

    def _init(self, folder: Path) -> None:
        """Install providers and modules; one at a time, for the plugins' cache takes no more."""
        with self._installing:
            self._run(folder, "init", "-backend=false", "-input=false")

    def _test(self, folder: Path) -> Checked:
        """Run a root's tests; an environment is tested with the values of its example."""
        line = ["test", "-json", "-verbose"]
        if (folder / EXAMPLE).exists():
            line.append(f"-var-file={EXAMPLE}")
        said = self._run(folder, *line, check=False)
        events = [json.loads(text) for text in said.splitlines() if text.startswith("{")]
        problems = [_problem(event) for event in events if event.get("@level") == "error"]
        summary = [e["test_summary"] for e in events if e["type"] == "test_summary"]
        if problems or not summary or summary[0]["status"] != "pass":
            raise TerraformFailed("\n".join(problems) or said)
        return Checked(
            passed=summary[0]["passed"],
            plans=[_plan(event["test_plan"]) for event in events if event["type"] == "test_plan"],
        )

    def _run(self, folder: Path, *arguments: str, check: bool = True) -> str:
        """Run a command, and return what it prints.

        Raises:
            TerraformFailed: it failed, and ``check`` is set.
        """
        cache = self.folder / ".plugins"
        cache.mkdir(exist_ok=True)
        environ = os.environ | {
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "TF_PLUGIN_CACHE_DIR": str(cache),
            # There is no lock file on purpose, so the cache cannot break one.
            "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1",
        }
        done = subprocess.run(
            [self._command, *arguments, *([] if "-json" in arguments else ["-no-color"])],
            cwd=folder,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise TerraformFailed(done.stdout + done.stderr)
        return done.stdout


def list_roots(folder: Path = REPOSITORY / "terraform") -> list[str]:
    """Every folder below ``terraform/`` with a ``versions.tf``."""
    return sorted(str(file.parent.relative_to(folder)) for file in folder.rglob("versions.tf"))


def _plan(document: dict[str, Any]) -> Plan:
    resources = [
        Resource(
            address=change["address"],
            type=change["type"],
            values=_merged(change["change"]["after"], change["change"].get("after_unknown")),
        )
        for change in document.get("resource_changes", [])
        if change.get("mode", "managed") == "managed" and change["change"].get("after") is not None
    ]
    outputs = {
        name: change["after"]
        for name, change in document.get("output_changes", {}).items()
        if "after" in change
    }
    return Plan(resources, outputs)


def _merged(known: Any, unknown: Any) -> Any:
    """A plan's two halves in one: ``UNKNOWN`` stands where a value is not known yet."""
    if unknown is True:
        return UNKNOWN
    if isinstance(known, dict) and isinstance(unknown, dict):
        names = known.keys() | {name for name, value in unknown.items() if value}
        return {name: _merged(known.get(name), unknown.get(name)) for name in names}
    if isinstance(known, list) and isinstance(unknown, list):
        return [_merged(*pair) for pair in itertools.zip_longest(known, unknown)]
    return known


def _problem(event: dict[str, Any]) -> str:
    diagnostic = event.get("diagnostic", {})
    place = diagnostic.get("range", {})
    where = f"{place['filename']}:{place['start']['line']}: " if place else ""
    return f"{where}{event['@message']} {diagnostic.get('detail', '')}".strip()


def _output(*line: str) -> str:
    return subprocess.run(line, capture_output=True, text=True, check=True).stdout
