"""Events: published once per nudge, read back from any push request, never guessed at."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from google.api_core.exceptions import NotFound, PermissionDenied, ServiceUnavailable

from frontdesk.platform.errors import DeadlineExceeded, InvalidRequest
from frontdesk.platform.events import (
    CloudEvent,
    EventType,
    Publisher,
    PublishFailed,
    Topic,
    decode_push,
)
from frontdesk.platform.resilience import CircuitOpen, Deadline
from frontdesk.platform.settings import Settings
from tests.support.clock import ManualClock
from tests.support.pubsub import SUBSCRIPTION, FakePubSub, push_body

TENANT = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
EVENT = CloudEvent(
    id="e-1",
    type=EventType.TENANT_OPERATION,
    source="frontdesk/tenants",
    time=datetime(2026, 11, 23, 12, tzinfo=UTC),
    tenant_id=TENANT,
    data={"kind": "create"},
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def publish(pubsub: FakePubSub, clock: ManualClock, topic: str = Topic.TENANT_OPERATIONS) -> str:
    settings = Settings(gcp_project_id="agency", tenant_operations_topic="ops-staging")
    publisher = Publisher(settings, clock=clock, send=pubsub)
    return publisher.publish(topic, EVENT, deadline=Deadline.after(3, clock))


def test_an_event_survives_the_journey(clock: ManualClock) -> None:
    pubsub = FakePubSub()

    assert publish(pubsub, clock) == "1"

    received = decode_push(push_body(*pubsub.sent[0][1:], deliveryAttempt=3))
    assert received.event == EVENT
    assert (received.message_id, received.delivery_attempt) == ("7", 3)
    assert received.subscription == SUBSCRIPTION


def test_the_wire_follows_the_cloudevents_binding(clock: ManualClock) -> None:
    pubsub = FakePubSub()
    publish(pubsub, clock)

    [(_, data, attributes)] = pubsub.sent
    assert data == b'{"kind":"create"}'
    assert attributes == {
        "ce-specversion": "1.0",
        "ce-id": "e-1",
        "ce-type": "frontdesk.tenant.operation.v1",
        "ce-source": "frontdesk/tenants",
        "ce-time": "2026-11-23T12:00:00+00:00",
        "ce-tenantid": str(TENANT),
        "content-type": "application/json",
    }


@pytest.mark.parametrize(
    ("topic", "path"),
    [
        (Topic.TENANT_OPERATIONS, "projects/agency/topics/ops-staging"),
        ("tenant_operations", "projects/agency/topics/ops-staging"),
        (Topic.KNOWLEDGE, "projects/agency/topics/knowledge"),
        ("another", "projects/agency/topics/another"),
    ],
)
def test_settings_say_what_a_topic_is_called(clock: ManualClock, topic: str, path: str) -> None:
    pubsub = FakePubSub()
    publish(pubsub, clock, topic)

    assert pubsub.sent[0][0] == path


def test_what_the_outbox_holds_is_an_event() -> None:
    stored = {
        "specversion": "1.0",
        "id": "e-1",
        "type": "frontdesk.tenant.operation.v1",
        "source": "frontdesk/tenants",
        "time": "2026-11-23T12:00:00Z",
        "tenant_id": str(TENANT),
        "data": {"kind": "create"},
        "added_later": True,
    }

    assert CloudEvent.model_validate(stored) == EVENT


def test_a_passing_failure_is_tried_again_within_the_deadline(clock: ManualClock) -> None:
    pubsub = FakePubSub(ServiceUnavailable("down"))

    publish(pubsub, clock)

    assert len(pubsub.sent) == 1
    assert max(pubsub.timeouts) <= 3


@pytest.mark.parametrize(
    ("failure", "attempts"),
    [(ServiceUnavailable("down"), 3), (NotFound("no topic"), 1), (PermissionDenied("no"), 1)],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_published_is_one_clear_error(
    clock: ManualClock, failure: Exception, attempts: int
) -> None:
    pubsub = FakePubSub(*[failure] * 3)

    with pytest.raises(PublishFailed):
        publish(pubsub, clock)
    assert len(pubsub.timeouts) == attempts


def test_nothing_is_sent_when_no_time_is_left(clock: ManualClock) -> None:
    pubsub = FakePubSub()
    publisher = Publisher(Settings(), clock=clock, send=pubsub)

    with pytest.raises(DeadlineExceeded):
        publisher.publish(Topic.KNOWLEDGE, EVENT, deadline=Deadline.after(0, clock))
    assert pubsub.timeouts == []


def test_an_outage_opens_the_breaker(clock: ManualClock) -> None:
    pubsub = FakePubSub(*[ServiceUnavailable("down")] * 9)
    publisher = Publisher(Settings(), clock=clock, send=pubsub)

    for _ in range(2):
        with pytest.raises(PublishFailed):
            publisher.publish(Topic.KNOWLEDGE, EVENT, deadline=Deadline.after(30, clock))
    with pytest.raises(CircuitOpen):
        publisher.publish(Topic.KNOWLEDGE, EVENT, deadline=Deadline.after(30, clock))
    assert len(pubsub.timeouts) == 5


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"message": {"messageId": "1", "data": "%%%"}, "subscription": "s"}',
        push_body(b"not json", EVENT.attributes()),
        push_body(b"[1]", EVENT.attributes()),
        push_body(b"{}", {}),
        push_body(b"{}", EVENT.attributes() | {"ce-tenantid": "someone"}),
        push_body(b"{}", EVENT.attributes() | {"ce-time": "yesterday"}),
        b'{"message": ' + b"[" * 100_000,
    ],
)
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        decode_push(body)


def test_an_event_without_data_has_none() -> None:
    assert decode_push(push_body(b"", EVENT.attributes())).event.data == {}


def test_unknown_attributes_are_ignored() -> None:
    message = push_body(b"{}", EVENT.attributes() | {"ce-later": "1", "traceparent": "00"})

    assert decode_push(message).event.id == "e-1"


def test_the_tenant_is_the_envelopes_not_the_datas() -> None:
    other = json.dumps({"tenant_id": "00000000-0000-0000-0000-000000000000"}).encode()

    assert decode_push(push_body(other, EVENT.attributes())).event.tenant_id == TENANT
