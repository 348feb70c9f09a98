"""google-cloud-pubsub, unpatched, judges the Pub/Sub fake; a real receiver judges its pushes."""

from __future__ import annotations

import base64
import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import jwt
import pytest
from google.api_core import exceptions
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from frontdesk.local.http_server import Handler, ThreadServer
from frontdesk.local.identity import PUSH_AUDIENCE, PUSH_SERVICE_ACCOUNT, Identity
from frontdesk.local.ports import Ports
from frontdesk.local.pubsub import PubSubServer, Subscription

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOPIC, DEAD = "projects/p/topics/t", "projects/p/topics/dead"
PULLED, PUSHED = "projects/p/subscriptions/pulled", "projects/p/subscriptions/pushed"


@dataclass
class Receiver:
    """A push endpoint that answers what the test tells it, then 204."""

    answers: list[int] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def handler(self, *args: Any) -> Handler:
        receiver = self

        class Endpoint(Handler):
            def do_POST(self) -> None:  # noqa: N802 -- the base class's name
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with receiver.lock:
                    receiver.bodies.append(body)
                    receiver.tokens.append(self.headers["Authorization"].removeprefix("Bearer "))
                    status = receiver.answers.pop(0) if receiver.answers else 204
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        return Endpoint(*args)

    @property
    def data(self) -> list[bytes]:
        return [base64.b64decode(body["message"]["data"]) for body in self.bodies]


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return Identity.load(tmp_path / "identity.json")


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def server(tmp_path: Path, identity: Identity, receiver: Receiver) -> Iterator[PubSubServer]:
    ports = Ports(tmp_path / "ports.json")
    endpoint = ThreadServer("endpoint", ports.port("endpoint"), receiver.handler)
    endpoint.start()
    server = PubSubServer(
        tmp_path,
        port=ports.port("pubsub"),
        identity=identity,
        topics=[TOPIC, DEAD],
        subscriptions=[
            Subscription(
                PUSHED,
                TOPIC,
                push_endpoint=f"{endpoint.url}/v1/push",
                push_audience=PUSH_AUDIENCE,
                push_account=PUSH_SERVICE_ACCOUNT,
                dead_letter_topic=DEAD,
                max_attempts=3,
                min_backoff=0.01,
                max_backoff=0.02,
            )
        ],
    )
    server.start()
    yield server
    server.stop()
    endpoint.stop()


@pytest.fixture
def channel(server: PubSubServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.host) as channel:
        yield channel


@pytest.fixture
def publisher(channel: grpc.Channel) -> PublisherClient:
    return PublisherClient(transport=PublisherGrpcTransport(channel=channel))


@pytest.fixture
def subscriber(channel: grpc.Channel) -> SubscriberClient:
    return SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))


def test_what_is_published_can_be_pulled_acknowledged_and_handed_back(
    publisher: PublisherClient, subscriber: SubscriberClient
) -> None:
    subscriber.create_subscription(
        request={
            "name": PULLED,
            "topic": TOPIC,
            "retry_policy": {"minimum_backoff": {"seconds": 0}},
        }
    )
    sent = publisher.publish(
        topic=TOPIC,
        messages=[{"data": b"one", "attributes": {"ce-id": "1"}}, {"data": "Ελένη".encode()}],
    )
    first, second = subscriber.pull(subscription=PULLED, max_messages=5).received_messages
    assert list(sent.message_ids) == [first.message.message_id, second.message.message_id]
    assert (first.message.data, dict(first.message.attributes)) == (b"one", {"ce-id": "1"})
    assert first.message.publish_time.timestamp() == pytest.approx(time.time(), abs=60)

    subscriber.acknowledge(subscription=PULLED, ack_ids=[first.ack_id])
    subscriber.modify_ack_deadline(
        subscription=PULLED, ack_ids=[second.ack_id], ack_deadline_seconds=0
    )
    (again,) = subscriber.pull(subscription=PULLED, max_messages=5).received_messages
    assert again.message.data == "Ελένη".encode()


