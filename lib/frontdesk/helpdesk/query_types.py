"""The kinds of question, and how each is retrieved and answered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class QueryType(StrEnum):
    """The kinds of question that are answered differently, in order of precedence."""

    HAND_OFF = "hand_off"
    COMPARISON = "comparison"
    PLATFORM_HELP = "platform_help"
    PRICING = "pricing"
    BOOKING = "booking"
    HOTEL_INFO = "hotel_info"
    GENERAL = "general"
    DESTINATION = "destination"
    GREETING = "greeting"


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


_GENERAL: Final = AnswerParameters(5, 12, 0.7, True, 0.5, 450)
PARAMETERS: Final[dict[QueryType, AnswerParameters]] = {
    QueryType.COMPARISON: AnswerParameters(8, 20, 0.4, True, 0.5, 600),
    QueryType.PRICING: AnswerParameters(4, 12, 0.8, False, 0.3, 350),
    QueryType.PLATFORM_HELP: AnswerParameters(3, 12, 0.9, False, 0.4, 400),
    QueryType.BOOKING: AnswerParameters(3, 12, 0.9, False, 0.4, 400),
    QueryType.HOTEL_INFO: AnswerParameters(6, 15, 0.6, True, 0.6, 500),
    QueryType.DESTINATION: AnswerParameters(5, 15, 0.5, True, 0.7, 500),
    QueryType.GENERAL: _GENERAL,
    QueryType.GREETING: _GENERAL,
    QueryType.HAND_OFF: _GENERAL,
}
"""What the system that this one replaces had found useful; fetch_k of pricing, platform help,
booking and general was 10 and 8, which left out passages that answer. A greeting and a request for
a colleague get Frontdesk's own words: theirs count only for whoever searches all the same."""
