"""What kind of question is this, and how is such a question answered best?

The question is cut into words without case and accents; each rule that finds its cue adds its
weight to one query type, the heaviest type wins, and a tie goes to the type named first. What a
customer wants to *do* or *know* (compare, pay, book) weighs more than what the question is *about*
(a hotel, a beach): "How much does the Aurora hotel cost?" is about a price.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from frontdesk.helpdesk import cues
from frontdesk.helpdesk.cues import INTENT, MENTION, TOPIC, any_of


class QueryType(StrEnum):
    """The kinds of question that are answered differently, in order of precedence."""

    COMPARISON = "comparison"
    PRICING = "pricing"
    PLATFORM_HELP = "platform_help"
    BOOKING = "booking"
    HOTEL_INFO = "hotel_info"
    DESTINATION = "destination"
    GENERAL = "general"


@dataclass(frozen=True, slots=True)
class AnswerParameters:
    """How a query type is retrieved and answered.

    Attributes:
        k: passages that an answer may rest on.
        fetch_k: candidates that maximal marginal relevance chooses them from.
        mmr_lambda: 1 is relevance alone, 0 is diversity alone.
        mmr: whether diversity is wanted at all.
        temperature: of the language model.
        max_tokens: of the language model's answer.
    """

    k: int
    fetch_k: int
    mmr_lambda: float
    mmr: bool
    temperature: float
    max_tokens: int


PARAMETERS: Final[dict[QueryType, AnswerParameters]] = {
    QueryType.COMPARISON: AnswerParameters(8, 20, 0.4, True, 0.5, 600),
    QueryType.PRICING: AnswerParameters(4, 12, 0.8, False, 0.3, 350),
    QueryType.PLATFORM_HELP: AnswerParameters(3, 12, 0.9, False, 0.4, 400),
    QueryType.BOOKING: AnswerParameters(3, 12, 0.9, False, 0.4, 400),
    QueryType.HOTEL_INFO: AnswerParameters(6, 15, 0.6, True, 0.6, 500),
    QueryType.DESTINATION: AnswerParameters(5, 15, 0.5, True, 0.7, 500),
    QueryType.GENERAL: AnswerParameters(5, 12, 0.7, True, 0.5, 450),
}
"""What the system that this one replaces had found useful; fetch_k of the last three was 10 and 8,
which left out passages that answer."""

_RULES: Final = (
    (QueryType.COMPARISON, 2 * INTENT, any_of(cues.COMPARISON)),
    (QueryType.COMPARISON, INTENT, cues.CHOICE),
    (QueryType.PRICING, INTENT, any_of(cues.PRICE)),
    (QueryType.PLATFORM_HELP, INTENT, any_of(cues.OFFICE_TASK)),
    (
        QueryType.PLATFORM_HELP,
        INTENT,
        re.compile(f"{any_of(cues.MAKE).pattern}.*{any_of(cues.PAPERWORK).pattern}"),
    ),
    (QueryType.PLATFORM_HELP, TOPIC, any_of(cues.OFFICE_OBJECT)),
    (QueryType.BOOKING, INTENT, any_of(cues.BOOKING)),
    (QueryType.BOOKING, TOPIC, any_of(cues.PAYMENT)),
    (QueryType.HOTEL_INFO, TOPIC, any_of(cues.LODGING)),
    (QueryType.HOTEL_INFO, TOPIC / 2, any_of(cues.LODGING_PART)),
    (QueryType.HOTEL_INFO, MENTION, any_of(cues.LODGING_MENTION)),
    (QueryType.DESTINATION, TOPIC, any_of(cues.PLACE)),
    (QueryType.DESTINATION, MENTION, any_of(cues.PLACE_MENTION)),
)


def fold(text: str) -> str:
    """Lower case without accents, punctuation turned into single spaces."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(re.sub(r"[\W_]+", " ", bare).split())


def classify(question: str) -> QueryType:
    """The query type of a question; ``GENERAL`` when no rule finds its cue."""
    text = fold(question)
    scores = dict.fromkeys(QueryType, 0.0)
    for kind, weight, cue in _RULES:
        if cue.search(text):
            scores[kind] += weight
    best = max(QueryType, key=scores.__getitem__)
    return best if scores[best] > 0 else QueryType.GENERAL


def parameters_for(kind: QueryType) -> AnswerParameters:
    """The parameters that this query type is answered with."""
    return PARAMETERS[kind]
