"""One round trip for a member's question: authorised, answered and cached together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frontdesk.platform.context import Access, Context
from frontdesk.platform.database import Rpc


def ask(context: Context, rpc: Rpc, params: Mapping[str, Any]) -> dict[str, Any]:
    """The reply of a query in SQL, from the cache where the caller's access is known.

    Every query's reply carries the access that SQL granted. While that is remembered, an answer may
    come from the cache; when it is not, the database is asked, and what it says fills both.

    Raises:
        FrontdeskError: what SQL refuses, or the database's own failures.
    """
    session, user_id = context.cache_session, context.member.user_id

    def load() -> dict[str, Any]:
        reply: dict[str, Any] = context.database.call(
            rpc, params, deadline=context.deadline, idempotent=True
        )
        return reply

    access = session.access_of(user_id)
    if access is not None:
        return context.cache(access).get_or_load(rpc, params, load).value
    reply = load()
    access = Access.model_validate(reply["access"])
    session.remember_access(user_id, access)
    context.cache(access).put(rpc, params, reply)
    return reply
