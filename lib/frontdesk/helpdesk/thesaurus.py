"""Words of the trade that mean the same to a traveller: gym and fitness room, Hund and mascota.

A sentence embedding sees that two texts are about the same thing; it hardly sees whether "no
fitness room" answers "is there a gym?" while "tennis court" does not. A short list of synonyms
does, and across languages. The list is ``thesaurus.txt`` beside this file.
"""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from frontdesk.helpdesk.classify import fold

_FILE: Final = Path(__file__).with_name("thesaurus.txt")
_LONGEST_PHRASE: Final = 4
_SHORTEST_PREFIX: Final = 3
_FACILITY_SECTIONS: Final = frozenset({"The house", "Facilities"})


class _Entries:
    """Phrases to concepts; a concept is the number of its line."""

    def __init__(self) -> None:
        self.whole: dict[str, set[int]] = {}
        self.beginnings: dict[str, set[int]] = {}
        self.facilities: set[int] = set()

    def add(self, phrase: str, concept: int) -> None:
        book = self.beginnings if phrase.endswith("*") else self.whole
        book.setdefault(phrase.rstrip("*"), set()).add(concept)

    def find(self, phrase: str) -> set[int]:
        found = set(self.whole.get(phrase, ()))
        # A beginning reaches into the phrase's last word; a shorter one is a shorter phrase's.
        last_word = phrase.rfind(" ") + 1
        for end in range(max(_SHORTEST_PREFIX, last_word + 1), len(phrase) + 1):
            found |= self.beginnings.get(phrase[:end], set())
        return found


@cache
def _entries() -> _Entries:
    entries = _Entries()
    section = ""
    for number, line in enumerate(_FILE.read_text(encoding="utf-8").splitlines()):
        if line.startswith("#"):
            section = line.removeprefix("# ")
        elif line:
            for phrase in line.split(","):
                entries.add(phrase.strip(), number)
            if section in _FACILITY_SECTIONS:
                entries.facilities.add(number)
    return entries


@lru_cache(maxsize=20_000)
def concepts_by_word(text: str) -> tuple[tuple[str, frozenset[int]], ...]:
    """Each folded word of a text with the concepts that it, or a phrase around it, stands for."""
    words = fold(text).split()
    found: list[set[int]] = [set() for _ in words]
    for length in range(1, _LONGEST_PHRASE + 1):
        for start in range(len(words) - length + 1):
            concepts = _entries().find(" ".join(words[start : start + length]))
            for position in range(start, start + length):
                found[position] |= concepts
    return tuple((word, frozenset(concepts)) for word, concepts in zip(words, found, strict=True))


def concepts_of(text: str) -> frozenset[int]:
    """All concepts that a text speaks of."""
    return frozenset().union(*(concepts for _, concepts in concepts_by_word(text)))


def facilities() -> frozenset[int]:
    """The concepts that a house has or has not."""
    return frozenset(_entries().facilities)
