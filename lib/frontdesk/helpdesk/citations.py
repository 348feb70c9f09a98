"""Checks what a language model says against the passages it was shown, while it says it.

A sentence is shown when its markers were checked. A marker survives when its number was shown and
the sentence can rest on that passage (`frontdesk.helpdesk.support`). A sentence is taken out when
it has a figure or an address that stands nowhere, when nothing shown supports it, or when it speaks
about the model or its instructions (`frontdesk.helpdesk.forbidden`). What is left without any
marker is no answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from frontdesk.helpdesk.forbidden import Forbidden
from frontdesk.helpdesk.passages import Answer, citation_of
from frontdesk.helpdesk.prompt import NO_ANSWER, visible
from frontdesk.helpdesk.support import Claim, Support, nearest_sentence
from frontdesk.knowledge import sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from frontdesk.helpdesk.passages import Citation, Passage

SENTENCE_CHARACTERS: Final = 1_000
"""A longer sentence is none; it is taken out with the rest of its line, so memory is bounded."""

_MARKER: Final = re.compile(r"\s*[\[【](\d{1,3}(?:\s*[,;]\s*\d{1,3})*)[\]】]")
_MARKERS_AFTER_THE_STOP: Final = re.compile(
    r"([.!?…。！？]+[\"'»”’)」』）*_]*)((?:\s*[\[【][\d,;\s]+[\]】])+)"
)
_BEGUN_MARKER: Final = re.compile(r"\s*[\[【][\d,;\s]*$")
_LIST_MARK: Final = re.compile(r"\s*(\d{1,2}[.)]\s+|[-*•]\s+)")
_REFUSAL: Final = re.compile(rf"\W*{NO_ANSWER}\b")
_STOPS: Final = ".!?…。！？"
_STOPS_WITHOUT_SPACE: Final = "。！？"
_LONGEST_WORD: Final = 200
_LOOKAHEAD: Final = 12
"""Characters after a stop that tell whether it ends the sentence: a month may follow "3."."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What is left of a model's answer.

    Attributes:
        answer: None when no marker held, or when the model found no answer.
        removed_markers: that did not hold, or stood in a sentence that was taken out.
        removed_sentences: that nothing supports, or that no answer may hold.
        refused: the model said `NO_ANSWER`, and nothing before it that holds.
    """

    answer: Answer | None
    removed_markers: int = 0
    removed_sentences: int = 0
    refused: bool = False


def checked(
    text: str, passages: Sequence[Passage], question: str, instructions: str = ""
) -> Checked:
    """Check an answer that is there as a whole; as `AnswerChecker`, fed once."""
    checker = AnswerChecker(passages, question, instructions)
    checker.feed(text)
    return checker.finish()


class AnswerChecker:
    """Checks an answer piece by piece. For one answer, not for several threads.

    How the text is cut into pieces changes nothing: it is read word by word.

    Args:
        passages: what the model was shown, ``[1]`` first.
        question: its figures may be repeated.
        instructions: the system message, which may not be.
    """

    def __init__(self, passages: Sequence[Passage], question: str, instructions: str = "") -> None:
        self._passages = passages
        self._support = Support(passages, question)
        self._forbidden = Forbidden(instructions)
        self._word = ""  # not yet ended
        self._line = ""  # of the current line, what is not yet decided
        self._list_mark: str | None = None  # of the current line; None until it can be told
        self._line_is_blank = True
        self._line_is_shown = False  # in part
        self._line_is_endless = False
        self._paragraph_ended = False
        self._kept: list[str] = []
        self._released = 0  # of them
        self._cited: list[int] = []
        self._quotes: dict[int, str] = {}
        self._removed_markers = 0
        self._removed_sentences = 0
        self._refused = False

    def feed(self, piece: str) -> list[str]:
        """The sentences that may be shown now, each with the space or line break before it.

        Nothing is shown before the first marker held; from then on there will be an answer, and all
        that was returned, joined, is the beginning of its text.
        """
        for word in self._words(piece):
            self._read(word)
        if not self._cited:
            return []
        released = self._kept[self._released :]
        self._released = len(self._kept)
        return released

    @property
    def citations(self) -> tuple[Citation, ...]:
        """What the markers of the sentences so far point at, ``[1]`` first."""
        return tuple(citation_of(self._passages[n - 1], self._quotes[n]) for n in self._cited)

    def finish(self) -> Checked:
        """The answer, once the model has said everything; call it once."""
        self._read(self._word + "\n")
        answer = None
        if self._cited:
            answer = Answer("".join(self._kept), self.citations)
        return Checked(answer, self._removed_markers, self._removed_sentences, self._refused)

    def _words(self, piece: str) -> Iterator[str]:
        """Words with the space that ends them; the last one waits for its end."""
        for character in visible(piece):
            self._word += character
            if (
                character.isspace()
                or character in _STOPS_WITHOUT_SPACE
                or len(self._word) >= _LONGEST_WORD
            ):
                word, self._word = self._word, ""
                yield word

    def _read(self, word: str) -> None:
        self._line += word
        line_ended = word.endswith("\n")
        if self._line_is_endless or self._refused:
            self._line = ""
        else:
            self._decide(line_ended=line_ended)
        if line_ended:
            self._paragraph_ended |= self._line_is_blank
            self._line, self._list_mark = "", None
            self._line_is_blank, self._line_is_shown, self._line_is_endless = True, False, False

    def _decide(self, *, line_ended: bool) -> None:
        """Check the sentences that are known to have ended."""
        if self._list_mark is None:
            if len(self._line.lstrip()) < _LOOKAHEAD and not line_ended:
                return
            listed = _LIST_MARK.match(self._line)
            self._list_mark = listed[1] if listed else ""
            self._line = self._line[listed.end() if listed else 0 :]
            self._line_is_blank = not (self._list_mark or self._line.strip())
        if line_ended or any(stop in self._line for stop in _STOPS):
            self._check_ended(line_ended=line_ended)
        if len(self._line) > SENTENCE_CHARACTERS:
            self._removed_sentences += 1
            self._removed_markers += len(_numbers(self._line))
            self._line_is_endless = True

    def _check_ended(self, *, line_ended: bool) -> None:
        body = _MARKERS_AFTER_THE_STOP.sub(r"\2\1", self._line)  # as long as it was
        done = 0
        for start, end in sentences.split(body):
            rest = body[end:]
            if not line_ended and (len(rest.lstrip()) < _LOOKAHEAD or _BEGUN_MARKER.match(rest)):
                break
            if self._refused:
                return
            self._check(body[start:end], space=" " if start > done else "")
            done = end
        self._line = self._line[done:]

    def _check(self, sentence: str, *, space: str) -> None:
        claim = Claim(_MARKER.sub("", sentence).strip())
        if not self._cited and _REFUSAL.match(claim.text):
            self._refused = True
            return
        numbers = _numbers(sentence)
        holding = [n for n in dict.fromkeys(numbers) if self._support.holds(n, claim)]
        if not self._may_stand(claim, holding):
            self._removed_sentences += bool(claim.text.strip(_STOPS))
            self._removed_markers += len(numbers)
            return
        self._removed_markers += sum(number not in holding for number in numbers)
        for number in holding:
            if number not in self._cited:
                self._cited.append(number)
                self._quotes[number] = nearest_sentence(self._passages[number - 1], claim.text)
        self._keep(claim.text, [self._cited.index(number) + 1 for number in holding], space)

    def _may_stand(self, claim: Claim, holding: Sequence[int]) -> bool:
        """Whether the sentence may be shown with the markers that hold, or without any."""
        return (
            bool(claim.text.strip(_STOPS))
            and NO_ANSWER not in claim.text
            and not self._forbidden.stands_in(claim.text)
            and self._support.has_literals_of(claim)
            and (bool(holding) or self._support.holds_unmarked(claim))
        )

    def _keep(self, said: str, markers: list[int], space: str) -> None:
        if self._line_is_shown:
            before = space
        else:
            before = ("\n\n" if self._paragraph_ended else "\n") if self._kept else ""
            before += self._list_mark or ""
        self._kept.append(before + _with_markers(said, markers))
        self._forbidden.keep(said)
        self._line_is_shown, self._paragraph_ended = True, False


def _numbers(sentence: str) -> list[int]:
    groups = (match[1] for match in _MARKER.finditer(sentence))
    return [int(number) for group in groups for number in re.findall(r"\d+", group)]


def _with_markers(sentence: str, numbers: list[int]) -> str:
    if not numbers:
        return sentence
    body = sentence.rstrip(_STOPS)
    return f"{body} {''.join(f'[{number}]' for number in numbers)}{sentence[len(body) :]}"
