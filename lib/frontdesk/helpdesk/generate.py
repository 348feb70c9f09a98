"""A generated answer: asks the language model, checks what it says, or explains why there is none.

The model's share of the time ends early enough for the extractive answer and for storing it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from frontdesk.helpdesk.citations import checked
from frontdesk.helpdesk.prompt import NO_ANSWER, build_prompt
from frontdesk.platform.llm import Message, ModelUnavailable
from frontdesk.platform.resilience import Deadline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from frontdesk.helpdesk.classify import AnswerParameters
    from frontdesk.helpdesk.passages import Answer, Passage
    from frontdesk.helpdesk.prompt import Turn
    from frontdesk.platform.clock import Clock
    from frontdesk.platform.llm import LanguageModel, Usage

RESERVED_SECONDS: Final = 3.0
"""Kept back from the model: the fallback and the command that stores the answer need time too."""


class Shortfall(StrEnum):
    """Why a model that did answer gave no answer that can be shown."""

    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Generation:
    """What came of asking the model; exactly one of the first three says something.

    Attributes:
        answer: checked, with citations.
        refused: the model found no answer in the documents.
        shortfall: why there is neither: the reason of ``ModelUnavailable``, or ``unsupported``.
        usage: tokens that it cost; None when the model gave no answer.
    """

    answer: Answer | None = None
    refused: bool = False
    shortfall: str | None = None
    usage: Usage | None = None


def generate(
    model: LanguageModel,
    question: str,
    passages: Sequence[Passage],
    parameters: AnswerParameters,
    *,
    request_id: str,
    history: Sequence[Turn],
    deadline: Deadline,
    clock: Clock,
) -> Generation:
    """Ask the model over these passages, best first."""
    prompt = build_prompt(question, passages, request_id=request_id, history=history)
    messages = [
        Message("system", prompt.system),
        *(Message(turn.role, turn.text) for turn in prompt.turns),
    ]
    until = Deadline.after(max(0.0, deadline.remaining() - RESERVED_SECONDS), clock)
    try:
        completion = model.chat(
            messages,
            temperature=parameters.temperature,
            max_tokens=parameters.max_tokens,
            deadline=until,
        )
    except ModelUnavailable as failure:
        return Generation(shortfall=failure.reason)
    if NO_ANSWER in completion.text:
        return Generation(refused=True, usage=completion.usage)
    answer = checked(completion.text, prompt.passages, question)
    if answer is None:
        return Generation(shortfall=Shortfall.UNSUPPORTED, usage=completion.usage)
    return Generation(answer=answer, usage=completion.usage)
