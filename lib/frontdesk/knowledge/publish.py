"""A built index goes to storage: an immutable version first, then the pointer moves to it.

The pointer moves only from the generation that the build started from, so of two builds at once
one wins and the other learns that it lost.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from frontdesk.knowledge.manifest import (
    MANIFEST_FILE,
    Manifest,
    Pointer,
    index_object,
    pointer_object,
    progress_object,
    tenant_prefix,
)
from frontdesk.platform.errors import PreconditionFailed
from frontdesk.platform.storage import ObjectNotFound

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from frontdesk.platform.resilience import Deadline
    from frontdesk.platform.storage import ObjectStore

KEPT_VERSIONS = 3
NO_GENERATION = 0  # what a pointer that does not exist is said to have


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
        name = index_object(self.prefix, tenant_id, pointer.version, MANIFEST_FILE)
        return Manifest.parse(self.storage.read(self.bucket, name, deadline=deadline).data)

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
        self, folder: Path, manifest: Manifest, *, expected_generation: int, deadline: Deadline
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
        for name in (*manifest.files, MANIFEST_FILE):
            self.storage.write(
                self.bucket,
                index_object(self.prefix, manifest.tenant_id, manifest.version, name),
                folder / name,
                content_type=_content_type(name),
                if_generation_match=NO_GENERATION,
                deadline=deadline,
            )
        pointer = Pointer(
            version=manifest.version,
            knowledge_version=manifest.knowledge_version,
            manifest_sha256=hashlib.sha256((folder / MANIFEST_FILE).read_bytes()).hexdigest(),
        )
        try:
            return self.storage.write(
                self.bucket,
                pointer_object(self.prefix, manifest.tenant_id),
                pointer.encode(),
                content_type="application/json",
                if_generation_match=expected_generation,
                deadline=deadline,
            )
        except PreconditionFailed as lost:
            self._remove(manifest.tenant_id, manifest.version, deadline)
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

    def collect(self, tenant_id: UUID, *, deadline: Deadline, keep: int = KEPT_VERSIONS) -> int:
        """Remove all but the newest ``keep`` versions up to the current one; returns how many went.

        Versions newer than the current one are builds in progress and stay. Version names sort by
        time.
        """
        current = self.current(tenant_id, deadline=deadline).pointer
        if current is None:
            return 0
        prefix = tenant_prefix(self.prefix, tenant_id)
        names = (item.name for item in self.storage.list(self.bucket, prefix, deadline=deadline))
        versions = {
            name[len(prefix) :].split("/")[0]
            for name in names
            if name.count("/") > prefix.count("/")
        }
        old = sorted(version for version in versions if version <= current.version)[:-keep]
        for version in old:
            self._remove(tenant_id, version, deadline)
        return len(old)

    def _remove(self, tenant_id: UUID, version: str, deadline: Deadline) -> None:
        folder = f"{tenant_prefix(self.prefix, tenant_id)}{version}/"
        self.storage.delete_prefix(self.bucket, folder, deadline=deadline)


def _content_type(name: str) -> str:
    return "application/json" if name.endswith(".json") else "application/octet-stream"
