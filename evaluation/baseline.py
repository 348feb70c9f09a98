"""The scores that were recorded, and what has become worse since.

``python -m evaluation --record`` writes ``baseline.json``. Shares may be lower by `TOLERANCE` at
most (higher, where less is better), counts not at all.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BASELINE: Final = Path(__file__).with_name("baseline.json")
BASELINE_FORMAT: Final = 1
TOLERANCE: Final = 0.02
LESS_IS_BETTER: Final = frozenset({"false_refusals", "foreign"})
COUNTS: Final = frozenset({"foreign"})

_ROUNDING: Final = 1e-9


class NoBaseline(RuntimeError):
    """No baseline was recorded, or in a format that this code does not read."""


@dataclass(frozen=True)
class Drop:
    """A score that has become worse than it may.

    Attributes:
        now: None when it can no longer be measured.
    """

    name: str
    recorded: float
    now: float | None


def drops(now: dict[str, float | None], recorded: dict[str, float]) -> list[Drop]:
    """What has become worse, in the baseline's order."""
    return [
        Drop(name, value, now.get(name))
        for name, value in recorded.items()
        if _worse(name, now.get(name), value)
    ]


def _worse(name: str, now: float | None, recorded: float) -> bool:
    if now is None:
        return True
    loss = now - recorded if name in LESS_IS_BETTER else recorded - now
    return loss > (0 if name in COUNTS else TOLERANCE) + _ROUNDING


def read(path: Path = BASELINE) -> dict[str, dict[str, float]]:
    """The recorded scores by split.

    Raises:
        NoBaseline: there is none.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as missing:
        raise NoBaseline(f"{path.name} was not recorded yet") from missing
    if document.get("format") != BASELINE_FORMAT:
        raise NoBaseline(f"{path.name} has a format that this code does not read")
    splits: dict[str, dict[str, float]] = document["splits"]
    return splits


def write(splits: dict[str, dict[str, float | None]], path: Path = BASELINE) -> None:
    """Record the scores; what could not be measured is left out."""
    document = {
        "format": BASELINE_FORMAT,
        "splits": {
            split: {name: round(value, 4) for name, value in scores.items() if value is not None}
            for split, scores in splits.items()
        },
    }
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
