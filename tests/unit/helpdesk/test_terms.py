"""An agency's own words: what is a term, and what it does."""

from __future__ import annotations

from typing import Any

import pytest

from frontdesk.helpdesk.classify import QueryType, classify
from frontdesk.helpdesk.terms import NO_TERMS, Terms

RIADS = Terms.of({"hotel_info": ["Riad", "kasbah*", "Dar Zitoun"]})


@pytest.mark.parametrize(
    "question",
    ["Does the riad have a hammam?", "Which kasbahs have one?", "A hammam at DAR ZITOUN?"],
)
def test_a_term_is_found_by_word_by_stem_and_as_a_name(question: str) -> None:
    assert classify(question, RIADS) is QueryType.HOTEL_INFO
    assert classify(question) is not QueryType.HOTEL_INFO


def test_a_term_without_a_star_is_a_whole_word() -> None:
    assert classify("Who is Riadne?", RIADS) is QueryType.GENERAL


def test_case_accents_and_punctuation_of_a_term_do_not_matter() -> None:
    assert Terms.of({"general": ["Châtaignier-Blanc"]}) == Terms.of(
        {"general": ["chataignier blanc"]}
    )


def test_a_term_outweighs_any_topic_and_stands_level_with_an_intent() -> None:
    place = Terms.of({"destination": ["Ourika"]})
    assert classify("Which hotel rooms have a view in Ourika?", place) is QueryType.DESTINATION
    assert classify("How much is a night at the riad?", RIADS) is QueryType.PRICING
    assert classify("How do I book the riad?", RIADS) is QueryType.BOOKING


def test_a_term_for_a_type_that_comes_first_wins_the_tie() -> None:
    spa = Terms.of({"pricing": ["ski card"], "hotel_info": ["chalet Sonne"]})
    assert classify("Is the ski card valid at the Chalet Sonne?", spa) is QueryType.PRICING


def test_terms_are_equal_and_hash_alike_whatever_their_order() -> None:
    one = Terms.of({"hotel_info": ["riad"], "pricing": ["tarif"]})
    other = Terms.of({"pricing": ["tarif"], "hotel_info": ["riad"]})
    assert one == other
    assert hash(one) == hash(other)
    assert Terms.of({}) == Terms.of({"pricing": []}) == NO_TERMS


def test_a_term_is_never_a_pattern() -> None:
    terms = Terms.of({"booking": ["a.c", "(x+)+y"]})
    assert classify("abc", terms) is QueryType.GENERAL
    assert classify("a c", terms) is QueryType.BOOKING


@pytest.mark.parametrize(
    ("mapping", "field"),
    [
        ({"hotels": ["riad"]}, "hotels"),
        ({"hotel_info": "riad"}, "hotel_info"),
        ({"hotel_info": None}, "hotel_info"),
        ({"hotel_info": ["riad", ""]}, r"hotel_info\.1"),
        ({"hotel_info": ["riad", 7]}, r"hotel_info\.1"),
        ({"hotel_info": ["x" * 51]}, r"hotel_info\.0"),
        ({"hotel_info": ["*"]}, r"hotel_info\.0"),
        ({"hotel_info": ["   "]}, r"hotel_info\.0"),
        ({"hotel_info": ["ri*ad"]}, r"hotel_info\.0"),
        ({"hotel_info": ["riad ?"]}, r"hotel_info\.0"),
        ({"hotel_info": [f"riad {n}" for n in range(51)]}, "hotel_info"),
    ],
)
def test_what_is_no_term_is_refused_by_its_field(mapping: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=rf"^{field}: "):
        Terms.of(mapping)


def test_fifty_terms_of_fifty_characters_are_taken() -> None:
    assert Terms.of({"general": [f"{n:050}" for n in range(50)]}).by_type
