"""What a question to a language model costs: tokens as they were billed, or as well as we know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CHARACTERS_PER_TOKEN: Final = 3
"""Of English text 4, of other scripts fewer: an estimate from characters errs upwards."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that were billed."""

    prompt_tokens: int
    completion_tokens: int

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )


class Meter:
    """Counts what one question costs over all its attempts. For one thread.

    An attempt counts as the provider reports it. When it reports nothing, because it never does or
    because the reply was cut short, an accepted one is estimated from its characters.

    Args:
        asked: characters of the question with all that goes with it.
    """

    def __init__(self, asked: int) -> None:
        self._asked = asked
        self._earlier: Usage | None = None
        self._reported: Usage | None = None
        self._accepted = False
        self._said = 0

    def begin(self) -> None:
        """Another attempt is made."""
        self._earlier = self.usage
        self._reported, self._accepted, self._said = None, False, 0

    def accept(self) -> None:
        """The provider took the question: it costs something from here on."""
        self._accepted = True

    def say(self, characters: int) -> None:
        """So many characters of an answer came."""
        self._accepted = True
        self._said += characters

    def report(self, usage: Usage) -> None:
        """The provider says what the present attempt cost so far; its last word counts."""
        self._reported = usage

    @property
    def usage(self) -> Usage | None:
        """All attempts together; None when none of them cost anything."""
        present = self._reported
        if present is None and self._accepted:
            present = Usage(_tokens(self._asked), _tokens(self._said))
        if present is None or self._earlier is None:
            return present or self._earlier
        return self._earlier + present


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_PER_TOKEN)
