"""How well does each sentence of the retrieved passages answer the question, in numbers?

Is it about the right thing (names: the hotel, the island)? Does it speak of what is asked, by
stem, by synonym, by vector? Does the month fit, and the kind of answer? The same numbers choose the
sentences of an extractive answer and decide whether there is an answer at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from frontdesk.helpdesk.classify import fold
from frontdesk.helpdesk.facets import gives, months_of
from frontdesk.helpdesk.question import Question, Term, TermKind
from frontdesk.helpdesk.thesaurus import concepts_of
from frontdesk.helpdesk.wording import NOT_COMPARED, Wording, compare_words
from frontdesk.knowledge import language
from frontdesk.knowledge.details import WORD
from frontdesk.knowledge.tokens import tokenize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from frontdesk.helpdesk.vectors import QuestionVectors
    from frontdesk.knowledge.embedder import Vectors
    from frontdesk.knowledge.retrieve import Candidate
    from frontdesk.platform.resilience import Deadline

DEPTH: Final = 12
"""Candidates whose sentences are looked at; beyond them hardly any answer stands."""

FEATURES: Final = (
    "cosine",  # of the sentence under its heading with the question
    "subject_cosine",  # the same with the question's subject
    "passage_cosine",
    "rank",  # of the passage, 1 for the first, falling
    "names",  # weighted share of the question's names that the sentence is about
    "names_least",  # 0 when one of them is missing
    "subject",  # weighted share of the subject's terms, in the sentence or its headings
    "subject_here",  # the same in the sentence alone
    "concepts",  # share of the subject's concepts that the sentence speaks of
    "concepts_least",  # 0 when one of them is missing in the sentence and its headings
    "month",  # 1 fits, -1 other months
    "kind",  # 1 gives the kind of answer that is asked for, -1 does not
    "language",  # 1 when the passage is in the question's language
)
VECTOR_FEATURES: Final = frozenset({"cosine", "subject_cosine", "passage_cosine"})

_HEADING: Final = 0.8  # what a match in the headings counts, against 1 in the sentence
_INTRUDER: Final = 0.3  # a name of the title under the heading of another one
_NEARBY: Final = 0.6  # a name elsewhere in the passage
_NEAREST: Final = 3  # sentences whose words are compared one by one
_ABOUT_IT: Final = 0.99
_REMEMBERED: Final = 8_192  # texts; about a kilobyte each
_CONCEPT_WEIGHT: Final = 1.5  # words of the trade say more than others


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a candidate passage.

    Attributes:
        candidate: which one, from 0.
        position: of the sentence in it, from 0.
    """

    candidate: int
    position: int
    text: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """All sentences with their numbers.

    Attributes:
        features: float32 (sentences, `FEATURES`).
        wording: how the question's words are matched.
    """

    question: Question
    sentences: tuple[Sentence, ...]
    features: Vectors
    wording: Wording = NOT_COMPARED

    @property
    def about(self) -> NDArray[np.bool_]:
        """Which sentences are about what the question names, and not about another month."""
        return (self.column("names_least") >= _ABOUT_IT) & (self.column("month") >= 0)

    def column(self, name: str) -> Vectors:
        """One feature of all sentences."""
        column: Vectors = self.features[:, FEATURES.index(name)]
        return column


def weigh_up(
    question: Question,
    candidates: Sequence[Candidate],
    query_vector: Vectors | None,
    vectors: QuestionVectors | None,
    *,
    deadline: Deadline,
) -> Evidence:
    """Measure the sentences of the first `DEPTH` candidates.

    Args:
        query_vector: of the whole question; None when it could not be embedded.
        vectors: by the embedder that made it; None leaves the cosines at 0.

    Raises:
        UpstreamUnavailable, DeadlineExceeded: as the embedder does.
    """
    looked_at = candidates[:DEPTH]
    sentences = tuple(
        Sentence(number, position, candidate.text[start:end])
        for number, candidate in enumerate(looked_at)
        for position, (start, end) in enumerate(candidate.sentences)
    )
    features = np.zeros((len(sentences), len(FEATURES)), np.float32)
    if not sentences:
        return Evidence(question, sentences, features)
    if vectors is not None and query_vector is not None:
        features[:, :2] = _cosines(question, looked_at, query_vector, vectors, deadline=deadline)
    spoken = language.detect(question.text)
    measures = [_Passage(question, candidate, spoken) for candidate in looked_at]
    for row, sentence in enumerate(sentences):
        candidate = looked_at[sentence.candidate]
        features[row, 2] = candidate.cosine or 0.0
        features[row, 3] = 1 / (1 + sentence.candidate)
        features[row, 4:] = measures[sentence.candidate].measure(sentence.text)
    evidence = Evidence(question, sentences, features)
    nearest = np.argsort(-features[:, :2].sum(axis=1), kind="stable")[:_NEAREST]
    wording = compare_words(
        question,
        [sentences[row].text for row in nearest],
        [sentences[row].text for row in np.flatnonzero(evidence.about)],
        vectors if query_vector is not None else None,
        deadline=deadline,
    )
    return replace(evidence, wording=wording)


