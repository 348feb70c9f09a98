"""/v1/helpdesk/answers/{answer_id}/feedback and /v1/helpdesk/feedback: was it any help?"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from frontdesk.helpdesk.answering import AnswerMode
from frontdesk.helpdesk.stored import Person, StoredCitations
from frontdesk.platform.context import Context
from frontdesk.platform.database import Rpc
from frontdesk.platform.database_calls import ListQuery, change, read, read_page
from frontdesk.platform.fields import Since, Until
from frontdesk.platform.paging import Page
from frontdesk.platform.reply import Reply


class Rating(StrEnum):
    """Whether an answer helped."""

    HELPFUL = "helpful"
    UNHELPFUL = "unhelpful"


class Reason(StrEnum):
    """Why an answer did not help."""

    WRONG = "wrong"
    INCOMPLETE = "incomplete"
    OUTDATED = "outdated"
    NOT_UNDERSTOOD = "not_understood"
    OTHER = "other"


class AnswerPath(BaseModel):
    """The answer that the path names."""

    answer_id: UUID


class Opinion(BaseModel):
    """What somebody thinks of an answer."""

    model_config = ConfigDict(extra="forbid")

    rating: Rating
    reason: Reason | None = Field(None, description="Of an unhelpful answer alone.")
    comment: (
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]
        | None
    ) = None


class GivenOpinion(BaseModel):
    """What somebody thought of an answer."""

    rating: Rating
    reason: Reason | None
    comment: str | None


class Feedback(GivenOpinion):
    """The opinion of one user on one answer."""

    answer_id: UUID
    user_id: UUID
    created_at: datetime
    updated_at: datetime


class FeedbackPeriod(BaseModel):
    """When the feedback was given, or last changed."""

    model_config = ConfigDict(extra="forbid")

    since: Since | None = None
    until: Until | None = None


class FeedbackQuery(ListQuery):
    """Which feedback to list; the newest comes first."""

    rating: Rating | None = None
    reason: list[Reason] | None = Field(None, max_length=5, description="May be repeated.")
    since: Since | None = None
    until: Until | None = None


class FeedbackEntry(Feedback):
    """Feedback with what it is about."""

    user: Person
    conversation_id: UUID
    question: str | None
    answer: str
    mode: AnswerMode
    query_type: str | None
    citations: StoredCitations


class RatingsOfType(BaseModel):
    """How the answers to one type of question were rated."""

    query_type: str | None
    helpful: int
    unhelpful: int


class ReasonCount(BaseModel):
    """How often something was the reason."""

    reason: Reason
    count: int


class FeedbackSummary(BaseModel):
    """How answers were rated; in each list what there is most to improve comes first."""

    helpful: int
    unhelpful: int
    by_query_type: list[RatingsOfType]
    by_reason: list[ReasonCount]


def give_feedback(context: Context, path: AnswerPath, body: Opinion) -> Reply[Feedback]:
    """Say whether an answer helped; said again, it replaces what the caller said before."""
    params = {"p_answer": str(path.answer_id), "p_feedback": body.model_dump(mode="json")}
    outcome = change(context, Rpc.GIVE_FEEDBACK, params)
    return Reply(Feedback.model_validate(outcome["data"]), outcome["status"])


def list_feedback(context: Context, query: FeedbackQuery) -> Page[FeedbackEntry]:
    """List what people thought of answers, the newest first, each with question and answer."""
    return read_page(context, Rpc.LIST_FEEDBACK, FeedbackEntry, query)


def summarize_feedback(context: Context, query: FeedbackPeriod) -> FeedbackSummary:
    """Count what people thought of answers, by type of question and by reason."""
    period = query.model_dump(mode="json", exclude_none=True)
    reply = read(context, Rpc.SUMMARIZE_FEEDBACK, {"p_filter": period})
    return FeedbackSummary.model_validate(reply)
