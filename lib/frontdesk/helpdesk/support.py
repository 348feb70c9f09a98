"""What can support a sentence of an answer: a passage that has its figures, its names, its words.

Nothing here understands a sentence. It holds what can be compared against what was shown, and what
can't be found there is not said.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Final

from frontdesk.helpdesk.literals import (
    addresses,
    codes,
    figures,
    figures_on_both_clocks,
    hosts,
    names,
    squashed,
)
from frontdesk.helpdesk.thesaurus import concepts_of
from frontdesk.knowledge import language as languages
from frontdesk.knowledge import sentences
from frontdesk.knowledge.tokens import index_tokens, query_terms, tokenize, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from frontdesk.helpdesk.passages import Passage

SHARED_WORDS: Final = 1 / 3
"""Of a sentence's content words, those that its passage must share, as stems or as concepts of the
trade; a paraphrase shares few."""

NEW_WORDS: Final = 4
"""Content words in a row that the passage does not have: no paraphrase, something put in."""

_WORDS_OF_A_QUOTATION: Final = 3  # languages have some words in common
_STEM_OF_A_NAME: Final = 4
_WORD: Final = re.compile(r"[^\W\d_]+")
_YES_AND_NO: Final = frozenset(
    {
        *("yes", "no", "ja", "nein", "doch", "oui", "non", "si", "sí", "да", "нет", "نعم", "لا"),
        *("是", "是的", "不", "不是", "没有", "はい", "いいえ", "네", "아니요"),
    }
)
_SAYING_NOTHING: Final = _YES_AND_NO.union(*languages.STOP_WORDS.values())


class _Source:
    """A passage, taken apart once for all the sentences that may rest on it."""

    def __init__(self, passage: Passage, question: str) -> None:
        text = f"{passage.title}\n{passage.text}"
        self._text = text
        self.language = passage.language or languages.detect(passage.text)
        self.own_figures = figures_on_both_clocks(text)
        self.figures = self.own_figures | figures(question)
        self.addresses = addresses(text) | hosts(text)
        self.squashed = squashed(text) + "\n" + squashed(question)

    @cached_property
    def tokens(self) -> frozenset[str]:
        """Its words as an index has them."""
        return frozenset(tokenize(self._text, self.language))

    @cached_property
    def concepts(self) -> frozenset[int]:
        """The concepts of the trade that it speaks of."""
        return concepts_of(self._text)


class Claim:
    """A sentence of an answer, taken apart once for all the passages it may rest on."""

    def __init__(self, sentence: str) -> None:
        self.text = sentence
        self.figures = figures(sentence)
        self.addresses = addresses(sentence)
        self.language = languages.detect(sentence, default="")  # empty: a name, a price
        self.common_words = [word for word in _WORD.findall(sentence) if word.islower()]
        self._codes = codes(sentence)
        self._names: dict[str, set[str]] = {}
        self._terms: dict[str, list[tuple[frozenset[str], frozenset[int]]]] = {}

    def terms(self, language: str) -> list[tuple[frozenset[str], frozenset[int]]]:
        """Its content words: the tokens that each has in that language, and its concepts."""
        if language not in self._terms:
            self._terms[language] = [
                (frozenset(term.variants), concepts_of(term.word))
                for term in query_terms(self.text, (language,))
            ]
        return self._terms[language]

    def exact(self, language: str) -> set[str]:
        """Its codes, and its names if it is in that language."""
        if language not in self._names:
            self._names[language] = names(self.text, language)
        return self._codes | self._names[language]


class Support:
    """What an answer's sentences may rest on.

    Args:
        passages: what the model was shown, ``[1]`` first.
        question: its figures and names may be repeated, its addresses may not.
    """

    def __init__(self, passages: Sequence[Passage], question: str) -> None:
        self._sources = [_Source(passage, question) for passage in passages]
        self._asked_in = languages.detect(question)
        self._figures = figures(question).union(*(source.figures for source in self._sources))
        self._addresses = frozenset[str]().union(*(s.addresses for s in self._sources))

    def has_literals_of(self, claim: Claim) -> bool:
        """Whether every figure and address stands somewhere in what was shown or asked."""
        return claim.figures <= self._figures and claim.addresses <= self._addresses

    def holds(self, number: int, claim: Claim) -> bool:
        """Whether the claim can rest on passage ``[number]``; False when there is none."""
        if not 1 <= number <= len(self._sources):
            return False
        source = self._sources[number - 1]
        supports = _is_near if self._is_translated(source, claim) else _shares_words
        return _has_literals(source, claim) and supports(source, claim)

    def holds_unmarked(self, claim: Claim) -> bool:
        """Whether it may stand without a marker: it says nothing, or has words of a passage."""
        return says_nothing(claim.text) or any(
            _has_literals(source, claim)
            and not self._is_translated(source, claim)
            and _shares_words(source, claim)
            for source in self._sources
        )

    def _is_translated(self, source: _Source, claim: Claim) -> bool:
        """Whether the claim says in the question's language what the passage says in its own.

        When question and passage are in one language, nobody asked for a translation.
        """
        spoken, asked = claim.language, self._asked_in
        if source.language in {spoken, asked} or not spoken:
            return False
        if spoken != asked and not languages.STOP_WORDS.keys().isdisjoint({spoken, asked}):
            return False
        return not _quotes(source, claim)


def says_nothing(sentence: str) -> bool:
    """Whether it has words, but none of content: ``Yes:``, ``No, it is not.``"""
    said = words(sentence)
    return bool(said) and all(word in _SAYING_NOTHING for word in said)


def nearest_sentence(passage: Passage, said: str) -> str:
    """The passage's sentence that shares most with what was said: what a citation quotes."""
    terms = query_terms(said, (passage.language,))

    def shared(quote: str) -> int:
        tokens = set(tokenize(quote, passage.language))
        found = sum(any(variant in tokens for variant in term.variants) for term in terms)
        return found + 2 * len(figures(quote) & figures(said))

    spans = sentences.split(passage.text) or [(0, len(passage.text))]
    return max((passage.text[start:end] for start, end in spans), key=shared)


