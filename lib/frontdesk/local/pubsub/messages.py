"""Messages, subscriptions and deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class TopicMissing(Exception):
    """There is no topic of that name."""


class SubscriptionMissing(Exception):
    """There is no subscription of that name."""


class PublishRefused(Exception):
    """A test asked for it: the service is unavailable for this publish request."""


@dataclass(frozen=True)
class Message:
    """One published message."""

    id: str
    topic: str
    data: bytes
    attributes: Mapping[str, str]
    published: datetime


@dataclass(frozen=True)
class Subscription:
    """How a topic's messages are delivered.

    Attributes:
        name: ``projects/…/subscriptions/…``.
        topic: ``projects/…/topics/…``.
        ack_deadline: seconds that a receiver has; after that the message is delivered again.
        push_endpoint: where they are posted; empty for a subscription that is pulled.
        push_audience: ``aud`` of the OIDC token of a push.
        push_account: ``email`` of that token.
        dead_letter_topic: takes a message after ``max_attempts`` deliveries; empty for none.
        max_attempts: deliveries before a message is dead.
        min_backoff: seconds before the second delivery; doubled for each one after it.
        max_backoff: the longest pause in seconds.
    """

    name: str
    topic: str
    ack_deadline: float = 10.0
    push_endpoint: str = ""
    push_audience: str = ""
    push_account: str = ""
    dead_letter_topic: str = ""
    max_attempts: int = 5
    min_backoff: float = 10.0
    max_backoff: float = 600.0

    def backoff(self, attempt: int) -> float:
        """Seconds to wait after the given delivery attempt (from 1) failed."""
        return float(min(self.max_backoff, self.min_backoff * 2 ** min(attempt - 1, 30)))


@dataclass
class Delivery:
    """One message on its way to one subscription.

    Attributes:
        attempt: how often it was delivered, this time included.
        due: when it may be delivered (again), on the broker's clock.
        lease: names this attempt while it is out; None while it waits.
    """

    message: Message
    subscription: Subscription
    due: float
    attempt: int = 0
    lease: str | None = None
