"""An agency's own words for the types of question: "riad" is a hotel, "ski pass" a price.

A term is written like a cue of ours: one or several words, ``*`` for the rest of a word. Case,
accents and punctuation do not matter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from frontdesk.helpdesk.cues import fold
from frontdesk.helpdesk.query_types import QueryType

MAX_TERM_LENGTH: Final = 50
MAX_TERMS_PER_TYPE: Final = 50
_REMEMBERED: Final = 256  # agencies whose patterns one process keeps compiled


@dataclass(frozen=True, slots=True)
class Terms:
    """Folded terms by query type. Immutable and hashable; equal ones share their patterns."""

    by_type: tuple[tuple[QueryType, tuple[str, ...]], ...] = ()

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> Terms:
        """Terms as settings hold them: ``{"hotel_info": ["riad", "kasbah*"]}``.

        Raises:
            ValueError: naming the field: a type that does not exist, or what is not a list of 1 to
                50 terms of 1 to 50 characters with a letter or digit in each word.
        """
        found: list[tuple[QueryType, tuple[str, ...]]] = []
        for name, terms in mapping.items():
            if name not in _TYPES:
                raise ValueError(f"{name}: not a query type")
            if not isinstance(terms, list | tuple):
                raise ValueError(f"{name}: not a list of terms")  # noqa: TRY004 - one error for all
            if len(terms) > MAX_TERMS_PER_TYPE:
                raise ValueError(f"{name}: more than {MAX_TERMS_PER_TYPE} terms")
            folded = dict.fromkeys(
                _folded(f"{name}.{position}", term) for position, term in enumerate(terms)
            )
            if folded:
                found.append((QueryType(name), tuple(folded)))
        return cls(tuple(sorted(found)))

    def types_in(self, folded: str) -> frozenset[QueryType]:
        """The types of which a term stands in a folded text."""
        return frozenset(kind for kind, pattern in _patterns(self) if pattern.search(folded))


NO_TERMS: Final = Terms()
_TYPES: Final = frozenset(QueryType)


def _folded(field: str, term: object) -> str:
    if not isinstance(term, str) or not 1 <= len(term) <= MAX_TERM_LENGTH:
        raise ValueError(f"{field}: not a text of 1 to {MAX_TERM_LENGTH} characters")
    words = []
    for word in term.split():
        bare = fold(word)
        if not bare or "*" in word[:-1]:
            raise ValueError(f"{field}: a word needs a letter or digit, and * ends a word")
        words.append(bare + "*" * word.endswith("*"))
    if not words:
        raise ValueError(f"{field}: empty")
    return " ".join(words)


@lru_cache(maxsize=_REMEMBERED)
def _patterns(terms: Terms) -> tuple[tuple[QueryType, re.Pattern[str]], ...]:
    return tuple(
        (kind, re.compile(rf"\b(?:{'|'.join(map(_pattern, texts))})\b"))
        for kind, texts in terms.by_type
    )


def _pattern(term: str) -> str:
    # Folded text has nothing but letters, digits and spaces, so only the star needs translation.
    return term.replace("*", r"\w*")
