"""Answers made of the documents' own sentences: which ones, in what order, and what they cite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from frontdesk.helpdesk.evidence import Evidence, weigh_up
from frontdesk.helpdesk.extractive import ANSWER_CHARACTERS, best_quotes, extract
from frontdesk.helpdesk.passages import GAP, stands_in
from frontdesk.helpdesk.question import Question
from frontdesk.helpdesk.scripted import no_answer
from tests.unit.helpdesk.builders import candidate, passage_of
from tests.unit.knowledge.builders import a_deadline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from frontdesk.helpdesk.passages import Answer, Passage
    from frontdesk.knowledge.embedder import Vectors

ENGLISH = "What does the visa cost?"
UNSCORED = -9.0
VISA = {"Visa": "Kenya asks for one. It costs 50 dollars. Children pay less. Bring a photo."}
BOTH = {**VISA, "Payment": "Cards are welcome. Cash is not."}
MANY = {**BOTH, "Baggage": "One bag is free. A second is not. Skis go along."}


@dataclass(frozen=True)
class Found:
    """Passages by title, and how well each of their sentences scored."""

    passages: tuple[Passage, ...]
    evidence: Evidence
    scores: Vectors

    @classmethod
    def of(cls, texts: Mapping[str, str], scores: Mapping[str, float]) -> Found:
        """Sentences without a score are far behind."""
        candidates = [
            candidate(title, text, number)
            for number, (title, text) in enumerate(texts.items(), start=1)
        ]
        asked = Question(ENGLISH, ENGLISH, (), frozenset(), None)
        evidence = weigh_up(asked, candidates, None, None, deadline=a_deadline())
        assert set(scores) <= {sentence.text for sentence in evidence.sentences}
        scored = [scores.get(sentence.text, UNSCORED) for sentence in evidence.sentences]
        return cls(tuple(map(passage_of, candidates)), evidence, np.asarray(scored, np.float32))

    def answer(self, question: str = ENGLISH) -> Answer:
        return extract(question, self.evidence, self.scores, self.passages)


def test_the_best_sentence_opens_under_the_title_of_its_document() -> None:
    answer = Found.of({"Visa": "It costs 50 dollars."}, {"It costs 50 dollars.": 3}).answer()
    assert answer.text == "From “Visa”: It costs 50 dollars. [1]"


@pytest.mark.parametrize(
    ("question", "opening"),
    [
        ("Was kostet das Visum für die Kinder?", "Aus „Visa“: It costs"),
        ("Combien coûte le visa pour les enfants ?", "D'après « Visa »: It costs"),
        ("¿Cuánto cuesta el visado para los niños?", "Según «Visa»: It costs"),
        ("Сколько стоит виза?", "From “Visa”: It costs"),
    ],
)
def test_where_it_stands_is_said_in_the_question_s_language(question: str, opening: str) -> None:
    found = Found.of({"Visa": "It costs 50 dollars."}, {"It costs 50 dollars.": 3})
    assert found.answer(question).text.startswith(opening)


def test_passages_come_in_the_order_of_their_best_sentence_and_are_numbered_so() -> None:
    answer = Found.of(BOTH, {"Cards are welcome.": 5, "It costs 50 dollars.": 4}).answer()
    first, second = answer.text.split("\n\n")
    assert first.startswith("From “Payment”: Cards are welcome.")
    assert first.endswith("[1]")
    assert second.startswith("From “Visa”: ")
    assert second.endswith("[2]")
    assert [citation.title for citation in answer.citations] == ["Payment", "Visa"]


def test_sentences_of_one_passage_keep_the_order_of_the_document() -> None:
    answer = Found.of(VISA, {"Bring a photo.": 5, "Kenya asks for one.": 4}).answer()
    assert answer.text.index("Kenya asks") < answer.text.index("Bring a photo")


def test_five_sentences_are_enough_when_the_others_are_far_behind() -> None:
    five = (
        "Kenya asks for one.",
        "Cards are welcome.",
        "Cash is not.",
        "One bag is free.",
        "Skis go along.",
    )
    answer = Found.of(MANY, dict.fromkeys(five, 3.0)).answer()
    assert all(sentence in answer.text for sentence in five)
    assert "dollars" not in answer.text
    assert "second" not in answer.text


FOUR_OTHERS = dict.fromkeys(
    ("Cards are welcome.", "Cash is not.", "One bag is free.", "Skis go along."), 4.0
)


def test_a_sentence_beside_the_best_completes_it_when_it_is_nearly_as_good() -> None:
    scores = {"It costs 50 dollars.": 4.5, "Children pay less.": 3.0, **FOUR_OTHERS}
    answer = Found.of(MANY, scores).answer()
    assert "It costs 50 dollars. Children pay less." in answer.text
    assert "Kenya" not in answer.text


def test_a_sentence_that_is_not_beside_the_best_does_not_come_along() -> None:
    scores = {"It costs 50 dollars.": 4.5, "Bring a photo.": 3.0, **FOUR_OTHERS}
    assert "photo" not in Found.of(MANY, scores).answer().text


def test_a_long_answer_ends_before_it_is_too_long() -> None:
    third = ANSWER_CHARACTERS // 3
    texts = {title: f"{title} is {'very ' * (third // 5)}nice." for title in "ABCD"}
    answer = Found.of(texts, dict(zip(texts.values(), (4.0, 3.0, 2.0, 1.0), strict=True))).answer()
    assert [citation.title for citation in answer.citations] == ["A", "B"]


def test_one_sentence_is_given_whole_however_long_it_is() -> None:
    text = "It costs " + "very " * 400 + "much."
    assert text in Found.of({"Visa": text}, {text: 1.0}).answer().text


def test_a_quote_shows_where_sentences_are_left_out() -> None:
    scores = {"Kenya asks for one.": 5.0, "Bring a photo.": 4.0, **dict.fromkeys(FOUR_OTHERS, 3.0)}
    quotes = {
        citation.title: citation.quote for citation in Found.of(MANY, scores).answer().citations
    }
    assert quotes["Visa"] == f"Kenya asks for one.{GAP}Bring a photo."
    assert quotes["Payment"] == "Cards are welcome. Cash is not."


def test_every_citation_stands_in_the_passage_of_its_document() -> None:
    found = Found.of(MANY, {"Bring a photo.": 5.0, "Skis go along.": 4.0, "Cash is not.": 3.0})
    answer = found.answer()
    assert len(answer.citations) == 3
    assert all(stands_in(citation, found.passages) for citation in answer.citations)


def test_the_quote_of_a_passage_is_its_best_sentence() -> None:
    found = Found.of(BOTH, {"Children pay less.": 2.0, "Bring a photo.": 1.0, "Cash is not.": 0.0})
    assert best_quotes(found.evidence, found.scores) == {
        0: "Children pay less.",
        1: "Cash is not.",
    }


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Is there a casino in the hotel?", "I could not find"),
        ("Gibt es im Hotel ein Casino?", "keine Antwort gefunden"),
        ("Est-ce qu'il y a un casino dans l'hôtel ?", "pas trouvé de réponse"),
        ("¿Hay un casino en el hotel?", "No he encontrado"),
        ("Есть ли в отеле казино?", "I could not find"),
    ],
)
def test_without_an_answer_the_question_s_language_says_so(question: str, words: str) -> None:
    assert words in no_answer(question)
