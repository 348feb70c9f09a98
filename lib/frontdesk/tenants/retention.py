"""Retention: conversations that an agency does not want to keep any longer are deleted.

Each agency with a limit has its turn once an hour, whoever has waited longest first, a batch a
transaction. A run that is cut off goes on where it was: what is deleted is not found again, and an
agency's turn is over only when nothing is left.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from frontdesk.platform.context import Context
from frontdesk.platform.database import Rpc
from frontdesk.platform.errors import FrontdeskError, UpstreamUnavailable
from frontdesk.platform.logging import get_logger

log = get_logger(__name__)

BATCH = 500
"""Conversations, and transcripts, that one transaction removes."""
BATCHES_A_RUN = 20
"""So that one run leaves time for what else is to be done in its minute."""
TENANTS_A_RUN = 100
EVERY = timedelta(hours=1)
LAST_BATCH = 10.0
"""Seconds that must be left to begin another batch."""


def apply_retention(
    context: Context, *, batch: int = BATCH, batches: int = BATCHES_A_RUN
) -> Counter[str]:
    """Delete what is due, as of the clock's time, until it is done or this run's share is used up.

    Returns:
        How many ``conversations``, ``messages``, ``feedback`` and ``transcripts`` went.

    Raises:
        UpstreamUnavailable: the database does not answer; what was deleted stays deleted.
    """
    now = context.services.clock.now()
    due = context.database.call(
        Rpc.PLATFORM_DUE_RETENTION,
        {"p_before": (now - EVERY).isoformat(), "p_limit": TENANTS_A_RUN},
        deadline=context.deadline,
        idempotent=True,
    )
    removed: Counter[str] = Counter()
    left = batches
    for tenant_id in due:
        more = True
        while more and left > 0 and context.deadline.remaining() > LAST_BATCH:
            left -= 1
            try:
                outcome = _one_batch(context, tenant_id, now.isoformat(), batch)
            except UpstreamUnavailable:
                raise
            except FrontdeskError:
                # One agency's trouble must not keep the others waiting for ever behind it.
                log.exception("Retention failed for an agency.", tenant_id=tenant_id)
                break
            more = outcome.pop("more")
            removed.update(outcome)
    if removed.total():
        log.info("Retention was applied.", **removed)
    return removed


def _one_batch(context: Context, tenant_id: str, now: str, batch: int) -> dict[str, Any]:
    outcome: dict[str, Any] = context.database.call(
        Rpc.PLATFORM_APPLY_RETENTION,
        {"p_tenant": tenant_id, "p_now": now, "p_limit": batch},
        deadline=context.deadline,
        idempotent=True,
    )
    return outcome
