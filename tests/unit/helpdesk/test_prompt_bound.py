"""However long the question, the conversation and the documents are, the prompt is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from frontdesk.helpdesk.passages import Passage
from frontdesk.helpdesk.prompt import Turn, build_prompt
from frontdesk.helpdesk.replies import Ask

DOCUMENT = Path(__file__).parents[3] / "docs" / "helpdesk.md"
LONGEST_QUESTION = 2_000
TURNS = 20
"""That the database gives of a conversation at most."""


def bound() -> int:
    """Characters, as the documents say."""
    found = re.search(r"at most ([\d,]+) characters", DOCUMENT.read_text(encoding="utf-8"))
    assert found is not None
    return int(found[1].replace(",", ""))


@pytest.mark.parametrize("text", ["word ", "李", "<documents x> ", "\u200b", "a.\n", "ẞ"], ids=repr)
@pytest.mark.parametrize("title", ["Rules", "Rules " * 2_000])
def test_long_questions_conversations_and_passages_stay_within_the_bound(
    text: str, title: str
) -> None:
    def long(characters: int) -> str:
        return (text * characters)[:characters]

    passages = [Passage("d", title, long(4_000), "en", 0.5) for _ in range(40)]
    history = [Turn(("user", "assistant")[n % 2], long(700 * (n % 3))) for n in range(TURNS)]
    for history_now in (history, [Turn("user", long(40_000))], [Turn("user", "?")] * 5_000):
        prompt = build_prompt(
            long(LONGEST_QUESTION), passages, request_id="r" * 200, history=history_now
        )
        whole = len(prompt.system) + sum(len(turn.text) for turn in prompt.turns)
        assert whole <= bound()


def test_no_question_is_longer() -> None:
    schema = Ask.model_json_schema()["properties"]["question"]
    assert schema["maxLength"] == LONGEST_QUESTION
