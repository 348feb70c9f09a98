"""A Pub/Sub that google-cloud-pubsub cannot tell from the real one, as far as we use it.

At least once, in no promised order, pushed with an OIDC token, delivered again with growing pauses
until it is acknowledged or goes to the dead-letter topic. On request it duplicates, reorders and
refuses, so that tests meet what the real one does on a bad day.
"""

from frontdesk.local.pubsub.broker import Broker
from frontdesk.local.pubsub.messages import Delivery, Message, Subscription
from frontdesk.local.pubsub.server import PubSubServer

__all__ = ["Broker", "Delivery", "Message", "PubSubServer", "Subscription"]
