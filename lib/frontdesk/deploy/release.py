"""What a delivery pipeline does around a deployment, with the gcloud that it finds.

::

    record    which revision of each function serves now
    ...       migrate, apply
    smoke     does every public function answer?
    rollback  put the recorded revisions back where the deployment or the smoke test failed

The steps hand on a file. Nothing but the standard library is imported until ``smoke`` runs: the
image that has gcloud has no more.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from frontdesk.deploy.paths import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STATE_FILE: Final = Path(".local/release.json")
_FORMAT: Final = 1
_FAILED, _MISUSED = 1, 2
_PROJECT: Final = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
_REGION: Final = re.compile(r"[a-z]+-[a-z]+\d+")

Traffic = dict[str, int]
"""Percent by revision."""


class GcloudFailed(RuntimeError):
    """gcloud is missing, or said no; the message is its own."""


class WrongState(ValueError):
    """The file is not there, or was recorded for something else."""


@dataclass(slots=True)
class State:
    """What the pipeline's steps tell each other.

    Attributes:
        services: how traffic was split over revisions, by function, before the deployment.
        passed: whether the deployment was applied whole and answered afterwards.
    """

    project: str
    region: str
    services: dict[str, Traffic] = field(default_factory=dict)
    passed: bool = False

    def write(self, file: Path) -> None:
        """Keep it for the next step."""
        file.parent.mkdir(parents=True, exist_ok=True)
        document = {
            "format": _FORMAT,
            "project": self.project,
            "region": self.region,
            "services": self.services,
            "passed": self.passed,
        }
        file.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, file: Path, project: str, region: str) -> State:
        """What an earlier step left.

        Raises:
            WrongState: there is none for this project and region.
        """
        try:
            document = json.loads(file.read_text(encoding="utf-8"))
            state = cls(
                document["project"],
                document["region"],
                document["services"],
                passed=document["passed"],
            )
            known = document["format"] == _FORMAT
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WrongState(f"{file} is no state that `record` wrote.") from error
        if not known or (state.project, state.region) != (project, region):
            raise WrongState(f"{file} was recorded for {state.project} in {state.region}.")
        return state


def list_line(project: str, region: str) -> list[str]:
    """gcloud's arguments for all services of a region."""
    return [
        "run",
        "services",
        "list",
        f"--project={project}",
        f"--region={region}",
        "--format=json",
    ]


def traffic_line(project: str, region: str, service: str, traffic: Mapping[str, int]) -> list[str]:
    """gcloud's arguments for splitting a service's traffic over revisions."""
    shares = ",".join(f"{revision}={percent}" for revision, percent in traffic.items())
    where = [f"--project={project}", f"--region={region}"]
    return [
        "run",
        "services",
        "update-traffic",
        service,
        f"--to-revisions={shares}",
        *where,
        "--quiet",
    ]


def serving(project: str, region: str, functions: Sequence[str]) -> dict[str, Traffic]:
    """How each function's traffic is split now; functions that are not deployed are left out.

    Raises:
        GcloudFailed: see there.
    """
    services: list[dict[str, Any]] = json.loads(_gcloud(list_line(project, region)))
    return {
        service["metadata"]["name"]: _traffic(service.get("status", {}))
        for service in services
        if service["metadata"]["name"] in functions
    }


def _traffic(status: Mapping[str, Any]) -> Traffic:
    traffic: Traffic = {}
    for share in status.get("traffic", []):
        # A tag gives a revision an address of its own and no share of the traffic.
        if percent := share.get("percent", 0):
            revision = share.get("revisionName") or status["latestReadyRevisionName"]
            traffic[revision] = traffic.get(revision, 0) + percent
    return traffic


def own_address(project: str, region: str, number: str = "") -> str:
    """The address that Cloud Run gives ``{function}``; gcloud is asked for a number not given.

    Raises:
        GcloudFailed: see there.
    """
    if not number:
        number = _gcloud(["projects", "describe", project, "--format=value(projectNumber)"]).strip()
    return f"https://{{function}}-{number}.{region}.run.app"


