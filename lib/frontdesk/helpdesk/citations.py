"""Checks what a language model said against the passages it was shown.

A marker survives when its number was shown and the sentence can come from that passage: every
figure of the sentence stands there (or in the question), and unless the languages differ some of
its words do. A sentence with a figure that stands nowhere is taken out: a price that no document
has is worse than no price. What is left without any marker is no answer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from frontdesk.helpdesk.passages import Answer, citation_of
from frontdesk.knowledge import language, sentences
from frontdesk.knowledge.tokens import query_terms, tokenize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from frontdesk.helpdesk.passages import Passage

_MARKER: Final = re.compile(r"\s*[\[【](\d{1,3}(?:\s*[,;]\s*\d{1,3})*)[\]】]")
_MARKERS_AFTER_THE_STOP: Final = re.compile(r"([.!?…。！？])((?:\s*[\[【][\d,;\s]+[\]】])+)")
_LIST_NUMBER: Final = re.compile(r"^(\d{1,2}[.)]\s+|[-*•]\s+)?(.*)$")
_FIGURE: Final = re.compile(r"\d+(?:[.,:'’\u202f\u00a0]\d+)*")
_ABOUT_ITSELF: Final = re.compile(r"\bas an? (ai|artificial|language model)\b", re.IGNORECASE)
_SHARED_WORDS: Final = 0.2
"""Of a sentence's content words, those that its passage must share; a paraphrase shares few."""


def checked(text: str, passages: Sequence[Passage], question: str) -> Answer | None:
    """The answer with the markers that hold, renumbered in their order, or None without any.

    Args:
        text: what the model said.
        passages: what it was shown, ``[1]`` first.
        question: figures of the question may be repeated.
    """
    cited: list[int] = []
    quotes: dict[int, str] = {}
    lines: list[str] = []
    for line in _MARKERS_AFTER_THE_STOP.sub(r"\2\1", text.strip()).splitlines():
        kept: list[str] = []
        listed = _LIST_NUMBER.match(line.strip())
        mark, body = (listed[1] or "", listed[2]) if listed else ("", line.strip())
        for start, end in sentences.split(body):
            said = _MARKER.sub("", body[start:end]).strip()
            if not _may_stay(said, passages, question):
                continue
            numbers = [
                number
                for number in dict.fromkeys(_numbers(body[start:end]))
                if 1 <= number <= len(passages) and supports(passages[number - 1], said, question)
            ]
            for number in numbers:
                quotes.setdefault(number, nearest_sentence(passages[number - 1], said))
            cited += [number for number in numbers if number not in cited]
            kept.append(_with_markers(said, [cited.index(number) + 1 for number in numbers]))
        if kept or not line.strip():
            lines.append(mark + " ".join(kept))
    if not cited:
        return None
    answer = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return Answer(
        answer, tuple(citation_of(passages[number - 1], quotes[number]) for number in cited)
    )


def supports(passage: Passage, sentence: str, question: str) -> bool:
    """Whether the sentence can rest on that passage."""
    if not figures(sentence) <= figures(f"{passage.title}\n{passage.text}\n{question}"):
        return False
    if language.detect(sentence, default=passage.language) != passage.language:
        return True  # translated words can't be compared; the figures were
    terms = query_terms(sentence, (passage.language,))
    known = set(tokenize(f"{passage.title} {passage.text}", passage.language))
    shared = sum(any(variant in known for variant in term.variants) for term in terms)
    return shared >= max(1, round(_SHARED_WORDS * len(terms)))


def nearest_sentence(passage: Passage, said: str) -> str:
    """The passage's sentence that shares most with what was said: what a citation quotes."""
    terms = query_terms(said, (passage.language,))

    def shared(quote: str) -> int:
        tokens = set(tokenize(quote, passage.language))
        words = sum(any(variant in tokens for variant in term.variants) for term in terms)
        return words + 2 * len(figures(quote) & figures(said))

    spans = sentences.split(passage.text) or [(0, len(passage.text))]
    return max((passage.text[start:end] for start, end in spans), key=shared)


def figures(text: str) -> set[str]:
    """The numbers in a text without their marks: 1'200.50 is 120050, and 120.00 is 120."""
    return {
        re.sub(r"\D", "", re.sub(r"[.,]0{1,2}$", "", match[0])) for match in _FIGURE.finditer(text)
    }


def _may_stay(sentence: str, passages: Sequence[Passage], question: str) -> bool:
    if not sentence or _ABOUT_ITSELF.search(sentence):
        return False
    known = figures(question).union(
        *(figures(f"{passage.title}\n{passage.text}") for passage in passages)
    )
    return figures(sentence) <= known


def _numbers(sentence: str) -> list[int]:
    groups = (match[1] for match in _MARKER.finditer(sentence))
    return [int(number) for group in groups for number in re.findall(r"\d+", group)]


def _with_markers(sentence: str, numbers: list[int]) -> str:
    if not numbers:
        return sentence
    body = sentence.rstrip(".!?…。！？")
    return f"{body} {''.join(f'[{number}]' for number in numbers)}{sentence[len(body) :]}"
