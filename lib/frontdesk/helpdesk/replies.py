"""What is asked and what is answered, as the API says it."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from frontdesk.helpdesk.answering import AnswerMode
from frontdesk.helpdesk.classify import QueryType
from frontdesk.helpdesk.explain import Explanation
from frontdesk.helpdesk.passages import Citation

Tag = Annotated[str, StringConstraints(min_length=1, max_length=50)]
LanguageCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]


class AskFilters(BaseModel):
    """Narrows the documents that may answer; each list means any of its entries."""

    model_config = ConfigDict(extra="forbid")

    document_ids: list[UUID] | None = Field(None, min_length=1, max_length=100)
    tags: list[Tag] | None = Field(None, min_length=1, max_length=50)
    languages: list[LanguageCode] | None = Field(None, min_length=1, max_length=20)


class Ask(BaseModel):
    """A question to the agency's knowledge."""

    model_config = ConfigDict(extra="forbid")

    question: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)
    ] = Field(description="In any language; documents answer in theirs.")
    conversation_id: UUID | None = Field(
        None, description="Continues one of the caller's conversations; by default a new one."
    )
    filters: AskFilters | None = Field(
        None, description="By default every document that the caller may see can answer."
    )
    explain: bool = Field(False, description="Whether to tell how the answer came about.")


class AnswerReply(BaseModel):
    """An answer, where it stands, and how it came about."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    answer: str = Field(description="Markers [n] count the citations, from 1.")
    mode: AnswerMode = Field(
        description="Written by the language model, quoted from documents, not known, or "
        "Frontdesk's own words: a greeting, or the offer of a colleague."
    )
    degraded: bool = Field(description="Something outside failed and the answer is poorer for it.")
    degraded_reason: str | None = Field(description="What failed, several separated by commas.")
    citations: list[Citation] = Field(
        description="What the answer rests on; an extractive answer's are followed by further "
        "documents that were found."
    )
    query_type: QueryType
    offer: Literal["ticket"] | None = Field(
        None, description="What would help further: a ticket, opened with this conversation's id."
    )
    conversation_id: UUID
    answer_id: UUID | None = Field(description="Null when the answer could not be stored.")
    timings: dict[str, float] = Field(description="Milliseconds by stage.")
    explanation: Explanation | None = Field(
        None,
        description="With `explain`: what each stage of the search thought of each passage. Null "
        "when nothing was searched, and for a reply that is repeated.",
    )
