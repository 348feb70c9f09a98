"""Maintenance, called by the scheduler every minute: publish what commands promised and nobody
published, nudge operations that wait or whose worker died, throw away what has expired, delete
conversations that an agency keeps no longer.
"""

from __future__ import annotations

from pydantic import ValidationError

from frontdesk.platform.context import Context
from frontdesk.platform.database import Rpc
from frontdesk.platform.logging import get_logger
from frontdesk.platform.resilience import Deadline
from frontdesk.tenants.nudges import Promise, publish
from frontdesk.tenants.retention import LAST_BATCH, apply_retention

log = get_logger(__name__)

BATCH = 100
CLAIM_SECONDS = 60
"""How long a claimed event is left to whoever claimed it."""


def maintain(context: Context) -> None:
    """Sweep, publish the outbox until it is empty or the time is over, then apply retention."""
    database = context.database
    swept = database.call(
        Rpc.PLATFORM_SWEEP,
        {"p_now": context.services.clock.now().isoformat()},
        deadline=context.deadline,
        idempotent=True,
    )
    published = _publish_outbox(context)
    apply_retention(context)
    log.info(
        "Maintenance is done",
        published=published,
        nudged=swept["nudged"],
        keys_purged=swept["keys_purged"],
        events_purged=swept["events_purged"],
        unpublished_before=swept["unpublished"],
    )


def _publish_outbox(context: Context) -> int:
    """Publish batches; a batch of which nothing could be published is the last."""
    database, total = context.database, 0
    while context.deadline.remaining() > LAST_BATCH:
        claimed = database.call(
            Rpc.PLATFORM_CLAIM_OUTBOX,
            {
                "p_limit": BATCH,
                "p_worker": f"{context.function}-{context.request_id}",
                "p_lease_seconds": CLAIM_SECONDS,
            },
            deadline=context.deadline,
            idempotent=False,
        )
        published = publish(context.services, database, _readable(claimed), _for_one_batch(context))
        total += published
        if len(claimed) < BATCH or not published:
            break
    return total


def _readable(claimed: list[dict[str, object]]) -> list[Promise]:
    """The events among the claimed rows; one that cannot be read must not stop the others."""
    promises = []
    for row in claimed:
        try:
            promises.append(Promise.model_validate(row))
        except ValidationError:
            log.exception("An event in the outbox cannot be read", event_id=row.get("id"))
    return promises


def _for_one_batch(context: Context) -> Deadline:
    """Shorter than the claim, so that nobody else publishes what we are still at."""
    seconds = min(CLAIM_SECONDS / 2, context.deadline.remaining())
    return Deadline.after(seconds, context.services.clock)
