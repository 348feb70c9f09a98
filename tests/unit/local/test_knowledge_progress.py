"""How far a build is: redrawn on a terminal, one line a step elsewhere, nothing beside JSON."""

from __future__ import annotations

from frontdesk.knowledge.progress import Step
from frontdesk.local.knowledge_command import Output


def tell(output: Output) -> None:
    for done in range(4):
        output.progress(Step.READING, done, 3)
    output.progress(Step.EMBEDDING, 0, 0)


def test_a_terminal_shows_every_step_grow() -> None:
    drawn: list[str] = []
    told: list[str] = []
    tell(Output(write=told.append, note=told.append, redraw=drawn.append))
    assert drawn == [f"documents read: {done} of 3" for done in range(3)]
    assert told == ["documents read: 3", "passages embedded: 0"]


def test_elsewhere_a_step_is_a_line() -> None:
    told: list[str] = []
    output = Output(write=told.append, note=told.append)
    tell(output)
    assert told == ["documents read: 3", "passages embedded: 0"]
    tell(output)  # another round of the build
    assert told.count("documents read: 3") == 2


def test_beside_json_nothing_is_told() -> None:
    told: list[str] = []
    tell(Output(write=told.append, note=told.append, redraw=told.append, as_json=True))
    assert told == []
