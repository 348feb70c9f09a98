"""A Cloud Storage that google-cloud-storage cannot tell from the real one, as far as we use it.

Objects survive a restart. Preconditions are decided atomically with the write they guard. What is
not built (compose, rewrite, versioning, XML multipart uploads) answers 501 instead of pretending.
"""

from frontdesk.local.storage.faults import Fault, Faults
from frontdesk.local.storage.server import StorageServer

__all__ = ["Fault", "Faults", "StorageServer"]
