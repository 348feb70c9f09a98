"""What answers are made of: retrieved passages, and citations that point at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Sequence

QUOTE_LENGTH = 400
"""Characters of a quote at most."""

GAP = " … "
"""Stands in a quote where sentences are left out."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that was retrieved for this question.

    Attributes:
        document_id: of the uploaded document that it is a part of.
        title: of that document.
        text: the chunk.
        language: of the document, ISO 639-1; empty when unknown.
        score: relevance between 0 and 1, comparable within one answer.
    """

    document_id: str
    title: str
    text: str
    language: str
    score: float


class Citation(BaseModel):
    """Where something in an answer stands: one of the passages retrieved for it."""

    model_config = ConfigDict(frozen=True)

    document_id: str = Field(description="The document, as in /v1/knowledge/documents.")
    title: str = Field(description="The document's title.")
    quote: str = Field(description="The words of the document, as they stand there.")
    score: float = Field(ge=0, le=1, description="Relevance to the question, 1 is best.")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's text with markers ``[n]``, and what they point at; ``[1]`` is the first."""

    text: str
    citations: tuple[Citation, ...]


def citation_of(passage: Passage, quote: str) -> Citation:
    """A citation of words that stand in the passage, cut at a word when they are too many."""
    if len(quote) > QUOTE_LENGTH:
        quote = quote[: QUOTE_LENGTH - 1].rsplit(" ", 1)[0] + "…"
    return Citation(
        document_id=passage.document_id,
        title=passage.title,
        quote=quote,
        score=round(min(1.0, max(0.0, passage.score)), 4),
    )


def stands_in(citation: Citation, passages: Sequence[Passage]) -> bool:
    """Whether a citation's words stand in one of the passages, in that document."""
    parts = [_plain(part) for part in citation.quote.removesuffix("…").split(GAP)]
    return any(
        passage.document_id == citation.document_id
        and all(part in _plain(passage.text) for part in parts)
        for passage in passages
    )


def _plain(text: str) -> str:
    return " ".join(text.split())
