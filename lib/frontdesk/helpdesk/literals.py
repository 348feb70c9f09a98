"""What a sentence must have exactly as its source has it: figures, addresses, codes and names."""

from __future__ import annotations

import re
from typing import Final

from frontdesk.knowledge import language as languages
from frontdesk.knowledge.tokens import fold

_FIGURE: Final = re.compile(r"\d+(?:[.,:'’\u202f\u00a0]\d+)*")
_TIME_OF_DAY: Final = re.compile(r"0?(\d{1,2}):(\d\d)")
_TIME: Final = re.compile(
    r"""
    \b(\d{1,2})(?:[:.](\d\d))?(?=\s*(?:uhr|h\b))                    # 21 Uhr, 21.30 Uhr, 21h
    | \b(\d{1,2})(?::(\d\d))?(?:\s*([ap])\.?m\b|(?<=:\d\d))       # 9 pm, 9:30 p.m., 21:30
    """,
    re.IGNORECASE | re.VERBOSE,
)
_HOURS: Final = 24
_ADDRESS: Final = re.compile(
    r"""
    \b[a-z][a-z0-9+.-]{1,15}://\S+                        # any scheme with an authority
    | \b(?:data|javascript|vbscript|mailto|file|blob):\S+ # schemes without one
    | (?<!\w)//[\w-]+\.\S+                                # the page's own scheme
    | [\w.+-]+@[\w-]+(?:\.[\w-]+)+                        # e-mail
    | (?<![\w@.])(?:[\w-]+\.)+[a-z]{2,}[/?#]\S*           # a bare host with a path
    | (?<![\w@.])(?:[\w-]{2,}\.)+[a-z]{2,}\b              # a bare host; "e.g" is none
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SCHEME: Final = re.compile(r"^(?:https?:)?//(?:www\.)?|^mailto:|^www\.")
_WORD: Final = re.compile(r"[^\W_]+")
_NEITHER_LETTER_NOR_DIGIT: Final = re.compile(r"[\W_]+")
_WITH_UNIT: Final = re.compile(r"\d+(?:[^\W\d_]{1,4}|h\d\d)")
"""20kg, 2nd, 12pm, 7h30: the figure is what counts."""

_INNER_CAPITAL: Final = re.compile(r"[a-z][A-Z]|[A-Z]{2,}[a-rt-z]")
_CAPITALS_OF_A_CODE: Final = 4  # fewer are units and currencies, which are written in many ways
_LONGEST_WORD: Final = 40
_LABEL: Final = re.compile(r"^[^:]{1,40}:")  # is often written In Title Case
_CAPITALISED: Final = re.compile(r"(?<=[^\W_][ ,])[ ]?[A-ZÀ-ÖØ-Þ][^\W\d_]{2,}")
_LATIN_NAME: Final = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ]{4,}")
_LANGUAGES_THAT_CAPITALISE_NAMES_ALONE: Final = frozenset({"en", "fr", "es"})
_CALENDAR: Final = re.compile(
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|march|april|may|june|july|august"
    r"|(?:septem|octo|novem|decem)ber",
    re.IGNORECASE,
)
"""What English writes with a capital although it names nobody."""


def figures(text: str) -> set[str]:
    """The numbers in a text without their marks: 1'200.50 is 120050, and 120.00 is 120.

    Of a time of day, hours and minutes: 07:30 is 730, and 07:00 is 7.
    """
    return {_figure(match[0]) for match in _FIGURE.finditer(text)}


def figures_on_both_clocks(text: str) -> set[str]:
    """`figures`, and those of each time of day on the other clock: of 9 pm also 21, and back."""
    found = figures(text)
    for match in _TIME.finditer(text):
        hour, minutes = int(match[1] or match[3]), (match[2] or match[4] or "").replace("00", "")
        half = match[5].lower() if match[5] else ""
        if half:
            found.add(f"{hour % 12 + (12 if half == 'p' else 0)}{minutes}")
        elif hour <= _HOURS:
            found.add(f"{hour % 12 or 12}{minutes}")
    return found


def addresses(text: str) -> set[str]:
    """Links, hosts and e-mail addresses, lower case, without ``https://www.``."""
    found = (match[0].lower().strip(".,;:!?()[]{}<>'\"»”’*_`") for match in _ADDRESS.finditer(text))
    return {_SCHEME.sub("", address).rstrip("/") for address in found}


def hosts(text: str) -> set[str]:
    """The hosts of the links of a text, and of its e-mail addresses."""
    return {re.split(r"[/?#:]", address.split("@")[-1])[0] for address in addresses(text)}


def codes(text: str) -> set[str]:
    """Booking references, fare classes, keys, encoded data: what no one can paraphrase.

    Letters mixed with digits, capitals inside of a word, four capitals or more, and runs of letters
    longer than any word.
    """
    return {word for word in _WORD.findall(_ADDRESS.sub(" ", text)) if _is_code(word)}


def names(text: str, language: str) -> set[str]:
    """Words that are likely names: capitalised inside of a sentence, or Latin in another script.

    German writes every noun with a capital: there, nothing can be told.
    """
    if language not in languages.STOP_WORDS:
        return set(_LATIN_NAME.findall(_ADDRESS.sub(" ", text)))
    if language not in _LANGUAGES_THAT_CAPITALISE_NAMES_ALONE:
        return set()
    body = _LABEL.sub("", text)
    found = {match[0].strip() for match in _CAPITALISED.finditer(body)}
    return {name for name in found if not (name.isupper() or _CALENDAR.fullmatch(name))}


def squashed(text: str) -> str:
    """Letters and digits alone, folded: however ``Wi-Fi`` is written, it is ``wifi``."""
    return _NEITHER_LETTER_NOR_DIGIT.sub("", fold(text))


def _figure(written: str) -> str:
    time = _TIME_OF_DAY.fullmatch(written)
    if time is not None:
        return time[1] + time[2].replace("00", "")
    return re.sub(r"\D", "", re.sub(r"[.,]0{1,2}$", "", written))


def _is_code(word: str) -> bool:
    if any(map(str.isdigit, word)) and not word.isdigit():
        return not _WITH_UNIT.fullmatch(word)
    if len(word) > _LONGEST_WORD and word.isascii():
        return True
    if word.isupper():
        return len(word) >= _CAPITALS_OF_A_CODE and word.isascii()
    return bool(_INNER_CAPITAL.search(word))
