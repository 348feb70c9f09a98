"""Words become index tokens: stems per language, bigrams where words are not spaced, no accents.

SQLite's own unicode61 makes one token of a whole Chinese or Thai sentence, so we tokenise
ourselves and hand FTS5 finished tokens.

What a trade calls by a code is found by it: words with digits are not stemmed, "BA 2490" and
"Q-2026-0001" are tokens as a whole besides their parts, so that they meet "BA2490" and no other
number, and a capital that stands alone, as in "fare class Y", is a word.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from frontdesk.knowledge import language as languages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SNOWBALL = {
    "ar": "arabic",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "fr": "french",
    "hi": "hindi",
    "ru": "russian",
}
_LATIN = ("en", "de", "fr", "es")
_UNSPACED = frozenset({"zh", "ja", "ko", "th"})
# 1,250 or 1.250 or 1'250 is one number however it is grouped. The expression begins with a digit,
# not with the look behind it: `re` then passes over text without digits four times as fast.
_GROUPED_NUMBER = re.compile(r"\d(?<![\d.,'’]\d)\d{0,2}(?:[.,'’]\d{3})+(?!\d)")
# Letters of unspaced scripts, and the vowel marks of Arabic, Hebrew and Hindi that \\w leaves out.
_UNSPACED_RANGES = "\u0e00-\u0e7f\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963"
_RUN = re.compile(rf"[{_UNSPACED_RANGES}]+|(?:[^\W_{_UNSPACED_RANGES}]|[{_MARKS}])+")
_LATIN_EDGE = r"0-9A-Za-z\u00c0-\u024f"
_HYPHEN = r"[-\u2010-\u2013/]"
# A flight ("BA 2490", "U2-8601"), or a number of something ("Q-2026-0001", "INV/2026/7").
_CODE = (
    rf"(?<![{_LATIN_EDGE}])(?:"
    rf"(?:[A-Z]{{2}}|[A-Z]\d|\d[A-Z])(?:[ \u00a0]|{_HYPHEN})\d{{1,4}}"
    rf"|[A-Z]{{1,4}}(?:{_HYPHEN}\d[0-9A-Z]*)+"
    rf")(?![{_LATIN_EDGE}]|{_HYPHEN}[0-9A-Za-z])"
)
_WRITTEN_CODE = re.compile(_CODE)
_ASKED_CODE = re.compile(_CODE, re.IGNORECASE)
# Not I, which is a word in English.
_ALONE = re.compile(
    rf"(?:^|(?<=[\s(\[\"“„«{_UNSPACED_RANGES}]))[A-HJ-Z](?=$|[\s,;:!?)\].\"”»={_UNSPACED_RANGES}])",
    re.MULTILINE,
)
_SENTENCE_ENDS = frozenset(".!?¿¡:")
_HEAD = 2  # letters that no stemmer changes but for accents
_MAX_WORD = 40  # longer runs are keys and encoded data, cut so that they can't swell the index


# Letters to Unicode, but written as apostrophes: Koʻolina is Ko'olina.
_APOSTROPHES = str.maketrans({"\u02bb": "'", "\u02bc": "'"})
_DIGIT = re.compile(r"\d")
_ALL_STOP_WORDS = frozenset[str]().union(*languages.STOP_WORDS.values())


class QueryTerm(NamedTuple):
    """One word of a question.

    Attributes:
        word: as written, lower case.
        variants: the tokens it may have in an index, one per language that stems it differently.
    """

    word: str
    variants: tuple[str, ...]


def tokenize(text: str, language: str) -> list[str]:
    """Index tokens of a text in that language, in order, repeated as they occur.

    Each token holds only ASCII letters and digits or characters beyond ASCII, so FTS5's ``ascii``
    tokenizer keeps it whole.
    """
    return list(_tokens(text, language))


def index_tokens(text: str, language: str) -> list[str]:
    """`tokenize` without the language's stop words: questions leave them out, so do indexes."""
    return list(_tokens(text, language, languages.STOP_WORDS.get(language, frozenset())))


class TermFinder:
    """Finds a question's terms in passages without stemming every word of them.

    A stem begins like its word, so only words that begin like one of the terms, or that are not
    plain ASCII, are stemmed.
    """

    def __init__(self, terms: Iterable[QueryTerm]) -> None:
        self._terms = list(terms)
        heads = sorted({variant[:_HEAD] for term in self._terms for variant in term.variants})
        likely = "|".join(map(re.escape, heads)) or "(?!)"
        self._likely = re.compile(rf"(?<![^\W_])(?:{likely})[^\W_]*")
        self._asks_for_codes = any(
            _may_be_code(variant) for term in self._terms for variant in term.variants
        )

    def find(self, text: str, language: str) -> list[bool]:
        """Which of the terms the text holds."""
        if text.isascii():
            likely = self._likely.findall(_normal(text))
            tokens = {_token(word[:_MAX_WORD], language) for word in likely if _counts(word)}
            if self._asks_for_codes:
                tokens.update(_codes(text))
        else:
            tokens = set(_tokens(text, language))
        return [any(variant in tokens for variant in term.variants) for term in self._terms]


