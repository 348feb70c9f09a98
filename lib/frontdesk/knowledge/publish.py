"""A built index goes to storage: an immutable version first, then the pointer moves to it.

The pointer moves only from the generation that the build started from, so of two builds at once
one wins and the other learns that it lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from frontdesk.knowledge.manifest import (
    MANIFEST_FILE,
    IndexInvalid,
    Manifest,
    Pointer,
    index_object,
    pointer_object,
    progress_object,
    tenant_prefix,
)
from frontdesk.knowledge.progress import Progress, Step, silently
from frontdesk.platform.errors import PreconditionFailed
from frontdesk.platform.storage import ObjectNotFound

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from frontdesk.platform.resilience import Deadline
    from frontdesk.platform.services import Services
    from frontdesk.platform.storage import ObjectStore

KEPT_VERSIONS = 3
NO_GENERATION = 0  # what a pointer that does not exist is said to have
# Files of a version that was never finished: its builder crashed, uploads don't take so long.
_ABANDONED_AFTER: Final = timedelta(hours=1)
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


class PointerMoved(PreconditionFailed):
    """Another build published first; this one is of older knowledge, or as good as its twin."""


class Current(NamedTuple):
    """What serves now.

    Attributes:
        pointer: None when nothing was ever published.
        generation: of the pointer object, 0 without one.
    """

    pointer: Pointer | None
    generation: int


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """A version that is stored whole.

    Attributes:
        serves: the pointer names it.
    """

    manifest: Manifest
    serves: bool

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(entry.size for entry in self.manifest.files.values())


@dataclass(slots=True)
class _Stored:
    """What a listing shows of a version."""

    names: set[str] = field(default_factory=set)
    updated: datetime = _LONG_AGO

    @property
    def is_finished(self) -> bool:
        return MANIFEST_FILE in self.names


class IndexShelf:
    """Published indexes in one bucket under one prefix."""

    def __init__(self, storage: ObjectStore, bucket: str, prefix: str) -> None:
        self.storage = storage
        self.bucket = bucket
        self.prefix = prefix

    def current(self, tenant_id: UUID, *, deadline: Deadline) -> Current:
        """Which version of a tenant's index serves.

        Raises:
            IndexInvalid: the pointer is of a format we don't read.
        """
        try:
            blob = self.storage.read(
                self.bucket, pointer_object(self.prefix, tenant_id), deadline=deadline
            )
        except ObjectNotFound:
            return Current(None, NO_GENERATION)
        return Current(Pointer.parse(blob.data), blob.generation)

    def changed(self, tenant_id: UUID, generation: int, *, deadline: Deadline) -> Current | None:
        """What serves now unless the pointer still has that generation; None when it has."""
        name = pointer_object(self.prefix, tenant_id)
        try:
            blob = self.storage.read_if_changed(self.bucket, name, generation, deadline=deadline)
        except ObjectNotFound:
            return Current(None, NO_GENERATION)
        return None if blob is None else Current(Pointer.parse(blob.data), blob.generation)

    def manifest(self, tenant_id: UUID, pointer: Pointer, *, deadline: Deadline) -> Manifest:
        """The manifest of a published version.

        Raises:
            ObjectNotFound: the version was collected.
            IndexInvalid: of another format.
        """
        return Manifest.parse(self._encoded_manifest(tenant_id, pointer.version, deadline))

    def versions(self, tenant_id: UUID, *, deadline: Deadline) -> list[PublishedVersion]:
        """The versions that are stored whole: the one that serves first, then the newest first.

        What can't be read is left out; versions that lost, or whose builder crashed before the
        pointer moved, are not told from those that served.
        """
        pointer = self.current(tenant_id, deadline=deadline).pointer
        serving = pointer.version if pointer else None
        found: list[PublishedVersion] = []
        for version, stored in self._stored(tenant_id, deadline).items():
            manifest = self._readable(tenant_id, version, deadline) if stored.is_finished else None
            if manifest is not None:
                found.append(PublishedVersion(manifest, version == serving))
        return sorted(found, key=lambda each: (each.serves, each.manifest.version), reverse=True)

    def download(
        self, tenant_id: UUID, version: str, name: str, path: Path, *, deadline: Deadline, size: int
    ) -> None:
        """Put one file of a version on local disk.

        Raises:
            ObjectNotFound: the version was collected.
        """
        self.storage.download(
            self.bucket,
            index_object(self.prefix, tenant_id, version, name),
            path,
            deadline=deadline,
            size=size,
        )

    def publish(
        self,
        folder: Path,
        manifest: Manifest,
        *,
        expected_generation: int,
        deadline: Deadline,
        progress: Progress = silently,
    ) -> int:
        """Store a built folder as a version and move the pointer to it.

        Args:
            folder: what `build_index` filled.
            manifest: of that folder.
            expected_generation: of the pointer when the build began, 0 for none.

        Returns:
            The pointer's new generation.

        Raises:
            PointerMoved: the pointer has another generation; the version's files are removed.
        """
        # The manifest last: a version that has one is whole.
        names = (*manifest.files, MANIFEST_FILE)
        progress(Step.UPLOADING, 0, len(names))
        for number, name in enumerate(names, start=1):
            self.storage.write(
                self.bucket,
                index_object(self.prefix, manifest.tenant_id, manifest.version, name),
                folder / name,
                content_type=_content_type(name),
                if_generation_match=NO_GENERATION,
                deadline=deadline,
            )
            progress(Step.UPLOADING, number, len(names))
        pointer = Pointer.to(manifest, (folder / MANIFEST_FILE).read_bytes())
        try:
            return self._point(manifest.tenant_id, pointer, expected_generation, deadline)
        except PointerMoved:
            self._remove(manifest.tenant_id, manifest.version, deadline)
            raise

    def go_back(
        self,
        tenant_id: UUID,
        version: str,
        *,
        stands_for: int,
        expected_generation: int,
        deadline: Deadline,
    ) -> int:
        """Move the pointer to an earlier version that is still stored.

        Args:
            version: as `versions` lists it.
            stands_for: the knowledge version of the documents now.
            expected_generation: of the pointer when the version was chosen.

        Returns:
            The pointer's new generation.

        Raises:
            ObjectNotFound: the version was collected.
            PointerMoved: something was published meanwhile.
        """
        encoded = self._encoded_manifest(tenant_id, version, deadline)
        pointer = Pointer.to(Manifest.parse(encoded), encoded, stands_for)
        return self._point(tenant_id, pointer, expected_generation, deadline)

    def _point(
        self, tenant_id: UUID, pointer: Pointer, expected_generation: int, deadline: Deadline
    ) -> int:
        try:
            return self.storage.write(
                self.bucket,
                pointer_object(self.prefix, tenant_id),
                pointer.encode(),
                content_type="application/json",
                if_generation_match=expected_generation,
                deadline=deadline,
            )
        except PreconditionFailed as lost:
            raise PointerMoved("Another build of this index was published first.") from lost

    def keep_progress(self, tenant_id: UUID, path: Path, *, deadline: Deadline) -> None:
        """Store what an unfinished build made, for the next one."""
        self.storage.write(
            self.bucket,
            progress_object(self.prefix, tenant_id),
            path,
            content_type="application/octet-stream",
            deadline=deadline,
        )

    def progress(self, tenant_id: UUID, path: Path, *, deadline: Deadline) -> bool:
        """Put what an unfinished build left on local disk; False when none did."""
        name = progress_object(self.prefix, tenant_id)
        try:
            self.storage.download(self.bucket, name, path, deadline=deadline)
        except ObjectNotFound:
            return False
        return True

    def drop_progress(self, tenant_id: UUID, *, deadline: Deadline) -> None:
        """The build was finished."""
        name = progress_object(self.prefix, tenant_id)
        self.storage.delete(self.bucket, name, deadline=deadline)

    def collect(
        self,
        tenant_id: UUID,
        *,
        now: datetime,
        deadline: Deadline,
        erased_before: int = 0,
        keep: int = KEPT_VERSIONS,
    ) -> int:
        """Remove versions that are no longer kept; returns how many went.

        Kept are the one that serves and the newest finished ones before it, ``keep`` in all.
        Version names sort by time: an unfinished version older than the one that serves can only
        lose, a newer one is being built, unless nothing was added to it for an hour.

        Args:
            now: for the age of unfinished versions.
            erased_before: versions built from older knowledge hold text that was removed since and
                go, too. A build reads the pointer before its documents, so one that is under way
                loses to the version that serves, if that one was built from this knowledge.
            keep: how many versions stay.
        """
        pointer = self.current(tenant_id, deadline=deadline).pointer
        if pointer is None:
            return 0
        if pointer.knowledge_version < erased_before:
            erased_before = 0  # what replaces these versions is not published yet
        kept, removed = 1, 0
        stored = self._stored(tenant_id, deadline)
        for version in sorted(stored, reverse=True):
            if version == pointer.version:
                continue
            is_newer = version > pointer.version
            if not stored[version].is_finished:
                goes = not is_newer or now - stored[version].updated > _ABANDONED_AFTER
            elif erased_before and self._holds_erased(tenant_id, version, erased_before, deadline):
                goes = True
            elif is_newer:
                goes = False
            else:
                goes = kept >= keep
                kept += not goes
            if goes:
                self._remove(tenant_id, version, deadline)
                removed += 1
        return removed

    def _stored(self, tenant_id: UUID, deadline: Deadline) -> dict[str, _Stored]:
        """Versions by name, whole or not."""
        prefix = tenant_prefix(self.prefix, tenant_id)
        found: dict[str, _Stored] = {}
        for item in self.storage.list(self.bucket, prefix, deadline=deadline):
            version, slash, name = item.name[len(prefix) :].partition("/")
            if slash:
                stored = found.setdefault(version, _Stored())
                stored.names.add(name)
                stored.updated = max(stored.updated, item.updated)
        return found

    def _holds_erased(
        self, tenant_id: UUID, version: str, erased_before: int, deadline: Deadline
    ) -> bool:
        manifest = self._readable(tenant_id, version, deadline)
        return manifest is not None and manifest.knowledge_version < erased_before

    def _readable(self, tenant_id: UUID, version: str, deadline: Deadline) -> Manifest | None:
        try:
            return Manifest.parse(self._encoded_manifest(tenant_id, version, deadline))
        except (ObjectNotFound, IndexInvalid):
            return None

    def _encoded_manifest(self, tenant_id: UUID, version: str, deadline: Deadline) -> bytes:
        name = index_object(self.prefix, tenant_id, version, MANIFEST_FILE)
        return self.storage.read(self.bucket, name, deadline=deadline).data

    def _remove(self, tenant_id: UUID, version: str, deadline: Deadline) -> None:
        folder = f"{tenant_prefix(self.prefix, tenant_id)}{version}/"
        self.storage.delete_prefix(self.bucket, folder, deadline=deadline)


def shelf_of(services: Services) -> IndexShelf:
    """Where this deployment's indexes are published."""
    settings = services.settings
    return IndexShelf(services.storage, settings.faiss_bucket_name, settings.faiss_index_prefix)


def _content_type(name: str) -> str:
    return "application/json" if name.endswith(".json") else "application/octet-stream"
