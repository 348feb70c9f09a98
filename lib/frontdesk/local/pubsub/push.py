"""Posts messages to their push endpoints, as Pub/Sub does."""

from __future__ import annotations

import base64
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import httpx

from frontdesk.local.pubsub.messages import SubscriptionMissing

if TYPE_CHECKING:
    from frontdesk.local.identity import Identity
    from frontdesk.local.pubsub.broker import Broker
    from frontdesk.local.pubsub.messages import Delivery, Subscription

ACKNOWLEDGING: Final = frozenset({102, 200, 201, 202, 204})
"""Every other status means "again", 4xx included."""

WORKERS: Final = 4
"""Messages of one subscription that are on their way at the same time."""

_WAIT_SECONDS: Final = 0.5
_STOP_SECONDS: Final = 5.0


class Pusher:
    """The threads that serve one push subscription.

    Args:
        broker: where the messages are.
        subscription: the name of one with a push endpoint.
        identity: signs the tokens.
    """

    def __init__(self, broker: Broker, subscription: str, identity: Identity) -> None:
        self._broker = broker
        self._subscription = subscription
        self._identity = identity
        self._stopping = threading.Event()
        self._abandoned = threading.Event()
        self._http = httpx.Client()
        self._threads = [
            threading.Thread(target=self._work, name=f"push {subscription} {n}", daemon=True)
            for n in range(WORKERS)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take no more messages and wait a little for those under way.

        What a slow receiver has not acknowledged by then is delivered again after the next start.
        """
        self._stopping.set()
        until = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        self._abandoned.set()
        self._http.close()

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                delivery = self._broker.take(self._subscription, wait=_WAIT_SECONDS)
                if delivery is None or delivery.lease is None:
                    continue
                delivered = self._push(delivery)
                if self._abandoned.is_set():
                    return  # the broker is gone
                if delivered:
                    self._broker.acknowledge(self._subscription, delivery.lease)
                else:
                    self._broker.reject(self._subscription, delivery.lease)
            except SubscriptionMissing:
                return  # it was deleted

    def _push(self, delivery: Delivery) -> bool:
        subscription = delivery.subscription
        headers = {}
        if subscription.push_audience:
            token = self._identity.oidc_token(
                audience=subscription.push_audience, email=subscription.push_account
            )
            headers["Authorization"] = f"Bearer {token}"
        try:
            reply = self._http.post(
                subscription.push_endpoint,
                json=envelope(delivery, subscription),
                headers=headers,
                timeout=subscription.ack_deadline,
            )
        except (httpx.HTTPError, RuntimeError):  # RuntimeError: the client was closed by stop()
            return False
        return reply.status_code in ACKNOWLEDGING


def envelope(delivery: Delivery, subscription: Subscription) -> dict[str, Any]:
    """The body of a push request."""
    message = delivery.message
    published = message.published.isoformat().replace("+00:00", "Z")
    body: dict[str, Any] = {
        "message": {
            "attributes": dict(message.attributes),
            "data": base64.b64encode(message.data).decode(),
            "messageId": message.id,
            "message_id": message.id,
            "publishTime": published,
            "publish_time": published,
        },
        "subscription": subscription.name,
    }
    if subscription.dead_letter_topic:  # only then does the real one count for the receiver
        body["deliveryAttempt"] = delivery.attempt
    return body
