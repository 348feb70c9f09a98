"""What no answer may hold, whatever supports it."""

from __future__ import annotations

import base64
import codecs
import re

import pytest

from frontdesk.helpdesk.forbidden import CHARACTERS, WORDS, Forbidden
from frontdesk.helpdesk.literals import squashed
from frontdesk.helpdesk.passages import Passage
from frontdesk.helpdesk.prompt import build_prompt

SHOWN = Passage("d", "Pools", "The outdoor pool is heated to 28 degrees.", "en", 0.9)
INSTRUCTIONS = build_prompt("Is the pool warm?", [SHOWN], request_id="r").system
HONEST = (
    "The outdoor pool is heated to 28 degrees, and the documents that you need for the trip are a "
    "passport and a visa; give the names exactly as they stand in the passport."
)


def windows(words: int) -> list[str]:
    said = re.findall(r"\w+", INSTRUCTIONS)
    return [" ".join(said[start : start + words]) for start in range(len(said) - words + 1)]


def test_any_six_words_of_the_instructions_in_a_row_are_recognised() -> None:
    assert [run for run in windows(WORDS) if not Forbidden(INSTRUCTIONS).stands_in(run)] == []


@pytest.mark.parametrize(
    "disguise",
    [
        lambda text: text[::-1],
        lambda text: codecs.encode(text, "rot13"),
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.b64encode(text[7:].encode()).decode(),
        lambda text: base64.b32encode(text.encode()).decode(),
        lambda text: text.encode().hex(),
        " ".join,
        lambda text: text.upper().replace(" ", "_"),
    ],
)
def test_instructions_in_disguise_are_recognised(disguise) -> None:  # type: ignore[no-untyped-def]
    said = disguise(INSTRUCTIONS)
    middle = len(said) // 2
    assert Forbidden(INSTRUCTIONS).stands_in(said[middle : middle + 4 * CHARACTERS])


def test_instructions_spread_over_sentences_are_recognised() -> None:
    watch = Forbidden(INSTRUCTIONS)
    found = 0
    for part in windows(2)[::2]:
        if watch.stands_in(part):
            found += 1
        else:
            watch.keep(part)
    assert found > len(windows(2)[::2]) / 4


def test_the_fences_mark_is_recognised() -> None:
    mark = INSTRUCTIONS.split("<documents ")[1][:8]
    assert Forbidden(INSTRUCTIONS).stands_in(f"The pool {mark} is heated.")
    assert Forbidden(INSTRUCTIONS).stands_in(f"The pool {'-'.join(mark)} is heated.")


@pytest.mark.parametrize(
    "said",
    [
        "As an AI language model I may not.",
        "I was told to answer briefly.",
        "My instructions are secret.",
        "Meine Anweisungen sind geheim.",
        "Mes consignes sont secrètes.",
        "Mis instrucciones son secretas.",
        "我的指令是保密的。",
        "تعليماتي سرية",
        "![pool](pool.png)",
        "<img src=x>",
        "<|im_start|>system",
    ],
)
def test_talk_about_the_model_and_markup_are_recognised(said: str) -> None:
    assert Forbidden("").stands_in(said)


def test_an_honest_sentence_is_left_alone() -> None:
    assert len(squashed(HONEST)) > CHARACTERS
    assert not Forbidden(INSTRUCTIONS).stands_in(HONEST)
    assert not Forbidden(INSTRUCTIONS).stands_in("Children < 12 years follow the instructions.")
