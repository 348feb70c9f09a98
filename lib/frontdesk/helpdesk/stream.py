"""An answer told sentence by sentence, each once its citations are known to hold.

A sentence carries the space before it, so the texts joined are the answer's. What was told of a
generated answer is its beginning, unless the model broke off or contradicted itself: the reply at
the end counts, and replaces everything that was told before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, Field

from frontdesk.helpdesk.passages import Citation
from frontdesk.knowledge import sentences

if TYPE_CHECKING:
    from frontdesk.helpdesk.replies import AnswerReply

_MARKERS: Final = re.compile(r"(?:\s*\[\d{1,3}\])+")


class Sentence(BaseModel):
    """A sentence of an answer under way."""

    text: str = Field(description="With the space or line break before it.")
    citations: list[Citation] = Field(
        description="Those that it is the first to use; all so far, in order, count from [1]."
    )


class Teller:
    """Tells one answer. For one thread.

    Args:
        emit: takes each sentence.
    """

    def __init__(self, emit: Callable[[Sentence], None]) -> None:
        self._emit = emit
        self._told = ""
        self._cited = 0

    def tell(self, text: str, citations: Sequence[Citation]) -> None:
        """Tell the next sentence.

        Args:
            citations: of the answer so far, ``[1]`` first.
        """
        first = self._cited
        while self._cited < len(citations) and f"[{self._cited + 1}]" in text:
            self._cited += 1
        self._told += text
        self._emit(Sentence(text=text, citations=list(citations[first : self._cited])))

    def tell_rest(self, reply: AnswerReply) -> None:
        """Tell what is still untold; nothing when the reply turned out to be another answer."""
        if reply.answer.startswith(self._told):
            for text in _pieces(reply.answer[len(self._told) :]):
                self.tell(text, reply.citations)


def _pieces(text: str) -> Iterator[str]:
    """The sentences of a text with the space before each; joined, they are the text. Markers that
    follow a sentence belong to it.
    """
    start = 0
    for _, end in sentences.split(text):
        if end <= start:
            continue  # it was markers
        markers = _MARKERS.match(text, end)
        piece_end = markers.end() if markers else end
        yield text[start:piece_end]
        start = piece_end
    if text[start:]:
        yield text[start:]
