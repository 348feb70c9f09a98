"""The drawing of a ticket's life in docs/helpdesk.md is what the table in SQL says."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from frontdesk.helpdesk.ticket_models import TicketStatus
from frontdesk.local.paths import REPOSITORY

if TYPE_CHECKING:
    import psycopg

ARROW = " ──► "


def drawing(transitions: set[tuple[str, str]], first: str) -> str:
    """The way forward as a line of arrows, and under it the ways back to its first status."""
    chain, ahead = [first], dict(edge for edge in transitions if edge[1] != first)
    while ahead.get(chain[-1], first) not in chain:
        chain.append(ahead[chain[-1]])
    returning = [status for status in chain if (status, first) in transitions]
    drawn = set(pairwise(chain)) | {(status, first) for status in returning}
    assert drawn == transitions, "this drawing has no line for it"

    line = ARROW.join(chain)
    ends = [line.index(status) + len(status) // 2 for status in [first, *returning]]
    up, back = [" "] * len(line), [" "] * len(line)
    for column in range(ends[0], ends[-1] + 1):
        back[column] = "─"
    for column in ends:
        up[column], back[column] = "│", "┴"
    up[ends[0]], back[ends[0]], back[ends[-1]] = "▲", "└", "┘"
    return "\n".join("".join(row).rstrip() for row in (line, up, back))


def test_the_drawing_of_a_tickets_life_is_what_sql_says(sql: psycopg.Connection) -> None:
    transitions = set(sql.execute("select * from app.ticket_transitions()").fetchall())
    assert {status for edge in transitions for status in edge} == set(map(str, TicketStatus))
    page = (REPOSITORY / "docs" / "helpdesk.md").read_text(encoding="utf-8")
    assert f"```\n{drawing(transitions, 'open')}\n```" in page


@pytest.mark.parametrize("more", [("open", "closed"), ("closed", "resolved")])
def test_a_step_that_the_drawing_cannot_show_is_noticed(
    more: tuple[str, str], sql: psycopg.Connection
) -> None:
    transitions = set(sql.execute("select * from app.ticket_transitions()").fetchall())
    with pytest.raises(AssertionError):
        drawing(transitions | {more}, "open")
