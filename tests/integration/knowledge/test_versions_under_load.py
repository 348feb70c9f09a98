"""Versions published while questions are asked: no error, no mixture, hardly slower, no hoard."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from frontdesk.knowledge.embedders import Embedders
from frontdesk.knowledge.index import LoadedIndex
from frontdesk.knowledge.retrieve import Retriever
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.resilience import Deadline
from tests.support.stamped_index import NumberedWordEmbedder, build_edition, questions
from tests.support.version_load import Plan, mix_of, strike

if TYPE_CHECKING:
    from pathlib import Path

    from frontdesk.knowledge.retrieve import Retrieval

TENANT = UUID(int=1)


def test_nothing_fails_and_nothing_is_mixed_while_versions_are_published(tmp_path: Path) -> None:
    plan = Plan(
        tmp_path,
        seed=1,
        questions=300,
        steady=50,
        versions=6,
        passages=300,
        dimensions=64,
        threads=4,
    )
    report = strike(plan)
    assert (report.errors, report.mixed) == ([], [])
    assert len(report.loaded) >= plan.questions
    # The last one and, as each was waited for, those before it.
    assert len(report.versions) >= plan.versions


@pytest.mark.soak
@pytest.mark.wall_clock
def test_100_versions_are_published_during_20000_questions(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    plan = Plan(
        tmp_path,
        seed=seed,
        questions=20_000,
        steady=3_000,
        versions=100,
        passages=51_000,
        dimensions=256,
        threads=8,
    )
    report = strike(plan)
    steady, loaded = report.p99(report.steady), report.p99(report.loaded)
    print(  # noqa: T201 -- the figures are what this test is for
        f"seed {seed}: {len(report.loaded)} questions over {len(report.versions)} versions of"
        f" {report.index_bytes / 1e6:.0f} MB: p99 {loaded:.1f} ms, steady {steady:.1f} ms;"
        f" memory {report.growth:.2f} indexes above the empty process"
    )
    assert (report.errors, report.mixed) == ([], [])
    assert len(report.loaded) >= plan.questions
    assert len(report.versions) >= plan.versions
    assert loaded <= 1.3 * steady
    assert report.growth <= 2.2


class OneIndex:
    """Always the same index."""

    def __init__(self, index: LoadedIndex) -> None:
        self._index = index

    def get(self, tenant_id: UUID, *, deadline: Deadline) -> LoadedIndex:
        return self._index


@pytest.fixture
def answers(tmp_path: Path) -> list[Retrieval]:
    """What each of two editions answers to one question."""
    found = []
    for edition in range(2):
        folder = tmp_path / str(edition)
        manifest = build_edition(folder, TENANT, edition, passages=200, dimensions=64, seed=1)
        index = OneIndex(LoadedIndex(folder, manifest))
        embedders = Embedders(NumberedWordEmbedder(64))
        retriever = Retriever(index, embedders, clock=SystemClock())
        deadline = Deadline.after(60, SystemClock())
        found.append(retriever.retrieve(next(questions(2)), TENANT, deadline=deadline))
    return found


def test_a_mixture_is_noticed(answers: list[Retrieval]) -> None:
    embedder = NumberedWordEmbedder(64)
    first, second = answers
    assert mix_of(first, embedder) is mix_of(second, embedder) is None
    candidates = (*first.candidates[:-1], second.candidates[-1])
    assert "editions [0, 1]" in (mix_of(replace(first, candidates=candidates), embedder) or "")
    assert mix_of(replace(first, index=second.index), embedder) is not None
    best, *others = first.candidates
    other = max(others, key=lambda each: abs((each.cosine or 0.0) - (best.cosine or 0.0)))
    candidates = (replace(best, chunk=other.chunk), *others)
    assert "cosine" in (mix_of(replace(first, candidates=candidates), embedder) or "")