def _has_literals(source: _Source, claim: Claim) -> bool:
    spoken = claim.language or source.language
    return (
        claim.figures <= source.figures
        and claim.addresses <= source.addresses
        and all(_knows(source, word, spoken) for word in claim.exact(spoken))
    )


def _knows(source: _Source, word: str, language: str) -> bool:
    plain = squashed(word)
    if language != source.language and word.isalpha():
        plain = plain[: max(_STEM_OF_A_NAME, len(plain) * 2 // 3)]  # Indien is India
    return plain in source.squashed or bool(source.tokens.intersection(tokenize(word, language)))


def _shares_words(source: _Source, claim: Claim) -> bool:
    terms = claim.terms(source.language)
    shared = sum(
        not (source.tokens.isdisjoint(variants) and source.concepts.isdisjoint(concepts))
        for variants, concepts in terms
    )
    return shared >= max(1, round(SHARED_WORDS * len(terms))) and not _goes_astray(source, claim)


def _quotes(source: _Source, claim: Claim) -> bool:
    """Whether it has the passage's own words after all, something foreign woven in."""
    common = [word for word in claim.common_words if word not in _SAYING_NOTHING]
    known = sum(not source.tokens.isdisjoint(tokenize(word, source.language)) for word in common)
    return known >= _WORDS_OF_A_QUOTATION and known * 2 >= len(common)


def _goes_astray(source: _Source, claim: Claim) -> bool:
    new = 0
    for word in words(claim.text):
        if word in languages.STOP_WORDS.get(source.language, ()):
            continue
        known = not (
            source.tokens.isdisjoint(tokenize(word, source.language))
            and source.concepts.isdisjoint(concepts_of(word))
        )
        new = 0 if known else new + 1
        if new == NEW_WORDS:
            return True
    return False


def _is_near(source: _Source, claim: Claim) -> bool:
    """Whether a translation is about the same: by a figure, a word, or a concept of the trade.

    Scripts that have no words in common with ours are held to their figures and names alone.
    """
    if claim.language not in languages.STOP_WORDS:
        return True
    return bool(
        claim.figures & source.own_figures
        or concepts_of(claim.text) & source.concepts
        or source.tokens.intersection(index_tokens(claim.text, claim.language))
    )
