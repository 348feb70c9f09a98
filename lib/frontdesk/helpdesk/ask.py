"""POST /v1/helpdesk/ask: a question, an answer with citations, stored by one command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from frontdesk.helpdesk.answering import AnswerMode, Response, responder_of
from frontdesk.helpdesk.classify import QueryType
from frontdesk.helpdesk.findings import visible_to
from frontdesk.helpdesk.passages import Citation
from frontdesk.helpdesk.prompt import Turn
from frontdesk.platform.context import Access, Context
from frontdesk.platform.database import Rpc
from frontdesk.platform.errors import DeadlineExceeded, NotFound, UpstreamUnavailable
from frontdesk.platform.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence

log = get_logger(__name__)

NOT_RECORDED = "not_recorded"


class Ask(BaseModel):
    """A question to the agency's knowledge."""

    model_config = ConfigDict(extra="forbid")

    question: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)
    ] = Field(description="In any language; documents answer in theirs.")
    conversation_id: UUID | None = Field(
        None, description="Continues one of the caller's conversations; by default a new one."
    )


class AnswerReply(BaseModel):
    """An answer, where it stands, and how it came about."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    answer: str = Field(description="Markers [n] count the citations, from 1.")
    mode: AnswerMode = Field(
        description="Written by the language model, quoted from documents, or not known."
    )
    degraded: bool = Field(description="Something outside failed and the answer is poorer for it.")
    degraded_reason: str | None = Field(description="What failed, several separated by commas.")
    citations: list[Citation] = Field(
        description="What the answer rests on; an extractive answer's are followed by further "
        "documents that were found."
    )
    query_type: QueryType
    conversation_id: UUID
    answer_id: UUID | None = Field(description="Null when the answer could not be stored.")
    timings: dict[str, float] = Field(description="Milliseconds by stage.")


def ask(context: Context, body: Ask) -> AnswerReply:
    """Answer from the documents that the caller may see, with citations.

    Without a language model, or when it fails, the answer is made of the documents' own sentences.
    When nothing answers the question, the reply says so instead of guessing.
    """
    clock, started = context.services.clock, context.services.clock.monotonic()
    if (earlier := _answered_before(context)) is not None:
        return earlier
    access = _access(context)
    conversation_id = body.conversation_id or context.services.ids.new_id()
    response = responder_of(context.services).respond(
        body.question,
        context.member.tenant_id,
        visible_to(access.role),
        request_id=context.request_id,
        deadline=context.deadline,
        history=lambda: _history(context, body.conversation_id),
    )
    response.timings["total"] = round((clock.monotonic() - started) * 1_000, 3)
    return _record(context, body.question, conversation_id, response)


def _answered_before(context: Context) -> AnswerReply | None:
    """The reply that this Idempotency-Key got before; asked first, for an answer costs money.

    None without a key, and when the database can't be asked now: storing the answer asks again.
    """
    if context.command is None or context.command.idempotency_key is None:
        return None
    try:
        return _stored_reply(context)
    except (UpstreamUnavailable, DeadlineExceeded):
        return None


def _access(context: Context) -> Access:
    """What SQL says of the member: the role decides which documents may answer."""
    session, user_id = context.cache_session, context.member.user_id
    access = session.access_of(user_id)
    if access is None:
        reply = context.database.call(Rpc.ACCESS, {}, deadline=context.deadline, idempotent=True)
        access = Access.model_validate(reply["access"])
        session.remember_access(user_id, access)
    return access


def _history(context: Context, conversation_id: UUID | None) -> Sequence[Turn]:
    """The conversation so far; empty when there is none, or when it can't be read just now."""
    if conversation_id is None:
        return ()
    try:
        reply = _conversation(context, conversation_id)
    except (NotFound, UpstreamUnavailable):
        return ()
    if reply["user_id"] != str(context.member.user_id):
        # A colleague's may be read, not continued; told before a model is shown what it holds.
        raise NotFound("There is no such conversation.")
    return [
        Turn(message["role"], message["text"])
        for message in reply["messages"]
        if message["mode"] != AnswerMode.NO_ANSWER
    ]


def _conversation(context: Context, conversation_id: UUID) -> dict[str, Any]:
    reply: dict[str, Any] = context.database.call(
        Rpc.READ_CONVERSATION,
        {"p_id": str(conversation_id)},
        deadline=context.deadline,
        idempotent=True,
    )["conversation"]
    return reply


def _record(
    context: Context, question: str, conversation_id: UUID, response: Response
) -> AnswerReply:
    """Store question and answer together; an answer that can't be stored is given all the same."""
    answer_id = context.services.ids.new_id()
    reasons = response.reasons
    record = {
        "conversation_id": str(conversation_id),
        "question_id": str(context.services.ids.new_id()),
        "answer_id": str(answer_id),
        "question": question,
        "answer": response.text,
        "mode": response.mode,
        "degraded": bool(reasons),
        "degraded_reason": ",".join(reasons) or None,
        "query_type": response.query_type,
        "citations": [citation.model_dump(mode="json") for citation in response.citations],
        "timings": response.timings,
    }
    stored: UUID | None = answer_id
    try:
        outcome = context.database.call(
            Rpc.RECORD_ANSWER,
            {"p_answer": record, "p_command": context.command_json},
            deadline=context.deadline,
            idempotent=False,
        )
    except (UpstreamUnavailable, DeadlineExceeded) as failure:
        log.warning("The answer could not be stored.", error=type(failure).__name__)
        stored, reasons = None, (*reasons, NOT_RECORDED)
    else:
        if outcome["replayed"] and (earlier := _stored_reply(context)) is not None:
            return earlier
    return AnswerReply(
        answer=response.text,
        mode=response.mode,
        degraded=bool(reasons),
        degraded_reason=",".join(reasons) or None,
        citations=list(response.citations),
        query_type=response.query_type,
        conversation_id=conversation_id,
        answer_id=stored,
        timings=response.timings,
    )


def _stored_reply(context: Context) -> AnswerReply | None:
    """The answer that was stored under this request's Idempotency-Key; None when there is none.

    Raises:
        IdempotencyKeyReused: the key came with another question.
        IdempotencyInProgress: an answer is being stored under it at this moment.
    """
    answer = context.database.call(
        Rpc.FIND_ANSWER,
        {"p_command": context.command_json},
        deadline=context.deadline,
        idempotent=True,
    )["answer"]
    if answer is None:
        return None
    return AnswerReply.model_validate(
        {"answer": answer.pop("text"), "answer_id": answer.pop("id"), **answer}
    )