def _cosines(
    question: Question,
    candidates: Sequence[Candidate],
    query_vector: Vectors,
    vectors: QuestionVectors,
    *,
    deadline: Deadline,
) -> Vectors:
    """Columns ``cosine`` and ``subject_cosine``."""
    passages = [candidate.chunk for candidate in candidates]
    made = vectors.of_sentences(question.subject, passages, deadline=deadline)
    return np.stack([made[1:] @ query_vector, made[1:] @ made[0]], axis=1)


class _Passage:
    """What all sentences of a passage have in common, for one question."""

    def __init__(self, question: Question, candidate: Candidate, spoken: str) -> None:
        self._question = question
        self._language = candidate.document.language
        title, *headings = candidate.context.split(" > ")
        self._title = _tokens(title, self._language)
        self._headings = _tokens(" ".join(headings), self._language)
        self._context = self._title | self._headings
        self._passage = _tokens(candidate.text, self._language)
        self._concepts = _concepts(candidate.context)
        self._names = question.of_kind(TermKind.NAME)
        self._subject = question.of_kind(TermKind.SUBJECT)
        self._same_language = float(spoken == self._language)
        self._intruded = _other_name(title, headings, {fold(term.word) for term in self._names})

    def measure(self, sentence: str) -> tuple[float, ...]:
        """The features from ``names`` on."""
        tokens = _tokens(sentence, self._language)
        concepts = _concepts(sentence)
        names = [
            (term.weight, self._about(term, tokens)) for term in self._names if not term.unknown
        ]
        here: list[tuple[float, float]] = []
        under: list[tuple[float, float]] = []
        known: list[float] = []
        covered: list[float] = []
        for term in self._subject:
            said = float(_holds(term, tokens) or bool(term.concepts & concepts))
            headed = _HEADING * float(
                _holds(term, self._context) or bool(term.concepts & self._concepts)
            )
            weight = term.weight * (_CONCEPT_WEIGHT if term.concepts else 1.0)
            here.append((weight, said))
            under.append((weight, max(said, headed)))
            if term.concepts:
                known.append(said)
                covered.append(max(said, headed))
        return (
            _mean(names, 1.0),
            min((match for _, match in names), default=1.0),
            _mean(under, 0.5),
            _mean(here, 0.5),
            sum(known) / len(known) if known else 0.5,
            min(covered, default=0.5),
            self._month(sentence),
            self._kind(sentence),
            self._same_language,
        )

    def _about(self, term: Term, tokens: frozenset[str]) -> float:
        if _holds(term, tokens) or _holds(term, self._headings):
            return 1.0
        if _holds(term, self._title):
            return _INTRUDER if self._intruded else 1.0
        return _NEARBY if _holds(term, self._passage) else 0.0

    def _month(self, sentence: str) -> float:
        asked = self._question.months
        if not asked:
            return 0.0
        given = months_of(sentence)
        if asked <= given:
            return 1.0
        if asked & given:
            return 0.5
        return -1.0 if given else -0.5

    def _kind(self, sentence: str) -> float:
        kind = self._question.kind
        if kind is None:
            return 0.0
        return 1.0 if gives(sentence, kind) else -1.0


# A process meets the same passages again and again.


@lru_cache(maxsize=_REMEMBERED)
def _tokens(text: str, language: str) -> frozenset[str]:
    return frozenset(tokenize(text, language))


@lru_cache(maxsize=_REMEMBERED)
def _concepts(text: str) -> frozenset[int]:
    return concepts_of(text)


def _other_name(title: str, headings: Sequence[str], asked: set[str]) -> bool:
    """Whether a heading repeats a name of the title that was not asked for.

    "Crete hotels: Asterias Bay and Libyan Sea Inn > Libyan Sea Inn" is not about Asterias Bay.
    """
    titled = {fold(word) for word in WORD.findall(title) if word[0].isupper()}
    for heading in reversed(headings):
        repeated = {fold(word) for word in WORD.findall(heading)} & titled
        if repeated:
            return not repeated <= asked
    return False


def _holds(term: Term, tokens: frozenset[str]) -> bool:
    return not tokens.isdisjoint(term.variants)


def _mean(weighted: Sequence[tuple[float, float]], empty: float) -> float:
    total = sum(weight for weight, _ in weighted)
    return sum(weight * value for weight, value in weighted) / total if total else empty
