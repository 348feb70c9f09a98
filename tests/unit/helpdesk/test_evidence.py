"""What the sentences found are worth for a question: the right name, subject, month and kind."""

from __future__ import annotations

import pytest

from frontdesk.helpdesk.evidence import Evidence, weigh_up
from frontdesk.helpdesk.vectors import TextVectors
from tests.unit.helpdesk.builders import Library
from tests.unit.knowledge.builders import a_deadline
from tests.unit.knowledge.fakes import WordEmbedder

POOL = "The Asterias Bay has an outdoor pool, heated from April to October."
BREAKFAST = "Breakfast at the Asterias Bay costs 14 EUR."
FITNESS = "The Libyan Sea Inn has a fitness room."
SUITCASE = "Each passenger of Halcyon Air may check one suitcase of 23 kilograms."


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library.of_documents(tmp_path_factory.mktemp("library"))


def worth(evidence: Evidence, feature: str, sentence: str) -> float:
    """One feature of one sentence."""
    (row,) = (row for row, s in enumerate(evidence.sentences) if s.text == sentence)
    return float(evidence.column(feature)[row])


def test_every_sentence_of_what_was_found_is_measured(library: Library) -> None:
    evidence = library.weigh_up("Does the Asterias Bay have a pool?")
    texts = [sentence.text for sentence in evidence.sentences]
    assert {POOL, BREAKFAST, FITNESS, SUITCASE} <= set(texts)
    assert len(evidence.column("names")) == len(texts)


def test_a_sentence_with_the_name_is_about_it(library: Library) -> None:
    evidence = library.weigh_up("Does the Asterias Bay have a pool?")
    assert worth(evidence, "names", POOL) == worth(evidence, "names_least", POOL) == 1


def test_a_sentence_about_another_hotel_does_not_count_as_about_this_one(
    library: Library,
) -> None:
    evidence = library.weigh_up("Does the Asterias Bay have a pool?")  # both stand in the title
    assert worth(evidence, "names", FITNESS) < worth(evidence, "names", POOL)
    assert worth(evidence, "names_least", FITNESS) < worth(evidence, "names_least", POOL)


def test_a_document_without_the_name_is_not_about_it_at_all(library: Library) -> None:
    evidence = library.weigh_up("Does the Asterias Bay have a pool?")
    assert worth(evidence, "names", SUITCASE) == worth(evidence, "names_least", SUITCASE) == 0


def test_of_two_names_the_missing_one_shows(library: Library) -> None:
    evidence = library.weigh_up("How much does Halcyon Air charge to the Asterias Bay?")
    assert 0 < worth(evidence, "names", POOL) < 1
    assert worth(evidence, "names_least", POOL) == 0


def test_a_sentence_that_speaks_of_the_subject_is_worth_more(library: Library) -> None:
    evidence = library.weigh_up("Does the Asterias Bay have a pool?")
    assert worth(evidence, "subject", POOL) > worth(evidence, "subject", BREAKFAST)


def test_a_synonym_speaks_of_the_subject_too(library: Library) -> None:
    evidence = library.weigh_up("Is there a gym at the Libyan Sea Inn?")
    assert worth(evidence, "subject", FITNESS) > worth(evidence, "subject", POOL)


@pytest.mark.parametrize(
    ("question", "fits"),
    [
        ("Is the pool of the Asterias Bay heated in June?", 1),
        ("Is the pool of the Asterias Bay heated in December?", -1),
        ("Is the pool of the Asterias Bay heated?", 0),
    ],
)
def test_the_month_fits_or_not_or_was_not_asked(
    library: Library, question: str, fits: float
) -> None:
    assert worth(library.weigh_up(question), "month", POOL) == fits


def test_a_price_is_given_or_missing_when_one_is_asked_for(library: Library) -> None:
    evidence = library.weigh_up("How much is breakfast at the Asterias Bay?")
    assert worth(evidence, "kind", BREAKFAST) == 1
    assert worth(evidence, "kind", POOL) == -1


def test_without_vectors_the_cosines_stay_0(library: Library) -> None:
    evidence = library.weigh_up("Does the Asterias Bay have a pool?")
    assert not evidence.column("cosine").any()
    assert not evidence.column("subject_cosine").any()


def test_with_vectors_the_nearest_sentence_has_the_highest_cosine(library: Library) -> None:
    vectors = TextVectors(WordEmbedder())
    evidence = library.weigh_up("Does the Asterias Bay have an outdoor pool?", vectors)
    assert evidence.sentences[evidence.column("cosine").argmax()].text == POOL


def test_where_nothing_was_found_there_is_no_evidence(library: Library) -> None:
    asked = library.take_apart("Does the Asterias Bay have a pool?")
    assert weigh_up(asked, [], None, None, deadline=a_deadline()).sentences == ()
