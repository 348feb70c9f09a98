"""Stand-ins at the adapters' seam that behave: storage with generations, an embedder of words."""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from frontdesk.platform.clock import SystemClock
from frontdesk.platform.errors import PreconditionFailed, UpstreamUnavailable
from frontdesk.platform.storage import Blob, ObjectInfo, ObjectNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from numpy.typing import NDArray

    from frontdesk.platform.clock import Clock
    from frontdesk.platform.resilience import Deadline


class MemoryStore:
    """Objects in memory with generations and preconditions, as storage has them.

    ``down`` makes every call fail; ``on_download`` happens in the middle of every download;
    ``before`` is told of every call's method and object name, and may raise; ``reads`` counts what
    was downloaded by object name. Objects get their times from ``clock``.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._objects: dict[tuple[str, str], Blob] = {}
        self._updated: dict[tuple[str, str], datetime] = {}
        self._generations = itertools.count(1)
        self._lock = threading.Lock()
        self.down = False
        self.before: Callable[[str, str], object] = lambda _method, _name: None
        self.on_download: Callable[[], object] = lambda: None
        self.reads: Counter[str] = Counter()

    def read(
        self, bucket: str, name: str, *, deadline: Deadline, generation: int | None = None
    ) -> Blob:
        self._answer("read", name, deadline)
        with self._lock:
            self.reads[name] += 1
            blob = self._objects.get((bucket, name))
        if blob is None or generation not in {None, blob.generation}:
            raise ObjectNotFound(name)
        return blob

    def read_if_changed(
        self, bucket: str, name: str, generation: int, *, deadline: Deadline
    ) -> Blob | None:
        blob = self.read(bucket, name, deadline=deadline)
        return None if blob.generation == generation else blob

    def download(
        self, bucket: str, name: str, path: Path, *, deadline: Deadline, size: int | None = None
    ) -> int:
        blob = self.read(bucket, name, deadline=deadline)
        path.write_bytes(blob.data)
        self.on_download()
        return blob.generation

    def write(
        self,
        bucket: str,
        name: str,
        data: bytes | Path,
        *,
        content_type: str,
        deadline: Deadline,
        if_generation_match: int | None = None,
    ) -> int:
        self._answer("write", name, deadline)
        content = data if isinstance(data, bytes) else data.read_bytes()
        with self._lock:
            existing = self._objects.get((bucket, name))
            found = existing.generation if existing else 0
            if if_generation_match not in {None, found}:
                raise PreconditionFailed
            blob = Blob(content, next(self._generations))
            self._objects[bucket, name] = blob
            self._updated[bucket, name] = self._clock.now()
            return blob.generation

    def delete(self, bucket: str, name: str, *, deadline: Deadline) -> None:
        self._answer("delete", name, deadline)
        with self._lock:
            self._objects.pop((bucket, name), None)

    def list(self, bucket: str, prefix: str, *, deadline: Deadline) -> Iterator[ObjectInfo]:
        self._answer("list", prefix, deadline)
        with self._lock:
            found = sorted(
                (name, blob, self._updated[where, name])
                for (where, name), blob in self._objects.items()
                if where == bucket and name.startswith(prefix)
            )
        for name, blob, updated in found:
            yield ObjectInfo(name, len(blob.data), blob.generation, updated)

    def delete_prefix(self, bucket: str, prefix: str, *, deadline: Deadline) -> int:
        names = [item.name for item in self.list(bucket, prefix, deadline=deadline)]
        for name in names:
            self.delete(bucket, name, deadline=deadline)
        return len(names)

    def tamper(self, bucket: str, name: str, data: bytes) -> None:
        """Replace bytes behind everybody's back; the generation stays."""
        with self._lock:
            self._objects[bucket, name] = Blob(data, self._objects[bucket, name].generation)

    def _answer(self, method: str, name: str, deadline: Deadline) -> None:
        deadline.timeout(1)
        if self.down:
            raise UpstreamUnavailable("Storage is down.")
        self.before(method, name)


class WordEmbedder:
    """Each word is a direction: texts that share words are near.

    Counts what it embedded; ``on_embed`` happens before every batch.
    """

    def __init__(self, dimensions: int = 64, name: str = "words") -> None:
        self.id = name
        self.dimensions = dimensions
        self.embedded: list[str] = []
        self.failure: Exception | None = None
        self.fails_after: int | None = None
        self.on_embed: Callable[[], object] = lambda: None

    def embed(self, texts: Sequence[str], *, deadline: Deadline) -> NDArray[np.float32]:
        deadline.timeout(1)
        self.on_embed()
        if self.failure is not None:
            raise self.failure
        if self.fails_after is not None and len(self.embedded) >= self.fails_after:
            raise UpstreamUnavailable
        self.embedded.extend(texts)
        vectors = np.full((len(texts), self.dimensions), 0.01, np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                digest = hashlib.sha256(word.strip(".,?!").encode()).digest()
                vectors[row, int.from_bytes(digest[:4], "big") % self.dimensions] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
