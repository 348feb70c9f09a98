"""The Pub/Sub server: gRPC services over the broker, and a pusher for each push subscription."""

from __future__ import annotations

import os
from concurrent import futures
from typing import TYPE_CHECKING, Any, Final

from frontdesk.local.ports import LOOPBACK
from frontdesk.local.pubsub.broker import Broker
from frontdesk.local.pubsub.journal import Journal
from frontdesk.local.pubsub.push import Pusher

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from frontdesk.local.identity import Identity
    from frontdesk.local.pubsub.messages import Subscription

_THREADS: Final = 16


class PubSubServer:
    """Pub/Sub for one stack.

    Args:
        folder: where undelivered messages are kept.
        port: of the gRPC service, loopback only.
        identity: signs the tokens of pushes.
        topics: made at start.
        subscriptions: made at start, after the topics.
    """

    name = "pubsub"

    def __init__(
        self,
        folder: Path,
        *,
        port: int,
        identity: Identity,
        topics: Sequence[str] = (),
        subscriptions: Sequence[Subscription] = (),
    ) -> None:
        self.host = f"{LOOPBACK}:{port}"
        self._identity = identity
        self._topics = topics
        self._subscriptions = subscriptions
        self._file = folder / "pubsub.sqlite"
        self._journal: Journal | None = None
        self._broker: Broker | None = None
        self._pushers: dict[str, Pusher] = {}
        self._server: Any = None

    @property
    def broker(self) -> Broker:
        """The running service's state, for tests that look at it or make trouble.

        Raises:
            RuntimeError: the server is stopped.
        """
        if self._broker is None:
            raise RuntimeError("Pub/Sub is not running.")
        return self._broker

    @staticmethod
    def prepare() -> None:
        """Import what ``start`` needs, which takes longer than starting."""
        # Children are started by exec at once; gRPC's care for forks would only warn about them.
        os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
        import frontdesk.local.pubsub.services  # noqa: F401

    def start(self) -> None:
        """Listen; what was not delivered before the last stop is delivered now."""
        self.stop()
        self.prepare()
        import grpc

        from frontdesk.local.pubsub.services import handlers

        self._journal = Journal(self._file)
        self._broker = Broker(self._journal)
        for topic in self._topics:
            self._broker.create_topic(topic)
        for subscription in self._subscriptions:
            self.subscribe(subscription)
        self._server = grpc.server(
            futures.ThreadPoolExecutor(_THREADS, thread_name_prefix="pubsub"),
            options=[("grpc.so_reuseport", 0)],
        )
        self._server.add_generic_rpc_handlers(handlers(self))
        self._server.add_insecure_port(self.host)
        self._server.start()

    def subscribe(self, subscription: Subscription) -> bool:
        """Make or change a subscription, and push when it has an endpoint.

        Returns:
            False when it was there already.

        Raises:
            TopicMissing
        """
        new = self.broker.create_subscription(subscription)
        if subscription.push_endpoint and subscription.name not in self._pushers:
            self._pushers[subscription.name] = Pusher(
                self.broker, subscription.name, self._identity
            )
        return new

    def alive(self) -> bool:
        """Whether it serves."""
        return self._server is not None

    def kill(self) -> None:
        """Stop at once; callers see a broken connection."""
        self.stop()

    def stop(self) -> None:
        """Stop pushing and serving. Idempotent."""
        if self._broker is not None:
            self._broker.close()
        pushers, self._pushers = self._pushers, {}
        for pusher in pushers.values():
            pusher.stop()
        server, self._server = self._server, None
        if server is not None:
            server.stop(grace=None).wait()
        self._broker = None
        if self._journal is not None:
            self._journal.close()
            self._journal = None
