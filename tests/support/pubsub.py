"""Pub/Sub's publish call in this process: it keeps what it gets, or fails as told."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from frontdesk.platform.events import PushMessage, decode_push

SUBSCRIPTION = "projects/agency/subscriptions/tests"


class FakePubSub:
    """Give it to ``Publisher(send=…)``.

    Attributes:
        failures: raised one by one by the next calls.
        down: raised by every call while it is set.
        sent: topic, data and attributes of each message that was taken.
        timeouts: of each call, taken or not.
    """

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.down: Exception | None = None
        self.sent: list[tuple[str, bytes, dict[str, str]]] = []
        self.timeouts: list[float] = []

    def __call__(
        self, topic: str, data: bytes, attributes: Mapping[str, str], timeout: float
    ) -> str:
        self.timeouts.append(timeout)
        if self.failures:
            raise self.failures.pop(0)
        if self.down:
            raise self.down
        self.sent.append((topic, data, dict(attributes)))
        return str(len(self.sent))

    def pushes(self, topic: str) -> list[PushMessage]:
        """What a subscription of that topic would get, in order."""
        return [
            decode_push(push_body(data, attributes))
            for path, data, attributes in self.sent
            if path.endswith(f"/{topic}")
        ]


def push_body(data: bytes, attributes: Mapping[str, str], **more: Any) -> bytes:
    """What Pub/Sub posts for a message."""
    message = {
        "data": base64.b64encode(data).decode(),
        "attributes": dict(attributes),
        "messageId": "7",
        "publishTime": "2026-11-23T12:00:00Z",
    }
    return json.dumps({"message": message, "subscription": SUBSCRIPTION} | more).encode()
