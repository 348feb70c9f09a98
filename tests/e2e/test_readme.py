"""The README's tour, executed: every command works and prints what the README says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frontdesk.local.paths import REPOSITORY
from tests.support.readme import differences, tour

if TYPE_CHECKING:
    from tests.e2e.conftest import House

COMMAND = Path(sys.executable).with_name("frontdesk")
_END_OF_STEP = "\x1e"


def test_the_tour_prints_what_the_readme_says(house: House) -> None:
    steps = tour()
    told = [step for step in steps if step.reply is not None]
    assert len(told) >= 7, "a tour shows its replies"
    printed = _run([step.script for step in steps], house)
    found = {
        step.script: differences(step.reply, _json(text))
        for step, text in zip(steps, printed, strict=True)
        if step.reply is not None
    }
    assert {script: diff for script, diff in found.items() if diff} == {}


def _run(scripts: list[str], house: House) -> list[str]:
    """What each script prints, all in one shell, so that later ones know the variables."""
    script = f"\nprintf '{_END_OF_STEP}'\n".join(scripts)
    script = script.replace("http://127.0.0.1:8080", house.described.base_url).replace(
        ".venv/bin/frontdesk token", f"{COMMAND} token --data-dir {house.data_dir}"
    )
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(_END_OF_STEP)


def _json(text: str) -> Any:
    """The last of the JSON documents that a step printed."""
    decoder, position, last = json.JSONDecoder(), 0, None
    text = text.strip()
    while position < len(text):
        last, position = decoder.raw_decode(text, position)
        while position < len(text) and text[position].isspace():
            position += 1
    return last
