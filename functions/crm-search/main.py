"""crm-search: find anyone at once."""

from frontdesk.crm.search import search_clients
from frontdesk.http import get, http_function
from frontdesk.platform.context import Role

crm_search = http_function(
    "crm-search",
    get("/v1/crm/search", search_clients, allow=Role.VIEWER),
)
