"""What a handler's docstring says, for OpenAPI."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

_SECTION = re.compile(r"^(Args|Returns|Raises|Attributes|Yields):$", re.MULTILINE)


def summary(function: Callable[..., Any]) -> str:
    """Its first sentence, without the full stop."""
    return _paragraphs(function)[0].partition(". ")[0].rstrip(".")


def description(function: Callable[..., Any]) -> str:
    """What follows the first sentence, without the sections that are for programmers."""
    first, *others = _paragraphs(function)
    rest = first.partition(". ")[2]
    return "\n\n".join(part for part in (rest, *others) if part)


def _paragraphs(function: Callable[..., Any]) -> list[str]:
    text = inspect.getdoc(function) or function.__name__.replace("_", " ").capitalize()
    prose = _SECTION.split(text)[0].strip()
    return [" ".join(part.split()) for part in prose.split("\n\n")]
