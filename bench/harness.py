"""What a benchmark hands back, and the table that is made of it."""

from __future__ import annotations

import gc
import json
import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure beside its budget and its baseline.

    ``budget`` bounds ``value`` from above, unless ``better`` is ``higher``. ``baseline`` is the
    same work done the way named by ``baseline_name``, measured in the same run.
    """

    name: str
    value: float
    unit: str
    budget: float | None = None
    baseline: float | None = None
    baseline_name: str = ""
    better: Literal["lower", "higher"] = "lower"
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times better than the baseline."""
        if self.baseline is None or not self.value or not self.baseline:
            return None
        gain = self.baseline / self.value
        return gain if self.better == "lower" else 1 / gain

    @property
    def verdict(self) -> str:
        """``ok`` or ``MISSED``; empty where there is no budget."""
        if self.budget is None:
            return ""
        held = self.value <= self.budget if self.better == "lower" else self.value >= self.budget
        return "ok" if held else "MISSED"


def timings(call: Callable[[], object], *, rounds: int, warmup: int = 3) -> list[float]:
    """Wall-clock seconds of each of ``rounds`` calls, with the garbage collector held off."""
    for _ in range(warmup):
        call()
    gc.collect()
    gc.disable()
    try:
        seconds = []
        for _ in range(rounds):
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
    finally:
        gc.enable()
    return seconds


def paired(
    ours: Callable[[], object],
    theirs: Callable[[], object],
    *,
    rounds: int,
    calls: int = 1,
    warmup: int = 3,
) -> tuple[list[float], list[float]]:
    """Both calls in turn, so that a machine whose speed drifts drifts for both.

    Args:
        calls: in a row at each turn, after one that is not counted when there are several, so that
            a call of microseconds does not pay for what the other left in the processor's caches.
    """
    for _ in range(warmup):
        ours()
        theirs()
    first: list[float] = []
    second: list[float] = []
    for _ in range(rounds):
        first += timings(ours, rounds=calls, warmup=int(calls > 1))
        second += timings(theirs, rounds=calls, warmup=int(calls > 1))
    return first, second


def in_turns(
    ours: Callable[[T], object],
    theirs: Callable[[T], object],
    inputs: Sequence[T],
    *,
    turns: int,
) -> tuple[list[list[float]], list[list[float]]]:
    """Seconds of each call, a list per turn; in each turn both go through all inputs.

    For calls that live on what the processor's caches hold: by turns neither pays for the other's.
    """
    first: list[list[float]] = []
    second: list[list[float]] = []
    for _ in range(turns):
        for call, kept in ((ours, first), (theirs, second)):
            kept.append([timings(partial(call, one), rounds=1, warmup=0)[0] for one in inputs])
    return first, second


def quietest(turns: Iterable[Sequence[float]]) -> float:
    """The median of the turn in which the machine's other work disturbed least.

    Every turn does the same work, so what differs between their medians is not ours.
    """
    return min(median(turn) for turn in turns)


def median(seconds: Sequence[float]) -> float:
    """The median in the unit it came in."""
    return statistics.median(seconds)


def percentile(seconds: Sequence[float], share: float) -> float:
    """Nearest-rank percentile; ``share`` in (0, 1]."""
    ordered = sorted(seconds)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def table(figures: Iterable[Figure]) -> str:
    """The figures as an aligned text table."""
    head = ("figure", "value", "budget", "baseline", "ratio", "verdict", "against")
    rows = [head, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def as_json(figures: Iterable[Figure]) -> str:
    """The figures with ratio and verdict, for a program."""
    return _json([_facts(figure) for figure in figures])


def write(figures: Iterable[Figure], file: Path) -> None:
    """Keep the last run's figures, and what they were measured on, in a file."""
    kept = {"machine": machine(), "figures": [_facts(figure) for figure in figures]}
    file.write_text(_json(kept) + "\n", encoding="utf-8")


def _facts(figure: Figure) -> dict[str, object]:
    return asdict(figure) | {"ratio": figure.ratio, "verdict": figure.verdict}


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)


def machine() -> dict[str, str | int]:
    """What figures depend on: processor, cores, vector instructions, Python."""
    import faiss

    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "faiss": faiss.get_compile_options().strip(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines()
    return next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), "")


def _row(figure: Figure) -> tuple[str, ...]:
    bound = "" if figure.budget is None else ("≤ " if figure.better == "lower" else "≥ ")
    return (
        figure.name,
        _number(figure.value, figure.unit),
        bound + _number(figure.budget, figure.unit) if bound else "",
        _number(figure.baseline, figure.unit) if figure.baseline is not None else "",
        f"{figure.ratio:.1f} ×" if figure.ratio is not None else "",
        figure.verdict,
        figure.baseline_name,
    )


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    return f"{value:.{0 if value >= 100 else 2}f} {unit}".rstrip()
