"""An answer is explained stage by stage, and only as far as the asker may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from frontdesk.helpdesk.classify import QueryType
from frontdesk.helpdesk.explain import EXCERPT_LENGTH, Explanation, explanation_of
from frontdesk.helpdesk.findings import Finder
from frontdesk.helpdesk.relevance import DECISION_FEATURES
from frontdesk.knowledge.embedders import Embedders
from frontdesk.knowledge.index import PUBLIC_ONLY, Filters, LoadedIndex
from frontdesk.knowledge.minilm import DIMENSIONS, EMBEDDER_ID
from frontdesk.knowledge.retrieve import Retriever
from frontdesk.platform.clock import SystemClock
from tests.unit.helpdesk.builders import DOCUMENTS
from tests.unit.knowledge.builders import TENANT, a_deadline, build, document
from tests.unit.knowledge.fakes import WordEmbedder

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from frontdesk.helpdesk.findings import Findings
    from frontdesk.knowledge.build import SourceDocument
    from frontdesk.platform.resilience import Deadline

QUESTION = "What does breakfast at the Asterias Bay cost?"
SECRET = document(
    4, "# Net rates\n\nBreakfast at the Asterias Bay costs us 6 EUR.", visibility="internal"
)


class OneIndex:
    def __init__(self, index: LoadedIndex | None) -> None:
        self._index = index

    def get(self, tenant_id: UUID, *, deadline: Deadline) -> LoadedIndex | None:
        return self._index


class Desk:
    """Asks the same index; its embedder of words is taken for the calibrated one."""

    def __init__(self, index: LoadedIndex | None, embedder_id: str = EMBEDDER_ID) -> None:
        self.embedder = WordEmbedder(DIMENSIONS, embedder_id)
        embedders = Embedders(self.embedder)
        clock = SystemClock()
        self._finder = Finder(
            Retriever(OneIndex(index), embedders, clock=clock), embedders, clock=clock
        )

    def find(self, question: str, filters: Filters | None = None) -> Findings:
        return self._finder.find(question, TENANT, filters or Filters(), deadline=a_deadline())

    def explain(self, question: str, filters: Filters | None = None) -> Explanation:
        return explanation_of(self.find(question, filters))


def indexed(folder: Path, *documents: SourceDocument) -> LoadedIndex:
    embedder = WordEmbedder(DIMENSIONS, EMBEDDER_ID)
    return LoadedIndex(folder, build(folder, [*DOCUMENTS, *documents], embedder))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(indexed(tmp_path, SECRET))


def test_each_stage_says_what_it_thought_of_each_passage(desk: Desk) -> None:
    findings = desk.find(QUESTION)
    explained = explanation_of(findings)
    assert [c.fused_rank for c in explained.candidates] == list(
        range(1, len(findings.passages) + 1)
    )
    for candidate, found in zip(explained.candidates, findings.retrieval.candidates, strict=True):
        assert candidate.document_id == found.document.document_id
        assert candidate.title == found.document.title
        assert candidate.excerpt in found.text
        assert (candidate.dense_rank, candidate.lexical_rank) == (
            found.dense_rank,
            found.lexical_rank,
        )
        assert candidate.cosine == pytest.approx(found.cosine, abs=1e-6)
        assert candidate.bm25 == pytest.approx(found.lexical_score, abs=1e-6)
    breakfast = next(c for c in explained.candidates if c.best_sentence and "14 EUR" in c.excerpt)
    assert breakfast.best_sentence == "Breakfast at the Asterias Bay costs 14 EUR."
    assert breakfast.sentence_score is not None
    assert breakfast.answer_rank is not None


def test_the_classification_comes_with_its_parameters(desk: Desk) -> None:
    explained = desk.explain(QUESTION)
    assert explained.query_type is QueryType.PRICING
    assert (explained.parameters.k, explained.parameters.fetch_k) == (4, 12)
    assert not explained.parameters.mmr


def test_picks_and_answers_are_numbered_in_their_order(desk: Desk) -> None:
    findings = desk.find("Compare the Asterias Bay and the Libyan Sea Inn")
    explained = explanation_of(findings)
    by_mmr = sorted((c.mmr_rank, c.fused_rank) for c in explained.candidates if c.mmr_rank)
    assert [fused - 1 for _, fused in by_mmr] == [
        findings.retrieval.candidates.index(pick) for pick in findings.retrieval.selected
    ]
    by_answer = sorted((c.answer_rank, c.fused_rank) for c in explained.candidates if c.answer_rank)
    assert tuple(fused - 1 for _, fused in by_answer) == findings.order


def test_the_decision_shows_its_features_and_its_threshold(desk: Desk) -> None:
    findings = desk.find(QUESTION)
    decision = explanation_of(findings).decision
    assert decision.probability == pytest.approx(findings.probability, abs=1e-6)
    assert decision.known == (findings.probability >= decision.threshold)
    assert list(decision.features) == list(DECISION_FEATURES)
    assert 0 < decision.threshold < 1


def test_the_searched_version_and_the_embedder_are_named(desk: Desk) -> None:
    explained = desk.explain(QUESTION)
    assert [(index.version, index.embedder, index.shared) for index in explained.indexes] == [
        ("v1", EMBEDDER_ID, False)
    ]
    assert explained.embedder == EMBEDDER_ID
    assert explained.degraded is None
    assert set(explained.timings) >= {"embed", "dense", "lexical", "mmr", "evidence", "judge"}


def test_without_vectors_it_says_why(desk: Desk) -> None:
    desk.embedder.fails_after = 0
    explained = desk.explain(QUESTION)
    assert explained.embedder is None
    assert explained.degraded == "embedding_unavailable"
    assert {c.cosine for c in explained.candidates} == {None}
    assert explained.candidates[0].lexical_rank == 1


def test_where_nothing_is_published_there_is_nothing_to_explain() -> None:
    explained = Desk(None).explain(QUESTION)
    assert explained.candidates == explained.indexes == []
    assert not explained.decision.known
    assert explained.decision.features == {}
    assert Explanation.model_validate_json(explained.model_dump_json()) == explained


def test_a_long_passage_is_shown_in_part(tmp_path: Path) -> None:
    long = document(5, "# Ferries\n\n" + "The ferry to Gavdos leaves from Sfakia at noon. " * 7)
    explained = Desk(indexed(tmp_path, long)).explain("When does the ferry to Gavdos leave?")
    assert len(explained.candidates[0].excerpt) <= EXCERPT_LENGTH
    assert explained.candidates[0].excerpt.endswith("…")


def test_a_visitor_learns_nothing_of_documents_that_are_not_public(tmp_path: Path) -> None:
    """Neither what is in them, nor by any number whether a word is: not even as a difference."""
    question = "What is the net rate of breakfast at the Asterias Bay for Falcon?"
    shown = []
    for folder, secret in (
        ("one", "Breakfast at the Asterias Bay costs us 6 EUR."),
        ("two", "The net rate for Falcon is 6 EUR. Falcon pays late."),
    ):
        hidden = document(4, f"# Partners\n\n{secret}", visibility="internal")
        (tmp_path / folder).mkdir()
        explained = Desk(indexed(tmp_path / folder, hidden)).explain(question, PUBLIC_ONLY)
        assert "Partners" not in {c.title for c in explained.candidates}
        shown.append(explained.model_dump(exclude={"timings"}))
    assert shown[0] == shown[1]
    staff = Desk(indexed(tmp_path / "three", SECRET)).explain(question)
    assert "Net rates" in {c.title for c in staff.candidates}
