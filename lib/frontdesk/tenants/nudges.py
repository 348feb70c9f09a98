"""Publishing what committed commands promised.

A command writes its event to the outbox in its own transaction. Whoever called it publishes the
event at once, because somebody is waiting; when that fails nothing is lost, since the maintenance
function publishes what is left in the outbox.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from frontdesk.platform.database import CallerDatabase, Rpc
from frontdesk.platform.errors import FrontdeskError
from frontdesk.platform.events import CloudEvent
from frontdesk.platform.logging import get_logger
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.services import Services

log = get_logger(__name__)

PATIENCE = 2.0
"""Seconds that a caller waits for a nudge; the outbox holds it in any case."""


class Promise(BaseModel):
    """A row of the outbox."""

    id: UUID
    topic: str
    event: CloudEvent


def nudge(
    services: Services, database: CallerDatabase, outbox: Iterable[Any], deadline: Deadline
) -> None:
    """Publish the events that a command's reply lists, as far as that works right now."""
    promises = [Promise.model_validate(row) for row in outbox]
    patience = Deadline.after(min(PATIENCE, deadline.remaining()), services.clock)
    try:
        publish(services, database, promises, patience)
    except FrontdeskError as error:
        log.warning("A nudge could not be marked as published", code=error.code)


def publish(
    services: Services, database: CallerDatabase, promises: Iterable[Promise], deadline: Deadline
) -> int:
    """Publish events and mark those that were; returns how many.

    Raises:
        FrontdeskError: the database could not be told. They will be published once more, which
            changes nothing.
    """
    published = [promise.id for promise in promises if _publish(services, promise, deadline)]
    if published:
        database.call(
            Rpc.PLATFORM_MARK_PUBLISHED,
            {"p_ids": [str(promise_id) for promise_id in published]},
            deadline=deadline,
            idempotent=True,
        )
    return len(published)


def _publish(services: Services, promise: Promise, deadline: Deadline) -> bool:
    try:
        services.events.publish(promise.topic, promise.event, deadline=deadline)
    except FrontdeskError as error:
        log.warning(
            "An event was not published and stays in the outbox",
            event_id=promise.event.id,
            topic=promise.topic,
            tenant_id=promise.event.tenant_id,
            code=error.code,
        )
        return False
    return True
