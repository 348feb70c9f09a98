"""What a model said, checked against what it was shown."""

from __future__ import annotations

from frontdesk.helpdesk.citations import checked, figures, supports
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
    answer = checked("The pool is heated [1].", BOTH, "Is the pool warm?")
    assert answer is not None
    assert answer.text == "The pool is heated [1]."
    assert [(c.document_id, c.quote) for c in answer.citations] == [
        ("d-pool", "The outdoor pool is heated to 28 degrees.")
    ]


def test_invented_numbers_are_removed_and_the_sentence_stays() -> None:
    answer = checked("The pool is heated [1][7]. It is lovely there [0][99].", BOTH, "pool?")
    assert answer is not None
    assert answer.text == "The pool is heated [1]. It is lovely there."
    assert all(stands_in(citation, BOTH) for citation in answer.citations)


def test_markers_are_renumbered_in_the_order_of_the_answer() -> None:
    answer = checked(
        "Dogs cost 12 CHF a night [2]. The pool is heated [1, 2].", BOTH, "dogs, pool?"
    )
    assert answer is not None
    assert answer.text == "Dogs cost 12 CHF a night [1]. The pool is heated [2]."
    assert [c.document_id for c in answer.citations] == ["d-prices", "d-pool"]


def test_a_marker_after_the_full_stop_belongs_to_the_sentence_before_it() -> None:
    answer = checked("The pool is heated. [1] Dogs cost 12 CHF a night.[2]", BOTH, "?")
    assert answer is not None
    assert answer.text == "The pool is heated [1]. Dogs cost 12 CHF a night [2]."


def test_a_sentence_with_a_figure_that_stands_nowhere_is_taken_out() -> None:
    answer = checked("The pool is heated [1]. A suite costs 99 CHF [2].", BOTH, "pool?")
    assert answer is not None
    assert answer.text == "The pool is heated [1]."


def test_a_marker_on_the_wrong_document_does_not_hold() -> None:
    assert checked("Dogs cost 12 CHF a night [1].", BOTH, "dogs?") is None


def test_without_any_marker_that_holds_there_is_no_answer() -> None:
    assert checked("The pool is heated.", BOTH, "pool?") is None
    assert checked("The pool is heated [3].", BOTH, "pool?") is None
    assert checked("", BOTH, "pool?") is None


def test_figures_of_the_question_may_be_repeated_and_their_writing_does_not_matter() -> None:
    answer = checked("For 2 guests a double room is 1,250 CHF in August [2].", BOTH, "for 2?")
    assert answer is not None
    assert figures("1'250.00 and 1,250") == {"1250"}
    assert figures("07:30") == {"0730"}


def test_the_model_does_not_speak_about_itself() -> None:
    answer = checked("As an AI, I looked. The pool is heated [1].", BOTH, "pool?")
    assert answer is not None
    assert answer.text == "The pool is heated [1]."


def test_lists_and_paragraphs_keep_their_shape() -> None:
    answer = checked(
        "Yes:\n\n1. The pool is heated [1].\n2. Dogs cost 12 CHF a night [2].", BOTH, "?"
    )
    assert answer is not None
    assert answer.text == ("Yes:\n\n1. The pool is heated [1].\n2. Dogs cost 12 CHF a night [2].")


def test_a_translation_is_held_to_its_figures_alone() -> None:
    assert supports(PRICES, "Hunde kosten 12 CHF in der Nacht.", "Was kosten Hunde?")
    assert not supports(PRICES, "Hunde kosten 15 CHF in der Nacht.", "Was kosten Hunde?")
    assert not supports(POOL, "The golf course is nearby.", "golf?")


def test_a_long_quote_is_cut_at_a_word() -> None:
    passage = Passage("d", "T", "The pool " + "is very nice and " * 60 + "warm.", "en", 0.5)
    answer = checked("The pool is warm [1].", (passage,), "?")
    assert answer is not None
    assert len(answer.citations[0].quote) <= 400
    assert answer.citations[0].quote.endswith("…")
