"""A gcloud that behaves: an executable to put first on PATH, and the project it keeps in a file."""

from __future__ import annotations

import ast
import marshal
import os
import shlex
import sys
from pathlib import Path
from typing import Any

STATE = "FAKE_GCLOUD_STATE"
_FOLDER = Path(__file__).parent
PROJECT, NUMBER, REGION = "agency-prod", "123456789012", "europe-west1"


class FakeGcloud:
    """A Google Cloud project in a folder.

    Args:
        folder: gets the executable, the state and the list of calls.
    """

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir(parents=True)
        self._state = folder / "state"
        self._calls = folder / "state.calls"
        self._state.write_bytes(marshal.dumps({"project": PROJECT, "number": NUMBER}))
        self._calls.touch()
        executable = self.bin / "gcloud"
        # -I and -S leave out the environment's and site's packages: most of a start's time.
        start = f"import sys; sys.path.append({str(_FOLDER)!r}); import program as p"
        run = "sys.exit(p.main(sys.argv[1:]))"
        line = shlex.join([sys.executable, "-I", "-S", "-c", f"{start}; {run}"])
        executable.write_text(f'#!/bin/sh\nexec {line} "$@"\n')
        executable.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to find this gcloud first."""
        return {"PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}", STATE: str(self._state)}

    def state(self) -> dict[str, Any]:
        """What the project holds."""
        state: dict[str, Any] = marshal.loads(self._state.read_bytes())
        return state

    def change(self, **values: Any) -> None:
        """Set parts of the state: ``denied``, ``lag``, ``secrets``, ``logs``…"""
        self._state.write_bytes(marshal.dumps(self.state() | values))

    def calls(self) -> list[list[str]]:
        """The arguments of every call so far."""
        return [ast.literal_eval(line) for line in self._calls.read_text().splitlines()]

    def forget_calls(self) -> None:
        """Start a new list of calls."""
        self._calls.write_text("")

    def add_secrets(self, *names: str, versions: int = 1) -> None:
        """Secrets with so many enabled versions."""
        secrets = self.state().get("secrets", {})
        for name in names:
            secrets[name] = {str(version): "ENABLED" for version in range(1, versions + 1)}
        self.change(secrets=secrets)

    def enable(self, *services: str) -> None:
        """Switch APIs on."""
        entries = {name: {"config": {"name": name}} for name in services}
        self.change(services=self.state().get("services", {}) | entries)
