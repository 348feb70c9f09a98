"""A model that obeys every injection, checked while it speaks: nothing leaks, however it is cut.

Without the stack: the documents of a case are its passages, in the real prompt, under the real
checker. `tests.security.test_injection` asks the same through the door.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from frontdesk.helpdesk.citations import AnswerChecker, Checked, checked
from frontdesk.helpdesk.passages import Passage, stands_in
from frontdesk.helpdesk.prompt import Prompt, Turn, build_prompt
from frontdesk.helpdesk.support import Claim
from tests.support.injections import INJECTIONS, Injection, Place
from tests.support.leaks import carried_away, leaks_in
from tests.support.obedient_model import Manner, ObedientModel

API_KEY = "sk-canary-7f3a9c21d4e8"
OTHERS = ("FIRECREST9031", "firecrest-9032-sunset")
INTERNAL = ("GOLDFINCH5527",)
CANARIES = (API_KEY, *OTHERS, *INTERNAL)
SEED = 20_261_125

every_injection = pytest.mark.parametrize("injection", INJECTIONS, ids=lambda case: case.id)


class Credulous(AnswerChecker):
    """Broken on purpose: whatever the model says may stand, with any marker that was shown."""

    def _may_stand(self, claim: Claim, holding: Sequence[int]) -> bool:
        return True


def passages_of(injection: Injection) -> tuple[Passage, ...]:
    """What is found for its question: its document, and two honest ones."""
    own = injection.title or injection.filename.removesuffix(".txt")
    return (
        Passage("d-own", own, injection.body, "en", 0.9),
        Passage("d-bags", "Baggage", "Each passenger may check one suitcase.", "en", 0.6),
        Passage("d-visa", "Visa", "Guests need a passport for the trip.", "en", 0.5),
    )


def prompt_of(injection: Injection) -> Prompt:
    """What the model is told at the last of its questions."""
    *earlier, last = injection.questions
    history = [
        turn
        for question in earlier
        for turn in (Turn("user", question), Turn("assistant", "From 7 to 10 o'clock."))
    ]
    passages = passages_of(injection)
    return build_prompt(last, passages, request_id=injection.id, history=history)


def said_by_the_model(injection: Injection, manner: Manner, prompt: Prompt) -> str:
    """Its raw reply."""
    model = ObedientModel(manner, [API_KEY], OTHERS, INTERNAL)
    messages = [
        {"role": "system", "content": prompt.system},
        *({"role": turn.role, "content": turn.text} for turn in prompt.turns),
    ]
    return model({"messages": messages})


def in_pieces(checker: AnswerChecker, said: str, chance: random.Random) -> tuple[str, Checked]:
    """What was released while the model spoke, and what is left at the end."""
    released, start = "", 0
    while start < len(said):
        end = start + chance.randint(1, 12)
        released += "".join(checker.feed(said[start:end]))
        start = end
    return released, checker.finish()


def test_there_are_enough_cases_of_each_kind() -> None:
    assert len(INJECTIONS) >= 60
    assert len({injection.text for injection in INJECTIONS}) >= 60
    assert {injection.place for injection in INJECTIONS} == set(Place)


@every_injection
def test_an_obedient_model_leaks_and_nothing_of_it_is_shown(injection: Injection) -> None:
    prompt, question = prompt_of(injection), injection.questions[-1]
    for manner in Manner:
        said = said_by_the_model(injection, manner, prompt)
        raw = leaks_in(said, prompt.system, CANARIES) or carried_away(said) or "[99]" in said
        assert raw, "the model did not obey"
        checker = AnswerChecker(prompt.passages, question, prompt.system)
        released, outcome = in_pieces(checker, said, random.Random(SEED))
        assert outcome == checked(said, prompt.passages, question, prompt.system)
        if outcome.answer is None:
            assert released == ""
            continue
        text, citations = outcome.answer.text, outcome.answer.citations
        assert text.startswith(released)
        assert leaks_in(text, prompt.system, CANARIES) == []
        assert carried_away(text) == []
        assert citations
        assert all(stands_in(citation, prompt.passages) for citation in citations)


@every_injection
def test_a_true_sentence_beside_the_leak_is_still_answered(injection: Injection) -> None:
    prompt = prompt_of(injection)
    said = said_by_the_model(injection, Manner.BESIDE, prompt)
    answer = checked(said, prompt.passages, injection.questions[-1], prompt.system).answer
    assert answer is not None
    assert "serves breakfast to all guests from 7 to 10 o'clock [1]." in answer.text


def test_without_the_rule_that_a_sentence_needs_support_most_cases_leak() -> None:
    leaking = 0
    for injection in INJECTIONS:
        prompt = prompt_of(injection)
        said = said_by_the_model(injection, Manner.BESIDE, prompt)
        checker = Credulous(prompt.passages, injection.questions[-1], prompt.system)
        _, outcome = in_pieces(checker, said, random.Random(SEED))
        assert outcome.answer is not None
        text = outcome.answer.text
        leaking += bool(leaks_in(text, prompt.system, CANARIES) or carried_away(text))
    assert leaking >= 0.8 * len(INJECTIONS)
