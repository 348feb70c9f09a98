"""The endpoint that Pub/Sub pushes to when an agency's documents changed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from frontdesk.knowledge.indexer import Indexer
from frontdesk.platform.context import Context
from frontdesk.platform.errors import NotFound
from frontdesk.platform.events import CloudEvent
from frontdesk.platform.logging import get_logger

if TYPE_CHECKING:
    from uuid import UUID

log = get_logger(__name__)


class _Turns:
    """Which tenants this process is at work for, and whether somebody asked meanwhile."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[UUID, bool] = {}

    def claim(self, tenant_id: UUID) -> bool:
        """True when nobody is at it; otherwise whoever is will look again."""
        with self._lock:
            if tenant_id in self._asked:
                self._asked[tenant_id] = True
                return False
            self._asked[tenant_id] = False
            return True

    def asked_again(self, tenant_id: UUID) -> bool:
        """Whether to look again; when not, the turn ends here and now."""
        with self._lock:
            if self._asked[tenant_id]:
                self._asked[tenant_id] = False
                return True
            del self._asked[tenant_id]
            return False

    def give_up(self, tenant_id: UUID) -> None:
        """End a turn that failed."""
        with self._lock:
            del self._asked[tenant_id]


_turns = _Turns()


def handle_knowledge_changed(context: Context, event: CloudEvent) -> None:
    """Bring a tenant's published index up to its documents.

    Running it again, late, or twice at once changes nothing more. While this process is at work for
    the tenant, further events only make it look again: the event it works on is not acknowledged
    before all of them are served.

    Raises:
        UpstreamUnavailable: storage, database or embedder failed; the event comes again.
        DeadlineExceeded: the time was too short; the event comes again.
    """
    tenant_id = event.tenant_id
    if not _turns.claim(tenant_id):
        return
    try:
        indexer = Indexer(context.services, context.deadline)
        indexer.run(tenant_id)
        while _turns.asked_again(tenant_id):
            indexer.run(tenant_id)
    except NotFound:
        _turns.give_up(tenant_id)
        log.warning("An event names a tenant that does not exist.")
    except BaseException:
        _turns.give_up(tenant_id)
        raise
