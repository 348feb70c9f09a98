"""What the database is asked before an answer, and told after it: one round trip each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from frontdesk.helpdesk.answering import AnswerMode, Response
from frontdesk.helpdesk.classify import QueryType
from frontdesk.helpdesk.prompt import Turn
from frontdesk.helpdesk.replies import AnswerReply
from frontdesk.platform.context import Access, Context
from frontdesk.platform.database import Rpc
from frontdesk.platform.errors import DeadlineExceeded, UpstreamUnavailable
from frontdesk.platform.logging import get_logger

if TYPE_CHECKING:
    from frontdesk.platform.llm import Usage

log = get_logger(__name__)

NOT_RECORDED = "not_recorded"
_NOT_SHOWN_AGAIN = frozenset({AnswerMode.NO_ANSWER, AnswerMode.SCRIPTED})
"""Answers of which the model learns nothing for the next one."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What is known before a question is answered.

    Attributes:
        access: the asker's; the role decides which documents may answer.
        earlier: the reply that this Idempotency-Key got before, or None.
        history: of the conversation, the oldest first.
        query_terms: the agency's own words by query type, as it set them.
        tokens_left: of the agency's day; None when there is no limit, or when it is not known.
        index_version: of the agency's index, as it was published last; None when it is not known.
    """

    access: Access
    earlier: AnswerReply | None = None
    history: tuple[Turn, ...] = ()
    query_terms: Mapping[str, Any] | None = None
    tokens_left: int | None = None
    index_version: str | None = None

    @property
    def within_budget(self) -> bool:
        """Whether the agency may spend tokens of the language model today."""
        return self.tokens_left is None or self.tokens_left > 0


def begin(context: Context, conversation_id: UUID | None) -> Beginning:
    """Ask everything that an answer depends on.

    While the database is away, a member whose access was checked within the last minute is still
    answered, without history.

    Raises:
        NotFound: the conversation is a colleague's; told before a model is shown what it holds.
        IdempotencyKeyReused: the key came with another question.
        IdempotencyInProgress: an answer is being stored under it at this moment.
        UpstreamUnavailable, DeadlineExceeded: the database is away and nothing is remembered.
    """
    session, user_id = context.cache_session, context.member.user_id
    try:
        reply = context.database.call(
            Rpc.BEGIN_ANSWER,
            {
                "p_conversation": None if conversation_id is None else str(conversation_id),
                "p_command": context.command_json,
            },
            deadline=context.deadline,
            idempotent=True,
        )
    except (UpstreamUnavailable, DeadlineExceeded):
        remembered = session.access_of(user_id)
        if remembered is None:
            raise
        return Beginning(remembered)
    access = Access.model_validate(reply["access"])
    session.remember_access(user_id, access)
    return Beginning(
        access=access,
        earlier=_stored(reply["answer"]),
        history=tuple(
            Turn(turn["role"], turn["text"])
            for turn in reply["history"]
            if turn["mode"] not in _NOT_SHOWN_AGAIN
        ),
        query_terms=reply["query_terms"],
        tokens_left=reply["tokens_left"],
        index_version=reply["index_version"],
    )


def record(
    context: Context, question: str, conversation_id: UUID, response: Response
) -> AnswerReply:
    """Store question and answer together; an answer that can't be stored is given all the same."""
    answer_id = context.services.ids.new_id()
    reasons = response.reasons
    answer = {
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
        "usage": _usage(context, response.usage) if response.usage else None,
    }
    stored: UUID | None = answer_id
    try:
        outcome = context.database.call(
            Rpc.RECORD_ANSWER,
            {"p_answer": answer, "p_command": context.command_json},
            deadline=context.deadline,
            idempotent=False,
        )
    except (UpstreamUnavailable, DeadlineExceeded) as failure:
        log.warning("The answer could not be stored.", error=type(failure).__name__)
        stored, reasons = None, (*reasons, NOT_RECORDED)
    else:
        if outcome["replayed"] and (earlier := _answer_under_this_key(context)) is not None:
            record_usage(context, response.usage)
            return earlier
    return AnswerReply(
        answer=response.text,
        mode=response.mode,
        degraded=bool(reasons),
        degraded_reason=",".join(reasons) or None,
        citations=list(response.citations),
        query_type=response.query_type,
        offer=_offer(response.mode, response.query_type),
        conversation_id=conversation_id,
        answer_id=stored,
        timings=response.timings,
    )


def record_usage(context: Context, usage: Usage | None) -> None:
    """Count what was spent on an answer that is not stored."""
    if usage is None:
        return
    try:
        context.database.call(
            Rpc.RECORD_USAGE,
            {"p_usage": _usage(context, usage)},
            deadline=context.deadline,
            idempotent=False,
        )
    except (UpstreamUnavailable, DeadlineExceeded) as failure:
        log.warning("What was spent could not be counted.", error=type(failure).__name__)


def _usage(context: Context, usage: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "cost_micros": context.services.llm.cost_micros(usage),
    }


def _answer_under_this_key(context: Context) -> AnswerReply | None:
    """The answer that another request stored under this one's key in the meantime.

    Raises:
        IdempotencyKeyReused: the key came with another question.
        IdempotencyInProgress: an answer is being stored under it at this moment.
    """
    reply = context.database.call(
        Rpc.FIND_ANSWER,
        {"p_command": context.command_json},
        deadline=context.deadline,
        idempotent=True,
    )
    return _stored(reply["answer"])


def _stored(answer: dict[str, Any] | None) -> AnswerReply | None:
    if answer is None:
        return None
    offer = _offer(AnswerMode(answer["mode"]), QueryType(answer["query_type"]))
    return AnswerReply.model_validate(
        {
            "answer": answer.pop("text"),
            "answer_id": answer.pop("id"),
            "offer": offer,
            **answer,
        }
    )


def _offer(mode: AnswerMode, query_type: QueryType) -> Literal["ticket"] | None:
    wants_somebody = mode is AnswerMode.NO_ANSWER or query_type is QueryType.HAND_OFF
    return "ticket" if wants_somebody else None
