"""google.pubsub.v1.Publisher and Subscriber, as far as Frontdesk and its tests call them.

A method that is not here answers UNIMPLEMENTED, as gRPC does by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import grpc
from google.pubsub_v1 import types

from frontdesk.local.pubsub.messages import (
    PublishRefused,
    Subscription,
    SubscriptionMissing,
    TopicMissing,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from frontdesk.local.pubsub.broker import Broker
    from frontdesk.local.pubsub.messages import Delivery


class Service(Protocol):
    """What the methods work on."""

    @property
    def broker(self) -> Broker:
        """The state."""
        ...

    def subscribe(self, subscription: Subscription) -> bool:
        """Make a subscription; False when there is one."""
        ...


def handlers(service: Service) -> tuple[Any, ...]:
    """The generic gRPC handlers of both services."""
    publisher, subscriber = _Publisher(service), _Subscriber(service)
    return (
        grpc.method_handlers_generic_handler(
            "google.pubsub.v1.Publisher",
            {
                "CreateTopic": _unary(publisher.create_topic, types.Topic),
                "GetTopic": _unary(publisher.get_topic, types.GetTopicRequest),
                "ListTopics": _unary(publisher.list_topics, types.ListTopicsRequest),
                "Publish": _unary(publisher.publish, types.PublishRequest),
            },
        ),
        grpc.method_handlers_generic_handler(
            "google.pubsub.v1.Subscriber",
            {
                "CreateSubscription": _unary(subscriber.create, types.Subscription),
                "GetSubscription": _unary(subscriber.get, types.GetSubscriptionRequest),
                "DeleteSubscription": _unary(subscriber.delete, types.DeleteSubscriptionRequest),
                "Pull": _unary(subscriber.pull, types.PullRequest),
                "Acknowledge": _unary(subscriber.acknowledge, types.AcknowledgeRequest),
                "ModifyAckDeadline": _unary(
                    subscriber.modify_ack_deadline, types.ModifyAckDeadlineRequest
                ),
            },
        ),
    )


def _unary(method: Callable[[Any], Any], request: Any) -> Any:
    def call(message: Any, context: Any) -> Any:
        try:
            return method(message)
        except (TopicMissing, SubscriptionMissing) as missing:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Resource not found: {missing}")
        except PublishRefused:
            context.abort(grpc.StatusCode.UNAVAILABLE, "As a test asked for.")
        except FileExistsError as exists:
            context.abort(grpc.StatusCode.ALREADY_EXISTS, str(exists))

    return grpc.unary_unary_rpc_method_handler(
        call, request_deserializer=request.deserialize, response_serializer=_serialize
    )


def _serialize(message: Any) -> bytes:
    # None stands for google.protobuf.Empty, whose encoding is no byte at all.
    return b"" if message is None else bytes(type(message).serialize(message))


class _Publisher:
    def __init__(self, service: Service) -> None:
        self._service = service

    def create_topic(self, topic: Any) -> Any:
        if not self._service.broker.create_topic(topic.name):
            raise FileExistsError(f"Topic {topic.name} exists.")
        return topic

    def get_topic(self, request: Any) -> Any:
        if not self._service.broker.has_topic(request.topic):
            raise TopicMissing(request.topic)
        return types.Topic(name=request.topic)

    def list_topics(self, request: Any) -> Any:
        prefix = f"{request.project}/topics/"
        names = [name for name in self._service.broker.topics() if name.startswith(prefix)]
        return types.ListTopicsResponse(topics=[types.Topic(name=name) for name in names])

    def publish(self, request: Any) -> Any:
        return types.PublishResponse(
            message_ids=[
                self._service.broker.publish(request.topic, message.data, message.attributes)
                for message in request.messages
            ]
        )


class _Subscriber:
    def __init__(self, service: Service) -> None:
        self._service = service

    def create(self, request: Any) -> Any:
        token = request.push_config.oidc_token
        dead, retry = request.dead_letter_policy, request.retry_policy
        subscription = Subscription(
            name=request.name,
            topic=request.topic,
            ack_deadline=request.ack_deadline_seconds or 10,
            push_endpoint=request.push_config.push_endpoint,
            push_audience=token.audience or request.push_config.push_endpoint,
            push_account=token.service_account_email,
            dead_letter_topic=dead.dead_letter_topic,
            max_attempts=dead.max_delivery_attempts or 5,
            min_backoff=_seconds(retry, "minimum_backoff", 10.0),
            max_backoff=_seconds(retry, "maximum_backoff", 600.0),
        )
        if not self._service.subscribe(subscription):
            raise FileExistsError(f"Subscription {request.name} exists.")
        return request

    def get(self, request: Any) -> Any:
        found = self._service.broker.subscription(request.subscription)
        return types.Subscription(
            name=found.name,
            topic=found.topic,
            ack_deadline_seconds=int(found.ack_deadline),
            push_config=types.PushConfig(push_endpoint=found.push_endpoint),
        )

    def delete(self, request: Any) -> None:
        self._service.broker.delete_subscription(request.subscription)

    def pull(self, request: Any) -> Any:
        taken: list[Delivery] = []
        while len(taken) < request.max_messages:
            delivery = self._service.broker.take(request.subscription)
            if delivery is None:
                break
            taken.append(delivery)
        return types.PullResponse(received_messages=[_received(delivery) for delivery in taken])

    def acknowledge(self, request: Any) -> None:
        for lease in request.ack_ids:
            self._service.broker.acknowledge(request.subscription, lease)

    def modify_ack_deadline(self, request: Any) -> None:
        for lease in request.ack_ids:
            if request.ack_deadline_seconds == 0:
                self._service.broker.reject(request.subscription, lease)
            else:
                self._service.broker.extend(
                    request.subscription, lease, request.ack_deadline_seconds
                )


def _received(delivery: Delivery) -> Any:
    message = delivery.message
    return types.ReceivedMessage(
        ack_id=delivery.lease,
        message=types.PubsubMessage(
            data=message.data,
            attributes=dict(message.attributes),
            message_id=message.id,
            publish_time=message.published,
        ),
        delivery_attempt=delivery.attempt if delivery.subscription.dead_letter_topic else 0,
    )


def _seconds(policy: Any, name: str, default: float) -> float:
    return float(getattr(policy, name).total_seconds()) if name in policy else default
