"""How well the classifier tells the types of question apart.

It is asked the demo agencies' questions, with each agency's own terms, and those of
``classification.jsonl``, which belong to no agency: one half to learn from, one to judge on. What
calibration learns from, ``practice.jsonl`` and ``paraphrases.jsonl``, is labelled too.

What the labels mean: ``comparison`` weighs one thing against another; ``pricing`` asks for an
amount of money; ``booking`` for making, paying, changing or undoing a trip, and its terms;
``platform_help`` is staff's, on the program and the office; ``hotel_info`` is on a place to stay,
``destination`` on a place to go; ``general`` is the rest: the way there, luggage, papers,
insurance, health, the agency itself, and what has nothing to do with travel; ``greeting`` is no
question, ``hand_off`` wants somebody of the agency.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from demo import question_set
from demo.agencies import Language, all_agencies
from frontdesk.helpdesk.classify import QueryType, classify
from frontdesk.helpdesk.terms import NO_TERMS, Terms

CLASSIFICATION = Path(__file__).with_name("classification.jsonl")
PRACTICE = Path(__file__).with_name("practice.jsonl")
PARAPHRASES = Path(__file__).with_name("paraphrases.jsonl")


class LabelledQuestion(BaseModel):
    """One line of ``classification.jsonl``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    language: Language
    query_type: QueryType
    question: str = Field(min_length=2)
    split: Literal["dev", "heldout"]


@dataclass(frozen=True)
class Classified:
    """A question's type, as labelled and as found."""

    question: str
    language: str
    wanted: QueryType
    found: QueryType

    @property
    def right(self) -> bool:
        return self.found is self.wanted


def load(split: str) -> list[LabelledQuestion]:
    """The questions of a split of ``classification.jsonl``, in the file's order."""
    lines = CLASSIFICATION.read_text(encoding="utf-8").splitlines()
    every = [LabelledQuestion.model_validate_json(line) for line in lines]
    return [question for question in every if question.split == split]


@cache
def terms_of(slug: str) -> Terms:
    """A demo agency's own terms."""
    terms = {agency.tenant.slug: agency.query_terms for agency in all_agencies()}
    return Terms.of(terms[slug])


def classify_demo(split: str, *, with_terms: bool = True) -> list[Classified]:
    """Classify the demo agencies' questions."""
    return [
        Classified(
            question.question,
            question.language,
            QueryType(question.query_type),
            classify(question.question, terms_of(question.tenant) if with_terms else NO_TERMS),
        )
        for question in question_set.load(split)
    ]


def classify_labelled(split: str) -> list[Classified]:
    """Classify the questions that belong to no agency."""
    return [
        Classified(
            question.question, question.language, question.query_type, classify(question.question)
        )
        for question in load(split)
    ]


def classify_practice(file: Path) -> list[Classified]:
    """Classify the questions of `PRACTICE` or `PARAPHRASES`."""
    return [
        Classified(
            question["question"],
            question["language"],
            QueryType(question["query_type"]),
            classify(question["question"], terms_of(question["tenant"])),
        )
        for question in map(json.loads, file.read_text(encoding="utf-8").splitlines())
    ]


def accuracy(classified: Sequence[Classified]) -> float:
    """The share that got the type they are labelled with; 0 when there are none."""
    return sum(one.right for one in classified) / len(classified) if classified else 0.0


def grouped(
    classified: Iterable[Classified], key: Callable[[Classified], str]
) -> dict[str, list[Classified]]:
    """By what a key says of them, in its order."""
    groups: dict[str, list[Classified]] = {}
    for one in sorted(classified, key=key):
        groups.setdefault(key(one), []).append(one)
    return groups


def confusions(
    classified: Iterable[Classified],
) -> list[tuple[tuple[QueryType, QueryType], int]]:
    """Which type was taken for which, how often, the commonest first."""
    return Counter((one.wanted, one.found) for one in classified if not one.right).most_common()
