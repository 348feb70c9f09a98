"""Index versions on local disk: fetched, verified, opened, and removed.

A version is downloaded beside its place, every byte is checked, and then it is moved there in one
step: whatever stands there is whole. ``<root>/<tenant>/current.json`` names the one last opened.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
from collections import defaultdict
from typing import TYPE_CHECKING
from uuid import UUID

from frontdesk.knowledge.index import LoadedIndex
from frontdesk.knowledge.manifest import (
    MANIFEST_FILE,
    POINTER_FILE,
    IndexInvalid,
    Manifest,
    Pointer,
    file_entry,
)

if TYPE_CHECKING:
    from pathlib import Path

    from frontdesk.knowledge.publish import IndexShelf
    from frontdesk.platform.resilience import Deadline


class LocalCopies:
    """The versions on this disk; several processes may share it.

    Args:
        shelf: where versions are fetched from.
        root: a folder of our own.
    """

    def __init__(self, shelf: IndexShelf, root: Path) -> None:
        self._shelf = shelf
        self._root = root
        # One for each tenant: what is being opened must not be removed under its hands.
        self._in_use: defaultdict[UUID, threading.Lock] = defaultdict(threading.Lock)

    def open(self, tenant_id: UUID, pointer: Pointer, deadline: Deadline) -> LoadedIndex:
        """Open a version, fetched first when it is not here; older ones of the tenant go.

        Raises:
            IndexInvalid: its bytes, format, tenant or shape are not what they should be, or the
                disk does not take them.
            ObjectNotFound: it was collected.
        """
        try:
            with self._in_use[tenant_id]:
                return self._open(tenant_id, pointer, deadline)
        except OSError as refused:
            raise IndexInvalid("The index can't be kept on local disk.") from refused

    def _open(self, tenant_id: UUID, pointer: Pointer, deadline: Deadline) -> LoadedIndex:
        home = self._home(tenant_id)
        folder = home / pointer.version
        manifest = _read_whole(folder, pointer)
        if manifest is None:
            manifest = self._fetch(tenant_id, pointer, folder, deadline)
        index = LoadedIndex(folder, manifest)
        scratch = home / f".{POINTER_FILE}.{threading.get_ident()}"
        scratch.write_bytes(pointer.encode())
        scratch.replace(home / POINTER_FILE)
        for other in home.iterdir():
            if other.is_dir() and other != folder and not other.name.startswith("."):
                shutil.rmtree(other, ignore_errors=True)  # readers keep what they have open
        return index

    def last(self, tenant_id: UUID) -> LoadedIndex | None:
        """The version that this or an earlier process opened last, if it is still whole."""
        home = self._home(tenant_id)
        try:
            pointer = Pointer.parse((home / POINTER_FILE).read_bytes())
            folder = home / pointer.version
            manifest = _read_whole(folder, pointer)
            return None if manifest is None else LoadedIndex(folder, manifest)
        except (OSError, IndexInvalid):
            return None

    def remove(self, tenant_id: UUID) -> None:
        """All versions of a tenant that is not being opened; readers keep what they have open."""
        lock = self._in_use[tenant_id]
        if not lock.acquire(blocking=False):
            return  # it is wanted again already; it goes when it is evicted the next time
        try:
            shutil.rmtree(self._home(tenant_id), ignore_errors=True)
        finally:
            lock.release()

    def _home(self, tenant_id: UUID) -> Path:
        return self._root / str(tenant_id)

    def _fetch(
        self, tenant_id: UUID, pointer: Pointer, folder: Path, deadline: Deadline
    ) -> Manifest:
        folder.parent.mkdir(parents=True, exist_ok=True)
        manifest = self._shelf.manifest(tenant_id, pointer, deadline=deadline)
        _check(manifest, tenant_id, pointer)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".loading-") as scratch_name:
            scratch = folder.parent / scratch_name / "index"
            scratch.mkdir()
            for name, expected in manifest.served_files.items():
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


def _check(manifest: Manifest, tenant_id: UUID, pointer: Pointer) -> None:
    if hashlib.sha256(manifest.encode()).hexdigest() != pointer.manifest_sha256:
        raise IndexInvalid("The index manifest does not match the pointer's checksum.")
    if manifest.tenant_id != tenant_id:
        raise IndexInvalid("The index belongs to another tenant.")
    if manifest.version != pointer.version:
        raise IndexInvalid("The index manifest names another version.")


def _read_whole(folder: Path, pointer: Pointer) -> Manifest | None:
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
            (folder / name).stat().st_size == expected.size
            for name, expected in manifest.served_files.items()
        )
    except (OSError, IndexInvalid):
        return None
    return manifest if whole else None
