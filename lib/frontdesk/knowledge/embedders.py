"""Which embedder made which index: a question is embedded by the one that its index was made with.

So the index that serves stays searchable to the full when another embedder is configured, until the
version that the new one makes is complete.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from frontdesk.knowledge.embedder import Embedder


def _none(embedder_id: str) -> None:
    """Nothing but the configured embedder."""


class Embedders:
    """The embedders of a process by id. Safe to share between threads.

    Args:
        configured: the one that new indexes are made with.
        make: another one by its id, or None when this process can't make it; asked until it can.
    """

    def __init__(
        self, configured: Embedder, make: Callable[[str], Embedder | None] = _none
    ) -> None:
        self.configured = configured
        self._make = make
        self._lock = threading.Lock()
        self._made = {configured.id: configured}

    def of(self, embedder_id: str) -> Embedder | None:
        """The embedder with that id; None when this process can't make it."""
        made = self._made.get(embedder_id)
        if made is None:
            with self._lock:
                made = self._made.get(embedder_id) or self._make(embedder_id)
                if made is not None:
                    self._made[embedder_id] = made
        return made