def _gcloud(line: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            ["gcloud", *line],  # noqa: S607 -- gcloud is where the machine has it
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise GcloudFailed("gcloud is not on PATH.") from error
    if done.returncode != 0:
        raise GcloudFailed(f"gcloud {' '.join(line)}: {done.stderr.strip()}")
    return done.stdout


def _functions() -> list[str]:
    # By their folders: reading manifests needs more than the standard library.
    return sorted(file.parent.name for file in REPOSITORY.glob("functions/*/function.yaml"))


def _record(options: argparse.Namespace) -> int:
    services = serving(options.project, options.region, _functions())
    State(options.project, options.region, services).write(options.file)
    for name, traffic in services.items():
        _say(f"{name}: {_shares(traffic)}")
    _say(f"{len(services)} functions serve; recorded in {options.file}")
    return 0


def _smoke(options: argparse.Namespace) -> int:
    from frontdesk.deploy.smoke import smoke

    state = State.read(options.file, options.project, options.region)
    if options.applied is not None and not options.applied.exists():
        _say("The deployment was not applied whole.")
        return _FAILED
    address = options.base_url or own_address(
        options.project, options.region, options.project_number
    )
    state.passed = smoke(address, report=_say)
    state.write(options.file)
    return 0 if state.passed else _FAILED


def _rollback(options: argparse.Namespace) -> int:
    state = State.read(options.file, options.project, options.region)
    if options.unless_passed and state.passed:
        _say("The deployment answers; it stays.")
        return 0
    failed = _put_back(state)
    return _FAILED if failed or options.unless_passed else 0


def _put_back(state: State) -> bool:
    """Whether some function could not be put back."""
    failed = False
    now = serving(state.project, state.region, _functions())
    for name, traffic in now.items():
        before = state.services.get(name)
        if not before:
            _say(f"{name}: is new, there is nothing to go back to")
        elif before == traffic:
            _say(f"{name}: {_shares(traffic)}, as before")
        else:
            try:
                _gcloud(traffic_line(state.project, state.region, name, before))
            except GcloudFailed as error:
                failed = True
                _say(f"{name}: NOT put back: {error}")
            else:
                _say(f"{name}: put back from {_shares(traffic)} to {_shares(before)}")
    return failed


def _shares(traffic: Mapping[str, int]) -> str:
    return (
        ", ".join(f"{revision} {percent} %" for revision, percent in traffic.items()) or "nothing"
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m frontdesk.deploy.release")
    steps = parser.add_subparsers(required=True, metavar="record | smoke | rollback")
    for name, step, what in (
        ("record", _record, "note which revision of each function serves"),
        ("smoke", _smoke, "ask every public function whether it answers"),
        ("rollback", _rollback, "let the recorded revisions serve again"),
    ):
        command = steps.add_parser(name, help=what, description=what.capitalize() + ".")
        command.add_argument("--project", required=True, type=_matching(_PROJECT, "project id"))
        command.add_argument("--region", required=True, type=_matching(_REGION, "region"))
        command.add_argument("--file", type=Path, default=STATE_FILE, help="(default: %(default)s)")
        command.set_defaults(step=step)
        if name == "smoke":
            command.add_argument(
                "--base-url",
                default="",
                type=_base_url,
                help="of the load balancer; without it each function's own address is asked",
            )
            command.add_argument("--project-number", default="", help="spares asking gcloud for it")
            command.add_argument(
                "--applied", type=Path, help="a file that is there once all was applied"
            )
        if name == "rollback":
            command.add_argument(
                "--unless-passed",
                action="store_true",
                help="do nothing when the smoke test passed, and fail when it did not",
            )
    return parser


def _matching(pattern: re.Pattern[str], what: str) -> Any:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise argparse.ArgumentTypeError(f"{text!r} is no {what}")
        return text

    return check


def _base_url(text: str) -> str:
    if text and not re.fullmatch(r"https?://[^/\s]+/?", text):
        raise argparse.ArgumentTypeError(f"{text!r} does not read https://host")
    return text.rstrip("/")


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one step; 1 when it failed, 2 when it was misused."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.step(options)
    except WrongState as error:
        _say(str(error))
        return _MISUSED
    except GcloudFailed as error:
        _say(str(error))
        return _FAILED
    return status


if __name__ == "__main__":
    sys.exit(main())
