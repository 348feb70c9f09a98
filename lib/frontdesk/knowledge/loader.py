"""Loaded indexes of a process: fetched once, kept fresh, never worse than the last good one.

- First use of a tenant loads under a single flight: eight first questions, one download.
- Later the pointer is looked at in the background, at most every ``refresh_after`` seconds, and a
  new version replaces the old one in one step. Only when nobody asked for ``stale_after`` seconds
  does a question wait for that look.
- A load that fails keeps the version at hand; at process start, with storage down, that is the one
  on local disk.
- What is loaded is bounded in bytes; the least recently used goes first. On Cloud Run local disk is
  memory, so an index that goes leaves the disk too.
- The shared index is kept the same way, but a question never fails for want of it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from frontdesk.knowledge.localcopy import LocalCopies
from frontdesk.knowledge.manifest import SHARED_TENANT, IndexInvalid
from frontdesk.knowledge.publish import NO_GENERATION, Current
from frontdesk.platform.errors import DeadlineExceeded, FrontdeskError, UpstreamUnavailable
from frontdesk.platform.logging import get_logger
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.singleflight import SingleFlight
from frontdesk.platform.storage import ObjectNotFound

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from frontdesk.knowledge.index import LoadedIndex
    from frontdesk.knowledge.publish import IndexShelf
    from frontdesk.platform.clock import Clock

log = get_logger(__name__)

_BACKGROUND_SECONDS = 60.0  # for one refresh that nobody waits for
_FOREGROUND_SECONDS = 3.0  # a question waits at most so long for a fresher version
_UNKNOWN_GENERATION = -1  # of a version found on disk while storage was away
_LOOK_AGAIN_SECONDS = 0.5  # between two looks for a version that is expected: storage may be away
_ABSENT_SECONDS = 1.0  # how long "nothing published" is believed: an upload should be found soon


@dataclass(frozen=True, slots=True)
class LoadedVersion:
    """An index in memory.

    Attributes:
        checked_seconds: since the pointer was last looked at.
    """

    tenant_id: UUID
    index: LoadedIndex
    checked_seconds: float


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is known of a tenant's index; None when nothing is published."""

    index: LoadedIndex | None
    generation: int
    checked_at: float

    @property
    def size(self) -> int:
        return 0 if self.index is None else self.index.size_bytes


def _in_thread(job: Callable[[], None]) -> None:
    threading.Thread(target=job, name="index-refresh", daemon=True).start()


