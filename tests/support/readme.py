"""The README's tour as a list of commands and the replies it promises for them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frontdesk.local.paths import REPOSITORY

if TYPE_CHECKING:
    from tests.e2e.conftest import House

COMMAND = Path(sys.executable).with_name("frontdesk")

README = Path(__file__).resolve().parents[2] / "README.md"
ANYTHING = "…"
_END_OF_STEP = "\x1e"
_SECTION = re.compile(r"^## Five minutes\n(?P<text>.*?)(?=^## )", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(
    r"^```sh\n(?P<script>.*?)^```\n(?:\s*```json\n(?P<reply>.*?)^```\n)?", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class TourStep:
    """A block of shell, and what its last command prints; None when the README does not say."""

    script: str
    reply: Any


def tour() -> list[TourStep]:
    """Every block of the tour in order."""
    section = _SECTION.search(README.read_text(encoding="utf-8"))
    assert section is not None
    return [
        TourStep(block["script"], json.loads(block["reply"]) if block["reply"] else None)
        for block in _BLOCK.finditer(section["text"])
    ]


def differences(promised: Any, real: Any, path: str = "$") -> list[str]:
    """Where a real reply is not what was promised.

    The README may leave out fields, may end a text or a list early with "…", and may write "…" for
    any value.
    """
    if promised == ANYTHING:
        return []
    if isinstance(promised, str) and promised.endswith(ANYTHING) and isinstance(real, str):
        return [] if real.startswith(promised[:-1]) else [f"{path}: {real!r}"]
    if isinstance(promised, dict) and isinstance(real, dict):
        return [
            difference
            for name, value in promised.items()
            for difference in (
                differences(value, real[name], f"{path}.{name}")
                if name in real
                else [f"{path}.{name} is missing"]
            )
        ]
    if isinstance(promised, list) and isinstance(real, list):
        open_end = bool(promised) and promised[-1] == ANYTHING
        wanted = promised[:-1] if open_end else promised
        if len(real) < len(wanted) or (len(real) > len(wanted) and not open_end):
            return [f"{path}: {len(real)} entries instead of {len(wanted)}"]
        return [
            difference
            for position, value in enumerate(wanted)
            for difference in differences(value, real[position], f"{path}[{position}]")
        ]
    return [] if promised == real else [f"{path}: {real!r} instead of {promised!r}"]


def run(scripts: list[str], house: House) -> list[str]:
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


def last_json(text: str) -> Any:
    """The last of the JSON documents that a step printed."""
    decoder, position, last = json.JSONDecoder(), 0, None
    text = text.strip()
    while position < len(text):
        last, position = decoder.raw_decode(text, position)
        while position < len(text) and text[position].isspace():
            position += 1
    return last
