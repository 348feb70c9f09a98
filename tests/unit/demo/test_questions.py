"""The labelled questions keep the rules under which retrieval is judged."""

from __future__ import annotations

import json
import statistics
from collections import Counter

import pytest

from demo.agencies import all_agencies
from demo.question_set import (
    MAX_OVERLAP,
    SPLITS,
    Question,
    content_words,
    documents_of,
    echo,
    extracted,
    load,
    load_all,
    overlap,
    passages,
)
from evaluation.classification import PARAPHRASES, PRACTICE
from frontdesk.knowledge import sentences

AGENCIES = {agency.tenant.slug: agency for agency in all_agencies()}
QUESTIONS = load_all()
ANSWERABLE = [question for question in QUESTIONS if question.kind == "answerable"]
UNANSWERABLE = [question for question in QUESTIONS if question.kind == "unanswerable"]


def test_there_are_enough_questions_of_each_kind() -> None:
    for split in SPLITS:
        answerable = [question for question in load(split) if question.kind == "answerable"]
        assert len(answerable) >= 100
        assert sum(question.language != "en" for question in answerable) >= 20
        assert len(load(split)) - len(answerable) >= 60


def test_most_unanswerable_questions_are_near_misses_and_some_are_off_topic() -> None:
    notes = Counter(question.note.split(":")[0] for question in UNANSWERABLE)
    assert set(notes) == {"near miss", "off-topic"}
    assert notes["near miss"] > notes["off-topic"] >= 10


def test_unanswerable_questions_are_as_long_as_the_others_so_that_length_tells_nothing() -> None:
    lengths = [
        statistics.mean(len(content_words(q.question, q.language)) for q in kind)
        for kind in (ANSWERABLE, UNANSWERABLE)
    ]
    assert lengths[0] == pytest.approx(lengths[1], rel=0.1)


def test_every_query_type_is_asked() -> None:
    types = Counter(question.query_type for question in ANSWERABLE)
    assert set(types) == {
        "hotel_info", "pricing", "platform_help", "destination", "comparison", "booking", "general"
    }  # fmt: skip


def test_ids_and_wordings_are_unique() -> None:
    assert len({question.id for question in QUESTIONS}) == len(QUESTIONS)
    wordings = {(q.tenant, q.question.lower()) for q in QUESTIONS}
    assert len(wordings) == len(QUESTIONS)


def test_both_splits_ask_every_agency_in_every_language_answerably_and_not() -> None:
    dev, heldout = (
        {(question.tenant, question.language, question.kind) for question in load(split)}
        for split in SPLITS
    )
    assert dev == heldout


def test_the_held_out_questions_are_no_variations_of_those_that_were_learnt_from() -> None:
    practice = [
        json.loads(line)
        for file in (PRACTICE, PARAPHRASES)
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    known = [(q.tenant, content_words(q.question, q.language)) for q in load("dev")]
    known += [(q["tenant"], content_words(q["question"], q["language"])) for q in practice]
    for question in load("heldout"):
        asked = content_words(question.question, question.language)
        nearest = max(
            len(asked & words) / len(asked | words)
            for tenant, words in known
            if tenant == question.tenant and words
        )
        assert nearest < 2 / 3, question.id


@pytest.mark.parametrize("question", UNANSWERABLE, ids=lambda question: question.id)
def test_an_unanswerable_question_names_no_document(question: Question) -> None:
    assert not question.documents
    assert not question.answer_spans


@pytest.mark.parametrize("question", ANSWERABLE, ids=lambda question: question.id)
class TestAnswerable:
    def test_it_is_asked_in_the_language_of_its_document(self, question: Question) -> None:
        assert {document.language for document in documents_of(question)} == {question.language}

    def test_its_document_holds_the_answer_within_two_adjacent_sentences(
        self, question: Question
    ) -> None:
        for document in documents_of(question):
            assert any(passages(document, span) for span in question.answer_spans)
        for span in question.answer_spans:
            blocks = [text for d in documents_of(question) for text in passages(d, span)]
            assert blocks
            assert any(_sentences_spanned(text, span) <= 2 for text in blocks)

    def test_its_answer_stands_in_no_other_document(self, question: Question) -> None:
        for span in question.answer_spans:
            holders = {
                document.path.name
                for document in AGENCIES[question.tenant].documents
                if span in extracted(document).text
            }
            assert holders <= set(question.documents)

    def test_it_shares_at_most_half_its_content_words_with_the_passage(
        self, question: Question
    ) -> None:
        assert echo(question) <= MAX_OVERLAP


def test_stop_words_do_not_count_and_inflected_forms_do() -> None:
    assert content_words("How much are the rooms?", "en") == {"room"}
    assert overlap("Is parking free?", "You may park your car here.", "en") == 0.5


def test_a_french_article_is_not_part_of_the_word() -> None:
    assert content_words("l'hôtel", "fr") == content_words("hôtel", "fr")


def _sentences_spanned(text: str, span: str) -> int:
    start = text.index(span)
    end = start + len(span)
    return sum(left < end and start < right for left, right in sentences.split(text))
