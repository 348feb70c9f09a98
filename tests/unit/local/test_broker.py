"""The Pub/Sub fake's delivery rules, on a clock that stands still."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from frontdesk.local.pubsub import Broker, Subscription
from frontdesk.local.pubsub.journal import Journal
from frontdesk.local.pubsub.messages import PublishRefused, TopicMissing

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.clock import ManualClock

TOPIC, DEAD = "projects/p/topics/t", "projects/p/topics/dead"
SUBSCRIPTION = Subscription(
    "projects/p/subscriptions/s", TOPIC, ack_deadline=10, min_backoff=2, max_backoff=5
)


@pytest.fixture
def broker(clock: ManualClock) -> Broker:
    broker = Broker(clock=clock.monotonic)
    for topic in (TOPIC, DEAD):
        broker.create_topic(topic)
    broker.create_subscription(SUBSCRIPTION)
    broker.create_subscription(Subscription("projects/p/subscriptions/dead", DEAD))
    return broker


def reject_next(broker: Broker) -> int:
    """Reject the delivery that is due; returns its attempt."""
    delivery = broker.take(SUBSCRIPTION.name)
    assert delivery is not None
    assert delivery.lease is not None
    broker.reject(SUBSCRIPTION.name, delivery.lease)
    return delivery.attempt


def test_an_acknowledged_message_does_not_come_again(broker: Broker, clock: ManualClock) -> None:
    broker.publish(TOPIC, b"x", {"k": "v"})
    delivery = broker.take(SUBSCRIPTION.name)
    assert delivery is not None
    assert (delivery.message.data, delivery.message.attributes) == (b"x", {"k": "v"})
    broker.acknowledge(SUBSCRIPTION.name, delivery.lease or "")
    clock.advance(1000)
    assert broker.take(SUBSCRIPTION.name) is None


def test_a_leased_message_is_not_delivered_twice_at_once(broker: Broker) -> None:
    broker.publish(TOPIC, b"x", {})
    assert broker.take(SUBSCRIPTION.name) is not None
    assert broker.take(SUBSCRIPTION.name) is None


def test_silence_past_the_ack_deadline_counts_as_refusal(
    broker: Broker, clock: ManualClock
) -> None:
    broker.publish(TOPIC, b"x", {})
    assert broker.take(SUBSCRIPTION.name) is not None
    clock.advance(10)
    assert broker.take(SUBSCRIPTION.name) is None  # the pause before the second attempt
    clock.advance(2)
    again = broker.take(SUBSCRIPTION.name)
    assert again is not None
    assert again.attempt == 2


def test_an_extended_lease_lasts_longer(broker: Broker, clock: ManualClock) -> None:
    broker.publish(TOPIC, b"x", {})
    delivery = broker.take(SUBSCRIPTION.name)
    assert delivery is not None
    broker.extend(SUBSCRIPTION.name, delivery.lease or "", 60)
    clock.advance(59)
    broker.acknowledge(SUBSCRIPTION.name, delivery.lease or "")
    assert broker.undelivered(SUBSCRIPTION.name) == []


def test_pauses_double_up_to_the_longest(broker: Broker, clock: ManualClock) -> None:
    broker.publish(TOPIC, b"x", {})
    for attempt, pause in enumerate((2, 4, 5, 5), start=1):
        assert reject_next(broker) == attempt
        clock.advance(pause - 0.01)
        assert broker.take(SUBSCRIPTION.name) is None
        clock.advance(0.01)
    assert reject_next(broker) == 5


def test_a_poison_message_goes_to_the_dead_letter_topic(broker: Broker, clock: ManualClock) -> None:
    broker.delete_subscription(SUBSCRIPTION.name)
    broker.create_subscription(
        dataclasses.replace(SUBSCRIPTION, dead_letter_topic=DEAD, max_attempts=3)
    )
    broker.publish(TOPIC, b"poison", {"k": "v"})
    for _ in range(3):
        reject_next(broker)
        clock.advance(10)
    assert broker.undelivered(SUBSCRIPTION.name) == []
    dead = broker.take("projects/p/subscriptions/dead")
    assert dead is not None
    assert dead.message.data == b"poison"
    assert dead.message.attributes == {
        "k": "v",
        "CloudPubSubDeadLetterSourceSubscription": "s",
        "CloudPubSubDeadLetterSourceDeliveryCount": "3",
    }


def test_duplicates_on_request(broker: Broker) -> None:
    broker.duplicate(2)
    broker.publish(TOPIC, b"x", {})
    broker.duplicate(0)
    broker.publish(TOPIC, b"y", {})
    data = [delivery.message.data for delivery in broker.undelivered(SUBSCRIPTION.name)]
    assert data == [b"x", b"x", b"x", b"y"]


def test_held_messages_come_in_the_order_that_was_asked_for(broker: Broker) -> None:
    broker.hold()
    for data in (b"1", b"2", b"3"):
        broker.publish(TOPIC, data, {})
    assert broker.take(SUBSCRIPTION.name) is None
    broker.release(lambda deliveries: list(reversed(deliveries)))
    taken = [broker.take(SUBSCRIPTION.name) for _ in range(3)]
    assert [delivery.message.data for delivery in taken if delivery] == [b"3", b"2", b"1"]


def test_refused_publishing_and_missing_topics_lose_nothing_silently(broker: Broker) -> None:
    broker.refuse_publishing(1)
    with pytest.raises(PublishRefused):
        broker.publish(TOPIC, b"x", {})
    broker.publish(TOPIC, b"x", {})
    with pytest.raises(TopicMissing):
        broker.publish("projects/p/topics/nope", b"x", {})
    assert len(broker.undelivered(SUBSCRIPTION.name)) == 1


def test_a_restart_delivers_what_was_left_and_gives_no_id_twice(tmp_path: Path) -> None:
    def start() -> tuple[Broker, Journal]:
        journal = Journal(tmp_path / "journal.sqlite")
        broker = Broker(journal)
        broker.create_topic(TOPIC)
        broker.create_subscription(SUBSCRIPTION)
        return broker, journal

    broker, journal = start()
    broker.publish(TOPIC, b"done", {})
    left = broker.publish(TOPIC, "Ελένη".encode(), {"k": "v"})
    done = broker.take(SUBSCRIPTION.name)
    assert done is not None
    broker.acknowledge(SUBSCRIPTION.name, done.lease or "")
    assert reject_next(broker) == 1
    journal.close()

    broker, journal = start()
    again = broker.take(SUBSCRIPTION.name)
    assert again is not None
    assert (again.message.id, again.message.data, again.attempt) == (left, "Ελένη".encode(), 2)
    assert int(broker.publish(TOPIC, b"new", {})) > int(left)
    journal.close()
