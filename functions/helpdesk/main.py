"""helpdesk: ask the agency's knowledge, get a cited answer; and what may follow from one."""

from frontdesk.helpdesk import conversations, desk_settings, feedback, tickets
from frontdesk.helpdesk.ask import ask
from frontdesk.helpdesk.readiness import knowledge
from frontdesk.helpdesk.usage import read_usage
from frontdesk.http import Role, delete, get, http_function, patch, post

CONVERSATION = "/v1/helpdesk/conversations/{conversation_id}"
TICKET = "/v1/helpdesk/tickets/{ticket_id}"

helpdesk = http_function(
    "helpdesk",
    post("/v1/helpdesk/ask", ask, allow=Role.VISITOR),
    get("/v1/helpdesk/conversations", conversations.list_conversations, allow=Role.VISITOR),
    get(CONVERSATION, conversations.read_conversation, allow=Role.VISITOR),
    patch(CONVERSATION, conversations.rename_conversation, allow=Role.VISITOR),
    delete(CONVERSATION, conversations.delete_conversation, allow=Role.VISITOR),
    post("/v1/helpdesk/answers/{answer_id}/feedback", feedback.give_feedback, allow=Role.VISITOR),
    get("/v1/helpdesk/feedback", feedback.list_feedback, allow=Role.AGENT),
    get("/v1/helpdesk/feedback/summary", feedback.summarize_feedback, allow=Role.AGENT),
    post("/v1/helpdesk/tickets", tickets.create_ticket, allow=Role.VISITOR, status=201),
    get("/v1/helpdesk/tickets", tickets.list_tickets, allow=Role.VISITOR),
    get(TICKET, tickets.read_ticket, allow=Role.VISITOR),
    patch(TICKET, tickets.change_ticket, allow=Role.AGENT, conditional=True),
    post(f"{TICKET}/status", tickets.change_ticket_status, allow=Role.AGENT, conditional=True),
    post(f"{TICKET}/comments", tickets.comment_on_ticket, allow=Role.VISITOR, status=201),
    get("/v1/helpdesk/settings", desk_settings.read_helpdesk_settings, allow=Role.AGENT),
    patch("/v1/helpdesk/settings", desk_settings.change_helpdesk_settings, allow=Role.OWNER),
    get("/v1/helpdesk/usage", read_usage, allow=Role.OWNER),
    ready=[knowledge],
)