def query_terms(text: str, among: Iterable[str] = _LATIN) -> list[QueryTerm]:
    """The content words of a question, each once, with the tokens they may have.

    A short question often betrays no language, so every Latin word is stemmed in each language
    that the index holds. Stop words of the question's own language are left out, unless nothing
    else is left.

    Args:
        text: the question.
        among: languages of the index's documents.
    """
    own = languages.detect(text)
    stops = languages.STOP_WORDS.get(own, frozenset())
    latin = [code for code in _LATIN if code in set(among)] or [languages.DEFAULT]
    if own in _LATIN and own not in latin:
        latin.append(own)
    found: dict[str, QueryTerm] = {}
    spare: dict[str, QueryTerm] = {}
    whole: dict[str, list[str]] = {}
    plain = _compatible(text)
    for match in _ASKED_CODE.finditer(plain):
        parts = words(match[0])
        if parts[0] not in _ALL_STOP_WORDS:
            for part in parts:
                whole.setdefault(part, []).append("".join(parts))
    alone = set(_standing_alone(plain))
    for word in words(text):
        if _is_unspaced(word):
            variants = tuple(dict.fromkeys(_bigrams(word)))
            for variant in variants:
                found.setdefault(variant, QueryTerm(variant, (variant,)))
            continue
        script = languages.script_of(word[0])
        stemmers = [script] if script else latin
        stems = (_token(word, code) for code in stemmers)
        variants = tuple(dict.fromkeys([*stems, *whole.get(word, ())]))
        is_stop = word not in alone and (word in stops or not _counts(word))
        (spare if is_stop else found).setdefault(variants[0], QueryTerm(word, variants))
    return list((found or spare).values())


def fold(text: str) -> str:
    """Without accents and case: ``Łódź`` becomes ``lodz``."""
    if text.isascii():
        return text.lower()
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold())).translate(_STROKES)


# Of Latin, Greek and Cyrillic; the vowel marks of Thai or Hindi must stay.
_ACCENTS = re.compile("[\u0300-\u036f]")
# Letters that Unicode does not decompose.
_STROKES = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)


def _tokens(text: str, language: str, without: frozenset[str] = frozenset()) -> Iterator[str]:
    for word in words(text):
        if word in without:
            continue
        if _is_unspaced(word):
            yield from _bigrams(word)
        elif _counts(word):
            yield _token(word, languages.script_of(word[0]) or language)
    yield from _codes(text)


def _may_be_code(token: str) -> bool:
    """Whether `_codes` could yield it: a code holds a digit, what stands alone is one letter."""
    return len(token) == 1 or _DIGIT.search(token) is not None


def _codes(text: str) -> Iterator[str]:
    """What a text names as a whole besides its words: codes of several parts, lone capitals."""
    text = _compatible(text)
    for match in _WRITTEN_CODE.finditer(text):
        yield "".join(words(match[0]))
    yield from _standing_alone(text)


def _standing_alone(text: str) -> Iterator[str]:
    """Capitals that are words of their own, lower case; not initials, and not where all have one.

    A letter that opens a sentence ("Y el hotel?") or follows another abbreviation ("z. B.") is not
    meant.
    """
    for match in _ALONE.finditer(text):
        before = text[: match.start()].rstrip()
        opens = not before or before[-1] in _SENTENCE_ENDS
        if not (opens and text[match.end() : match.end() + 1] in {" ", "."}):
            yield match[0].lower()


def words(text: str) -> list[str]:
    """Runs of letters, marks and digits, lower case; unspaced scripts are runs of their own."""
    return [
        word if len(word) <= _MAX_WORD or _is_unspaced(word) else word[:_MAX_WORD]
        for word in _RUN.findall(_normal(text))
    ]


def _normal(text: str) -> str:
    """Lower case, compatibility characters replaced, numbers without their grouping."""
    normal = _compatible(text).lower()
    if not text.isascii():
        normal = normal.translate(_APOSTROPHES)
    return _GROUPED_NUMBER.sub(lambda match: re.sub(r"\D", "", match.group()), normal)


def _compatible(text: str) -> str:
    """With compatibility characters replaced: full-width letters and brackets, ligatures."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _counts(word: str) -> bool:
    return len(word) > 1 or word.isdigit()  # a letter alone says nothing


def _is_unspaced(word: str) -> bool:
    return not word.isascii() and languages.script_of(word[0]) in _UNSPACED


def _bigrams(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    for start in range(len(run) - 1):
        yield run[start : start + 2]


@lru_cache(maxsize=200_000)
def _token(word: str, language: str) -> str:
    # What holds a digit is a code or a number: its last letters are no ending.
    algorithm = None if _DIGIT.search(word) else SNOWBALL.get(language)
    # Stem first: the French and Spanish rules read accents.
    stem = _stemmer(algorithm).stemWord(word) if algorithm else word
    return fold(stem) or word


_stemmers = threading.local()  # a Snowball stemmer keeps the word in itself while it works


def _stemmer(algorithm: str) -> Any:
    made: dict[str, Any] | None = getattr(_stemmers, "made", None)
    if made is None:
        made = _stemmers.made = {}
    if algorithm not in made:
        import snowballstemmer

        made[algorithm] = snowballstemmer.stemmer(algorithm)
    return made[algorithm]
