"""Eight people ask a process that has just started: it fetches once, and all are answered."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from frontdesk.local.storage.faults import Fault
from tests.integration.helpdesk.conftest import BAGGAGE_ANSWER, BAGGAGE_QUESTION

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from tests.integration.helpdesk.conftest import Desk, StartProcess
    from tests.integration.knowledge.conftest import Agency

CROWD = 8
FETCHED = ("vectors.faiss", "chunks.sqlite", "model.onnx")
SECONDS_TO_FETCH = 0.3
"""Long enough for everybody to ask before anything has arrived."""


def ask_at_once(desk: Desk, tokens: Sequence[str]) -> list[dict[str, Any]]:
    gate = threading.Barrier(len(tokens))

    def ask(token: str) -> dict[str, Any]:
        gate.wait(timeout=20)
        return desk.ask(token, BAGGAGE_QUESTION)

    with ThreadPoolExecutor(len(tokens)) as pool:
        return list(pool.map(ask, tokens))


@pytest.fixture
def crowd(baggage_agency: Agency) -> list[str]:
    """The tokens of those who ask."""
    roles = ("owner", "agent", "viewer")
    return [baggage_agency.tenant.token(roles[n % len(roles)]) for n in range(CROWD)]


def test_eight_first_questions_fetch_the_index_and_the_model_once(
    baggage_agency: Agency, start_process: StartProcess, crowd: list[str]
) -> None:
    faults = baggage_agency.storage.faults
    for name in FETCHED:
        faults.add(Fault(method="GET", path=name, delay=SECONDS_TO_FETCH, times=0))
    start_process().ask(crowd[0], BAGGAGE_QUESTION)
    for_one = faults.met
    assert for_one >= len(FETCHED)
    ask_at_once(start_process(), crowd)
    assert faults.met - for_one == for_one


def test_eight_first_questions_are_all_answered_and_stored(
    baggage_agency: Agency,
    start_process: StartProcess,
    crowd: list[str],
    sql: psycopg.Connection,
) -> None:
    answers = ask_at_once(start_process(), crowd)
    assert [BAGGAGE_ANSWER in answer["answer"] for answer in answers] == [True] * CROWD
    assert [answer["degraded"] for answer in answers] == [False] * CROWD
    stored = sql.execute(
        "select id::text from app.messages where tenant_id = %s and role = 'assistant'",
        [baggage_agency.tenant.id],
    ).fetchall()
    assert {answer_id for (answer_id,) in stored} == {answer["answer_id"] for answer in answers}
    assert len(stored) == CROWD
