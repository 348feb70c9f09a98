"""A question taken apart: its subject, the names in it, the month, the kind of answer wanted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

from frontdesk.helpdesk.classify import fold
from frontdesk.helpdesk.facets import AnswerKind, expected_kind, months_of, names_month
from frontdesk.helpdesk.fillers import FILLERS
from frontdesk.helpdesk.thesaurus import concepts_by_word
from frontdesk.knowledge import language
from frontdesk.knowledge.details import WORD, meaningful_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from frontdesk.knowledge.retrieve import Candidate
    from frontdesk.knowledge.tokens import QueryTerm

_WORD_WITHIN: Final = re.compile(r"(?<=[\w,;] )[^\W\d_]+")
# In German a capital tells nothing, a preposition of place does: "nach Bali", "im Hotel Sacher".
_GERMAN_PLACE: Final = re.compile(r"\b(?:nach|in|auf|Hotel|Gasthof|Pension) ([A-ZÄÖÜ]\w{2,})")
_SHORTEST_NAME: Final = 3
_REMEMBERED: Final = 4_096  # passages; about five kilobytes each


class Vocabulary(Protocol):
    """The part of a loaded index that knows how often words occur."""

    def frequencies(self, terms: Sequence[QueryTerm]) -> list[int]:
        """In how many chunks each term occurs."""
        ...

    def weights(self, terms: Sequence[QueryTerm]) -> list[float]:
        """Inverse document frequency of each term."""
        ...


class TermKind(StrEnum):
    """What a word does in a question."""

    NAME = "name"
    MONTH = "month"
    SUBJECT = "subject"


@dataclass(frozen=True, slots=True)
class Term:
    """A content word of a question.

    Attributes:
        variants: index tokens that it may have.
        weight: inverse document frequency.
        unknown: no chunk of the index holds it.
        concepts: of the thesaurus.
    """

    word: str
    variants: tuple[str, ...]
    weight: float
    unknown: bool
    concepts: frozenset[int]
    kind: TermKind


@dataclass(frozen=True, slots=True)
class Question:
    """A question taken apart.

    Attributes:
        subject: the question without names and months: what is asked, not about whom.
        months: that it speaks of, 1 to 12.
        kind: of the answer that it asks for; None when any will do.
    """

    text: str
    subject: str
    terms: tuple[Term, ...]
    months: frozenset[int]
    kind: AnswerKind | None

    @property
    def weight(self) -> float:
        """Of all terms together; 1 when there are none."""
        return sum(term.weight for term in self.terms) or 1.0

    def of_kind(self, kind: TermKind) -> tuple[Term, ...]:
        """The terms of one kind."""
        return tuple(term for term in self.terms if term.kind is kind)


def take_apart(
    text: str,
    terms: Sequence[QueryTerm],
    candidates: Sequence[Candidate],
    vocabulary: Vocabulary,
) -> Question:
    """Read a question in the light of what was retrieved for it.

    Args:
        text: as asked.
        terms: its content words, from retrieval.
        candidates: show which words are names: always written with a capital there.
        vocabulary: of the index that was searched.
    """
    frequencies = vocabulary.frequencies(terms)
    weights = vocabulary.weights(terms)
    concepts = _concepts(text)
    capitals = _Capitals(text, candidates)
    read: list[Term] = []
    for term, weight, frequency in zip(terms, weights, frequencies, strict=True):
        folded = fold(term.word)
        month = names_month(folded, text)
        if folded in FILLERS and not month and not capitals.german_noun(folded):
            continue
        unknown = frequency == 0
        known_as = concepts.get(folded, frozenset())
        if month:
            kind = TermKind.MONTH
        elif capitals.name(folded, unknown=unknown, trade=bool(known_as)):
            kind = TermKind.NAME
        else:
            kind = TermKind.SUBJECT
        read.append(Term(term.word, term.variants, weight, unknown, known_as, kind))
    aside = {fold(term.word) for term in read if term.kind is not TermKind.SUBJECT}
    subject = " ".join(
        part for part in text.split() if aside.isdisjoint(map(fold, WORD.findall(part)))
    )
    return Question(text, subject or text, tuple(read), months_of(text), expected_kind(text))


def content_words(text: str) -> list[str]:
    """The words of a text that carry meaning, lower case, each once."""
    return [word for word in meaningful_words(text) if fold(word) not in FILLERS]


def _concepts(text: str) -> Mapping[str, frozenset[int]]:
    found: dict[str, frozenset[int]] = {}
    for word, concepts in concepts_by_word(text):
        found[word] = found.get(word, frozenset()) | concepts
    return found


class _Capitals:
    """Tells names by how words are written in the question and in the passages."""

    def __init__(self, question: str, candidates: Sequence[Candidate]) -> None:
        self._german = language.detect(question) == "de"  # writes every noun with a capital
        self._asked = {
            fold(match[0])
            for match in WORD.finditer(question)
            if match[0][0].isupper()
            and len(match[0]) >= _SHORTEST_NAME
            and not _opens_sentence(question, match.start())
        }
        self._placed = {fold(match[1]) for match in _GERMAN_PLACE.finditer(question)}
        self._titled = frozenset[str]().union(*(_with_capital(c.context) for c in candidates))
        written = [_written(candidate.text) for candidate in candidates]
        self._sometimes = frozenset[str]().union(*(small for _, small in written))
        self._always = frozenset[str]().union(*(large for large, _ in written)) - self._sometimes

    def german_noun(self, folded: str) -> bool:
        """Whether a word is written as a noun: "Kind" is a child, "kind" is no German word."""
        return self._german and folded in self._asked

    def name(self, folded: str, *, unknown: bool, trade: bool) -> bool:
        """Whether the word is a name.

        Args:
            unknown: no document holds it.
            trade: it is a word of the trade, which a name may hold too: "Libyan Sea Inn".
        """
        titled = folded in self._titled
        if self._german:
            if unknown:
                return folded in self._placed and not trade
            return titled and folded in self._always and not trade
        if folded in self._asked and (titled or (unknown and folded not in self._sometimes)):
            return titled or not trade
        return folded in self._always and not trade


# A process meets the same passages again and again.


@lru_cache(maxsize=_REMEMBERED)
def _with_capital(context: str) -> frozenset[str]:
    """The words of titles and headings that begin with a capital, folded."""
    return frozenset(fold(word) for word in WORD.findall(context) if word[0].isupper())


@lru_cache(maxsize=_REMEMBERED)
def _written(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """The words within a passage's sentences, folded: with a capital, and without one."""
    large: set[str] = set()
    small: set[str] = set()
    for match in _WORD_WITHIN.finditer(text):
        (large if match[0][0].isupper() else small).add(fold(match[0]))
    return frozenset(large), frozenset(small)


def _opens_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip(" \"'“‘«¿¡(")
    return not before or before[-1] in ".?!:"
