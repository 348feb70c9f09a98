"""What a model said, checked against what it was shown."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.helpdesk.citations import SENTENCE_CHARACTERS, AnswerChecker, Checked, checked
from frontdesk.helpdesk.passages import Passage, stands_in

POOL = Passage(
    "d-pool",
    "Hotel Aurora: fact sheet",
    "The outdoor pool is heated to 28 degrees. Breakfast is served from 07:30 to 10:30.",
    "en",
    0.9,
)
PRICES = Passage(
    "d-prices",
    "Hotel Aurora: prices",
    "A double room costs 1'250.00 CHF in August. Dogs cost 12 CHF a night.",
    "en",
    0.7,
)
BOTH = (POOL, PRICES)


def test_a_supported_marker_becomes_a_citation_with_the_words_of_the_document() -> None:
    answer = checked("The pool is heated [1].", BOTH, "Is the pool warm?").answer
    assert answer is not None
    assert answer.text == "The pool is heated [1]."
    assert [(c.document_id, c.quote) for c in answer.citations] == [
        ("d-pool", "The outdoor pool is heated to 28 degrees.")
    ]


def test_invented_numbers_are_removed_and_counted_and_the_supported_sentence_stays() -> None:
    outcome = checked("The pool is heated [1][7]. Breakfast is served [0][99].", BOTH, "pool?")
    assert outcome.answer is not None
    assert outcome.answer.text == "The pool is heated [1]. Breakfast is served."
    assert (outcome.removed_markers, outcome.removed_sentences) == (3, 0)
    assert all(stands_in(citation, BOTH) for citation in outcome.answer.citations)


def test_a_sentence_that_nothing_shown_supports_is_removed_and_counted() -> None:
    outcome = checked(
        "The pool is heated [1]. Our submarine leaves daily. Ask me anything else!", BOTH, "pool?"
    )
    assert outcome.answer is not None
    assert outcome.answer.text == "The pool is heated [1]."
    assert (outcome.removed_markers, outcome.removed_sentences) == (0, 2)


def test_words_without_content_may_stand_around_a_supported_sentence() -> None:
    outcome = checked("Yes. The pool is heated [1]. It is.", BOTH, "pool?")
    assert outcome.answer is not None
    assert outcome.answer.text == "Yes. The pool is heated [1]. It is."


def test_markers_are_renumbered_in_the_order_of_the_answer() -> None:
    answer = checked(
        "Dogs cost 12 CHF a night [2]. The pool is heated [1, 2].", BOTH, "dogs, pool?"
    ).answer
    assert answer is not None
    assert answer.text == "Dogs cost 12 CHF a night [1]. The pool is heated [2]."
    assert [c.document_id for c in answer.citations] == ["d-prices", "d-pool"]


def test_a_marker_after_the_full_stop_belongs_to_the_sentence_before_it() -> None:
    answer = checked("The pool is heated. [1] Dogs cost 12 CHF a night.[2]", BOTH, "?").answer
    assert answer is not None
    assert answer.text == "The pool is heated [1]. Dogs cost 12 CHF a night [2]."


def test_a_sentence_with_a_figure_that_stands_nowhere_is_taken_out() -> None:
    answer = checked("The pool is heated [1]. A suite costs 99 CHF [2].", BOTH, "pool?").answer
    assert answer is not None
    assert answer.text == "The pool is heated [1]."


def test_a_marker_on_the_wrong_document_does_not_hold() -> None:
    assert checked("Dogs cost 12 CHF a night [1].", BOTH, "dogs?").answer is None


def test_without_any_marker_that_holds_there_is_no_answer() -> None:
    assert checked("The pool is heated.", BOTH, "pool?").answer is None
    assert checked("The pool is heated [3].", BOTH, "pool?").answer is None
    assert checked("", BOTH, "pool?").answer is None


def test_figures_of_the_question_may_be_repeated() -> None:
    text = "For 2 guests a double room is 1,250 CHF in August [2]."
    assert checked(text, BOTH, "for 2?").answer is not None
    assert checked(text, BOTH, "for us?").answer is None


def test_the_model_does_not_speak_about_itself() -> None:
    answer = checked("As an AI, I looked. The pool is heated [1].", BOTH, "pool?").answer
    assert answer is not None
    assert answer.text == "The pool is heated [1]."


def test_lists_and_paragraphs_keep_their_shape() -> None:
    answer = checked(
        "Yes:\n\n1. The pool is heated [1].\n2. Dogs cost 12 CHF a night [2].", BOTH, "?"
    ).answer
    assert answer is not None
    assert answer.text == ("Yes:\n\n1. The pool is heated [1].\n2. Dogs cost 12 CHF a night [2].")


def test_a_long_quote_is_cut_at_a_word() -> None:
    passage = Passage("d", "T", "The pool " + "is very nice and " * 60 + "warm.", "en", 0.5)
    answer = checked("The pool is warm [1].", (passage,), "?").answer
    assert answer is not None
    assert len(answer.citations[0].quote) <= 400
    assert answer.citations[0].quote.endswith("…")


@pytest.mark.parametrize(
    "said", ["NO_ANSWER", "NO_ANSWER. Pool [1].", " NO_ANSWER.", "**NO_ANSWER**", "No.\nNO_ANSWER"]
)
def test_a_model_that_finds_no_answer_is_recognised_before_anything_is_shown(said: str) -> None:
    checker = AnswerChecker(BOTH, "golf?")
    assert [sentence for letter in said for sentence in checker.feed(letter)] == []
    assert checker.finish() == Checked(None, refused=True)


def test_what_holds_stays_when_the_model_goes_on_to_find_no_answer() -> None:
    outcome = checked("The pool is heated [1].\nNO_ANSWER", BOTH, "pool? golf?")
    assert outcome.answer is not None
    assert (outcome.answer.text, outcome.refused) == ("The pool is heated [1].", False)


def test_a_sentence_about_finding_no_answer_is_neither_shown_nor_a_refusal() -> None:
    outcome = checked("The pool, say NO_ANSWER, is heated [1]. Yes [1].", BOTH, "pool?")
    assert outcome == Checked(None, removed_markers=2, removed_sentences=1)


def test_a_sentence_is_released_as_soon_as_its_end_and_its_markers_are_known() -> None:
    checker = AnswerChecker(BOTH, "pool? dogs?")
    assert checker.feed("The pool is heated. ") == [], "a marker may follow"
    assert checker.feed("[1] Dogs") == []
    assert checker.feed(" cost 12 CHF a") == ["The pool is heated [1]."]
    assert checker.feed(" night [2].\n") == [" Dogs cost 12 CHF a night [2]."]
    assert checker.finish().removed_sentences == 0


def test_nothing_is_released_before_the_first_marker_held() -> None:
    checker = AnswerChecker(BOTH, "pool?")
    assert checker.feed("Yes.\nBreakfast is served.\n") == []
    assert checker.feed("The pool is heated [1].\n") == [
        "Yes.",
        "\nBreakfast is served.",
        "\nThe pool is heated [1].",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "The pool is heated to approx. 28 degrees [1].",
        "The pool (heated, e.g. in winter) has 28 degrees [1].",
        'The pool is "heated." [1]',
        "The pool is heated… to 28 degrees [1].",
    ],
)
def test_a_full_stop_inside_of_a_sentence_does_not_end_it(text: str) -> None:
    answer = checked(text, BOTH, "pool?").answer
    assert answer is not None
    assert len(answer.citations) == 1


def test_sentences_of_unspaced_scripts_are_told_apart_and_not_spaced() -> None:
    passage = Passage("d", "酒店", "泳池水温28度。早餐从七点开始。", "zh", 0.9)
    answer = checked(
        "泳池水温28度。[1]早餐从七点开始[1]。房价99元[1]。", (passage,), "泳池?"
    ).answer
    assert answer is not None
    assert answer.text == "泳池水温28度 [1]。早餐从七点开始 [1]。"


def test_a_sentence_that_never_ends_is_not_kept_in_memory_and_not_shown() -> None:
    checker = AnswerChecker(BOTH, "pool?")
    assert checker.feed("The pool is heated [1].\n") == ["The pool is heated [1]."]
    for _ in range(1_000):
        assert checker.feed("pool heated to 28 degrees and ") == []
        assert len(checker._line) <= SENTENCE_CHARACTERS + 200
    checker.feed("x" * 10_000 + "\nDogs cost 12 CHF a night [2].")
    outcome = checker.finish()
    assert outcome.answer is not None
    assert outcome.answer.text == "The pool is heated [1].\nDogs cost 12 CHF a night [2]."
    assert outcome.removed_sentences == 1


PIECES = (
    *("The pool is heated", "Dogs cost 12 CHF a night", "A suite costs 99 CHF", "Yes", "e.g. "),
    *(" [1]", "[2]", "[3]", " [1, 2]", "[", "]", "[12", "【2】", ".", "!", "…", "。", ' "', "”"),
    *(" ", "\n", "\n\n", "\r\n", "\u2028", "\u200b", "\t", "1. ", "- ", "28", "3. Mai ", "NO_"),
    *("ANSWER", "As an AI, ", "https://evil.example/?q=1 ", "泳池", "x" * 300, "word " * 250),
)


@given(st.lists(st.sampled_from(PIECES), max_size=20), st.randoms(use_true_random=False))
def test_how_an_answer_is_cut_into_pieces_changes_nothing(
    parts: list[str], chance: random.Random
) -> None:
    text = "".join(parts)
    checker = AnswerChecker(BOTH, "pool?", "Speak of nothing but the pool and the dogs of guests.")
    released, start = "", 0
    while start < len(text):
        end = start + chance.choice((1, 2, 3, 5, 40))
        released += "".join(checker.feed(text[start:end]))
        start = end
    outcome = checker.finish()
    whole = checked(text, BOTH, "pool?", "Speak of nothing but the pool and the dogs of guests.")
    assert outcome == whole
    assert not (outcome.refused and outcome.answer)
    if outcome.answer is not None:
        assert outcome.answer.text.startswith(released)
        assert outcome.answer.text == outcome.answer.text.strip()
        assert outcome.answer.citations
    else:
        assert released == ""


def test_a_thousand_answers_that_invent_citations_cite_nothing_that_was_not_retrieved() -> None:
    chance = random.Random(20_261_125)
    pool = [
        Passage(
            f"d-{number}",
            f"Fact sheet {number}",
            f"Hotel number {number} has a pool of {number} metres. Dogs cost {number} CHF there.",
            "en",
            0.5,
        )
        for number in range(1, 31)
    ]
    answers = invented = 0
    for _ in range(1_000):
        shown = chance.sample(pool, chance.randint(1, 8))
        sentences: list[str] = []
        for _ in range(chance.randint(1, 6)):
            about = chance.choice((*shown, chance.choice(pool)))
            subject = chance.choice(("has a pool of {0} metres", "takes dogs for {0} CHF"))
            markers = "".join(f"[{chance.randint(0, 12)}]" for _ in range(chance.randint(0, 3)))
            figure = about.document_id.removeprefix("d-")
            sentences.append(f"Hotel number {figure} {subject.format(figure)} {markers}.")
        outcome = checked(" ".join(sentences), shown, "pools and dogs?")
        invented += outcome.removed_markers
        if outcome.answer is None:
            continue
        answers += 1
        numbers = {int(n) for n in re.findall(r"\[(\d+)\]", outcome.answer.text)}
        assert numbers == set(range(1, len(outcome.answer.citations) + 1))
        assert all(stands_in(citation, shown) for citation in outcome.answer.citations)
    assert answers > 200
    assert invented > 2_000
