"""A large object downloaded in ranges, several at a time, and checked as a whole."""

from __future__ import annotations

import base64
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from frontdesk.platform.errors import PreconditionFailed
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.storage_calls import (
    Attempt,
    ObjectNotFound,
    StorageCalls,
    StorageUnavailable,
)

if TYPE_CHECKING:
    from google.cloud.storage import Blob

CHUNK_BYTES = 8 * 1024 * 1024
"""Larger objects are downloaded in ranges of this size."""
PARALLEL = 4
ROUNDS = 2
"""How often a download is begun: again when the object changed, or arrived damaged."""
_CHECKSUM_BLOCK = 1024 * 1024


def download_whole(
    calls: StorageCalls, bucket: str, name: str, target: Path, deadline: Deadline
) -> int:
    """Fill ``target`` with an object and return its generation.

    All ranges are of one generation; the file's CRC32C is compared with the object's.

    Raises:
        ObjectNotFound: it does not exist.
        StorageUnavailable: also when it kept changing, or arriving damaged.
    """
    for begun in range(1, ROUNDS + 1):
        described = calls.run(lambda attempt: _described(calls, bucket, name, attempt), deadline)
        try:
            _download_ranges(calls, described, target, deadline)
        except (ObjectNotFound, PreconditionFailed) as gone:
            if begun == ROUNDS:
                raise StorageUnavailable from gone
            continue
        if _crc32c(target) == described.crc32c:
            return int(described.generation)
    raise StorageUnavailable(f"The object {name} arrives damaged.")


def _described(calls: StorageCalls, bucket: str, name: str, attempt: Attempt) -> Blob:
    blob = calls.bucket(bucket).blob(name)
    blob.reload(timeout=attempt.timeout, retry=None)
    return blob


def _download_ranges(
    calls: StorageCalls, described: Blob, target: Path, deadline: Deadline
) -> None:
    with target.open("wb") as file, ThreadPoolExecutor(PARALLEL, "storage-range") as pool:
        file.truncate(described.size)
        ranges = [
            pool.submit(_download_range, calls, described, file.fileno(), start, deadline)
            for start in range(0, described.size, CHUNK_BYTES)
        ]
        try:
            for done in ranges:
                done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _download_range(
    calls: StorageCalls, described: Blob, descriptor: int, start: int, deadline: Deadline
) -> None:
    """Write one range where it belongs in the file; ``pwrite`` needs no lock and no position."""
    end = min(start + CHUNK_BYTES, described.size) - 1

    def once(attempt: Attempt) -> None:
        # A blob of its own for each attempt: a download writes what it learns into the blob.
        blob = described.bucket.blob(described.name, generation=described.generation)
        position = start

        def write(data: bytes) -> int:
            nonlocal position
            written = os.pwrite(descriptor, data, position)
            position += written
            return written

        blob.download_to_file(
            attempt.timely(write),
            start=start,
            end=end,
            checksum=None,  # storage knows none for a range; the whole file is checked
            timeout=attempt.timeout,
            retry=None,
        )
        if position != end + 1:
            raise ConnectionError("the range ended early")

    calls.run(once, deadline)


def _crc32c(path: Path) -> str:
    """A file's CRC32C as storage writes it: base64 of the big-endian checksum."""
    import google_crc32c

    checksum = 0
    with path.open("rb") as file:
        while block := file.read(_CHECKSUM_BLOCK):
            checksum = google_crc32c.extend(checksum, block)
    return base64.b64encode(checksum.to_bytes(4, "big")).decode()
