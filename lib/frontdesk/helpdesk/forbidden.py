"""What no answer may hold, whatever supports it: talk about the model, its instructions, markup."""

from __future__ import annotations

import base64
import codecs
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar

from frontdesk.helpdesk.literals import squashed
from frontdesk.knowledge.tokens import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS: Final = 6
"""Words of the instructions in a row that are no chance."""

CHARACTERS: Final = 24
"""Letters and digits of them in a row, whatever stands between, that are no chance either."""

_ABOUT_ITSELF: Final = re.compile(
    r"""
    \bas\ an?\ (?:ai|artificial|language\ model|chatbot)\b
    | \bI(?:['’]m|\ am)\ (?:an?\ )?(?:ai|bot|chatbot|language\ model|virtual\ assistant)\b
    | \bI\ (?:was|am|have\ been)\ (?:told|instructed|asked|programmed|trained|configured)\b
    | \b(?:my|hidden|secret|initial)\ (?:own\ )?(?:instructions?|prompts?|guidelines)\b
    | \b(?:language|ai)\ model\b | \bsystem[ -]?prompts?\b
    | \bsprachmodell | \bsystemanweisung | \bmeine[nr]?\ (?:anweisung|vorgabe)en\b
    | \bich\ (?:wurde|bin)\ (?:angewiesen|programmiert)
    | \bmodèle\ de\ langage | \b(?:invite|instructions)\ (?:du\ )?système\b
    | \bmes\ (?:instructions|consignes)\b
    | \bmodelo\ de\ lenguaje | \b(?:instrucciones|indicaciones)\ del?\ sistema\b
    | \bmis\ (?:instrucciones|indicaciones)\b
    | 语言模型 | 語言模型 | 系统提示 | 系統提示 | 提示词 | 我的(?:指令|指示|说明)
    | 言語モデル | システムプロンプト | 언어\ ?모델 | 시스템\ ?프롬프트
    | نموذج\ لغوي | تعليماتي | تعليمات\ النظام
    | языков\w+\ модел | системн\w+\ (?:промпт|инструкци) | мо(?:и|их)\ инструкци
    """,
    re.IGNORECASE | re.VERBOSE,
)
_MARKUP: Final = re.compile(r"!\[|<\s*[/!?|]?\s*[a-z]|</?\s*documents", re.IGNORECASE)
"""Pictures and HTML: their addresses are loaded, and carry away whatever stands in them."""

_REMEMBERED: Final = 200  # characters, of what was shown: more than a run has
_MARK: Final = re.compile(r"<documents ([0-9a-f]{8})>")


_Run = TypeVar("_Run", str, tuple[str, ...])


class Forbidden:
    """Watches one answer for what it may not hold.

    Args:
        instructions: what the model was told as its system message; they are recognised as they
            stand, backwards, rotated by 13, in base64, base32 and hexadecimal.
    """

    def __init__(self, instructions: str) -> None:
        found = _MARK.search(instructions)
        self._mark = found[1] if found else None
        # Without the mark, which differs each time, the runs are those of the last request.
        self._runs = _runs_of(instructions.replace(self._mark or "\0", "0" * 8))
        self._before = ""

    def stands_in(self, sentence: str) -> bool:
        """Whether the sentence, or it and those that were kept before it, hold such a thing."""
        if _ABOUT_ITSELF.search(sentence) or _MARKUP.search(sentence):
            return True
        said = squashed(self._before + sentence)
        if self._mark is not None and (self._mark in said or self._mark[::-1] in said):
            return True
        return not self._runs.isdisjoint(
            (*_windows(said, CHARACTERS), *_windows(_words(self._before + sentence), WORDS))
        )

    def keep(self, sentence: str) -> None:
        """Remember the end of what is shown; the next sentence may go on with it."""
        self._before = (self._before + sentence)[-_REMEMBERED:] + " "


@lru_cache(maxsize=8)
def _runs_of(instructions: str) -> frozenset[str | tuple[str, ...]]:
    data = instructions.encode()
    turned = codecs.encode(instructions, "rot13")
    forms = [
        instructions,
        instructions[::-1],
        turned,
        turned[::-1],
        data.hex(),
        base64.b32encode(data).decode(),
        # Where base64 begins decides how it groups the bytes.
        *(base64.b64encode(data[offset:]).decode() for offset in range(3)),
    ]
    runs = {run for form in forms for run in _windows(squashed(form), CHARACTERS)}
    return frozenset({*runs, *_windows(_words(instructions), WORDS)})


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[^\W_]+", fold(text)))


def _windows(run: _Run, size: int) -> Iterator[_Run]:
    return (run[start : start + size] for start in range(len(run) - size + 1))
