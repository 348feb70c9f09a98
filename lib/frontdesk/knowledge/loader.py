"""Loaded indexes of a process: fetched once, kept fresh, never worse than the last good one.

- First use of a tenant loads under a single flight: eight first questions, one download.
- Later the pointer is looked at in the background, at most every ``refresh_after`` seconds, and a
  new version replaces the old one in one step. Only when nobody asked for ``stale_after`` seconds
  does a question wait for that look.
- A load that fails keeps the version at hand; at process start, with storage down, that is the one
  on local disk.
- What is loaded is bounded in bytes; the least recently used goes first. On Cloud Run local disk is
  memory, so an index that goes leaves the disk too.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from frontdesk.knowledge.index import LoadedIndex
from frontdesk.knowledge.manifest import (
    MANIFEST_FILE,
    POINTER_FILE,
    SERVED_FILES,
    IndexInvalid,
    Manifest,
    Pointer,
    file_entry,
)
from frontdesk.knowledge.publish import NO_GENERATION, Current
from frontdesk.platform.errors import DeadlineExceeded, FrontdeskError, UpstreamUnavailable
from frontdesk.platform.logging import get_logger
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.singleflight import SingleFlight
from frontdesk.platform.storage import ObjectNotFound

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from frontdesk.knowledge.publish import IndexShelf
    from frontdesk.platform.clock import Clock

log = get_logger(__name__)

_BACKGROUND_SECONDS = 60.0  # for one refresh that nobody waits for
_FOREGROUND_SECONDS = 3.0  # a question waits at most so long for a fresher version
_UNKNOWN_GENERATION = -1  # of a version found on disk while storage was away
_ABSENT_SECONDS = 1.0  # how long "nothing published" is believed: an upload should be found soon


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
        max_bytes: of loaded indexes; the one in use always stays.
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
        self._root = cache_dir / "indexes"
        self._max_bytes = max_bytes
        self._clock = clock
        self._refresh_after = refresh_after
        self._stale_after = stale_after
        self._background = background
        self._lock = threading.Lock()
        self._entries: OrderedDict[UUID, _Entry] = OrderedDict()
        self._refreshing: set[UUID] = set()
        self._flights: SingleFlight[_Entry] = SingleFlight()

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
        age = self._clock.monotonic() - entry.checked_at
        if entry.index is None:
            if age > _ABSENT_SECONDS:
                return self._fly(tenant_id, deadline, self._first).index
        elif age > self._stale_after:
            patience = Deadline.after(min(_FOREGROUND_SECONDS, deadline.remaining()), self._clock)
            return self._fly(tenant_id, patience, self._refreshed).index
        elif age > self._refresh_after:
            self._refresh_in_background(tenant_id)
        return entry.index

    def loaded(self) -> dict[UUID, str]:
        """Which version of each tenant is loaded, for readiness and logs."""
        with self._lock:
            return {
                tenant_id: entry.index.manifest.version
                for tenant_id, entry in self._entries.items()
                if entry.index is not None
            }

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
            kept = self._from_disk(tenant_id)
            if kept is None:
                raise
            log.warning(
                "Storage does not answer; the index on local disk serves.",
                index_version=kept.index.manifest.version if kept.index else None,
                error=type(failure).__name__,
            )
            entry = kept
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
            fresh = (
                replace(entry, checked_at=now)
                if current is None
                else self._load(tenant_id, current, deadline)
            )
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
        with self._lock:
            before = self._entries.get(tenant_id)
            self._entries[tenant_id] = entry
            self._entries.move_to_end(tenant_id)
            gone = [before] if before is not None and before.index is not entry.index else []
            total = sum(kept.size for kept in self._entries.values())
            for other in list(self._entries)[:-1]:
                if total <= self._max_bytes:
                    break
                evicted = self._entries.pop(other)
                total -= evicted.size
                gone.append(evicted)
        for old in gone:
            if old.index is not None:
                # Open readers keep their mapped files and connections until they are done.
                shutil.rmtree(old.index.folder, ignore_errors=True)

    # -- one version --

    def _load(self, tenant_id: UUID, current: Current, deadline: Deadline) -> _Entry:
        """Bring a version to local disk and open it.

        Raises:
            IndexInvalid: its bytes, format, tenant or shape are not what they should be.
            ObjectNotFound: it was collected, and the pointer too has gone.
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
        pointer = current.pointer
        home = self._root / str(tenant_id)
        if pointer is None:
            shutil.rmtree(home, ignore_errors=True)
            return _Entry(None, NO_GENERATION, checked_at)
        folder = home / pointer.version
        manifest = _read_local(folder, pointer)
        if manifest is None:
            manifest = self._download(tenant_id, pointer, folder, deadline)
        index = LoadedIndex(folder, manifest)
        scratch = home / f".{POINTER_FILE}.{threading.get_ident()}"
        scratch.write_bytes(pointer.encode())
        scratch.replace(home / POINTER_FILE)
        log.info(
            "An index was loaded.",
            index_version=manifest.version,
            chunks=manifest.chunks,
            bytes=index.size_bytes,
        )
        return _Entry(index, current.generation, checked_at)

    def _download(
        self, tenant_id: UUID, pointer: Pointer, folder: Path, deadline: Deadline
    ) -> Manifest:
        """Fetch a version beside its place, check every byte, then move it there in one step."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        manifest = self._shelf.manifest(tenant_id, pointer, deadline=deadline)
        _check_manifest(manifest, tenant_id, pointer)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".loading-") as scratch_name:
            scratch = folder.parent / scratch_name / "index"
            scratch.mkdir()
            for name in SERVED_FILES:
                expected = manifest.files[name]
                self._shelf.download(
                    tenant_id,
                    pointer.version,
                    name,
                    scratch / name,
                    deadline=deadline,
                    size=expected.size,
                )
                if file_entry(scratch / name) != expected:
                    raise IndexInvalid(f"{name} does not match its checksum.")
            (scratch / MANIFEST_FILE).write_bytes(manifest.encode())
            shutil.rmtree(folder, ignore_errors=True)
            scratch.rename(folder)
        return manifest

    def _from_disk(self, tenant_id: UUID) -> _Entry | None:
        """The version that an earlier process verified and left here, if it is whole."""
        home = self._root / str(tenant_id)
        try:
            pointer = Pointer.parse((home / POINTER_FILE).read_bytes())
            folder = home / pointer.version
            manifest = _read_local(folder, pointer)
            if manifest is None:
                return None
            index = LoadedIndex(folder, manifest)
            return _Entry(index, _UNKNOWN_GENERATION, self._clock.monotonic())
        except (OSError, IndexInvalid):
            return None


def _check_manifest(manifest: Manifest, tenant_id: UUID, pointer: Pointer) -> None:
    if hashlib.sha256(manifest.encode()).hexdigest() != pointer.manifest_sha256:
        raise IndexInvalid("The index manifest does not match the pointer's checksum.")
    if manifest.tenant_id != tenant_id:
        raise IndexInvalid("The index belongs to another tenant.")
    if manifest.version != pointer.version:
        raise IndexInvalid("The index manifest names another version.")


def _read_local(folder: Path, pointer: Pointer) -> Manifest | None:
    """The manifest of a folder that was verified when it was moved here; None when it is not whole.

    Hashing 150 MB again would cost more than everything else that opening an index takes; sizes are
    enough to notice a disk that ran full.
    """
    try:
        raw = (folder / MANIFEST_FILE).read_bytes()
        if hashlib.sha256(raw).hexdigest() != pointer.manifest_sha256:
            return None
        manifest = Manifest.parse(raw)
        whole = all(
            (folder / name).stat().st_size == manifest.files[name].size for name in SERVED_FILES
        )
    except (OSError, IndexInvalid):
        return None
    return manifest if whole else None
