"""Retrieval: two halves, fused; measured before MMR; lexical alone when need be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from frontdesk.knowledge.embedders import Embedders
from frontdesk.knowledge.index import PUBLIC_ONLY, LoadedIndex
from frontdesk.knowledge.retrieve import Retriever
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.errors import DeadlineExceeded, NotConfigured, UpstreamUnavailable
from tests.support.clock import ManualClock
from tests.unit.knowledge.builders import TENANT, a_deadline, build, document
from tests.unit.knowledge.fakes import WordEmbedder

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from frontdesk.knowledge.retrieve import Retrieval
    from frontdesk.platform.resilience import Deadline

DOCUMENTS = (
    document(1, "# Baggage\nOne suitcase of 23 kg flies free with every adult."),
    document(2, "# Commission\nPartners earn 8 percent on every suitcase.", visibility="internal"),
    document(3, "# Visa\nKenya asks for a visa. It costs 50 dollars."),
    document(4, "# Dogs\nDogs sleep in the room for 12 francs a night."),
)


class OneIndex:
    """The same index for everybody, or none."""

    def __init__(self, index: LoadedIndex | None) -> None:
        self.index = index

    def get(self, tenant_id: UUID, *, deadline: Deadline) -> LoadedIndex | None:
        return self.index


@pytest.fixture
def index(tmp_path: Path) -> LoadedIndex:
    return LoadedIndex(tmp_path, build(tmp_path, DOCUMENTS, WordEmbedder()))


def ask(index: LoadedIndex | None, question: str, **options: object) -> Retrieval:
    embedder = options.pop("embedder", None) or WordEmbedder()
    retriever = Retriever(OneIndex(index), Embedders(embedder), clock=SystemClock())  # type: ignore[arg-type]
    return retriever.retrieve(question, TENANT, deadline=a_deadline(), **options)  # type: ignore[arg-type]


def test_the_right_passage_is_first_and_each_stage_is_explained(index: LoadedIndex) -> None:
    retrieval = ask(index, "suitcase of 23 kg for an adult", k=2)
    best = retrieval.candidates[0]
    assert best.document.title == "Baggage"
    assert (best.dense_rank, best.lexical_rank) == (1, 1)
    assert best.fused_score == pytest.approx(2 / 61)
    assert best.cosine is not None
    assert best.cosine > 0.5
    assert retrieval.selected[0] is best
    assert len(retrieval.selected) == 2
    assert retrieval.degraded is None
    assert set(retrieval.timings) >= {"embed", "dense", "lexical", "mmr"}


def test_a_known_question_and_an_unknown_one_differ_in_their_features(index: LoadedIndex) -> None:
    known = ask(index, "What does a visa for Kenya cost?").features
    unknown = ask(index, "Who won the chess tournament?").features
    assert known.coverage > 0.6
    assert known.unknown < 0.5
    assert known.margin > 0
    assert unknown.coverage == 0
    assert unknown.unknown == pytest.approx(1)
    assert known.top_cosine > unknown.top_cosine


def test_a_compound_counts_softly(index: LoadedIndex) -> None:
    features = ask(index, "suitcases' commissioning").features
    assert features.soft_coverage >= features.coverage


def test_what_the_caller_may_not_see_is_not_found(index: LoadedIndex) -> None:
    titles = {
        c.document.title for c in ask(index, "partners percent", filters=PUBLIC_ONLY).candidates
    }
    assert "Commission" not in titles
    assert "Commission" in {c.document.title for c in ask(index, "partners percent").candidates}


@pytest.mark.parametrize("failure", [UpstreamUnavailable(), DeadlineExceeded(), NotConfigured()])
def test_without_an_embedding_the_lexical_half_answers_alone(
    index: LoadedIndex, failure: Exception
) -> None:
    embedder = WordEmbedder()
    embedder.failure = failure
    retrieval = ask(index, "dogs in the room", embedder=embedder)
    assert retrieval.degraded == "embedding_unavailable"
    assert retrieval.query_vector is None
    assert retrieval.selected[0].document.title == "Dogs"
    assert retrieval.selected[0].cosine is None
    assert retrieval.features.top_cosine == 0
    assert retrieval.features.coverage > 0


def test_another_embedders_vectors_are_not_searched(index: LoadedIndex) -> None:
    embedder = WordEmbedder(name="another")
    retrieval = ask(index, "dogs in the room", embedder=embedder)
    assert retrieval.degraded == "embedder_mismatch"
    assert embedder.embedded == []
    assert retrieval.selected[0].document.title == "Dogs"


def test_when_the_time_is_over_nothing_is_made_up(index: LoadedIndex) -> None:
    from frontdesk.platform.resilience import Deadline

    clock = ManualClock()
    deadline = Deadline.after(1, clock)
    clock.advance(2)
    retriever = Retriever(OneIndex(index), Embedders(WordEmbedder()), clock=clock)
    with pytest.raises(DeadlineExceeded):
        retriever.retrieve("dogs", TENANT, deadline=deadline)


def test_a_tenant_without_an_index_gets_an_empty_retrieval() -> None:
    retrieval = ask(None, "dogs")
    assert retrieval.candidates == retrieval.selected == ()
    assert retrieval.index_version is None


def test_without_mmr_the_fused_order_stays(index: LoadedIndex) -> None:
    retrieval = ask(index, "suitcase", k=3, use_mmr=False)
    assert retrieval.selected == retrieval.candidates[:3]
