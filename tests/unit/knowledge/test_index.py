"""A built index finds what it holds, filters first, and is the same however it was built."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from frontdesk.knowledge.chunkfile import read_chunks
from frontdesk.knowledge.embeddings import KnownVectors
from frontdesk.knowledge.index import PUBLIC_ONLY, Filters, LoadedIndex
from frontdesk.knowledge.manifest import CHUNKS_FILE, EMBEDDINGS_FILE, IndexInvalid
from frontdesk.knowledge.tokens import query_terms
from tests.unit.knowledge.builders import a_deadline, build, document
from tests.unit.knowledge.fakes import WordEmbedder

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENTS = (
    document(1, "# Baggage\nOne bag of 23 kg flies free.\n\n## Cabin\nA cabin bag of 8 kg."),
    document(2, "# Commission\nPartners earn 8 percent on a bag.", visibility="internal"),
    document(3, "# Visa\nKenya asks for a visa.\n\n## Fee\nIt costs 50 dollars.", tags=("africa",)),
    document(4, "# Gepäck\nEin Koffer mit 23 kg ist frei, und das ist gut.", tags=("africa", "de")),
)


@pytest.fixture
def index(tmp_path: Path) -> LoadedIndex:
    return LoadedIndex(tmp_path, build(tmp_path, DOCUMENTS, WordEmbedder()))


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def embedded(text: str) -> np.ndarray:
    return WordEmbedder().embed([text], deadline=a_deadline())[0]


def found(index: LoadedIndex, question: str, filters: Filters) -> tuple[set[str], set[str]]:
    """Titles by the dense half and by the lexical half."""
    allowed = index.allowed(filters)
    dense = index.dense(embedded(question), 10, allowed)
    lexical = index.lexical(query_terms(question), 10, allowed)
    return (
        {index.document_of(hit.chunk).title for hit in dense},
        {index.document_of(hit.chunk).title for hit in lexical},
    )


def test_both_halves_rank_the_right_passage_first(index: LoadedIndex) -> None:
    dense = index.dense(embedded("Visa Fee It costs 50 dollars"), 3)
    lexical = index.lexical(query_terms("How many dollars is the fee?"), 3)
    assert [chunk.text for chunk in index.read([dense[0].chunk, lexical[0].chunk])] == [
        "It costs 50 dollars."
    ] * 2
    assert dense[0].score > dense[1].score
    assert dense[0].score == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(
    ("filters", "titles"),
    [
        (Filters(), {"Baggage", "Commission", "Visa", "Gepäck"}),
        (PUBLIC_ONLY, {"Baggage", "Visa", "Gepäck"}),
        (Filters(tags=frozenset({"africa"})), {"Visa", "Gepäck"}),
        (Filters(languages=frozenset({"de"})), {"Gepäck"}),
        (Filters(document_ids=frozenset({DOCUMENTS[1].document_id})), {"Commission"}),
        (Filters(tags=frozenset({"africa"}), languages=frozenset({"en"})), {"Visa"}),
        (Filters(tags=frozenset({"asia"})), set()),
    ],
)
def test_filters_hold_in_both_halves(
    index: LoadedIndex, filters: Filters, titles: set[str]
) -> None:
    dense, lexical = found(index, "bag commission visa koffer", filters)
    assert dense == titles
    assert lexical == titles


def test_filters_apply_before_the_best_are_taken(index: LoadedIndex) -> None:
    allowed = index.allowed(Filters(document_ids=frozenset({DOCUMENTS[3].document_id})))
    (dense,) = index.dense(embedded("Visa Kenya asks for a visa"), 1, allowed)
    (lexical,) = index.lexical(query_terms("visa koffer"), 1, allowed)
    assert dense.chunk == lexical.chunk
    assert index.document_of(dense.chunk).title == "Gepäck"


def test_passages_come_back_with_context_and_sentences(index: LoadedIndex) -> None:
    first, second = index.read([1, 0])
    assert (first.context, first.text) == ("Baggage > Cabin", "A cabin bag of 8 kg.")
    assert [second.text[start:end] for start, end in second.sentences] == [
        "One bag of 23 kg flies free."
    ]
    assert second.document.document_id == DOCUMENTS[0].document_id


def test_rare_terms_weigh_more_and_unknown_ones_most(index: LoadedIndex) -> None:
    frequencies = index.frequencies(query_terms("bag dollars submarine"))
    assert frequencies == [3, 1, 0]
    bag, dollars, unknown = index.idf(frequencies)
    assert 0 < bag < dollars < unknown


def test_a_question_with_sql_or_fts_syntax_is_only_words(index: LoadedIndex) -> None:
    for question in (
        'bag" OR "visa',
        "NEAR(bag visa)",
        "bag*",
        "'; drop table chunks; --",
        "^ - +",
    ):
        index.lexical(query_terms(question), 5)


def test_a_rebuild_from_known_vectors_equals_a_build_from_nothing(tmp_path: Path) -> None:
    first, second = WordEmbedder(), WordEmbedder()
    one = build(tmp_path / "one", DOCUMENTS, first)
    known = KnownVectors()
    known.update(tmp_path / "one" / EMBEDDINGS_FILE, "words")
    two = build(tmp_path / "two", DOCUMENTS, second, known=known)
    assert two == one
    assert len(first.embedded) == one.chunks
    assert second.embedded == []


def test_only_changed_chunks_are_embedded_again(tmp_path: Path) -> None:
    build(tmp_path / "one", DOCUMENTS, WordEmbedder())
    known = KnownVectors()
    known.update(tmp_path / "one" / EMBEDDINGS_FILE, "words")
    embedder = WordEmbedder()
    changed = document(3, "# Visa\nKenya asks for a visa.\n\n## Fee\nIt costs 60 dollars.")
    build(tmp_path / "two", [*DOCUMENTS[:2], changed], embedder, known=known)
    assert embedder.embedded == ["Visa > Fee\nIt costs 60 dollars."]


def test_another_embedders_vectors_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    build(tmp_path, DOCUMENTS, WordEmbedder())
    with pytest.raises(IndexInvalid, match="another"):
        KnownVectors().update(tmp_path / EMBEDDINGS_FILE, "letters")
    (tmp_path / EMBEDDINGS_FILE).write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(IndexInvalid, match="read"):
        KnownVectors().update(tmp_path / EMBEDDINGS_FILE, "words")


def test_chunks_of_the_version_before_are_found_by_their_source(tmp_path: Path) -> None:
    build(tmp_path, DOCUMENTS, WordEmbedder())
    kept = read_chunks(tmp_path / CHUNKS_FILE)
    assert kept == {document.source_key: document.chunks for document in DOCUMENTS}


def test_an_index_of_nothing_finds_nothing(tmp_path: Path) -> None:
    index = LoadedIndex(tmp_path, build(tmp_path, [], WordEmbedder()))
    assert index.dense(embedded("bag"), 5) == []
    assert index.lexical(query_terms("bag"), 5) == []
    assert index.allowed(PUBLIC_ONLY) is not None
    assert index.read([]) == []


def test_files_that_do_not_fit_the_manifest_are_refused(tmp_path: Path) -> None:
    manifest = build(tmp_path, DOCUMENTS, WordEmbedder())
    with pytest.raises(IndexInvalid):
        LoadedIndex(tmp_path, manifest.model_copy(update={"dimensions": 8}))
    with pytest.raises(IndexInvalid):
        LoadedIndex(tmp_path, manifest.model_copy(update={"chunks": 8}))
    (tmp_path / CHUNKS_FILE).write_bytes(b"not a database")
    with pytest.raises(IndexInvalid):
        LoadedIndex(tmp_path, manifest)


@pytest.mark.parametrize("count", [10, 2_500, 51_000])
def test_each_kind_of_vector_index_finds_near_vectors_behind_a_filter(
    tmp_path: Path, count: int
) -> None:
    import faiss

    from frontdesk.knowledge.vectorfile import VectorIndex, build_vector_index

    vectors = np.random.default_rng(3).normal(size=(count, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    faiss.write_index(build_vector_index(vectors), str(tmp_path / "v.faiss"))
    index = VectorIndex(tmp_path / "v.faiss")
    allowed = np.zeros(count, np.bool_)
    allowed[::3] = True
    for row in (0, 3, 9):
        rows, scores = index.search(vectors[row], 3, allowed)
        assert rows[0] == row
        assert scores[0] == pytest.approx(1, abs=0.02)
        assert all(allowed[rows])
        stored = index.read(rows)
        assert stored @ vectors[row] == pytest.approx(scores, abs=0.02)


@pytest.mark.usefixtures("no_garbage_collection")
def test_with_its_last_reader_an_index_leaves_the_memory(tmp_path: Path) -> None:
    def held() -> bool:
        opened = [os.path.realpath(entry) for entry in Path("/proc/self/fd").iterdir()]
        return str(tmp_path) in Path("/proc/self/maps").read_text() + "".join(opened)

    index = LoadedIndex(tmp_path, build(tmp_path, DOCUMENTS, WordEmbedder()))
    assert found(index, "Visa", Filters())
    assert index.read([0])
    assert held()
    del index
    assert not held()