class IndexStore:
    """The loaded indexes of this process. Safe to share between threads.

    Args:
        shelf: where indexes are published.
        cache_dir: local disk that this process may fill and empty.
        max_bytes: of loaded indexes; the one in use always stays, and so does the shared one.
        clock: for ages.
        refresh_after: seconds after which a version is checked in the background.
        stale_after: seconds after which a question waits for the check.
        background: runs a job without waiting for it; the seam for tests.
    """

    def __init__(
        self,
        shelf: IndexShelf,
        cache_dir: Path,
        *,
        max_bytes: int,
        clock: Clock,
        refresh_after: float = 10.0,
        stale_after: float = 300.0,
        background: Callable[[Callable[[], None]], None] = _in_thread,
    ) -> None:
        self._shelf = shelf
        self._copies = LocalCopies(shelf, cache_dir / "indexes")
        self._max_bytes = max_bytes
        self._clock = clock
        self._refresh_after = refresh_after
        self._stale_after = stale_after
        self._background = background
        self._lock = threading.Lock()
        self._entries: OrderedDict[UUID, _Entry] = OrderedDict()
        self._refreshing: set[UUID] = set()
        self._expected: dict[UUID, str] = {}
        self._flights: SingleFlight[_Entry] = SingleFlight()

    def expect(self, tenant_id: UUID, version: str) -> None:
        """Somebody knows that this version of the tenant's index was published.

        While an older one is at hand a question waits for the look that would have been made in the
        background: what was deleted is not answered from, and what was uploaded is.
        """
        with self._lock:
            self._expected[tenant_id] = version

    def get(self, tenant_id: UUID, *, deadline: Deadline) -> LoadedIndex | None:
        """The tenant's current index; None when nothing was ever published for it.

        Raises:
            UpstreamUnavailable: it can't be loaded, and no earlier version is at hand.
            DeadlineExceeded: the same, for want of time.
        """
        with self._lock:
            entry = self._entries.get(tenant_id)
            if entry is not None:
                self._entries.move_to_end(tenant_id)
        if entry is None:
            return self._fly(tenant_id, deadline, self._first).index
        if entry.index is not None:
            return self._kept_fresh(tenant_id, entry, entry.index, deadline)
        patience = _LOOK_AGAIN_SECONDS if tenant_id in self._expected else _ABSENT_SECONDS
        if self._clock.monotonic() - entry.checked_at > patience:
            return self._fly(tenant_id, deadline, self._first).index
        return None

    def shared(self, *, deadline: Deadline) -> LoadedIndex | None:
        """The index that every agency searches beside its own; None when there is none to be had.

        Only the first question of a process waits for it, and a version at hand is kept fresh as
        `get` does it. Its absence is looked up in the background, and costs nobody an answer:
        whatever is wrong with it, agencies have their own.
        """
        with self._lock:
            entry = self._entries.get(SHARED_TENANT)
        if entry is None:
            return self._first_shared(deadline).index
        if entry.index is not None:
            return self._kept_fresh(SHARED_TENANT, entry, entry.index, deadline)
        if self._clock.monotonic() - entry.checked_at > self._refresh_after:
            self._refresh_in_background(SHARED_TENANT)
        return None

    def loaded(self) -> list[LoadedVersion]:
        """What is loaded, for readiness; the most recently used last."""
        now = self._clock.monotonic()
        with self._lock:
            entries = list(self._entries.items())
        return [
            LoadedVersion(tenant_id, entry.index, now - entry.checked_at)
            for tenant_id, entry in entries
            if entry.index is not None
        ]

    def _kept_fresh(
        self, tenant_id: UUID, entry: _Entry, index: LoadedIndex, deadline: Deadline
    ) -> LoadedIndex | None:
        """The version at hand, or a newer one after a long pause or when one is expected."""
        age = self._clock.monotonic() - entry.checked_at
        # Names of versions sort by time.
        is_behind = index.manifest.version < self._expected.get(tenant_id, "")
        if age > self._stale_after or (is_behind and age > _LOOK_AGAIN_SECONDS):
            patience = Deadline.after(min(_FOREGROUND_SECONDS, deadline.remaining()), self._clock)
            return self._fly(tenant_id, patience, self._refreshed).index
        if age > self._refresh_after:
            self._refresh_in_background(tenant_id)
        return index

    def _first_shared(self, deadline: Deadline) -> _Entry:
        patience = Deadline.after(min(_FOREGROUND_SECONDS, deadline.remaining()), self._clock)
        try:
            return self._fly(SHARED_TENANT, patience, self._first)
        except (UpstreamUnavailable, DeadlineExceeded) as failure:
            if deadline.expired:
                raise
            log.warning("The shared index can't be had.", error=type(failure).__name__)
            absent = _Entry(None, _UNKNOWN_GENERATION, self._clock.monotonic())
            self._keep(SHARED_TENANT, absent)
            return absent

    # -- one load at a time per tenant --

    def _fly(
        self, tenant_id: UUID, deadline: Deadline, load: Callable[[UUID, Deadline], _Entry]
    ) -> _Entry:
        return self._flights.run(tenant_id, lambda: load(tenant_id, deadline), deadline.remaining())

    def _refresh_in_background(self, tenant_id: UUID) -> None:
        with self._lock:
            if tenant_id in self._refreshing:
                return
            self._refreshing.add(tenant_id)

        def job() -> None:
            try:
                deadline = Deadline.after(_BACKGROUND_SECONDS, self._clock)
                self._fly(tenant_id, deadline, self._refreshed)
            finally:
                with self._lock:
                    self._refreshing.discard(tenant_id)

        self._background(job)

    def _first(self, tenant_id: UUID, deadline: Deadline) -> _Entry:
        """Load from storage, or the last good copy on disk when storage does not answer."""
        known = self._known(tenant_id)
        if known is not None and known.index is not None:
            return known  # another thread was faster
        try:
            current = self._shelf.current(tenant_id, deadline=deadline)
            entry = self._load(tenant_id, current, deadline)
        except (UpstreamUnavailable, DeadlineExceeded) as failure:
            kept = self._copies.last(tenant_id)
            if kept is None:
                raise
            log.warning(
                "Storage does not answer; the index on local disk serves.",
                index_version=kept.manifest.version,
                error=type(failure).__name__,
            )
            entry = _Entry(kept, _UNKNOWN_GENERATION, self._clock.monotonic())
        self._keep(tenant_id, entry)
        return entry

    def _refreshed(self, tenant_id: UUID, deadline: Deadline) -> _Entry:
        """The newest version, or the one at hand when that can't be loaded."""
        entry = self._known(tenant_id)
        if entry is None:
            return self._first(tenant_id, deadline)
        now = self._clock.monotonic()
        try:
            if entry.generation == _UNKNOWN_GENERATION:
                current: Current | None = self._shelf.current(tenant_id, deadline=deadline)
            else:
                current = self._shelf.changed(tenant_id, entry.generation, deadline=deadline)
            if current is None:
                fresh = replace(entry, checked_at=now)
            elif _serves(entry.index, current):
                fresh = _Entry(entry.index, current.generation, now)
            else:
                fresh = self._load(tenant_id, current, deadline)
        except FrontdeskError as failure:
            # Whatever is wrong with the new version, the old one still answers.
            log.warning(
                "A newer index could not be loaded; the last good one serves.",
                index_version=entry.index.manifest.version if entry.index else None,
                error=type(failure).__name__,
            )
            fresh = replace(entry, checked_at=now)
        self._keep(tenant_id, fresh)
        return fresh

    def _known(self, tenant_id: UUID) -> _Entry | None:
        with self._lock:
            return self._entries.get(tenant_id)

    def _keep(self, tenant_id: UUID, entry: _Entry) -> None:
        """Swap in an entry and let the least recently used go while there are too many bytes."""
        evicted: list[UUID] = []
        with self._lock:
            self._entries[tenant_id] = entry
            self._entries.move_to_end(tenant_id)
            total = sum(kept.size for kept in self._entries.values())
            for other in list(self._entries)[:-1]:
                if total <= self._max_bytes:
                    break
                if other == SHARED_TENANT:
                    continue  # every question uses it
                total -= self._entries.pop(other).size
                evicted.append(other)
        for other in evicted:
            self._copies.remove(other)

    # -- one version --

    def _load(self, tenant_id: UUID, current: Current, deadline: Deadline) -> _Entry:
        """Bring a version to local disk and open it.

        Raises:
            IndexInvalid: its bytes, format, tenant or shape are not what they should be, or it is
                not in storage.
        """
        try:
            return self._open(tenant_id, current, deadline)
        except ObjectNotFound:
            # Collected between our look at the pointer and now: there is a newer one.
            newer = self._shelf.current(tenant_id, deadline=deadline)
            if newer.generation == current.generation:
                raise IndexInvalid("The current index version is not in storage.") from None
            return self._open(tenant_id, newer, deadline)

    def _open(self, tenant_id: UUID, current: Current, deadline: Deadline) -> _Entry:
        checked_at = self._clock.monotonic()
        if current.pointer is None:
            self._copies.remove(tenant_id)
            return _Entry(None, NO_GENERATION, checked_at)
        index = self._copies.open(tenant_id, current.pointer, deadline)
        log.info(
            "An index was loaded.",
            index_version=index.manifest.version,
            chunks=index.manifest.chunks,
            bytes=index.size_bytes,
        )
        return _Entry(index, current.generation, checked_at)


def _serves(index: LoadedIndex | None, current: Current) -> bool:
    return (
        index is not None
        and current.pointer is not None
        and index.manifest.version == current.pointer.version
    )
