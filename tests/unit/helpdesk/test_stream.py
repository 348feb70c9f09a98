"""An answer told sentence by sentence."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import pytest

from frontdesk.helpdesk.answering import AnswerMode
from frontdesk.helpdesk.classify import QueryType
from frontdesk.helpdesk.passages import Citation
from frontdesk.helpdesk.replies import AnswerReply
from frontdesk.helpdesk.stream import Sentence, Teller

EXTRACT = (
    "From “Baggage No. 5”: One suitcase of 23 kg. Skis cost 40 EUR. [1]\n\n"
    "From “Crete”: Dogs are welcome! [2][3]"
)


def citation(number: int) -> Citation:
    return Citation(document_id=str(number), title=f"Document {number}", quote="…", score=0.5)


def reply(text: str, citations: int = 0) -> AnswerReply:
    return AnswerReply(
        answer=text,
        mode=AnswerMode.EXTRACTIVE,
        degraded=False,
        degraded_reason=None,
        citations=[citation(number + 1) for number in range(citations)],
        query_type=QueryType.GENERAL,
        conversation_id=UUID(int=1),
        answer_id=None,
        timings={},
    )


def numbers(sentences: Sequence[Sentence]) -> list[list[str]]:
    return [[c.document_id for c in sentence.citations] for sentence in sentences]


def test_a_whole_answer_is_told_in_sentences_with_their_markers() -> None:
    told: list[Sentence] = []
    Teller(told.append).tell_rest(reply(EXTRACT, citations=4))

    assert [sentence.text for sentence in told] == [
        "From “Baggage No. 5”: One suitcase of 23 kg.",
        " Skis cost 40 EUR. [1]",
        "\n\nFrom “Crete”: Dogs are welcome! [2][3]",
    ]
    # The fourth is a further document that no sentence uses: it comes with the reply alone.
    assert numbers(told) == [[], ["1"], ["2", "3"]]


@pytest.mark.parametrize(
    "text", [EXTRACT, "  Just this ", "", "1. One\n2. Two\n", "你好。再见！[1]", "[1]", "\n\n"]
)
def test_what_is_told_is_the_answer_to_the_last_space(text: str) -> None:
    told: list[Sentence] = []
    Teller(told.append).tell_rest(reply(text, citations=1))
    assert "".join(sentence.text for sentence in told) == text


def test_what_was_told_already_is_not_told_again() -> None:
    told: list[Sentence] = []
    teller = Teller(told.append)
    teller.tell("One suitcase [1].", [citation(1)])
    teller.tell(" Skis cost extra [1][2].", [citation(1), citation(2)])
    teller.tell_rest(reply("One suitcase [1]. Skis cost extra [1][2]. Dogs [3].", citations=3))

    assert [sentence.text for sentence in told[2:]] == [" Dogs [3]."]
    assert numbers(told) == [["1"], ["2"], ["3"]]


def test_another_answer_than_was_begun_comes_with_the_reply_alone() -> None:
    told: list[Sentence] = []
    teller = Teller(told.append)
    teller.tell("One suitcase [1].", [citation(1)])
    teller.tell_rest(reply(EXTRACT, citations=3))
    assert len(told) == 1
