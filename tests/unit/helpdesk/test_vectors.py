"""Vectors of a question's passages are the same wherever they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from frontdesk.helpdesk import relevance
from frontdesk.helpdesk.evidence import weigh_up
from frontdesk.helpdesk.question import content_words, take_apart
from frontdesk.helpdesk.relevance import LEXICAL, calibration_path, has_calibration
from frontdesk.helpdesk.vectors import QuestionVectors, TextVectors
from frontdesk.knowledge.details import DETAILED
from frontdesk.knowledge.embedders import Embedders
from frontdesk.knowledge.index import LoadedIndex
from frontdesk.knowledge.minilm import DIMENSIONS, EMBEDDER_ID
from frontdesk.knowledge.retrieve import Retriever
from frontdesk.platform.clock import SystemClock
from tests.unit.helpdesk.builders import DOCUMENTS
from tests.unit.knowledge.builders import TENANT, a_deadline, build
from tests.unit.knowledge.fakes import WordEmbedder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from uuid import UUID

    from frontdesk.helpdesk.evidence import Evidence
    from frontdesk.knowledge.embedder import Vectors
    from frontdesk.platform.resilience import Deadline

QUESTIONS = (
    "Does the Asterias Bay have a heated outdoor pool?",
    "Is there a gym at the Libyan Sea Inn?",
    "Was kostet das Zimmer im Berghaus Tannegg im Juni?",
    "sauna",
)


class KeepsNothing:
    """An index without stored vectors."""

    def sentence_vectors(self, chunk: int) -> None:
        return None

    def word_vectors(self, words: Sequence[str]) -> dict[str, Vectors]:
        return {}


class OneIndex:
    def __init__(self, index: LoadedIndex) -> None:
        self._index = index

    def get(self, tenant_id: UUID, *, deadline: Deadline) -> LoadedIndex:
        return self._index


def embedder() -> WordEmbedder:
    return WordEmbedder(DIMENSIONS, EMBEDDER_ID)


@pytest.fixture
def index(tmp_path: Path) -> LoadedIndex:
    return LoadedIndex(tmp_path, build(tmp_path, DOCUMENTS, embedder()))


def evidence(index: LoadedIndex, question: str, *, kept: bool) -> tuple[Evidence, list[str]]:
    """The evidence, and what had to be embedded for it."""
    retriever = Retriever(OneIndex(index), Embedders(embedder()), clock=SystemClock())
    found = retriever.retrieve(question, TENANT, deadline=a_deadline())
    assert found.query_vector is not None
    asked = take_apart(question, found.terms, found.candidates, index)
    making = embedder()
    known = {question: found.query_vector.astype(np.float16).astype(np.float32)} if kept else {}
    vectors = QuestionVectors(TextVectors(making), index if kept else KeepsNothing(), known)
    weighed = weigh_up(asked, found.candidates, found.query_vector, vectors, deadline=a_deadline())
    return weighed, making.embedded


@pytest.mark.parametrize("question", QUESTIONS)
def test_stored_vectors_give_the_evidence_that_embedding_gives(
    index: LoadedIndex, question: str
) -> None:
    stored, _ = evidence(index, question, kept=True)
    made, _ = evidence(index, question, kept=False)
    assert np.array_equal(stored.features, made.features)
    assert stored.wording == made.wording


def test_only_what_the_index_does_not_hold_is_embedded(index: LoadedIndex) -> None:
    _, embedded = evidence(index, "Is there a sauna at the Libyan Sea Inn?", kept=True)
    assert set(embedded) == {"Is there a sauna at the", "sauna"}
    _, without = evidence(index, "Is there a sauna at the Libyan Sea Inn?", kept=False)
    assert len(without) > 20


def test_each_content_word_of_a_sentence_is_kept(index: LoadedIndex) -> None:
    for number in range(index.manifest.chunks):
        (passage,) = index.read([number])
        words = content_words(passage.text)
        assert set(index.word_vectors(words)) == set(words)


def test_details_are_kept_for_the_embedders_whose_cosines_are_calibrated() -> None:
    assert all(has_calibration(embedder_id) for embedder_id in DETAILED)
    paths = {calibration_path(name) for name in (*DETAILED, LEXICAL)}
    assert set(relevance.FOLDER.glob("*.json")) == paths
