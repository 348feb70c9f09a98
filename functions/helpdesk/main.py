"""helpdesk: ask the agency's knowledge, get a cited answer."""

from frontdesk.helpdesk.ask import ask
from frontdesk.helpdesk.readiness import knowledge
from frontdesk.helpdesk.usage import read_usage
from frontdesk.http import get, http_function, post
from frontdesk.platform.context import Role

helpdesk = http_function(
    "helpdesk",
    post("/v1/helpdesk/ask", ask, allow=Role.VISITOR),
    get("/v1/helpdesk/usage", read_usage, allow=Role.OWNER),
    ready=[knowledge],
)
