"""Events: CloudEvents sent through Pub/Sub, and read back from its push requests.

Messages are nudges. Order, waiting and exactly-once live in SQL; an event that comes twice, late
or out of order changes nothing.

On the wire an event follows the Pub/Sub protocol binding of CloudEvents in binary mode: ``data``
is the message's body as JSON, everything else its ``ce-`` attributes.
https://github.com/googleapis/google-cloudevents/blob/main/docs/spec/pubsub.md
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import (
    AliasChoices,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
)

from frontdesk.platform.clock import Clock, SystemClock
from frontdesk.platform.errors import (
    FrontdeskError,
    InvalidRequest,
    NotConfigured,
    UpstreamUnavailable,
)
from frontdesk.platform.google import google_verdict
from frontdesk.platform.push import PushVerifier
from frontdesk.platform.resilience import CircuitBreaker, Deadline, Policy
from frontdesk.platform.settings import Settings

__all__ = [
    "CloudEvent",
    "EventType",
    "PublishFailed",
    "Publisher",
    "PushMessage",
    "PushVerifier",
    "Topic",
    "decode_push",
]

Send = Callable[[str, bytes, Mapping[str, str], float], str]
"""``send(topic_path, data, attributes, timeout) -> message id``: one request; the tests' seam."""

_PREFIX = "ce-"
_CONTENT_TYPE = "application/json"


class EventType(StrEnum):
    """The events we send. A change that old consumers cannot read gets a new version."""

    TENANT_OPERATION = "frontdesk.tenant.operation.v1"
    KNOWLEDGE_CHANGED = "frontdesk.knowledge.changed.v1"


class Topic(StrEnum):
    """Topics by what they are for; settings say what they are called in this deployment."""

    TENANT_OPERATIONS = "tenant_operations"
    KNOWLEDGE = "knowledge"


