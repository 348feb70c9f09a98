"""A filter never changes what an unfiltered rank would give inside the filter.

What holds for each kind of vector index:

- half precision and 8 bits: every allowed vector is compared, so the filtered rank *is* the
  unfiltered one without what the filter leaves out;
- 1 bit, refined: the first stage hands on a number of candidates, and behind a filter these are all
  allowed ones. So what the unfiltered search finds inside the filter is found behind it too, or is
  pushed out by something nearer; and where no more are allowed than are handed on, it is exact.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frontdesk.knowledge.index import Filters, LoadedIndex
from frontdesk.knowledge.joined import JoinedIndex
from frontdesk.knowledge.manifest import SHARED_TENANT
from frontdesk.knowledge.tokens import query_terms
from frontdesk.knowledge.vectorfile import VectorIndex, build_vector_index, vector_kind
from tests.unit.knowledge.builders import a_deadline, build, document
from tests.unit.knowledge.fakes import WordEmbedder

if TYPE_CHECKING:
    from frontdesk.knowledge.build import SourceDocument

DIMENSIONS = 16
SIZES = {"SQfp16": 700, "SQ8": 2_100, "RaBitQ,Refine(SQ8)": 50_100}
HANDED_ON = 300  # at least so many candidates leave the 1-bit stage, and ten for each one wanted
ROUNDING = 1e-5

SEED = st.integers(0, 2**32 - 1)
WORDS = ("visa", "dog", "bag", "ferry", "hotel", "beach", "kenya", "price")
TAGS = ("africa", "asia", "families")
LANGUAGES = ("de", "en", "fr")


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module", params=SIZES, ids=str)
def vectors(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> VectorIndex:
    """An index of random vectors of each kind."""
    import faiss

    count = SIZES[request.param]
    assert vector_kind(count) == request.param
    made = unit(np.random.default_rng(count).normal(size=(count, DIMENSIONS)))
    path = tmp_path_factory.mktemp("kinds") / "vectors.faiss"
    faiss.write_index(build_vector_index(made), str(path))
    return VectorIndex(path)


def is_exact(index: VectorIndex) -> bool:
    return index.count <= SIZES["SQ8"]


def drawn(index: VectorIndex, seed: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """A query, and which rows may be found."""
    random = np.random.default_rng(seed)
    return unit(random.normal(size=DIMENSIONS)), random.random(index.count) < share


@settings(max_examples=40, deadline=None)
@given(seed=SEED, share=st.sampled_from([0.0, 0.001, 0.02, 0.3, 0.9, 1.0]), k=st.integers(1, 40))
def test_dense_ranks_inside_a_filter_as_without_one(
    vectors: VectorIndex, seed: int, share: float, k: int
) -> None:
    query, allowed = drawn(vectors, seed, share)
    rows, scores = vectors.search(query, k, allowed)
    assert len(rows) == min(k, np.count_nonzero(allowed))
    assert all(allowed[rows])
    assert scores == pytest.approx(vectors.read(rows) @ query, abs=ROUNDING)
    assert all(np.diff(scores) <= 0)
    # As many are asked for as the 1-bit stage hands on the same number for.
    all_rows, all_scores = vectors.search(query, vectors.count if is_exact(vectors) else k)
    inside = allowed[all_rows]
    expected = all_scores[inside][:k]
    if is_exact(vectors):
        assert rows.tolist() == all_rows[inside][:k].tolist()
        assert scores == pytest.approx(expected, abs=ROUNDING)
    else:
        assert all(scores[: len(expected)] >= expected - ROUNDING)


@settings(max_examples=25, deadline=None)
@given(seed=SEED, count=st.integers(0, HANDED_ON), k=st.integers(1, 30))
def test_a_small_filter_is_ranked_exactly_by_every_kind(
    vectors: VectorIndex, seed: int, count: int, k: int
) -> None:
    random = np.random.default_rng(seed)
    query = unit(random.normal(size=DIMENSIONS))
    chosen = random.choice(vectors.count, count, replace=False)
    allowed = np.zeros(vectors.count, np.bool_)
    allowed[chosen] = True
    cosines = vectors.read(chosen) @ query if count else np.zeros(0, np.float32)
    _, scores = vectors.search(query, k, allowed)
    assert scores == pytest.approx(np.sort(cosines)[::-1][:k], abs=ROUNDING)


def random_documents(random: np.random.Generator, first: int, count: int) -> list[SourceDocument]:
    made: list[SourceDocument] = []
    for number in range(first, first + count):
        passages = [
            f"## Part {part}\n{' '.join(random.choice(WORDS, random.integers(3, 30)))}."
            for part in range(random.integers(1, 4))
        ]
        plain = document(number, f"# Title {number}\n\n" + "\n\n".join(passages))
        made.append(
            replace(
                plain,
                language=str(random.choice(LANGUAGES)),
                visibility=str(random.choice(["public", "internal"])),
                tags=tuple(map(str, random.choice(TAGS, random.integers(0, 3), replace=False))),
            )
        )
    return made


@pytest.fixture(scope="module", params=["one index", "joined with the shared one"])
def index(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> LoadedIndex | JoinedIndex:
    """Forty random documents; with the shared index fifteen more."""
    random = np.random.default_rng(11)
    folder = tmp_path_factory.mktemp("random")
    own = LoadedIndex(
        folder / "own",
        build(folder / "own", random_documents(random, 1, 40), WordEmbedder()),
    )
    if request.param == "one index":
        return own
    common = build(
        folder / "shared",
        random_documents(random, 101, 15),
        WordEmbedder(),
        tenant_id=SHARED_TENANT,
    )
    return JoinedIndex(own, LoadedIndex(folder / "shared", common))


def some(values: st.SearchStrategy[str]) -> st.SearchStrategy[frozenset[str] | None]:
    return st.none() | st.frozensets(values, max_size=3)


FILTERS = st.builds(
    Filters,
    visibilities=some(st.sampled_from(["public", "internal", "secret"])),
    tags=some(st.sampled_from([*TAGS, "unknown"])),
    languages=some(st.sampled_from([*LANGUAGES, "xx"])),
    document_ids=st.none()
    | st.frozensets(st.integers(0, 120).map(lambda number: UUID(int=number)), max_size=30),
)


@settings(max_examples=150, deadline=None)
@given(
    filters=FILTERS,
    asked=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4),
    k=st.integers(1, 30),
)
def test_both_halves_rank_inside_any_filter_as_without_one(
    index: LoadedIndex | JoinedIndex, filters: Filters, asked: list[str], k: int
) -> None:
    allowed = index.allowed(filters)
    question = " ".join(asked)
    terms = query_terms(question, ("en", "de", "fr"))
    query = WordEmbedder().embed([question], deadline=a_deadline())[0]
    passages = {p.id: p for p in index.read(list(range(index.manifest.chunks)))}

    def inside(chunk: int) -> bool:
        return filters.allow(passages[chunk].document)

    lexical = index.lexical(terms, index.manifest.chunks)
    assert index.lexical(terms, k, allowed) == [hit for hit in lexical if inside(hit.chunk)][:k]

    dense = [hit for hit in index.dense(query, index.manifest.chunks) if inside(hit.chunk)]
    found = index.dense(query, k, allowed)
    assert [hit.score for hit in found] == pytest.approx(
        [hit.score for hit in dense[:k]], abs=ROUNDING
    )
    # Where two passages are equally near, either may come first.
    nearest = {hit.chunk: hit.score for hit in dense}
    assert all(hit.score == pytest.approx(nearest[hit.chunk], abs=ROUNDING) for hit in found)
