"""POST /v1/helpdesk/ask: a question, an answer with citations, stored by one command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from frontdesk.helpdesk.answering import responder_of
from frontdesk.helpdesk.explain import explanation_of
from frontdesk.helpdesk.findings import visible_to
from frontdesk.helpdesk.generate import Listener
from frontdesk.helpdesk.records import Beginning, begin, record, record_usage
from frontdesk.helpdesk.replies import AnswerReply, Ask
from frontdesk.helpdesk.stream import Sentence, Teller
from frontdesk.helpdesk.terms import Terms
from frontdesk.knowledge.serving import knowledge_of
from frontdesk.platform.cancellation import CallerGone
from frontdesk.platform.context import Context
from frontdesk.platform.logging import get_logger
from frontdesk.platform.reply import Events

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from frontdesk.helpdesk.answering import Response
    from frontdesk.platform.cancellation import Cancellation

__all__ = ["AnswerReply", "Ask", "answer", "ask"]

log = get_logger(__name__)


def ask(context: Context, body: Ask) -> AnswerReply | Events[Sentence]:
    """Answer from the documents that the caller may see, with citations.

    Without a language model, or when it fails, the answer is made of the documents' own sentences.
    When nothing answers the question, the reply says so instead of guessing.

    With `Accept: text/event-stream` the answer is told while it is made: an event `sentence` for
    each, then `final` with the reply as JSON would have had it, which replaces what was told
    before, or `error`.
    """
    if not context.wants_events:
        return answer(context, body)
    beginning = begin(context, body.conversation_id)

    def produce(emit: Callable[[Sentence], None], cancellation: Cancellation) -> AnswerReply:
        teller = Teller(emit)
        reply = _answer(context, body, beginning, Listener(teller.tell, cancellation))
        teller.tell_rest(reply)
        return reply

    return Events(produce)


def answer(context: Context, body: Ask) -> AnswerReply:
    """The answer as a whole, whatever the caller prefers."""
    return _answer(context, body, begin(context, body.conversation_id))


def _answer(
    context: Context, body: Ask, beginning: Beginning, listener: Listener | None = None
) -> AnswerReply:
    """Answer and store, unless this request had its answer before.

    Raises:
        CallerGone: the listener left; what was spent is counted, nothing else is stored.
    """
    if beginning.earlier is not None:
        return beginning.earlier
    clock = context.services.clock
    started = clock.monotonic()
    if beginning.index_version is not None:
        store = knowledge_of(context.services).store
        store.expect(context.member.tenant_id, beginning.index_version)
    response = responder_of(context.services).respond(
        body.question,
        context.member.tenant_id,
        visible_to(beginning.access.role, body.filters),
        request_id=context.request_id,
        deadline=context.deadline,
        history=beginning.history,
        terms=Terms.of(beginning.query_terms or {}),
        within_budget=beginning.within_budget,
        listener=listener,
    )
    response.timings["total"] = round((clock.monotonic() - started) * 1_000, 3)
    if listener is not None and listener.cancellation.cancelled:
        _log("The caller left before the answer.", response)
        record_usage(context, response.usage)
        raise CallerGone
    _log("The question was answered.", response)
    conversation_id: UUID = body.conversation_id or context.services.ids.new_id()
    reply = record(context, body.question, conversation_id, response)
    if body.explain and response.findings is not None:
        reply = reply.model_copy(update={"explanation": explanation_of(response.findings)})
    return reply


def _log(message: str, response: Response) -> None:
    """What came of a question, without a word of it."""
    usage = response.usage
    log.info(
        message,
        mode=response.mode,
        query_type=response.query_type,
        reasons=",".join(response.reasons) or None,
        shortfall=response.shortfall,
        prompt_tokens=usage.prompt_tokens if usage else 0,
        completion_tokens=usage.completion_tokens if usage else 0,
        removed_markers=response.removed_markers,
        answer_ms=response.timings["total"],
    )
