"""Objects in Google Cloud Storage: uploaded documents, published indexes, models.

Time-outs come from the deadline, retries from our policy, checksums are CRC32C always, and a write
that had to be repeated because its reply was lost is recognised as our own. STORAGE_EMULATOR_HOST
is the library's own switch for a local server.

Generations are the versions of an object: ``if_generation_match=0`` means "only if there is none",
``if_generation_match=g`` "only if nobody changed it since g".
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from frontdesk.platform.clock import Clock, SystemClock
from frontdesk.platform.resilience import Deadline, Policy
from frontdesk.platform.settings import Settings
from frontdesk.platform.storage_calls import (
    Attempt,
    ObjectNotFound,
    StorageCalls,
    StorageUnavailable,
    storage_policy,
)
from frontdesk.platform.storage_download import CHUNK_BYTES, download_whole

if TYPE_CHECKING:
    import requests
    from google.cloud.storage import Blob as SdkBlob

__all__ = ["Blob", "ObjectInfo", "ObjectNotFound", "ObjectStore", "StorageUnavailable"]

PARALLEL_DELETES = 8
_WRITE_ID = "frontdesk-write"


@dataclass(frozen=True, slots=True)
class Blob:
    """A whole object."""

    data: bytes
    generation: int


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a listing says of an object; ``size`` in bytes."""

    name: str
    size: int
    generation: int
    updated: datetime


class _Page(NamedTuple):
    items: tuple[ObjectInfo, ...]
    next_token: str | None


