"""``frontdesk deploy``: packages functions and carries out the plan that their manifests make."""

from __future__ import annotations

import shutil
import time
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from frontdesk.deploy.gcloud import UNPACKED, Step, plan, shell
from frontdesk.deploy.package import build as build_packages
from frontdesk.deploy.runner import GcloudFailed
from frontdesk.deploy.target import PROJECT_NUMBER, environment_of, mounted_secrets
from frontdesk.platform.manifest import all_manifests
from frontdesk.platform.settings import SECRET_REFERENCE, SettingsError, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from frontdesk.deploy.runner import Gcloud
    from frontdesk.deploy.target import Target
    from frontdesk.platform.manifest import Manifest

    Build = Callable[[Path, Sequence[str], Path], object]
    Write = Callable[[str], object]
    Wait = Callable[[float], object]

DIST: Final = "dist"
"""Where packages are, in the repository."""
_PATIENCE: Final = 12
"""How often a binding is tried again for a service account that IAM does not know yet."""
_PAUSE: Final = 5.0
"""Seconds between those tries; Google speaks of a minute at most."""


class Misused(ValueError):
    """The command was asked for something that it cannot or will not do; exit status 2."""


def select(manifests: Sequence[Manifest], names: Sequence[str]) -> list[Manifest]:
    """The named functions, all when none is named.

    Raises:
        Misused: there is no function of a name.
    """
    known = {manifest.name: manifest for manifest in manifests}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Misused(f"There is no function {', '.join(unknown)}. There are: {', '.join(known)}.")
    return [manifest for manifest in manifests if not names or manifest.name in names]


def script(names: Sequence[str], target: Target, repository: Path) -> str:
    """All that ``deploy`` would run, for a shell; makes no connection and needs no gcloud.

    Raises:
        Misused: see ``deploy``.
    """
    selected, steps = _planned(names, target, repository)
    functions = [manifest.name for manifest in selected]
    lines = [
        f"# Deploys to {target.project} in {target.region}: {', '.join(functions)}.",
        "# Save it to a file and run it in the repository's root: bash -eu FILE",
        "# A new service account takes up to a minute to be known; run it again if a line says so.",
    ]
    if target.number == PROJECT_NUMBER:
        number = shell([*_describe_project(target), "--format=value(projectNumber)"])
        lines.append(f'PROJECT_NUMBER="$({number})"')
    lines += ["", "# The packages.", "make build"]
    for name in functions:
        lines.append(f"rm -rf {UNPACKED}/{name}")
        lines.append(f"python3 -m zipfile -e {DIST}/{name}.zip {UNPACKED}/{name}")
    return "\n\n".join(["\n".join(lines), *(step.script for step in steps)]) + "\n"


def deploy(
    names: Sequence[str],
    target: Target,
    *,
    repository: Path,
    gcloud: Gcloud,
    write: Write,
    force: bool = False,
    build: Build = build_packages,
    wait: Wait = time.sleep,
) -> None:
    """Package and deploy functions, with all that they need; what is done stays done.

    Args:
        names: the functions, all when empty.
        write: gets every line before it runs.
        force: deploy also what Terraform manages.
        build: makes the packages.
        wait: lets so many seconds pass.

    Raises:
        Misused: an unknown function, settings that a function would not start with, a secret
            without a version, or a function that Terraform manages.
        GcloudFailed: a line failed; the lines after it were not run.
    """
    selected, _ = _planned(names, target, repository)
    functions = [manifest.name for manifest in selected]
    if target.number == PROJECT_NUMBER:
        target = replace(target, number=gcloud.read(_describe_project(target))["projectNumber"])
    if not force:
        _leave_to_terraform(functions, target, gcloud)
    write(f"# The packages of {', '.join(functions)}.")
    build(repository, functions, repository / DIST)
    for name in functions:
        _unpack(repository, name)
    for step in plan(selected, all_manifests(repository), target):
        _carry_out(step, gcloud, write, wait)


def _planned(
    names: Sequence[str], target: Target, repository: Path
) -> tuple[list[Manifest], list[Step]]:
    manifests = all_manifests(repository)
    selected = select(manifests, names)
    try:
        steps = plan(selected, manifests, target)
    except ValueError as error:
        raise Misused(str(error)) from error
    for manifest in selected:
        _must_start(manifest, manifests, target)
    return selected, steps


def _must_start(manifest: Manifest, manifests: Sequence[Manifest], target: Target) -> None:
    """Read the environment as the function will; a wrong one is better found before it is there."""
    secrets = dict.fromkeys(mounted_secrets(manifest, target), f"{SECRET_REFERENCE}here")
    try:
        load_settings(environment_of(manifest, manifests, target) | secrets)
    except SettingsError as error:
        raise Misused(f"{manifest.name} would not start: {'; '.join(error.problems)}.") from error


def list_functions(target: Target) -> list[str]:
    """gcloud's arguments for listing what is deployed."""
    return [
        *("functions", "list", "--v2"),
        f"--regions={target.region}",
        f"--project={target.project}",
    ]


def _describe_project(target: Target) -> list[str]:
    return ["projects", "describe", target.project]


def _leave_to_terraform(functions: Sequence[str], target: Target, gcloud: Gcloud) -> None:
    try:
        deployed = gcloud.read(list_functions(target))
    except GcloudFailed as failure:
        if failure.result.not_found:  # the API is off: a new project, nothing is deployed
            return
        raise
    theirs = {
        entry["name"].rpartition("/")[2]
        for entry in deployed
        if entry.get("labels", {}).get("managed-by") == "terraform"
    }
    if refused := sorted(theirs & set(functions)):
        raise Misused(
            f"Terraform manages {', '.join(refused)} in {target.project}, and would undo this."
            " Change it there, or take it over with --force."
        )


def _unpack(repository: Path, name: str) -> None:
    folder = repository / UNPACKED / name
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(repository / DIST / f"{name}.zip") as package:
        package.extractall(folder)


def _carry_out(step: Step, gcloud: Gcloud, write: Write, wait: Wait) -> None:
    write(f"\n# {step.purpose}")
    line: Sequence[str] | None = step.line
    if step.look is not None:
        looked = gcloud.run(step.look)
        if looked.ok:
            line = step.update
        elif not looked.not_found:
            raise GcloudFailed(looked)
    if line is None:
        write("# It is there.")
        return
    write(shell(line))
    result = gcloud.run(line)
    for _ in range(_PATIENCE):
        if not result.unknown_member:
            break
        wait(_PAUSE)
        result = gcloud.run(line)
    if result.already_exists and step.look is not None:
        # Somebody made it since we looked.
        if step.update is None:
            return
        write(shell(step.update))
        result = gcloud.run(step.update)
    if not result.ok:
        raise GcloudFailed(result)
