"""helpdesk: ask the agency's knowledge, get a cited answer."""

from frontdesk.helpdesk.ask import ask
from frontdesk.helpdesk.readiness import knowledge
from frontdesk.http import http_function, post
from frontdesk.platform.context import Role

helpdesk = http_function(
    "helpdesk",
    post("/v1/helpdesk/ask", ask, allow=Role.VISITOR),
    ready=[knowledge],
)
