"""Codes and names are found by their letters alone, where likeness of meaning is no help."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from frontdesk.knowledge.embedders import Embedders
from frontdesk.knowledge.index import LoadedIndex
from frontdesk.knowledge.retrieve import Retriever
from frontdesk.knowledge.tokens import TermFinder, query_terms, tokenize
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.errors import UpstreamUnavailable
from tests.unit.knowledge.builders import TENANT, a_deadline, build, document
from tests.unit.knowledge.fakes import WordEmbedder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    import numpy as np

    from frontdesk.knowledge.retrieve import Retrieval
    from frontdesk.platform.resilience import Deadline

PASSAGES = (
    "The booking AB12CD is for two adults.",
    "The booking AB12CE is for two adults.",
    "The booking KAI5NS is for two adults.",
    "Quote Q-2026-0001 was sent to the client.",
    "Quote Q-2026-0002 was sent to the client.",
    "Invoice INV-2026-0001 was paid by the client.",
    "The fare class Y is fully flexible.",
    "The fare class K allows no changes.",
    "The fare class A has a lounge.",
    "The tariff KLX7 holds for groups.",
    "The tariff KLX8 holds for families.",
    "Flight BA 2490 leaves in the morning.",
    "Flight LH 2490 leaves in the evening.",
    "Flight BA2491 leaves at noon.",
    "Flight U2-8601 leaves at night.",
    "The Hôtel de l'Étoile has a terrace.",
    "The Saint-Émilion Lodge has a terrace.",
    "The O'Brien's Inn has a terrace.",
    "The Þingvellir Guesthouse has a terrace.",
    "The Koʻolina Beach Inn has a terrace.",
    "The Żółw Hostel has a terrace.",
    "The Hotel Peñón del Águila has a terrace.",
    "经济舱的舱位是Y舱，航班BA2495从北京出发。",
    "商务舱的舱位是C舱，航班CA983从上海出发。",
    "香格里拉大酒店有露台。",
    "富士屋ホテルにはテラスがあります。",
    "신라호텔에는 테라스가 있습니다.",
)


class DeafEmbedder(WordEmbedder):
    """Hears no difference: every text is the same to it."""

    def embed(self, texts: Sequence[str], *, deadline: Deadline) -> np.ndarray:
        return super().embed(["the same"] * len(texts), deadline=deadline)


class AwayEmbedder(WordEmbedder):
    """Embeds while the index is built, and is away when it is asked."""

    def embed(self, texts: Sequence[str], *, deadline: Deadline) -> np.ndarray:
        raise UpstreamUnavailable


class OneIndex:
    def __init__(self, index: LoadedIndex) -> None:
        self._index = index

    def get(self, tenant_id: UUID, *, deadline: Deadline) -> LoadedIndex:
        return self._index


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> LoadedIndex:
    folder = tmp_path_factory.mktemp("codes")
    documents = [
        document(number, f"# Note\n{passage}") for number, passage in enumerate(PASSAGES, start=1)
    ]
    return LoadedIndex(folder, build(folder, documents, DeafEmbedder()))


def ask(index: LoadedIndex, question: str, embedder: WordEmbedder) -> Retrieval:
    retriever = Retriever(OneIndex(index), Embedders(embedder), clock=SystemClock())
    return retriever.retrieve(question, TENANT, deadline=a_deadline())


FOUND = [
    ("What is booking AB12CD?", "AB12CD"),
    ("booking ab12ce", "AB12CE"),
    ("Who travels on KAI5NS?", "KAI5NS"),
    ("Was quote Q-2026-0001 sent?", "Q-2026-0001"),
    ("was quote q-2026-0002 sent?", "Q-2026-0002"),
    ("Is INV-2026-0001 paid?", "INV-2026-0001"),
    ("What is fare class Y?", "class Y"),
    ("What is class K?", "class K"),
    ("Is there a lounge in class A?", "class A"),
    ("Who may use tariff KLX7?", "KLX7"),
    ("the klx8 tariff", "KLX8"),
    ("When does BA 2490 leave?", "BA 2490"),
    ("When does BA2490 leave?", "BA 2490"),
    ("when does lh2490 leave?", "LH 2490"),
    ("When does BA 2491 leave?", "BA2491"),
    ("when does ba 2491 leave", "BA2491"),
    ("When does U2 8601 leave?", "U2-8601"),
    ("When does U28601 leave?", "U2-8601"),
    ("Does the Hotel de l'Etoile have a terrace?", "Étoile"),
    ("Does the Hôtel de l’Étoile have a terrace?", "Étoile"),
    ("Does the Saint Emilion Lodge have a terrace?", "Saint-Émilion"),
    ("Does O’Briens Inn have a terrace?", "O'Brien"),
    ("Does the Thingvellir Guesthouse have a terrace?", "Þingvellir"),
    ("Does the Ko'olina Beach Inn have a terrace?", "Koʻolina"),
    ("Does the Zolw Hostel have a terrace?", "Żółw"),
    ("Does the Hotel Penon del Aguila have a terrace?", "Peñón"),
    ("航班BA 2495几点出发？", "BA2495"),
    ("Y舱是什么舱位？", "Y舱"),
    ("航班CA983", "CA983"),
    ("香格里拉酒店", "香格里拉"),
    ("富士屋ホテルのテラス", "富士屋"),
    ("신라호텔 테라스", "신라호텔"),
]


@pytest.mark.parametrize(("question", "found"), FOUND)
def test_the_lexical_half_alone_finds_it(index: LoadedIndex, question: str, found: str) -> None:
    retrieval = ask(index, question, AwayEmbedder())
    assert retrieval.degraded == "embedding_unavailable"
    first, *rest = retrieval.candidates
    assert found in first.text
    assert first.lexical_score is not None
    assert all(first.lexical_score > (other.lexical_score or 0) for other in rest)


@pytest.mark.parametrize(("question", "found"), FOUND)
def test_it_stays_in_reach_beside_an_embedder_that_hears_no_difference(
    index: LoadedIndex, question: str, found: str
) -> None:
    terms = query_terms(question, index.manifest.languages)
    (best, *_) = index.lexical(terms, 1)
    (passage,) = index.read([best.chunk])
    assert found in passage.text
    # Where all are equally near, the dense half's order is of chance; fusion has to bear it.
    retrieval = ask(index, question, DeafEmbedder())
    assert best.chunk in {c.chunk_id for c in retrieval.candidates[:5]}


def test_words_with_digits_are_not_stemmed_in_any_language() -> None:
    for language in ("en", "de", "fr", "es", "zh"):
        assert tokenize("KAI5NS AB12ES 1er3en", language) == ["kai5ns", "ab12es", "1er3en"]


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("BA 2490", {"ba2490"}),
        ("Q-2026-0001", {"q20260001"}),
        ("INV/2026/7", {"inv20267"}),
        ("Terminal E", {"e"}),
        ("（Y）舱", {"y"}),
        ("from 9 to 12", set()),
        ("In 2026", set()),
        ("EUR 45", set()),
        ("2026-01-05", set()),
        ("What can I do?", set()),
        ("z. B. im Juni", set()),
        ("J. Smith", set()),
        ("¿Y el hotel?", set()),
        ("L'Étoile d'A", set()),
        ("T-Bar, B&B", set()),
    ],
)
def test_only_codes_and_lone_capitals_are_tokens_as_a_whole(text: str, whole: set[str]) -> None:
    plain = {"from", "to", "in", "eur", "do", "im", "el", "la"}
    found = {token for token in tokenize(text, "xx") if token not in plain}
    ordinary = set(tokenize(text.lower(), "xx"))
    assert found - ordinary == whole


def test_passages_are_known_to_hold_what_the_index_found_in_them() -> None:
    for question, text in (
        ("When does BA2490 leave?", "Flight BA 2490 leaves."),
        ("When does BA 2490 leave?", "Flight BA2490 leaves."),
        ("What is class Y?", "Class Y is flexible."),
        ("Q-2026-0001", "Quote Q-2026-0001."),
        ("class Y", "Die Klasse Y für Gäste."),
    ):
        terms = query_terms(question, ("en",))
        tokens = set(tokenize(text, "en"))
        held = [any(variant in tokens for variant in term.variants) for term in terms]
        assert TermFinder(terms).find(text, "en") == held
        assert any(held)