class CloudEvent(BaseModel):
    """One event, version 1.0 of the specification; ``tenant_id`` is our extension attribute.

    Fields that we don't know are ignored, here and in ``data``: producers may add some.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    id: str = Field(min_length=1, max_length=255)
    type: str = Field(min_length=1, max_length=255)
    source: str = Field(min_length=1, max_length=255)
    time: AwareDatetime
    # Names of extension attributes have no underscore on the wire.
    tenant_id: UUID = Field(validation_alias=AliasChoices("tenantid", "tenant_id"))
    data: dict[str, JsonValue] = Field(default_factory=dict)

    def attributes(self) -> dict[str, str]:
        """Everything but the data, as attributes of a Pub/Sub message."""
        return {
            "ce-specversion": "1.0",
            "ce-id": self.id,
            "ce-type": self.type,
            "ce-source": self.source,
            "ce-time": self.time.isoformat(),
            "ce-tenantid": str(self.tenant_id),
            "content-type": _CONTENT_TYPE,
        }


class PushMessage(BaseModel):
    """A push request from Pub/Sub, with the event it carries.

    ``delivery_attempt`` counts from 1, and is known only where a dead-letter topic is set.
    """

    model_config = ConfigDict(frozen=True)

    event: CloudEvent
    message_id: str
    subscription: str
    delivery_attempt: int | None = None


class PublishFailed(UpstreamUnavailable):
    """Pub/Sub did not take the event; what the outbox holds is published later."""


class Publisher:
    """Publishes events one at a time and waits for the reply: nothing is left to do after the
    response, when Cloud Run may take the processor away. Safe to share between threads.

    Args:
        settings: the project, and what the topics are called.
        send: makes one request; by default to Pub/Sub, or to PUBSUB_EMULATOR_HOST.
    """

    def __init__(
        self, settings: Settings, *, clock: Clock | None = None, send: Send | None = None
    ) -> None:
        clock = clock or SystemClock()
        self._settings = settings
        self._send = send or _PubSub()
        self._policy = Policy(
            "pubsub",
            attempts=3,
            base_wait=0.1,
            max_wait=1.0,
            attempt_timeout=5.0,
            # Soon again: somebody waits for what a nudge begins, and one more costs little.
            breaker=CircuitBreaker("pubsub", reset_after=10.0, clock=clock),
            classify=google_verdict,
            clock=clock,
        )

    def publish(self, topic: Topic | str, event: CloudEvent, *, deadline: Deadline) -> str:
        """Send an event and return the message's id.

        Args:
            topic: one of ours, or the name of a topic in the project.

        Raises:
            PublishFailed: Pub/Sub did not answer, or refused.
            CircuitOpen: it did neither too often lately.
            DeadlineExceeded: there was no time left to ask.
        """
        path = f"projects/{self._settings.gcp_project_id}/topics/{self._name(topic)}"
        data = json.dumps(event.data, separators=(",", ":"), ensure_ascii=False).encode()
        try:
            return self._policy.run(
                lambda timeout: self._send(path, data, event.attributes(), timeout), deadline
            )
        except FrontdeskError:
            raise
        except Exception as error:
            if not _is_googles(error):
                raise
            raise PublishFailed from error

    def _name(self, topic: str) -> str:
        match topic:
            case Topic.TENANT_OPERATIONS:
                return self._settings.tenant_operations_topic
            case Topic.KNOWLEDGE:
                return self._settings.knowledge_topic
            case _:
                return topic


class _PubSub:
    """Google's low-level client, built at the first event.

    Not the high-level one: that hands messages to a thread that batches them and retries for ten
    minutes. One synchronous call with ``retry=None`` and a time-out does what it says.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: Any = None

    def __call__(
        self, topic: str, data: bytes, attributes: Mapping[str, str], timeout: float
    ) -> str:
        from google.pubsub_v1.types import PubsubMessage

        message = PubsubMessage(data=data, attributes=attributes)
        reply = self._publisher().publish(
            topic=topic, messages=[message], retry=None, timeout=timeout
        )
        return str(reply.message_ids[0])

    def _publisher(self) -> Any:
        """The client; it reads PUBSUB_EMULATOR_HOST itself.

        Raises:
            NotConfigured: this machine has no Google credentials.
        """
        from google.auth.exceptions import DefaultCredentialsError
        from google.pubsub_v1.services.publisher import PublisherClient

        with self._lock:
            if self._client is None:
                try:
                    self._client = PublisherClient()
                except DefaultCredentialsError as error:
                    raise NotConfigured("There are no Google credentials here.") from error
            return self._client


def _is_googles(error: Exception) -> bool:
    from google.api_core.exceptions import GoogleAPICallError
    from google.auth.exceptions import GoogleAuthError

    return isinstance(error, (GoogleAPICallError, GoogleAuthError, OSError))


class _Message(BaseModel):
    data: str = ""
    attributes: dict[str, str] = {}
    message_id: str = Field(validation_alias=AliasChoices("messageId", "message_id"))


class _Push(BaseModel):
    message: _Message
    subscription: str = ""
    delivery_attempt: int | None = Field(None, validation_alias="deliveryAttempt")


def decode_push(body: bytes) -> PushMessage:
    """The event in the body of a push request.

    Raises:
        InvalidRequest: it is no push request, or carries no CloudEvent with a tenant. Pub/Sub
            delivers it again and finally to the dead-letter topic, where somebody can look at it.
    """
    try:
        push = _Push.model_validate_json(body)
        data = json.loads(base64.b64decode(push.message.data, validate=True) or b"{}")
        given = {
            name.lower().removeprefix(_PREFIX): value
            for name, value in push.message.attributes.items()
            if name.lower().startswith(_PREFIX)
        }
        event = CloudEvent.model_validate(given | {"data": data})
    except (ValidationError, ValueError, RecursionError) as error:
        raise InvalidRequest("This is not a Pub/Sub push of one of our events.") from error
    return PushMessage(
        event=event,
        message_id=push.message.message_id,
        subscription=push.subscription,
        delivery_attempt=push.delivery_attempt,
    )
