"""POST /v1/helpdesk/ask: a question, an answer with citations, stored by one command."""

from __future__ import annotations

from frontdesk.helpdesk.answering import responder_of
from frontdesk.helpdesk.findings import visible_to
from frontdesk.helpdesk.records import begin, record
from frontdesk.helpdesk.replies import AnswerReply, Ask
from frontdesk.platform.context import Context

__all__ = ["AnswerReply", "Ask", "ask"]


def ask(context: Context, body: Ask) -> AnswerReply:
    """Answer from the documents that the caller may see, with citations.

    Without a language model, or when it fails, the answer is made of the documents' own sentences.
    When nothing answers the question, the reply says so instead of guessing.
    """
    clock, started = context.services.clock, context.services.clock.monotonic()
    beginning = begin(context, body.conversation_id)
    if beginning.earlier is not None:
        return beginning.earlier
    response = responder_of(context.services).respond(
        body.question,
        context.member.tenant_id,
        visible_to(beginning.access.role, body.filters),
        request_id=context.request_id,
        deadline=context.deadline,
        history=beginning.history,
        within_budget=beginning.within_budget,
    )
    response.timings["total"] = round((clock.monotonic() - started) * 1_000, 3)
    conversation_id = body.conversation_id or context.services.ids.new_id()
    return record(context, body.question, conversation_id, response)
