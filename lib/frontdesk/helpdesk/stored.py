"""What the desk shows of stored messages and of the people in them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ValidationError

from frontdesk.helpdesk.answering import AnswerMode
from frontdesk.helpdesk.passages import Citation


def _readable(citations: Any) -> list[Citation]:
    """The citations among them. Members can store answers without us, and one that nobody can read
    must not keep colleagues from a list that it is in.
    """
    found = []
    for citation in citations or ():
        try:
            found.append(Citation.model_validate(citation))
        except ValidationError:
            continue
    return found


StoredCitations = Annotated[list[Citation], BeforeValidator(_readable)]


class Author(StrEnum):
    """Who wrote a message."""

    USER = "user"
    ASSISTANT = "assistant"


class Person(BaseModel):
    """A user of the agency."""

    id: UUID
    name: str | None


class StoredMessage(BaseModel):
    """A question or an answer, as it was stored."""

    id: UUID
    role: Author
    text: str
    mode: AnswerMode | None
    citations: StoredCitations
    created_at: datetime
