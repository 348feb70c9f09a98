"""Vectors of sentences and words are made with the index, exactly as a question would make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from frontdesk.knowledge.chunk import Chunk
from frontdesk.knowledge.details import MAX_DETAILS, Details, DetailVectors
from frontdesk.knowledge.embeddings import KnownVectors
from frontdesk.knowledge.index import LoadedIndex
from frontdesk.knowledge.manifest import (
    DETAILS_FILE,
    EMBEDDINGS_FILE,
    MANIFEST_FILE,
    IndexInvalid,
    Manifest,
)
from frontdesk.knowledge.minilm import DIMENSIONS, EMBEDDER_ID
from tests.unit.knowledge.builders import a_deadline, build, document
from tests.unit.knowledge.fakes import WordEmbedder

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = (
    document(
        1, "# Baggage\nOne bag of 23 kg flies free. A second one costs 40 EUR.\n\n## Pets\nNo."
    ),
    document(2, "# Visa\nKenya asks for a visa."),
)


def embedder() -> WordEmbedder:
    """An embedder that is taken for the one whose details are kept."""
    return WordEmbedder(DIMENSIONS, EMBEDDER_ID)


def as_asked(text: str) -> np.ndarray:
    """What embedding a text when it is asked for comes to, rounded to half precision."""
    made = embedder().embed([text], deadline=a_deadline())[0]
    return made.astype(np.float16).astype(np.float32)


@pytest.fixture
def index(tmp_path: Path) -> LoadedIndex:
    return LoadedIndex(tmp_path, build(tmp_path, DOCUMENTS, embedder()))


def test_sentences_are_embedded_under_their_nearest_heading(index: LoadedIndex) -> None:
    expected = {
        0: ["Baggage: One bag of 23 kg flies free.", "Baggage: A second one costs 40 EUR."],
        1: ["Pets: No."],
        2: ["Visa: Kenya asks for a visa."],
    }
    for chunk, sentences in expected.items():
        vectors = index.sentence_vectors(chunk)
        assert vectors is not None
        assert vectors.dtype == np.float32
        assert np.array_equal(vectors, [as_asked(sentence) for sentence in sentences])


def test_words_are_found_by_themselves_and_others_are_not(index: LoadedIndex) -> None:
    found = index.word_vectors(["bag", "kenya", "submarine", "the", "kg"])
    assert set(found) == {"bag", "kenya"}
    assert np.array_equal(found["kenya"], as_asked("kenya"))
    assert index.word_vectors([]) == {}


def test_a_rebuild_embeds_only_the_sentences_and_words_that_are_new(tmp_path: Path) -> None:
    build(tmp_path / "one", DOCUMENTS, embedder())
    known = KnownVectors()
    known.update(tmp_path / "one" / EMBEDDINGS_FILE, EMBEDDER_ID)
    second = embedder()
    changed = document(2, "# Visa\nKenya asks for a visa. Tanzania does not.")
    build(tmp_path / "two", [DOCUMENTS[0], changed], second, known=known)
    assert sorted(second.embedded) == sorted(
        [
            "Visa\nKenya asks for a visa. Tanzania does not.",
            "Visa: Tanzania does not.",
            "tanzania",
        ]
    )


def test_an_embedder_whose_cosines_nobody_learnt_to_read_keeps_none(tmp_path: Path) -> None:
    manifest = build(tmp_path, DOCUMENTS, WordEmbedder())
    assert DETAILS_FILE not in manifest.files
    index = LoadedIndex(tmp_path, manifest)
    assert index.sentence_vectors(0) is None
    assert index.word_vectors(["bag"]) == {}


def test_a_version_older_than_the_file_still_serves(tmp_path: Path) -> None:
    manifest = build(tmp_path, DOCUMENTS, embedder())
    (tmp_path / DETAILS_FILE).unlink()
    files = {name: entry for name, entry in manifest.files.items() if name != DETAILS_FILE}
    index = LoadedIndex(tmp_path, manifest.model_copy(update={"files": files}))
    assert index.sentence_vectors(0) is None
    assert index.read([0])[0].text


def test_there_are_no_details_of_nothing_and_of_too_much() -> None:
    def of(sentences: int) -> Details:
        return Details([Chunk("No. " * sentences, "Visa", "en", ((0, 3),) * sentences)])

    assert of(MAX_DETAILS).are_kept
    assert not of(MAX_DETAILS + 1).are_kept
    assert not Details([]).are_kept


@pytest.mark.parametrize("damage", ["torn", "longer", "empty", "pickled", "other chunks", "narrow"])
def test_a_damaged_file_is_refused(tmp_path: Path, damage: str) -> None:
    build(tmp_path, DOCUMENTS, embedder())
    path = tmp_path / DETAILS_FILE
    good = path.read_bytes()
    chunks, dimensions = 3, DIMENSIONS
    if damage == "torn":
        path.write_bytes(good[:-2])
    elif damage == "longer":
        path.write_bytes(good + b"\0\0")
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "pickled":
        with path.open("wb") as stream:
            for _ in range(3):
                np.save(stream, np.array([print], dtype=object), allow_pickle=True)
    elif damage == "other chunks":
        chunks = 4
    else:
        dimensions = DIMENSIONS + 1
    with pytest.raises(IndexInvalid):
        DetailVectors(path, chunks=chunks, dimensions=dimensions)


def test_a_manifest_without_a_file_that_every_index_has_is_no_manifest(tmp_path: Path) -> None:
    manifest = build(tmp_path, DOCUMENTS, embedder())
    without = {name: entry for name, entry in manifest.files.items() if name != "vectors.faiss"}
    raw = manifest.model_copy(update={"files": without}).encode()
    assert Manifest.parse((tmp_path / MANIFEST_FILE).read_bytes()) == manifest
    with pytest.raises(IndexInvalid):
        Manifest.parse(raw)
