"""The question's words, one by one, against what the passages say.

A cosine of whole sentences hardly notices that a hotel's fact sheet has everything but the karaoke
that was asked for. Its words do: one that no document holds and nothing near resembles, or a
facility that is named nowhere about the hotel in question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from frontdesk.helpdesk.question import Question, TermKind, content_words
from frontdesk.helpdesk.thesaurus import concepts_of, facilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from frontdesk.helpdesk.vectors import QuestionVectors
    from frontdesk.platform.resilience import Deadline

UNDECIDED: Final = 0.5
_SYNONYM: Final = 0.95  # how near words of one concept are
_RESEMBLES: Final = 0.55  # from here on another facility may be meant by the same thing


@dataclass(frozen=True, slots=True)
class Wording:
    """How the words of a question are matched.

    Attributes:
        subject_match: how well the nearest sentences' words match the subject's, 0 to 1.
        unheard: weighted share of the question's words that no document holds, less as far as the
            nearest sentences hold a word near them in meaning.
        facility: share of the facilities asked for that are named about the right thing, or at
            least resembled nearby; undecided when none is asked for.
    """

    subject_match: float = UNDECIDED
    unheard: float = 0.0
    facility: float = UNDECIDED


NOT_COMPARED: Final = Wording()
"""Of a question for which nothing was found."""


def compare_words(
    question: Question,
    nearest: Sequence[str],
    about: Sequence[str],
    vectors: QuestionVectors | None,
    *,
    deadline: Deadline,
) -> Wording:
    """Match a question's words.

    Args:
        nearest: the sentences most like the question.
        about: all sentences about what the question names.
        vectors: of words; None leaves only the concepts to go by.

    Raises:
        UpstreamUnavailable, DeadlineExceeded: as the embedder does.
    """
    terms = question.of_kind(TermKind.SUBJECT)
    said = " ".join(nearest)
    nearby = concepts_of(said)
    named = frozenset[int]().union(*map(concepts_of, about))
    nearness = _nearness([term.word for term in terms], said, vectors, deadline)
    subject: list[tuple[float, float]] = []
    asked: list[float] = []
    unheard = 0.0
    for term, near in zip(terms, nearness, strict=True):
        match = max(near, _SYNONYM if term.concepts & nearby else 0.0)
        subject.append((term.weight, match))
        if term.unknown and (vectors is not None or not term.concepts):
            unheard += term.weight * (1 - match)
        if wanted := term.concepts & facilities():
            asked.append(1.0 if wanted & named else near if near >= _RESEMBLES else 0.0)
    total = sum(weight for weight, _ in subject)
    return Wording(
        subject_match=sum(weight * match for weight, match in subject) / total
        if total and vectors is not None and said
        else UNDECIDED,
        unheard=unheard / question.weight,
        facility=sum(asked) / len(asked) if asked else UNDECIDED,
    )


def _nearness(
    words: Sequence[str], said: str, vectors: QuestionVectors | None, deadline: Deadline
) -> list[float]:
    """The cosine of each word with the nearest word that was said."""
    others = content_words(said)
    if vectors is None or not words or not others:
        return [0.0] * len(words)
    made = vectors.of_words([*words, *others], deadline=deadline)
    return [float(row.max()) for row in made[: len(words)] @ made[len(words) :].T]
