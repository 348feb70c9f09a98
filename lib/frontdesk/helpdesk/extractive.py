"""An answer made of the documents' own sentences: nothing is invented, each is cited.

The best sentence opens, under the title of its document; sentences beside it that matter too come
with it, since an answer often goes on in the next one. Then the best sentences of other passages.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from frontdesk.helpdesk.passages import GAP, Answer, Passage, citation_of
from frontdesk.knowledge import language

if TYPE_CHECKING:
    from collections.abc import Sequence

    from frontdesk.helpdesk.evidence import Evidence, Sentence
    from frontdesk.knowledge.embedder import Vectors

SENTENCES: Final = 5
"""Chosen for their score; the neighbours that complete them come on top."""

ANSWER_CHARACTERS: Final = 1_200
_COMPLETING: Final = 2.0  # how much lower a neighbour's score may be than the best one's
_FROM: Final = {"en": "From", "de": "Aus", "fr": "D'après", "es": "Según"}
_ALSO: Final = {"en": "See also", "de": "Siehe auch", "fr": "Voir aussi", "es": "Véase también"}
_QUOTES: Final = {"en": "“{}”", "de": "„{}“", "fr": "« {} »", "es": "«{}»"}


@dataclass(frozen=True, slots=True)
class _Excerpt:
    """Sentences of one passage that follow each other in the answer."""

    candidate: int
    sentences: tuple[Sentence, ...]


def extract(
    question: str, evidence: Evidence, scores: Vectors, passages: Sequence[Passage]
) -> Answer:
    """The answer, and a citation for each passage used, then for those that stand by.

    Args:
        scores: of the evidence's sentences.
        passages: one for each candidate of the evidence, by its number.
    """
    spoken = language.detect(question)
    excerpts = _choose(evidence, scores)
    paragraphs: list[str] = []
    citations = []
    for number, excerpt in enumerate(excerpts, start=1):
        passage = passages[excerpt.candidate]
        said = " ".join(sentence.text for sentence in excerpt.sentences)
        title = _QUOTES.get(spoken, _QUOTES["en"]).format(passage.title)
        head = _FROM.get(spoken, _FROM["en"])
        paragraphs.append(f"{head} {title}: {said} [{number}]")
        citations.append(citation_of(passage, _quote(excerpt.sentences)))
    return Answer("\n\n".join(paragraphs), tuple(citations))


def best_quotes(evidence: Evidence, scores: Vectors) -> dict[int, str]:
    """The best sentence of each candidate."""
    quotes: dict[int, str] = {}
    for row in np.argsort(-scores, kind="stable"):
        sentence = evidence.sentences[row]
        quotes.setdefault(sentence.candidate, sentence.text)
    return quotes


def _quote(sentences: Sequence[Sentence]) -> str:
    """The sentences as they stand in the document, with a mark where some are left out."""
    quote = sentences[0].text
    for before, after in itertools.pairwise(sentences):
        gap = " " if after.position == before.position + 1 else GAP
        quote += gap + after.text
    return quote


def _choose(evidence: Evidence, scores: Vectors) -> list[_Excerpt]:
    """Excerpts in the order of their best sentence."""
    order = [int(row) for row in np.argsort(-scores, kind="stable")]
    chosen = order[:SENTENCES]
    rows = {(s.candidate, s.position): row for row, s in enumerate(evidence.sentences)}
    best = evidence.sentences[order[0]]
    beside = [(best.candidate, best.position + 1), (best.candidate, best.position - 1)]
    chosen += [
        row
        for place in beside
        if (row := rows.get(place)) is not None
        and row not in chosen
        and scores[order[0]] - scores[row] <= _COMPLETING
    ]
    excerpts: dict[int, list[Sentence]] = {}
    length = 0
    for row in chosen:
        sentence = evidence.sentences[row]
        length += len(sentence.text)
        if excerpts and length > ANSWER_CHARACTERS:
            break
        excerpts.setdefault(sentence.candidate, []).append(sentence)
    return [
        _Excerpt(number, tuple(sorted(said, key=lambda sentence: sentence.position)))
        for number, said in excerpts.items()
    ]
