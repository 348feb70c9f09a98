"""Words that mean the same to a traveller share a concept, whatever their language."""

from __future__ import annotations

import pytest

from frontdesk.helpdesk.thesaurus import concepts_by_word, concepts_of, facilities

SYNONYMS = [
    ("gym", "fitness room"),
    ("gym", "Fitnessraum"),
    ("gym", "salle de sport"),
    ("gym", "gimnasio"),
    ("dog", "pets"),
    ("dog", "Hund"),
    ("dog", "mascota"),
    ("breakfast", "Frühstück"),
    ("breakfast", "petit déjeuner"),
    ("breakfast", "desayuno"),
    ("pool", "swimming pool"),
    ("pool", "Schwimmbad"),
    ("pool", "piscine"),
    ("pool", "piscina"),
]


@pytest.mark.parametrize(("one", "other"), SYNONYMS)
def test_synonyms_share_a_concept(one: str, other: str) -> None:
    assert concepts_of(one) & concepts_of(other)


def test_different_things_share_no_concept() -> None:
    things = [concepts_of(word) for word in ("gym", "dog", "breakfast", "pool")]
    assert all(things)
    assert len(frozenset().union(*things)) == sum(map(len, things))


def test_case_accents_and_punctuation_make_no_difference() -> None:
    assert concepts_of("PISCINE!") == concepts_of("piscine")
    assert concepts_of("Fruhstuck") == concepts_of("«Frühstück»")


def test_a_beginning_stands_for_longer_words() -> None:
    assert concepts_of("Frühstücksbuffet") >= concepts_of("Frühstück") > frozenset()


def test_a_whole_word_does_not_stand_for_longer_ones() -> None:
    assert concepts_of("gym")
    assert not concepts_of("gymkhana")


def test_a_phrase_counts_only_when_its_words_stand_together() -> None:
    assert concepts_of("We have a salle de sport.") >= concepts_of("gym")
    assert not concepts_of("a salle for the sport") & concepts_of("gym")


def test_each_word_of_a_phrase_stands_for_what_the_phrase_means() -> None:
    by_word = dict(concepts_by_word("Is half board included?"))
    assert by_word["half"] & by_word["board"] == concepts_of("Halbpension")
    assert not by_word["is"]


def test_each_word_of_a_text_is_returned_folded_in_its_order() -> None:
    words = [word for word, _ in concepts_by_word("Ist das Frühstück à la carte?")]
    assert words == ["ist", "das", "fruhstuck", "a", "la", "carte"]


def test_a_text_speaks_of_all_that_its_words_stand_for() -> None:
    everything = concepts_of("A pool for dogs, and breakfast.")
    assert everything >= concepts_of("pool") | concepts_of("dog") | concepts_of("breakfast")


def test_words_outside_the_trade_stand_for_nothing() -> None:
    assert concepts_of("whatever they thought of philosophy") == frozenset()


@pytest.mark.parametrize("word", ["pool", "gym", "sauna", "wifi", "ballroom", "archery"])
def test_what_a_house_has_or_has_not_is_a_facility(word: str) -> None:
    assert concepts_of(word)
    assert concepts_of(word) <= facilities()


@pytest.mark.parametrize("word", ["dog", "breakfast", "refund", "passport", "airport"])
def test_what_is_no_part_of_a_house_is_no_facility(word: str) -> None:
    assert concepts_of(word)
    assert not concepts_of(word) & facilities()
