"""A request becomes a typed call of a plain function, and its result becomes a reply.

A Cloud Function is a list of routes::

    crm_search = http_function(
        "crm-search",
        get("/v1/crm/search", search_clients, allow=Role.VIEWER),
    )

Everything a caller may get wrong is refused here, in one shape; ``function`` has the order.
"""

from frontdesk.http.function import http_function
from frontdesk.http.routing import ADMIN, PLATFORM, PUBLIC, delete, get, patch, post, put
from frontdesk.platform.context import Role

__all__ = [
    "ADMIN",
    "PLATFORM",
    "PUBLIC",
    "Role",
    "delete",
    "get",
    "http_function",
    "patch",
    "post",
    "put",
]