class ObjectStore:
    """One client per process, safe to share between threads.

    Every method raises ``StorageUnavailable`` (or ``CircuitOpen``) when storage does not answer,
    and ``DeadlineExceeded`` when there was no time left to ask.

    Args:
        settings: the project.
        policy: see ``storage_policy``.
        session: carries the requests; by default with the machine's own credentials, and with none
            for an emulator. The seam for tests.
    """

    def __init__(
        self,
        settings: Settings,
        policy: Policy | None = None,
        *,
        clock: Clock | None = None,
        session: requests.Session | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._calls = StorageCalls(
            settings.gcp_project_id, policy or storage_policy(clock), clock, session
        )

    def read(
        self, bucket: str, name: str, *, deadline: Deadline, generation: int | None = None
    ) -> Blob:
        """A whole object, or that generation of it.

        Raises:
            ObjectNotFound: it does not exist.
        """
        return self._calls.run(
            lambda attempt: self._read(bucket, name, attempt, generation), deadline
        )

    def read_if_changed(
        self, bucket: str, name: str, generation: int, *, deadline: Deadline
    ) -> Blob | None:
        """The object unless it still has that generation; None when it has.

        Raises:
            ObjectNotFound: it does not exist (any more).
        """

        def once(attempt: Attempt) -> Blob | None:
            from google.api_core.exceptions import NotModified

            try:
                return self._read(bucket, name, attempt, if_generation_not_match=generation)
            except NotModified:
                return None

        return self._calls.run(once, deadline)

    def download(
        self, bucket: str, name: str, path: Path, *, deadline: Deadline, size: int | None = None
    ) -> int:
        """Put a whole object where ``path`` says, in one step: the old file or the new, no half.

        Large objects come in ranges, several at a time, all of one generation; the CRC32C of the
        whole is checked.

        Args:
            size: the object's size when known; saves a request for small ones.

        Returns:
            The generation that was downloaded.

        Raises:
            ObjectNotFound: it does not exist.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        incoming = path.with_name(f".{path.name}.{uuid4().hex}.incoming")
        try:
            if size is not None and size <= CHUNK_BYTES:
                blob = self.read(bucket, name, deadline=deadline)
                incoming.write_bytes(blob.data)
                generation = blob.generation
            else:
                generation = download_whole(self._calls, bucket, name, incoming, deadline)
            incoming.replace(path)
        finally:
            incoming.unlink(missing_ok=True)
        return generation

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
        """Store an object and return its new generation.

        Raises:
            PreconditionFailed: it has another generation than ``if_generation_match``.
        """
        write_id = uuid4().hex
        attempts = 0

        def once(attempt: Attempt) -> int:
            nonlocal attempts
            attempts += 1
            from google.api_core.exceptions import PreconditionFailed as SdkPreconditionFailed

            blob = self._calls.bucket(bucket).blob(name)
            blob.metadata = {_WRITE_ID: write_id}
            upload = blob.upload_from_string
            if isinstance(data, Path):
                upload = blob.upload_from_filename
            try:
                upload(
                    data,
                    content_type=content_type,
                    if_generation_match=if_generation_match,
                    checksum="crc32c",
                    timeout=attempt.timeout,
                    retry=None,
                )
            except SdkPreconditionFailed:
                # The attempt before may have succeeded without our hearing of it.
                if attempts == 1 or not self._is_ours(blob, write_id, attempt):
                    raise
            return int(blob.generation)

        return self._calls.run(once, deadline)

    def delete(self, bucket: str, name: str, *, deadline: Deadline) -> None:
        """Remove an object; one that does not exist is removed already."""

        def once(attempt: Attempt) -> None:
            from google.api_core.exceptions import NotFound as SdkNotFound

            try:
                self._calls.bucket(bucket).blob(name).delete(timeout=attempt.timeout, retry=None)
            except SdkNotFound:
                return

        self._calls.run(once, deadline)

    def list(self, bucket: str, prefix: str, *, deadline: Deadline) -> Iterator[ObjectInfo]:
        """The objects whose names start so, by name; asks for further pages as they are needed."""
        token = None
        while True:
            page = self._calls.run(partial(self._page, bucket, prefix, token), deadline)
            yield from page.items
            token = page.next_token
            if token is None:
                return

    def delete_prefix(self, bucket: str, prefix: str, *, deadline: Deadline) -> int:
        """Remove every object under ``prefix/`` and return how many there were.

        Raises:
            ValueError: the prefix does not end with a slash: ``tenants/1`` would also be
                ``tenants/10``, and no prefix at all the whole bucket.
        """
        if not prefix.strip("/") or not prefix.endswith("/"):
            raise ValueError(f"{prefix!r} is no folder: it must end with a slash")
        names = [item.name for item in self.list(bucket, prefix, deadline=deadline)]
        with ThreadPoolExecutor(PARALLEL_DELETES, "storage-delete") as pool:
            for _ in pool.map(lambda name: self.delete(bucket, name, deadline=deadline), names):
                pass
        return len(names)

    # -- one request each -----------------------------------------------------------------------

    def _read(
        self,
        bucket: str,
        name: str,
        attempt: Attempt,
        generation: int | None = None,
        if_generation_not_match: int | None = None,
    ) -> Blob:
        blob = self._calls.bucket(bucket).blob(name, generation=generation)
        buffer = io.BytesIO()
        blob.download_to_file(
            attempt.timely(buffer.write),
            if_generation_not_match=if_generation_not_match,
            checksum="crc32c",
            timeout=attempt.timeout,
            retry=None,
        )
        return Blob(buffer.getvalue(), int(blob.generation))

    def _is_ours(self, blob: SdkBlob, write_id: str, attempt: Attempt) -> bool:
        """Whether the object that stands in the way is the one we wrote a moment ago."""
        blob.reload(timeout=attempt.timeout, retry=None)
        return (blob.metadata or {}).get(_WRITE_ID) == write_id

    def _page(self, bucket: str, prefix: str, token: str | None, attempt: Attempt) -> _Page:
        found = self._calls.client.list_blobs(
            bucket,
            prefix=prefix,
            page_token=token,
            fields="items(name,size,generation,updated),nextPageToken",
            timeout=attempt.timeout,
            retry=None,
        )
        items = tuple(
            ObjectInfo(blob.name, int(blob.size), int(blob.generation), blob.updated)
            for blob in next(found.pages, ())
        )
        return _Page(items, found.next_page_token)
