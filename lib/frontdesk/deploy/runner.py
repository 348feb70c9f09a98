"""Running gcloud: one process a line, and what its failures mean."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from frontdesk.deploy.gcloud import shell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

GET_GCLOUD: Final = (
    "gcloud is not on PATH. Install the Google Cloud CLI as"
    " https://cloud.google.com/sdk/docs/install says, then run `gcloud auth login`."
)
_QUIET: Final = {"CLOUDSDK_CORE_DISABLE_PROMPTS": "1"}
"""Nobody is there to answer a question."""

# Each command says it in its own way: IAM and Pub/Sub by the status's name, functions by the
# number, storage and Cloud Run in a sentence.
_NOT_FOUND: Final = re.compile(r"NOT_FOUND|\b404\b|Cannot find|[Nn]ot found|matched no objects")
_ALREADY_EXISTS: Final = re.compile(r"ALREADY_EXISTS|\b409\b|already exists")
_API_OFF: Final = re.compile(r"SERVICE_DISABLED|has not been used in project|not enabled on")
_UNKNOWN_MEMBER: Final = re.compile(r"Service account \S+ does not exist", re.IGNORECASE)


class GcloudMissing(RuntimeError):
    """There is no gcloud on this machine; the message says how to get it."""

    def __init__(self) -> None:
        super().__init__(GET_GCLOUD)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one line."""

    arguments: Sequence[str]
    status: int
    output: str
    errors: str

    @property
    def ok(self) -> bool:
        """Whether gcloud did it."""
        return self.status == 0

    @property
    def not_found(self) -> bool:
        """It failed because what it is about does not exist, or its API was never switched on."""
        return not self.ok and bool(_NOT_FOUND.search(self.errors) or _API_OFF.search(self.errors))

    @property
    def already_exists(self) -> bool:
        """It failed because somebody else had just made it."""
        return not self.ok and bool(_ALREADY_EXISTS.search(self.errors))

    @property
    def unknown_member(self) -> bool:
        """It failed because a service account is so new that IAM does not know it yet."""
        return not self.ok and bool(_UNKNOWN_MEMBER.search(self.errors))


class GcloudFailed(RuntimeError):
    """A line failed; the message names it and quotes what gcloud said."""

    def __init__(self, result: Result) -> None:
        self.result = result
        said = result.errors.strip() or result.output.strip() or f"exit status {result.status}"
        super().__init__(f"This line failed:\n  {shell(result.arguments)}\n{said}")


class Gcloud:
    """The gcloud on PATH, run in a folder. Safe to share between threads.

    Raises:
        GcloudMissing: there is none.
    """

    def __init__(self, folder: Path) -> None:
        executable = shutil.which("gcloud")
        if executable is None:
            raise GcloudMissing
        self._executable = executable
        self._folder = folder

    def run(self, arguments: Sequence[str]) -> Result:
        """Run one line to its end; it never asks anything."""
        done = subprocess.run(
            [self._executable, *arguments],
            cwd=self._folder,
            env=os.environ | _QUIET,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Result(arguments, done.returncode, done.stdout, done.stderr)

    def read(self, arguments: Sequence[str]) -> Any:
        """What a line prints as JSON.

        Raises:
            GcloudFailed: the line failed, or printed something else.
        """
        result = replace(self.run([*arguments, "--format=json"]), arguments=arguments)
        if not result.ok:
            raise GcloudFailed(result)
        try:
            return json.loads(result.output)
        except ValueError:
            raise GcloudFailed(result) from None
