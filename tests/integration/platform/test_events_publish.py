"""An event's whole journey: Google's publisher, Pub/Sub, a signed push, our verifier and reader."""

from __future__ import annotations

import queue
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from frontdesk.local.http_server import Handler, ThreadServer
from frontdesk.local.identity import OIDC_ISSUER, PUSH_AUDIENCE, PUSH_SERVICE_ACCOUNT, Identity
from frontdesk.local.pubsub import PubSubServer, Subscription
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.errors import UpstreamUnavailable
from frontdesk.platform.events import (
    CloudEvent,
    EventType,
    Publisher,
    PublishFailed,
    PushVerifier,
    Topic,
    decode_push,
)
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.settings import Settings
from tests.support.clock import ManualClock
from tests.support.ports import free_port

TOPIC = "projects/agency/topics/knowledge"
EVENT = CloudEvent(
    id="e-1",
    type=EventType.KNOWLEDGE_CHANGED,
    source="tests",
    time=datetime(2026, 11, 23, 12, tzinfo=UTC),
    tenant_id=UUID("01890a5d-ac96-774b-bcce-b302099a8057"),
    data={"knowledge_version": 3, "título": "é"},
)


class Function:
    """What a push function is: an address. It also serves Google's public keys."""

    def __init__(self, identity: Identity) -> None:
        self.received: queue.Queue[tuple[str, bytes]] = queue.Queue()
        function = self

        class Endpoint(Handler):
            def do_POST(self) -> None:  # noqa: N802 -- the base class's name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                function.received.put((self.headers["Authorization"], body))
                self._reply(b"")

            def do_GET(self) -> None:  # noqa: N802
                self._reply(identity.jwks().encode())

            def _reply(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadServer("function", free_port(), Endpoint)


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return Identity.load(tmp_path / "identity.json")


@pytest.fixture
def function(identity: Identity) -> Iterator[Function]:
    function = Function(identity)
    function.server.start()
    yield function
    function.server.stop()


@pytest.fixture
def pubsub(
    tmp_path: Path, identity: Identity, function: Function, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PubSubServer]:
    push = Subscription(
        "projects/agency/subscriptions/indexer",
        TOPIC,
        push_endpoint=f"{function.server.url}/v1/events/indexer",
        push_audience=PUSH_AUDIENCE,
        push_account=PUSH_SERVICE_ACCOUNT,
    )
    server = PubSubServer(
        tmp_path, port=free_port(), identity=identity, topics=[TOPIC], subscriptions=[push]
    )
    server.start()
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.host)
    yield server
    server.stop()


def settings(**changes: Any) -> Settings:
    return Settings(gcp_project_id="agency", **changes)


def publish(publisher: Publisher, topic: str = Topic.KNOWLEDGE, seconds: float = 5.0) -> str:
    deadline = Deadline.after(seconds, SystemClock())
    return publisher.publish(topic, EVENT, deadline=deadline)


def test_what_is_published_arrives_signed_and_whole(
    pubsub: PubSubServer, function: Function
) -> None:
    message_id = publish(Publisher(settings()))

    authorization, body = function.received.get(timeout=10)
    verifier = PushVerifier(
        settings(
            oidc_jwks_url=function.server.url,
            oidc_issuer=OIDC_ISSUER,
            push_audience=PUSH_AUDIENCE,
            push_service_account=PUSH_SERVICE_ACCOUNT,
        ),
        SystemClock(),
    )
    soon = Deadline.after(5, SystemClock())
    assert verifier.verify(authorization, soon) == PUSH_SERVICE_ACCOUNT
    message = decode_push(body)
    assert (message.event, message.message_id) == (EVENT, message_id)


def test_a_missing_topic_is_said_at_once(pubsub: PubSubServer) -> None:
    with pytest.raises(PublishFailed):
        publish(Publisher(settings()), "no-such-topic")


def test_a_publisher_outlives_a_restart_of_pubsub(pubsub: PubSubServer, function: Function) -> None:
    clock = ManualClock()
    publisher = Publisher(settings(), clock=clock)
    publish(publisher)
    pubsub.stop()
    with pytest.raises(PublishFailed):
        publish(publisher, seconds=1)

    pubsub.start()

    # gRPC connects again after a second of its own.
    assert publish_within(publisher, clock, 10)
    assert function.received.get(timeout=10)


def publish_within(publisher: Publisher, clock: ManualClock, seconds: float) -> str:
    ends = time.monotonic() + seconds
    while True:
        try:
            return publish(publisher)
        except UpstreamUnavailable:
            clock.advance(60)  # past the circuit breaker
            if time.monotonic() >= ends:
                raise


def test_a_hanging_pubsub_costs_no_more_than_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{silent.getsockname()[1]}")
        publisher = Publisher(settings())
        with pytest.raises(PublishFailed):
            publish(publisher, seconds=0.1)  # also pays for the import
        started = time.monotonic()
        with pytest.raises(PublishFailed):
            publish(publisher, seconds=0.3)
        assert time.monotonic() - started < 3
