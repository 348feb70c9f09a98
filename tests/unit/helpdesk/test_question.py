"""Questions taken apart against an index that knows which words are names, and which are rare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from frontdesk.helpdesk.question import TermKind, content_words
from frontdesk.helpdesk.thesaurus import concepts_of
from tests.unit.helpdesk.builders import Library, term

if TYPE_CHECKING:
    from frontdesk.helpdesk.question import Question


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library.of_documents(tmp_path_factory.mktemp("library"))


def names(question: Question) -> list[str]:
    return [term.word for term in question.of_kind(TermKind.NAME)]


def test_words_that_ask_politely_are_no_terms(library: Library) -> None:
    asked = library.take_apart("Could you please tell me: does the Asterias Bay have a pool?")
    assert [term.word for term in asked.terms] == ["asterias", "bay", "pool"]


def test_words_written_with_a_capital_in_the_question_and_in_a_title_are_names(
    library: Library,
) -> None:
    assert names(library.take_apart("Is there a gym at the Libyan Sea Inn?")) == [
        "libyan",
        "sea",
        "inn",
    ]


def test_a_name_that_passages_always_write_with_a_capital_is_one_in_lower_case_too(
    library: Library,
) -> None:
    assert names(library.take_apart("does the asterias bay have a pool?")) == ["asterias", "bay"]


def test_a_word_with_a_capital_that_no_document_holds_is_a_name(library: Library) -> None:
    asked = library.take_apart("Is there a pool at the Poseidon Palace?")
    assert names(asked) == ["poseidon", "palace"]
    assert all(term.unknown for term in asked.of_kind(TermKind.NAME))


def test_a_word_that_passages_write_small_is_no_name_whatever_its_capital(
    library: Library,
) -> None:
    asked = library.take_apart("May a Passenger of Halcyon Air bring skis?")
    assert term(asked, "passenger").kind is TermKind.SUBJECT


def test_a_word_that_passages_write_either_way_is_no_name(library: Library) -> None:
    asked = library.take_apart("Is the cabin of Halcyon Air heated? Ask its crew.")
    assert term(asked, "cabin").kind is TermKind.SUBJECT
    assert term(asked, "crew").kind is TermKind.NAME, "the passage has a capital crew alone"


def test_a_word_of_the_trade_is_no_name_whatever_its_capital(library: Library) -> None:
    asked = library.take_apart("Does the Asterias Bay have a Gym?")
    assert term(asked, "gym").kind is TermKind.SUBJECT


def test_the_capital_that_opens_a_sentence_makes_no_name(library: Library) -> None:
    asked = library.take_apart("Tombola: does the Asterias Bay have one?")
    assert term(asked, "tombola").kind is TermKind.SUBJECT


def test_a_german_noun_is_no_name_for_its_capital(library: Library) -> None:
    asked = library.take_apart("Hat das Berghaus Tannegg eine Tombola?")
    assert names(asked) == ["berghaus", "tannegg"]
    assert term(asked, "tombola").kind is TermKind.SUBJECT


def test_a_german_noun_after_a_preposition_of_place_is_a_name(library: Library) -> None:
    asked = library.take_apart("Was kostet ein Zimmer in Zermatt?")
    assert names(asked) == ["zermatt"]


def test_a_month_is_a_term_of_its_own_kind_and_a_number(library: Library) -> None:
    asked = library.take_apart("What does a room cost in December?")
    assert [term.word for term in asked.of_kind(TermKind.MONTH)] == ["december"]
    assert asked.months == {12}


def test_the_subject_is_the_question_without_its_names_and_months(library: Library) -> None:
    asked = library.take_apart("Is the pool of the Asterias Bay heated in November?")
    assert asked.subject == "Is the pool of the heated in"


def test_a_question_of_names_alone_is_its_own_subject(library: Library) -> None:
    assert library.take_apart("Asterias Bay?").subject == "Asterias Bay?"


def test_the_kind_of_answer_comes_with_the_question(library: Library) -> None:
    asked = library.take_apart("How much is breakfast at the Asterias Bay?")
    assert asked.kind is not None
    assert asked.kind.name == "amount"


def test_a_word_that_no_document_holds_is_unknown_and_weighs_most(library: Library) -> None:
    asked = library.take_apart("Does the Asterias Bay have breakfast or tombola?")
    tombola, breakfast, bay = (term(asked, word) for word in ("tombola", "breakfast", "bay"))
    assert [tombola.unknown, breakfast.unknown, bay.unknown] == [True, False, False]
    assert tombola.weight > breakfast.weight > bay.weight > 0


def test_a_question_weighs_what_its_terms_weigh(library: Library) -> None:
    asked = library.take_apart("Is there breakfast at the Asterias Bay?")
    assert asked.weight == pytest.approx(sum(term.weight for term in asked.terms))


def test_a_question_without_terms_still_has_a_weight_to_divide_by(library: Library) -> None:
    asked = library.take_apart("please, thanks")
    assert (asked.terms, asked.weight) == ((), 1.0)


def test_a_term_stands_for_what_its_synonyms_stand_for(library: Library) -> None:
    asked = library.take_apart("Is there a gym at the Libyan Sea Inn?")
    assert term(asked, "gym").concepts
    assert term(asked, "gym").concepts <= concepts_of("a fitness room")


def test_a_term_stands_for_the_phrase_around_it(library: Library) -> None:
    asked = library.take_apart("Does the Asterias Bay offer half board?")
    assert term(asked, "board").concepts == concepts_of("Halbpension")


def test_a_word_that_comes_twice_stands_for_what_it_means_in_either_place(
    library: Library,
) -> None:
    asked = library.take_apart("Does the Asterias Bay have a pool table, or a pool?")
    assert term(asked, "pool").concepts == concepts_of("pool table") | concepts_of("pool")


def test_a_word_is_known_by_its_stem(library: Library) -> None:
    asked = library.take_apart("May a dog sleep at the Libyan Sea Inn?")
    assert not term(asked, "dog").unknown, "the passage speaks of dogs"


def test_content_words_are_small_each_once_and_none_of_them_empty() -> None:
    text = "The pool is a heated POOL, and of 28 °C; may I ask for the Sauna?"
    assert content_words(text) == ["pool", "heated", "sauna"]
