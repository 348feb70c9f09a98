"""Vectors of words and sentences, made once a process: a question's passages come back often."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from frontdesk.knowledge.embedder import Embedder, Vectors
    from frontdesk.platform.resilience import Deadline

REMEMBERED: Final = 12_000
"""Texts; 384 float16 numbers each make 9 MB."""


class TextVectors:
    """An embedder with a memory of the texts it saw last. Safe to share between threads."""

    def __init__(self, embedder: Embedder, *, remembered: int = REMEMBERED) -> None:
        self._embedder = embedder
        self._remembered = remembered
        self._lock = threading.Lock()
        self._known: OrderedDict[str, np.ndarray[tuple[int], np.dtype[np.float16]]] = OrderedDict()

    @property
    def embedder_id(self) -> str:
        """Of the embedder behind it."""
        return self._embedder.id

    def of(self, texts: Sequence[str], *, deadline: Deadline) -> Vectors:
        """Unit vectors, float32 (len(texts), d).

        Raises:
            UpstreamUnavailable, DeadlineExceeded: as the embedder does.
        """
        import numpy as np

        with self._lock:
            found = {text: self._known[text] for text in texts if text in self._known}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        if new:
            # Half precision from the start: an answer must not depend on what was asked before.
            made = self._embedder.embed(new, deadline=deadline).astype(np.float16)
            found.update(zip(new, made, strict=True))
        with self._lock:
            for text, vector in found.items():
                self._known[text] = vector
                self._known.move_to_end(text)
            while len(self._known) > self._remembered:
                self._known.popitem(last=False)
        if not texts:
            return np.zeros((0, self._embedder.dimensions), np.float32)
        return np.asarray([found[text] for text in texts], dtype=np.float32)
