"""The README's tour as a list of commands and the replies it promises for them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

README = Path(__file__).resolve().parents[2] / "README.md"
ANYTHING = "…"
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
