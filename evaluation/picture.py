"""``python -m evaluation.picture`` draws docs/pictures/ranking.svg: how passages are ranked.

Nothing in the picture is made up: the question is asked of the demo agency's index, and each line
is a passage on its way through the stages.
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from evaluation.laboratory import deadline, open_laboratory, tenant_of
from frontdesk.helpdesk.relevance import calibration_for
from frontdesk.knowledge.index import Filters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from frontdesk.helpdesk.findings import Findings, Gathered
    from frontdesk.knowledge.retrieve import Candidate

PICTURE: Final = Path("docs/pictures/ranking.svg")
TENANT: Final = "coral"
QUESTION: Final = "Is there a hotel with a pool for small children?"

_WIDTH, _TOP, _ROW = 1080, 112, 26
_COLUMNS: Final = (90, 270, 450, 630)
_LABELS: Final = 650
_CHARACTERS: Final = 54
_SHOWN: Final = 15
_INK, _QUIET, _LINE = "#1f2937", "#6b7280", "#d1d5db"
_COLOURS: Final = (
    "#0f766e",
    "#b45309",
    "#4338ca",
    "#be123c",
    "#15803d",
    "#7e22ce",
    "#0369a1",
    "#a16207",
)


@dataclass(frozen=True)
class Journey:
    """One passage's rank at each stage, from 1; None where the stage did not list it."""

    label: str
    ranks: tuple[int | None, ...]
    colour: str | None


def journeys(candidates: Sequence[Candidate], order: Sequence[int]) -> list[Journey]:
    """The passages by their fused rank; those that an answer rests on have a colour."""
    made = []
    for number, candidate in enumerate(candidates[:_SHOWN]):
        last = order.index(number) + 1 if number in order else None
        made.append(
            Journey(
                _short(candidate.context),
                (candidate.dense_rank, candidate.lexical_rank, number + 1, last),
                _COLOURS[(last - 1) % len(_COLOURS)] if last else None,
            )
        )
    return made


def _short(context: str) -> str:
    """The title and the last heading, each cut where it is too long for the picture."""
    title, *headings = context.split(" > ")
    parts = [title, *headings[-1:]]
    room = _CHARACTERS // len(parts)
    return " › ".join(
        part if len(part) <= room else f"{part[: room - 1].rstrip()}…" for part in parts
    )


def draw(question: str, gathered: Gathered, findings: Findings, threshold: float) -> str:
    """The picture as SVG."""
    lines = journeys(gathered.retrieval.candidates, findings.order)
    height = _TOP + _ROW * _SHOWN + 110
    parameters = findings.parameters
    headings = (
        ("meaning", "cosine of vectors"),
        ("words", "BM25"),
        ("fused", "reciprocal ranks"),
        ("answer", f"diverse, k = {parameters.k}"),
    )
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
            ' font-family="ui-sans-serif, system-ui, Helvetica, Arial, sans-serif" role="img"'
            f' aria-label="How the passages for one question are ranked">'
        ),
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff" rx="12"/>',
        _text(24, 34, f"“{question}”", size=18, weight=600),
        _text(
            24, 56, f"classified as {findings.query_type.replace('_', ' ')}", size=13, fill=_QUIET
        ),
    ]
    for x, (name, how) in zip(_COLUMNS, headings, strict=True):
        parts.append(_text(x, _TOP - 30, name, size=14, weight=600, anchor="middle"))
        parts.append(_text(x, _TOP - 14, how, size=11, fill=_QUIET, anchor="middle"))
        parts.append(
            f'<line x1="{x}" y1="{_TOP - 4}" x2="{x}" y2="{_TOP + _ROW * _SHOWN}"'
            f' stroke="{_LINE}" stroke-width="1"/>'
        )
    for journey in sorted(lines, key=lambda journey: journey.colour is not None):
        parts.extend(_path(journey))
    for journey in lines:
        parts.extend(_label(journey))
    parts.extend(_gauge(_TOP + _ROW * _SHOWN + 52, findings.probability, threshold))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _y(rank: int) -> float:
    return _TOP + _ROW * (rank - 0.5)


def _stops(journey: Journey) -> list[tuple[int, float]]:
    """Where the passage's line passes; ranks beyond the picture's edge are left out."""
    return [
        (x, _y(rank))
        for x, rank in zip(_COLUMNS, journey.ranks, strict=True)
        if rank is not None and rank <= _SHOWN
    ]


def _path(journey: Journey) -> Iterator[str]:
    stops = _stops(journey)
    colour = journey.colour or _LINE
    width = 3 if journey.colour else 1.5
    if len(stops) > 1:
        steps = [f"M {stops[0][0]} {stops[0][1]}"]
        for (x0, y0), (x1, y1) in itertools.pairwise(stops):
            middle = (x0 + x1) / 2
            steps.append(f"C {middle} {y0}, {middle} {y1}, {x1} {y1}")
        yield (
            f'<path d="{" ".join(steps)}" fill="none" stroke="{colour}"'
            f' stroke-width="{width}" stroke-linecap="round"/>'
        )
    for x, y in stops:
        yield f'<circle cx="{x}" cy="{y}" r="{6 if journey.colour else 4}" fill="{colour}"/>'


def _label(journey: Journey) -> Iterator[str]:
    """The passages that the answer rests on are named where they end."""
    *_, last = journey.ranks
    if last is not None and last <= _SHOWN and journey.colour:
        label = f"[{last}] {journey.label}"
        yield _text(_LABELS, _y(last) + 5, label, size=13, fill=journey.colour)


def _gauge(y: float, probability: float, threshold: float) -> Iterator[str]:
    left, width = 230, 400
    yield _text(24, y + 11, "Do the documents know?", size=14, weight=600)
    yield f'<rect x="{left}" y="{y}" width="{width}" height="14" rx="7" fill="#f3f4f6"/>'
    yield (
        f'<rect x="{left}" y="{y}" width="{round(width * probability, 1)}" height="14" rx="7"'
        f' fill="{_COLOURS[0]}"/>'
    )
    mark = round(left + width * threshold, 1)
    yield f'<line x1="{mark}" y1="{y - 6}" x2="{mark}" y2="{y + 20}" stroke="{_INK}"/>'
    yield _text(mark, y + 36, f"threshold {threshold:.2f}", size=11, fill=_QUIET, anchor="middle")
    yield _text(left + width + 20, y + 12, f"{probability:.2f}: answered", size=13)


def _text(
    x: float,
    y: float,
    words: str,
    *,
    size: int,
    fill: str = _INK,
    weight: int = 400,
    anchor: str = "start",
) -> str:
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" fill="{fill}" font-weight="{weight}"'
        f' text-anchor="{anchor}">{escape(words)}</text>'
    )


def main(write: Callable[[str], object] = print) -> int:
    """Draw the picture; 1 when the demo's documents do not answer its question."""
    with open_laboratory() as laboratory:
        finder, tenant_id = laboratory.finder(), tenant_of(TENANT)
        gathered = finder.gather(QUESTION, tenant_id, Filters(), deadline=deadline())
        findings = finder.find(QUESTION, tenant_id, Filters(), deadline=deadline())
    if not findings.known:
        write("The demo's documents do not answer the picture's question any more.")
        return 1
    threshold = calibration_for(gathered.retrieval.embedder_id).threshold
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(QUESTION, gathered, findings, threshold), encoding="utf-8")
    write(f"{PICTURE} is drawn.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
