"""What kind of question is this?

The question is cut into words without case and accents. Rules find cues in it, of two strengths:

* an *intent* says what the asker wants to do or know: compare, pay, book, be called back;
* a *topic* says what the question is about: a hotel, a beach, luggage.

An intent outweighs any number of topics: "How much does the Aurora hotel cost?" is about a price.
Among intents the strongest wins and a tie goes to the type named first in `QueryType`; among topics
the weights of one type add up. What holds no cue is ``general``. An agency's own terms are intents.

A question is one of travel, and ``general`` also when it is about the way there: flights, luggage,
papers, insurance, health.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from frontdesk.helpdesk import cues
from frontdesk.helpdesk.cues import any_of, fold, near
from frontdesk.helpdesk.query_types import PARAMETERS, AnswerParameters, QueryType
from frontdesk.helpdesk.terms import NO_TERMS, Terms

__all__ = ["PARAMETERS", "AnswerParameters", "QueryType", "classify", "fold"]

INTENT: Final = 4.0
TOPIC: Final = 2.5
MENTION: Final = 1.0
FURTHER: Final = 0.5


class _Rule(NamedTuple):
    """A cue's weight for a type, unless what it was found in is among the exceptions."""

    kind: QueryType
    weight: float
    cue: re.Pattern[str]
    exceptions: re.Pattern[str] | None = None

    def found_in(self, text: str) -> int:
        """How many different cues."""
        if self.exceptions is not None:
            text = self.exceptions.sub(" ", text)
        return len({match.group() for match in self.cue.finditer(text)})


_INTENTS: Final = (
    _Rule(QueryType.HAND_OFF, 3 * INTENT, any_of(cues.CALL_BACK)),
    _Rule(QueryType.HAND_OFF, 3 * INTENT, near(cues.REACH, cues.SOMEBODY), cues.ASKS_WHEN),
    _Rule(QueryType.HAND_OFF, 3 * INTENT, near(cues.SOMEBODY, cues.REACH_LAST), cues.ASKS_WHEN),
    _Rule(QueryType.COMPARISON, 2 * INTENT, any_of(cues.COMPARISON)),
    _Rule(QueryType.COMPARISON, 2 * INTENT, cues.CHOICE),
    _Rule(QueryType.PLATFORM_HELP, 1.5 * INTENT, any_of(cues.OFFICE_TASK)),
    _Rule(QueryType.PLATFORM_HELP, 1.5 * INTENT, near(cues.MAKE, cues.PAPERWORK)),
    _Rule(QueryType.PLATFORM_HELP, 1.5 * INTENT, near(cues.PAPERWORK, cues.MAKE)),
    _Rule(QueryType.BOOKING, 1.5 * INTENT, any_of(cues.UNDOING)),
    _Rule(QueryType.BOOKING, 1.25 * INTENT, any_of(cues.PAYMENT), any_of(cues.NOT_A_BOOKING)),
    _Rule(QueryType.BOOKING, INTENT, any_of(cues.BOOKING), any_of(cues.NOT_A_BOOKING)),
    _Rule(QueryType.PRICING, INTENT, any_of(cues.PRICE), any_of(cues.NOT_A_PRICE)),
    _Rule(QueryType.GENERAL, INTENT, any_of(cues.PREPARATION)),
)
_TOPICS: Final = (
    _Rule(QueryType.PLATFORM_HELP, TOPIC, any_of(cues.OFFICE_OBJECT)),
    _Rule(QueryType.BOOKING, TOPIC, any_of(cues.ARRANGEMENT)),
    _Rule(QueryType.HOTEL_INFO, TOPIC, any_of(cues.LODGING)),
    _Rule(QueryType.HOTEL_INFO, TOPIC, any_of(cues.LODGING_PART)),
    _Rule(QueryType.HOTEL_INFO, MENTION, any_of(cues.LODGING_MENTION)),
    _Rule(QueryType.DESTINATION, TOPIC, any_of(cues.PLACE), any_of(cues.NOT_A_PLACE)),
    _Rule(QueryType.DESTINATION, MENTION, any_of(cues.PLACE_MENTION)),
    _Rule(QueryType.GENERAL, TOPIC, any_of(cues.TRAVEL)),
)
_GREETING: Final = any_of(cues.GREETING)
_COURTESY: Final = any_of(cues.COURTESY)
_NAMES: Final = 1  # words that may be left of a greeting: "Thanks, Maria"


def classify(question: str, terms: Terms = NO_TERMS) -> QueryType:
    """The query type of a question.

    Args:
        terms: the agency's own words by type.
    """
    text = fold(question)
    asked, greeted = _GREETING.subn(" ", text)
    left = len(_COURTESY.sub(" ", asked).split()) if greeted else None
    if left == 0:
        return QueryType.GREETING
    kind = _strongest(asked, terms)
    if kind is not None:
        return kind
    return QueryType.GREETING if left is not None and left <= _NAMES else QueryType.GENERAL


def _strongest(text: str, terms: Terms) -> QueryType | None:
    intents = [(rule.kind, rule.weight) for rule in _INTENTS if rule.found_in(text)]
    intents += [(kind, INTENT) for kind in terms.types_in(text)]
    if intents:
        strongest = max(weight for _, weight in intents)
        candidates = {kind for kind, weight in intents if weight == strongest}
    else:
        scores = dict.fromkeys(QueryType, 0.0)
        for rule in _TOPICS:
            found = rule.found_in(text)
            if found:
                scores[rule.kind] += rule.weight + FURTHER * (found - 1)
        most = max(scores.values())
        if most == 0:
            return None
        candidates = {kind for kind, score in scores.items() if score == most}
    return next(kind for kind in QueryType if kind in candidates)
