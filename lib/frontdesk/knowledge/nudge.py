"""Tells the indexer at once what a command promised to tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from frontdesk.platform.errors import DeadlineExceeded, NotConfigured, UpstreamUnavailable
from frontdesk.platform.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from frontdesk.platform.context import Context

log = get_logger(__name__)


def nudge_indexer(context: Context, outcome: Mapping[str, Any]) -> None:
    """Publish a command's events now instead of at maintenance's next sweep, if that is possible.

    Args:
        context: of the request.
        outcome: the command's reply; its ``outbox`` holds what was promised.
    """
    from frontdesk.platform.events import CloudEvent

    for promised in outcome.get("outbox") or []:
        try:
            context.services.events.publish(
                promised["topic"],
                CloudEvent.model_validate(promised["event"]),
                deadline=context.deadline,
            )
        except (UpstreamUnavailable, DeadlineExceeded, NotConfigured) as failure:
            log.warning("The indexer was not told at once.", error=type(failure).__name__)
