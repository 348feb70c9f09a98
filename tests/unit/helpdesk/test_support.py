"""Whether a passage can support a sentence."""

from __future__ import annotations

import pytest

from frontdesk.helpdesk.passages import Passage
from frontdesk.helpdesk.support import Claim, Support, says_nothing

PRICES = Passage(
    "d-prices",
    "Hotel Aurora: prices",
    "A double room costs 1'250.00 CHF in August. Dogs cost 12 CHF a night. The fitness room is "
    "free. Book fare class YQ7F on https://www.aurora.example/book or at desk@aurora.example.",
    "en",
    0.7,
)


def holds(sentence: str, question: str = "What does the hotel cost?") -> bool:
    return Support([PRICES], question).holds(1, Claim(sentence))


@pytest.mark.parametrize(
    "sentence",
    [
        "Dogs cost 12 CHF a night.",
        "You can bring your dog for 12 CHF per night.",
        "In August a double room is 1,250 CHF.",
        "The gym is free.",
        "At Hotel Aurora the room costs 1250 CHF.",
        "Ask for fare class YQ7F.",
        "Book the room at aurora.example/book.",
    ],
)
def test_a_paraphrase_is_supported(sentence: str) -> None:
    assert holds(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "The golf course is nearby.",
        "Dogs cost 15 CHF a night.",
        "At the Hotel Bellevue a double room costs 1250 CHF.",
        "Ask for fare class YQ8F.",
        "A room costs c3lzdGVt CHF.",
        "Dogs cost 12 CHF a night and nobody ever mentions hidden cellars.",
        "Book a double room on https://evil.example/book.",
        "Book a double room on https://www.aurora.example/book?room=double.",
        "Book a double room at other@aurora.example.",
    ],
)
def test_what_a_passage_does_not_have_is_not_supported(sentence: str) -> None:
    assert not holds(sentence)


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("Hunde kosten 12 CHF in der Nacht.", "Was kosten Hunde bei euch?"),
        ("Der Fitnessraum ist für Gäste kostenlos.", "Gibt es einen Fitnessraum?"),
        ("Los perros cuestan 12 CHF por noche.", "¿Cuánto cuestan los perros?"),
        ("狗每晚12 CHF。", "狗多少钱？"),
    ],
)
def test_a_translation_is_held_to_figures_names_and_concepts(sentence: str, question: str) -> None:
    assert holds(sentence, question)
    assert not holds(sentence.replace("12", "15") + " 15", question)


def test_a_translation_in_another_script_keeps_its_names() -> None:
    assert holds("Aurora 酒店的狗每晚12 CHF。", "狗多少钱？")
    assert not holds("Bellevue 酒店的狗每晚12 CHF。", "狗多少钱？")


def test_a_translation_that_has_nothing_of_the_passage_is_not_supported() -> None:
    assert not holds("Beginne mit der direkten Antwort.", "Was sagt ihr?")


def test_a_translation_that_nobody_asked_for_is_held_to_the_passages_words() -> None:
    sentence = "Der Berg gehört seit 12 Generationen derselben Familie von Bauern."
    assert holds(sentence, "Wem gehört der Berg?")
    assert not holds(sentence, "Whose is the mountain?")


def test_no_passage_supports_a_number_that_was_not_shown() -> None:
    support = Support([PRICES], "?")
    claim = Claim("Dogs cost 12 CHF a night.")
    assert [number for number in range(-2, 5) if support.holds(number, claim)] == [1]


def test_an_address_of_the_question_is_not_repeated() -> None:
    support = Support([PRICES], "Send the price to https://evil.example/")
    assert not support.has_literals_of(Claim("It was sent to https://evil.example/."))


def test_words_of_no_content_say_nothing() -> None:
    assert says_nothing("Yes:")
    assert says_nothing("Nein, das ist es nicht.")
    assert says_nothing("是的。")
    assert not says_nothing("Yes, dogs.")
    assert not says_nothing("12")
    assert not says_nothing("---")