def test_errors_are_the_real_ones(
    server: PubSubServer, publisher: PublisherClient, subscriber: SubscriberClient
) -> None:
    with pytest.raises(exceptions.NotFound):
        publisher.publish(topic="projects/p/topics/nope", messages=[{"data": b"x"}])
    with pytest.raises(exceptions.NotFound):
        subscriber.pull(subscription="projects/p/subscriptions/nope", max_messages=1)
    with pytest.raises(exceptions.AlreadyExists):
        publisher.create_topic(name=TOPIC)
    server.broker.refuse_publishing(1)
    with pytest.raises(exceptions.ServiceUnavailable):
        publisher.publish(topic=TOPIC, messages=[{"data": b"x"}], retry=None)


def test_a_push_is_what_pubsub_sends_with_a_token_that_holds(
    server: PubSubServer, publisher: PublisherClient, receiver: Receiver, identity: Identity
) -> None:
    sent = publisher.publish(
        topic=TOPIC, messages=[{"data": b"\x00\xff", "attributes": {"ce-id": "1"}}]
    )
    assert server.broker.wait_until_idle(5)
    (body,) = receiver.bodies
    assert body["subscription"] == PUSHED
    assert body["deliveryAttempt"] == 1
    assert body["message"]["messageId"] == sent.message_ids[0]
    assert body["message"]["attributes"] == {"ce-id": "1"}
    assert receiver.data == [b"\x00\xff"]

    key = jwt.PyJWKSet.from_json(identity.jwks()).keys[0]
    claims = jwt.decode(receiver.tokens[0], key, algorithms=["RS256"], audience=PUSH_AUDIENCE)
    assert (claims["email"], claims["email_verified"]) == (PUSH_SERVICE_ACCOUNT, True)


@pytest.mark.parametrize("answer", [500, 503, 429, 404, 400, 301])
def test_every_answer_but_success_is_delivered_again(
    server: PubSubServer, publisher: PublisherClient, receiver: Receiver, answer: int
) -> None:
    receiver.answers = [answer]
    publisher.publish(topic=TOPIC, messages=[{"data": b"x"}])
    assert server.broker.wait_until_idle(5)
    assert [body["deliveryAttempt"] for body in receiver.bodies] == [1, 2]


def test_a_poison_message_ends_on_the_dead_letter_topic_and_holds_up_nobody(
    server: PubSubServer,
    publisher: PublisherClient,
    subscriber: SubscriberClient,
    receiver: Receiver,
) -> None:
    subscriber.create_subscription(name=PULLED, topic=DEAD)
    receiver.answers = [400, 400, 400]
    publisher.publish(topic=TOPIC, messages=[{"data": b"poison"}])
    assert server.broker.wait_until_idle(5)
    publisher.publish(topic=TOPIC, messages=[{"data": b"good"}])
    assert server.broker.wait_until_idle(5)
    assert receiver.data == [b"poison"] * 3 + [b"good"]
    (dead,) = subscriber.pull(subscription=PULLED, max_messages=5).received_messages
    assert dead.message.data == b"poison"
    assert dead.message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "3"


def test_duplicates_and_disorder_on_request(
    server: PubSubServer, publisher: PublisherClient, receiver: Receiver
) -> None:
    server.broker.hold()
    server.broker.duplicate(1)
    publisher.publish(topic=TOPIC, messages=[{"data": b"1"}, {"data": b"2"}])
    assert receiver.bodies == []
    server.broker.release(lambda deliveries: list(reversed(deliveries)))
    assert server.broker.wait_until_idle(5)
    assert sorted(receiver.data) == [b"1", b"1", b"2", b"2"]


def test_a_message_survives_the_death_of_the_service(
    server: PubSubServer, publisher: PublisherClient, receiver: Receiver
) -> None:
    server.broker.hold()
    publisher.publish(topic=TOPIC, messages=[{"data": b"x"}])
    server.kill()
    assert not server.alive()
    server.start()
    assert server.broker.wait_until_idle(5)
    assert receiver.data == [b"x"]
