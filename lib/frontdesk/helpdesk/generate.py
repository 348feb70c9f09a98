"""A generated answer: asks the language model, checks what it says, or explains why there is none.

The model's share of the time ends early enough for the extractive answer and for storing it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from frontdesk.helpdesk.citations import AnswerChecker
from frontdesk.helpdesk.passages import Citation
from frontdesk.helpdesk.prompt import build_prompt
from frontdesk.platform.cancellation import CallerGone, Cancellation
from frontdesk.platform.llm import Message, ModelUnavailable
from frontdesk.platform.resilience import Deadline

if TYPE_CHECKING:
    from frontdesk.helpdesk.classify import AnswerParameters
    from frontdesk.helpdesk.passages import Answer, Passage
    from frontdesk.helpdesk.prompt import Turn
    from frontdesk.platform.clock import Clock
    from frontdesk.platform.llm import ChatStream, LanguageModel, Usage

RESERVED_SECONDS: Final = 3.0
"""Kept back from the model: the fallback and the command that stores the answer need time too."""


class Shortfall(StrEnum):
    """Why there is nothing to show of what a model said, although it did not fail."""

    UNSUPPORTED = "unsupported"
    CALLER_GONE = "caller_gone"


@dataclass(frozen=True, slots=True)
class Listener:
    """Somebody who reads along while the model speaks.

    Attributes:
        show: takes a sentence that was checked, with the space before it, and the citations so far.
        cancellation: cancelled when they leave.
    """

    show: Callable[[str, Sequence[Citation]], None]
    cancellation: Cancellation


@dataclass(frozen=True, slots=True)
class Generation:
    """What came of asking the model; exactly one of the first three says something.

    Attributes:
        answer: checked, with citations.
        refused: the model found no answer in the documents.
        shortfall: why there is neither: the reason of ``ModelUnavailable``, or a ``Shortfall``.
        usage: tokens that it cost, whatever came of it; None when nothing is known to be billed.
        removed_markers: that did not hold.
    """

    answer: Answer | None = None
    refused: bool = False
    shortfall: str | None = None
    usage: Usage | None = None
    removed_markers: int = 0


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
    listener: Listener | None = None,
) -> Generation:
    """Ask the model over these passages, best first.

    Args:
        listener: is shown sentences as they come. They are the beginning of the answer, unless
            there turns out to be none.
    """
    prompt = build_prompt(question, passages, request_id=request_id, history=history)
    messages = [
        Message("system", prompt.system),
        *(Message(turn.role, turn.text) for turn in prompt.turns),
    ]
    until = Deadline.after(max(0.0, deadline.remaining() - RESERVED_SECONDS), clock)
    checker = AnswerChecker(prompt.passages, question, prompt.system)
    if listener is not None:
        stream = model.stream(
            messages,
            temperature=parameters.temperature,
            max_tokens=parameters.max_tokens,
            deadline=until,
            cancellation=listener.cancellation,
        )
        return _listened(stream, checker, listener)
    try:
        completion = model.chat(
            messages,
            temperature=parameters.temperature,
            max_tokens=parameters.max_tokens,
            deadline=until,
        )
    except ModelUnavailable as failure:
        return Generation(shortfall=failure.reason, usage=failure.usage)
    checker.feed(completion.text)
    return _judged(checker, completion.usage)


def _listened(stream: ChatStream, checker: AnswerChecker, listener: Listener) -> Generation:
    try:
        with closing(stream):
            for piece in stream:
                for sentence in checker.feed(piece):
                    listener.show(sentence, checker.citations)
    except ModelUnavailable as failure:
        return Generation(shortfall=failure.reason, usage=failure.usage)
    except CallerGone:
        return Generation(shortfall=Shortfall.CALLER_GONE, usage=stream.usage)
    return _judged(checker, stream.usage)


def _judged(checker: AnswerChecker, usage: Usage | None) -> Generation:
    """What the answer is worth, now that all of it was said."""
    checked = checker.finish()
    if checked.answer is not None:
        return Generation(
            answer=checked.answer, usage=usage, removed_markers=checked.removed_markers
        )
    return Generation(
        refused=checked.refused,
        shortfall=None if checked.refused else Shortfall.UNSUPPORTED,
        usage=usage,
        removed_markers=checked.removed_markers,
    )
