"""Tokens meet across inflections, accents and scripts."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from frontdesk.knowledge.tokens import TermFinder, fold, index_tokens, query_terms, tokenize


def variants(question: str, *among: str) -> list[tuple[str, ...]]:
    return [term.variants for term in query_terms(question, among or ("en", "de", "fr", "es"))]


def test_inflected_words_share_a_token_in_their_language() -> None:
    assert tokenize("cancellations cancelled", "en") == ["cancel", "cancel"]
    assert tokenize("Reservierungen Reservierung", "de")[0] == tokenize("reservierung", "de")[0]
    assert tokenize("réservations", "fr") == tokenize("RÉSERVATION", "fr")


def test_accents_and_strokes_do_not_part_words() -> None:
    assert fold("Łódź") == "lodz"
    assert tokenize("café Genève", "en") == tokenize("cafe geneve", "en")


def test_a_number_is_one_token_however_it_is_grouped() -> None:
    assert tokenize("1,250 1.250 1'250 1250", "en") == ["1250"] * 4
    assert tokenize("12.50 EUR", "en") == ["12", "50", "eur"]


def test_unspaced_scripts_become_bigrams() -> None:
    assert tokenize("海滩酒店", "zh") == ["海滩", "滩酒", "酒店"]
    assert tokenize("Hotel 海", "en") == ["hotel", "海"]
    assert all(len(token) == 2 for token in tokenize("โรงแรม", "th"))


def test_stop_words_of_the_questions_language_are_left_out() -> None:
    assert variants("What is the price?", "en") == [("price",)]
    assert variants("Was kostet die Reise?", "de") == [("kost",), ("reis",)]


def test_a_question_of_stop_words_alone_keeps_them() -> None:
    assert variants("Where are you?", "en") == [("where",), ("are",), ("you",)]


def test_a_word_is_stemmed_in_each_language_that_the_index_holds() -> None:
    (term,) = variants("reservations", "en", "fr")
    assert set(term) == {"reserv"}
    assert len(variants("Hotels buchen", "en", "de")[1]) == 2


def test_a_repeated_word_counts_once() -> None:
    assert len(query_terms("hotel hotel Hotels")) == 1


@given(st.text(max_size=200), st.sampled_from(["en", "de", "fr", "es", "zh", "th", "ar", "xx"]))
def test_every_token_is_one_token_for_sqlite_too(text: str, language: str) -> None:
    for token in tokenize(text, language):
        assert token
        assert re.fullmatch(r"(?:[a-z0-9]|[^\x00-\x7f])+", token)


@given(st.text(max_size=100))
def test_a_question_finds_the_text_that_repeats_it(text: str) -> None:
    held = set(tokenize(text, "en"))
    for term in query_terms(text, ("en",)):
        if len(term.word) > 1:
            assert held.intersection(term.variants)


@given(
    st.text(alphabet="abcdsing ü1,0海", max_size=80),
    st.text(alphabet="abcdsing ü10海", max_size=40),
)
def test_finding_terms_equals_tokenising_the_whole_text(text: str, question: str) -> None:
    terms = query_terms(question)
    tokens = set(tokenize(text, "en"))
    assert TermFinder(terms).find(text, "en") == [
        any(variant in tokens for variant in term.variants) for term in terms
    ]


def test_stop_words_stay_out_of_the_index() -> None:
    assert index_tokens("The hotel is at the beach", "en") == ["hotel", "beach"]
