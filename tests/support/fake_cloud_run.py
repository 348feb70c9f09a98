"""A gcloud that knows Cloud Run services, their traffic and one secret, kept in a file.

Beside it lies a terraform whose `apply` gives every service a new revision, and may fail half-way.

It is put on PATH as an executable, so what is tested is the command line that really runs. Like
the real one it refuses a project, service or revision that is not there, shares that are not 100 in
all, and options that it does not know, with exit status 1 or 2 and a sentence on stderr.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

STATE_VARIABLE = "FAKE_CLOUD_RUN_STATE"
_OPTIONS = {
    ("run", "services", "list"): {"project", "region", "format"},
    ("run", "services", "update-traffic"): {"project", "region", "to-revisions", "quiet"},
    ("projects", "describe"): {"format"},
    ("secrets", "versions", "access"): {"project", "secret"},
}


class FakeCloudRun:
    """One for a test: ``environment`` puts it first on PATH."""

    def __init__(self, folder: Path, project: str, region: str) -> None:
        self._file = folder / "gcloud-state.json"
        self._bin = folder / "bin"
        self._bin.mkdir()
        for name in ("gcloud", "terraform"):
            executable = self._bin / name
            executable.write_text(f"#!{sys.executable}\n{Path(__file__).read_text('utf-8')}")
            executable.chmod(0o755)
        self._write(
            {
                "project": project,
                "region": region,
                "services": {},
                "broken": [],
                "secret": "",
                "terraform": [],
                "apply_fails_after": None,
            }
        )

    @property
    def environment(self) -> dict[str, str]:
        path = f"{self._bin}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, STATE_VARIABLE: str(self._file)}

    def deploy(self, service: str, revision: str) -> None:
        """A new revision that gets all traffic, as a deployment makes one."""
        state = self._read()
        known = state["services"].setdefault(service, {"revisions": [], "traffic": {}})
        known["revisions"].append(revision)
        known["traffic"] = {revision: 100}
        self._write(state)

    def split(self, service: str, traffic: dict[str, int]) -> None:
        state = self._read()
        state["services"][service]["traffic"] = traffic
        self._write(state)

    def break_service(self, service: str) -> None:
        """Changes to it fail from now on."""
        state = self._read()
        state["broken"].append(service)
        self._write(state)

    def keep_secret(self, value: str) -> None:
        """What every version of every secret holds."""
        self._write(self._read() | {"secret": value})

    def fail_to_apply(self, *, after: int) -> None:
        """Terraform fails after so many services."""
        self._write(self._read() | {"apply_fails_after": after})

    @property
    def terraform_calls(self) -> list[str]:
        calls: list[str] = self._read()["terraform"]
        return calls

    def traffic(self, service: str) -> dict[str, int]:
        traffic: dict[str, int] = self._read()["services"][service]["traffic"]
        return traffic

    def _read(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
        return state

    def _write(self, state: dict[str, Any]) -> None:
        self._file.write_text(json.dumps(state), encoding="utf-8")


def _fail(sentence: str, status: int = 1) -> int:
    sys.stderr.write(f"ERROR: (gcloud) {sentence}\n")
    return status


def _listed(name: str, service: dict[str, Any]) -> dict[str, Any]:
    shares = [{"revisionName": name, "percent": n} for name, n in service["traffic"].items()]
    tagged = {"revisionName": service["revisions"][0], "tag": "oldest"}
    status = {"latestReadyRevisionName": service["revisions"][-1], "traffic": [*shares, tagged]}
    return {"kind": "Service", "metadata": {"name": name}, "status": status}


def _update(state: dict[str, Any], name: str, to_revisions: str) -> int:
    service = state["services"].get(name)
    if service is None:
        return _fail(f"Service [{name}] could not be found.")
    if name in state["broken"]:
        return _fail("PERMISSION_DENIED: Permission 'run.services.update' denied.")
    traffic = {revision: int(n) for revision, n in (s.split("=") for s in to_revisions.split(","))}
    if unknown := set(traffic) - set(service["revisions"]):
        return _fail(f"Revision {sorted(unknown)} not found.")
    if sum(traffic.values()) != 100:
        return _fail("Traffic percentages must add up to 100.")
    service["traffic"] = traffic
    return 0


def _run(arguments: list[str]) -> int:
    file = Path(os.environ[STATE_VARIABLE])
    state = json.loads(file.read_text(encoding="utf-8"))
    names = [word for word in arguments if not word.startswith("--")]
    pairs = [word[2:].split("=", 1) for word in arguments if word.startswith("--")]
    options = {pair[0]: pair[1] if len(pair) == 2 else "" for pair in pairs}
    command = next((known for known in _OPTIONS if tuple(names[: len(known)]) == known), None)
    if command is None or set(options) - _OPTIONS[command]:
        return _fail(f"unrecognized arguments: {' '.join(arguments)}", status=2)
    project = options.get("project", names[-1])
    if project != state["project"] or options.get("region", state["region"]) != state["region"]:
        return _fail(f"Permission denied on {project}, or it may not exist.")
    if command == ("secrets", "versions", "access"):
        sys.stdout.write(state["secret"])
        return 0
    if command == ("projects", "describe"):
        sys.stdout.write("123456789\n")
        return 0
    if command == ("run", "services", "list"):
        services = [_listed(*service) for service in state["services"].items()]
        sys.stdout.write(json.dumps(services))
        return 0
    status = _update(state, names[-1], options["to-revisions"])
    file.write_text(json.dumps(state), encoding="utf-8")
    return status


def _terraform(arguments: list[str]) -> int:
    file = Path(os.environ[STATE_VARIABLE])
    state = json.loads(file.read_text(encoding="utf-8"))
    state["terraform"].append(" ".join(arguments))
    failed = False
    if "apply" in arguments:
        for done, (name, service) in enumerate(sorted(state["services"].items())):
            failed = done == state["apply_fails_after"]
            if failed:
                break
            revision = f"{name}-{len(service['revisions']) + 1:05}-new"
            service["revisions"].append(revision)
            service["traffic"] = {revision: 100}
    file.write_text(json.dumps(state), encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    program = _terraform if Path(sys.argv[0]).name == "terraform" else _run
    sys.exit(program(sys.argv[1:]))
