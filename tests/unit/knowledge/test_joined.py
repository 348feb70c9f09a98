"""A tenant's index and the shared one answer as one, and neither is favoured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frontdesk.knowledge.embedders import Embedders
from frontdesk.knowledge.index import PUBLIC_ONLY, Filters, LoadedIndex
from frontdesk.knowledge.joined import JoinedIndex
from frontdesk.knowledge.manifest import SHARED_TENANT
from frontdesk.knowledge.minilm import DIMENSIONS, EMBEDDER_ID
from frontdesk.knowledge.retrieve import Retriever
from frontdesk.knowledge.tokens import query_terms
from frontdesk.platform.clock import SystemClock
from tests.unit.knowledge.builders import TENANT, a_deadline, build, document
from tests.unit.knowledge.fakes import WordEmbedder

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from frontdesk.knowledge.build import SourceDocument
    from frontdesk.knowledge.embedder import Embedder
    from frontdesk.platform.resilience import Deadline

OWN = (
    document(1, "# Baggage\nOne bag of 23 kg flies free of charge."),
    document(2, "# Commission\nPartners earn 8 percent of it.", visibility="internal"),
    document(3, "# Pets\nDogs fly in the cabin up to 8 kg.", tags=("animals",)),
)
SHARED = (
    document(11, "# Visa for Kenya\nKenya asks every traveller for a visa."),
    document(12, "# Visa for Nepal\nNepal sells its visa on arrival.", tags=("asia",)),
)


def loaded(
    folder: Path,
    documents: tuple[SourceDocument, ...],
    embedder: Embedder | None = None,
    tenant_id: UUID = TENANT,
    version: str = "v1",
) -> LoadedIndex:
    made = build(
        folder, documents, embedder or WordEmbedder(), tenant_id=tenant_id, version=version
    )
    return LoadedIndex(folder, made)


def joined(folder: Path, shared_embedder: Embedder | None = None) -> JoinedIndex:
    return JoinedIndex(
        loaded(folder / "own", OWN),
        loaded(folder / "shared", SHARED, shared_embedder, SHARED_TENANT, "s1"),
    )


@pytest.fixture
def index(tmp_path: Path) -> JoinedIndex:
    return joined(tmp_path)


def embedded(text: str) -> np.ndarray:
    return WordEmbedder().embed([text], deadline=a_deadline())[0]


def titles(index: JoinedIndex, chunks: list[int]) -> list[str]:
    return [passage.document.title for passage in index.read(chunks)]


def test_chunks_of_both_have_numbers_of_their_own(index: JoinedIndex) -> None:
    passages = index.read([4, 0, 3, 2])
    assert [passage.id for passage in passages] == [4, 0, 3, 2]
    assert [passage.document.title for passage in passages] == [
        "Visa for Nepal",
        "Baggage",
        "Visa for Kenya",
        "Pets",
    ]
    assert [passage.document.shared for passage in passages] == [True, False, True, False]


def test_vectors_belong_to_the_chunks_asked_for(index: JoinedIndex) -> None:
    order = [3, 1, 4, 0]
    texts = [f"{passage.context}\n{passage.text}" for passage in index.read(order)]
    expected = WordEmbedder().embed(texts, deadline=a_deadline())
    assert index.vectors(order) == pytest.approx(expected, abs=1e-3)


def test_the_dense_half_is_merged_by_cosine(index: JoinedIndex) -> None:
    question = embedded("Kenya asks a traveller of 23 kg for a visa")
    hits = index.dense(question, 5)
    stored = index.vectors([hit.chunk for hit in hits])
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert [hit.score for hit in hits] == pytest.approx((stored @ question).tolist(), abs=1e-3)
    assert titles(index, [hits[0].chunk]) == ["Visa for Kenya"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters(), {"Baggage", "Commission", "Pets", "Visa for Kenya", "Visa for Nepal"}),
        (PUBLIC_ONLY, {"Baggage", "Pets", "Visa for Kenya", "Visa for Nepal"}),
        (Filters(tags=frozenset({"asia", "animals"})), {"Pets", "Visa for Nepal"}),
        (Filters(document_ids=frozenset({SHARED[0].document_id})), {"Visa for Kenya"}),
        (Filters(tags=frozenset({"nothing"})), set()),
    ],
)
def test_filters_hold_in_both_indexes_and_both_halves(
    index: JoinedIndex, filters: Filters, found: set[str]
) -> None:
    allowed = index.allowed(filters)
    terms = query_terms("bag partners dogs kenya nepal")
    dense = index.dense(embedded("bag partners dogs kenya nepal"), 10, allowed)
    lexical = index.lexical(terms, 10, allowed)
    assert set(titles(index, [hit.chunk for hit in dense])) == found
    assert set(titles(index, [hit.chunk for hit in lexical])) == found


def test_words_are_counted_over_both(index: JoinedIndex) -> None:
    terms = query_terms("visa kg kenya submarine")
    assert index.frequencies(terms) == [2, 2, 1, 0]
    assert index.weights(terms) == index.idf([2, 2, 1, 0])


# Passages of equal length: what is left to a part alone, its mean length, is the same in both.
_WORDS = ("visa", "dog", "bag", "ferry", "hotel", "beach")
_PASSAGE = st.lists(st.sampled_from(_WORDS), min_size=5, max_size=5)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(_PASSAGE, min_size=1, max_size=6),
    st.lists(_PASSAGE, min_size=1, max_size=6),
    st.lists(st.sampled_from(_WORDS), min_size=1, max_size=3, unique=True),
)
def test_scores_are_those_of_one_index_of_all_documents(
    tmp_path_factory: pytest.TempPathFactory,
    own: list[list[str]],
    shared: list[list[str]],
    asked: list[str],
) -> None:
    folder = tmp_path_factory.mktemp("joined")
    documents = [
        document(number, f"# Title\n{' '.join(words)}")
        for number, words in enumerate([*own, *shared], start=1)
    ]
    parts = (tuple(documents[: len(own)]), tuple(documents[len(own) :]))
    one = loaded(folder / "one", tuple(documents))
    two = JoinedIndex(loaded(folder / "own", parts[0]), loaded(folder / "shared", parts[1]))
    terms = query_terms(" ".join(asked), ("en",))
    expected = {hit.chunk: hit.score for hit in one.lexical(terms, 20)}
    assert {hit.chunk: hit.score for hit in two.lexical(terms, 20)} == pytest.approx(expected)


def test_a_word_that_is_everyday_in_the_agencys_documents_does_not_win_as_a_shared_rarity(
    tmp_path: Path,
) -> None:
    """By its own count each index would put its "visa" first: in the shared one it is rare."""
    own = tuple(document(n, f"# Note {n}\nA visa, and nothing else of note.") for n in range(1, 9))
    own += (document(9, "# Ferry\nA visa is stamped aboard the ferry."),)
    shared = (
        document(11, "# Bags\nA visa is not a bag, and a bag is no visa."),
        *(document(n, f"# Other {n}\nBags weigh 23 kg or less.") for n in range(12, 20)),
    )
    index = JoinedIndex(loaded(tmp_path / "own", own), loaded(tmp_path / "shared", shared))
    hits = index.lexical(query_terms("visa ferry", ("en",)), 20)
    assert titles(index, [hits[0].chunk]) == ["Ferry"]
    visas = [hit.score for hit in hits[1:]]
    assert max(visas) < 2 * min(visas)


def test_a_shared_index_of_another_embedder_takes_part_with_its_words(tmp_path: Path) -> None:
    index = joined(tmp_path, WordEmbedder(32, "letters"))
    question = "Kenya asks a traveller for a visa"
    assert {hit.chunk < 3 for hit in index.dense(embedded(question), 10)} == {True}
    (hit, *_) = index.lexical(query_terms(question), 10)
    assert titles(index, [hit.chunk]) == ["Visa for Kenya"]
    assert not index.vectors([hit.chunk]).any()

    class Always:
        def get(self, tenant_id: UUID, *, deadline: Deadline) -> JoinedIndex:
            return index

    retriever = Retriever(Always(), Embedders(WordEmbedder()), clock=SystemClock())
    found = retriever.retrieve(question, TENANT, deadline=a_deadline())
    visa = next(c for c in found.candidates if c.document.title == "Visa for Kenya")
    assert (visa.cosine, visa.dense_rank, visa.lexical_rank) == (None, None, 1)
    assert found.degraded is None


def test_vectors_of_sentences_and_words_come_from_whichever_index_keeps_them(
    tmp_path: Path,
) -> None:
    def of_details() -> WordEmbedder:
        return WordEmbedder(DIMENSIONS, EMBEDDER_ID)

    own = loaded(tmp_path / "own", OWN, of_details())
    common = loaded(tmp_path / "shared", SHARED, of_details(), SHARED_TENANT)
    index = JoinedIndex(own, common)
    expected = of_details().embed(
        ["Visa for Kenya: Kenya asks every traveller for a visa."], deadline=a_deadline()
    )
    assert index.sentence_vectors(3) == pytest.approx(expected, abs=1e-3)
    assert set(index.word_vectors(["dogs", "nepal", "submarine"])) == {"dogs", "nepal"}
    other = JoinedIndex(own, loaded(tmp_path / "other", SHARED, WordEmbedder(), SHARED_TENANT))
    assert other.sentence_vectors(3) is None
    assert set(other.word_vectors(["dogs", "nepal"])) == {"dogs"}


def test_both_versions_and_all_languages_are_told(index: JoinedIndex) -> None:
    facts = index.manifest
    assert (facts.version, facts.chunks, facts.embedder_id) == ("v1+s1", 5, "words")
    assert [part.shared for part in facts.parts] == [False, True]
    assert set(facts.languages) == {"en"}
