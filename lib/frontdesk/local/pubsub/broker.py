"""Topics, subscriptions and who still has to get what. No network; time comes in."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from frontdesk.local.pubsub.messages import (
    Delivery,
    Message,
    PublishRefused,
    Subscription,
    SubscriptionMissing,
    TopicMissing,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from frontdesk.local.pubsub.journal import Journal

_SOURCE_ATTRIBUTE: Final = "CloudPubSubDeadLetterSourceSubscription"
_COUNT_ATTRIBUTE: Final = "CloudPubSubDeadLetterSourceDeliveryCount"


@dataclass
class _Queue:
    subscription: Subscription
    deliveries: list[Delivery] = field(default_factory=list)


class Broker:
    """The state of the service; safe to share between threads.

    Args:
        journal: remembers what is not delivered yet across restarts; None forgets it.
        clock: seconds from any start, monotonic.
    """

    def __init__(
        self, journal: Journal | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._changed = threading.Condition()
        self._topics: set[str] = set()
        self._queues: dict[str, _Queue] = {}
        self._next_id = journal.last_id() + 1 if journal else 1
        self._held = False
        self._duplicates = 0
        self._refusals = 0
        self._closed = False

    def close(self) -> None:
        """Deliver nothing any more; whoever waits in ``take`` returns."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    # -- trouble on request ---------------------------------------------------------------------

    def duplicate(self, times: int) -> None:
        """From now on deliver each message that many times more; 0 ends it."""
        with self._changed:
            self._duplicates = times

    def refuse_publishing(self, times: int) -> None:
        """Answer the next publish requests with "unavailable"."""
        with self._changed:
            self._refusals = times

    def hold(self) -> None:
        """Deliver nothing until ``release``; messages pile up."""
        with self._changed:
            self._held = True

    def release(
        self, order: Callable[[Sequence[Delivery]], Sequence[Delivery]] | None = None
    ) -> None:
        """Deliver what piled up, in the order that ``order`` makes of it (``reversed``, say)."""
        with self._changed:
            self._held = False
            if order is not None:
                for queue in self._queues.values():
                    queue.deliveries = list(order(queue.deliveries))
            self._changed.notify_all()

    # -- topics and subscriptions ---------------------------------------------------------------

    def create_topic(self, name: str) -> bool:
        """Make a topic; False when there is one already."""
        with self._changed:
            new = name not in self._topics
            self._topics.add(name)
            return new

    def has_topic(self, name: str) -> bool:
        """Whether there is such a topic."""
        with self._changed:
            return name in self._topics

    def topics(self) -> list[str]:
        """All topics by name."""
        with self._changed:
            return sorted(self._topics)

    def create_subscription(self, subscription: Subscription) -> bool:
        """Make a subscription; False when there is one of that name, which stays as it is.

        Raises:
            TopicMissing
        """
        with self._changed:
            if subscription.topic not in self._topics:
                raise TopicMissing(subscription.topic)
            if subscription.name in self._queues:
                return False
            queue = self._queues[subscription.name] = _Queue(subscription)
            if self._journal:
                queue.deliveries = [
                    Delivery(message, subscription, due=self._clock(), attempt=attempt)
                    for message, attempt in self._journal.undelivered(subscription.name)
                ]
            self._changed.notify_all()
            return True

    def delete_subscription(self, name: str) -> None:
        """Remove a subscription with what it still had to deliver.

        Raises:
            SubscriptionMissing
        """
        with self._changed:
            for delivery in self._queue(name).deliveries:
                self._forget(delivery)
            del self._queues[name]

    def subscription(self, name: str) -> Subscription:
        """The subscription of that name.

        Raises:
            SubscriptionMissing
        """
        with self._changed:
            return self._queue(name).subscription

    # -- messages -------------------------------------------------------------------------------

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> str:
        """Take a message for every subscription of the topic; returns its id.

        Raises:
            TopicMissing, PublishRefused
        """
        with self._changed:
            if self._refusals:
                self._refusals -= 1
                raise PublishRefused
            return self._publish(topic, data, attributes)

    def _publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> str:
        if topic not in self._topics:
            raise TopicMissing(topic)
        message = Message(str(self._next_id), topic, data, dict(attributes), datetime.now(UTC))
        self._next_id += 1
        for queue in self._queues.values():
            if queue.subscription.topic == topic:
                for _ in range(1 + self._duplicates):
                    queue.deliveries.append(Delivery(message, queue.subscription, self._clock()))
                if self._journal:
                    self._journal.add(queue.subscription.name, message)
        self._changed.notify_all()
        return message.id

    def take(self, name: str, *, wait: float = 0.0) -> Delivery | None:
        """The next delivery that is due, leased for the subscription's ack deadline.

        Args:
            name: the subscription's.
            wait: seconds to wait for one; 0 for not at all.

        Raises:
            SubscriptionMissing
        """
        until = self._clock() + wait
        with self._changed:
            while True:
                queue = self._queue(name)
                now = self._clock()
                self._expire(queue, now)
                for delivery in [] if self._held or self._closed else queue.deliveries:
                    if delivery.lease is None and delivery.due <= now:
                        delivery.attempt += 1
                        delivery.lease = uuid.uuid4().hex
                        delivery.due = now + queue.subscription.ack_deadline
                        return delivery
                if now >= until or self._closed:
                    return None
                soonest = min((delivery.due for delivery in queue.deliveries), default=until)
                self._changed.wait(max(0.001, min(soonest, until) - now))

    def acknowledge(self, name: str, lease: str) -> None:
        """The receiver has it; an unknown or expired lease changes nothing.

        Raises:
            SubscriptionMissing
        """
        with self._changed:
            queue = self._queue(name)
            for delivery in queue.deliveries:
                if delivery.lease == lease:
                    queue.deliveries.remove(delivery)
                    self._forget(delivery)
                    break
            self._changed.notify_all()

    def reject(self, name: str, lease: str) -> None:
        """The receiver could not take it: deliver it again later, or to the dead-letter topic.

        Raises:
            SubscriptionMissing
        """
        with self._changed:
            queue = self._queue(name)
            for delivery in queue.deliveries:
                if delivery.lease == lease:
                    self._fail(queue, delivery, self._clock())
                    break
            self._changed.notify_all()

    def extend(self, name: str, lease: str, seconds: float) -> None:
        """Give the receiver so much longer, counted from now.

        Raises:
            SubscriptionMissing
        """
        with self._changed:
            for delivery in self._queue(name).deliveries:
                if delivery.lease == lease:
                    delivery.due = self._clock() + seconds

    def undelivered(self, name: str) -> list[Delivery]:
        """What the subscription has not acknowledged yet.

        Raises:
            SubscriptionMissing
        """
        with self._changed:
            return list(self._queue(name).deliveries)

    def wait_until_idle(self, seconds: float) -> bool:
        """Wait until no push subscription has anything left to deliver; False when time is up."""
        until = time.monotonic() + seconds
        with self._changed:
            while any(
                queue.deliveries and queue.subscription.push_endpoint
                for queue in self._queues.values()
            ):
                left = until - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
        return True

    def _queue(self, name: str) -> _Queue:
        queue = self._queues.get(name)
        if queue is None:
            raise SubscriptionMissing(name)
        return queue

    def _expire(self, queue: _Queue, now: float) -> None:
        for delivery in list(queue.deliveries):
            if delivery.lease is not None and delivery.due <= now:
                self._fail(queue, delivery, now)

    def _fail(self, queue: _Queue, delivery: Delivery, now: float) -> None:
        subscription = queue.subscription
        delivery.lease = None
        if subscription.dead_letter_topic and delivery.attempt >= subscription.max_attempts:
            queue.deliveries.remove(delivery)
            self._forget(delivery)
            self._publish(
                subscription.dead_letter_topic,
                delivery.message.data,
                {
                    **delivery.message.attributes,
                    _SOURCE_ATTRIBUTE: subscription.name.rsplit("/", 1)[-1],
                    _COUNT_ATTRIBUTE: str(delivery.attempt),
                },
            )
            return
        delivery.due = now + subscription.backoff(delivery.attempt)
        if self._journal:
            self._journal.attempted(subscription.name, delivery.message.id, delivery.attempt)

    def _forget(self, delivery: Delivery) -> None:
        if self._journal:
            self._journal.remove(delivery.subscription.name, delivery.message.id)
