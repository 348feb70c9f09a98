"""The three ways to upload: simple, multipart and resumable."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import tempfile
import threading
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import google_crc32c

from frontdesk.local.storage.objects import Upload

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from frontdesk.local.storage.objects import Conditions

CHUNK_QUANTUM: Final = 256 * 1024
"""Every part of a resumable upload but the last is a multiple of this."""

_CONTENT_RANGE: Final = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


class UploadInvalid(ValueError):
    """The request is not a well-formed upload, or its content is not what its checksum says."""


class UploadGone(Exception):
    """There is no resumable upload of that id, or it was cancelled."""


class Receiver:
    """Writes an upload to a file and digests it on the way."""

    def __init__(self, folder: Path) -> None:
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            self.file = Path(file.name)
        self.size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._crc32c = 0

    def write(self, blocks: Iterable[bytes]) -> None:
        """Append."""
        with self.file.open("ab") as output:
            for block in blocks:
                output.write(block)
                self._md5.update(block)
                self._crc32c = google_crc32c.extend(self._crc32c, block)
                self.size += len(block)

    def finish(self, resource: Mapping[str, Any], hashes: Mapping[str, str]) -> Upload:
        """Close it and check what the sender says about it.

        Args:
            resource: the JSON fields of the object; ``md5Hash`` and ``crc32c`` are checked.
            hashes: the pairs of an ``X-Goog-Hash`` header.

        Raises:
            UploadInvalid: another content arrived than was sent; the file is gone then.
        """
        found = {
            "md5": base64.b64encode(self._md5.digest()).decode(),
            "crc32c": base64.b64encode(self._crc32c.to_bytes(4, "big")).decode(),
        }
        said = {
            "md5": resource.get("md5Hash") or hashes.get("md5"),
            "crc32c": resource.get("crc32c") or hashes.get("crc32c"),
        }
        for kind, value in said.items():
            if value and value != found[kind]:
                self.discard()
                raise UploadInvalid(
                    f"Provided {kind} hash {value!r} does not match calculated {found[kind]!r}."
                )
        attributes = {
            key: value
            for key, value in resource.items()
            if key not in {"md5Hash", "crc32c", "name", "bucket"}
        }
        return Upload(self.file, self.size, found["md5"], found["crc32c"], attributes)

    def discard(self) -> None:
        """Remove the file."""
        self.file.unlink(missing_ok=True)


@dataclass
class Session:
    """A resumable upload under way."""

    bucket: str
    name: str
    resource: dict[str, Any]
    conditions: Conditions
    receiver: Receiver
    lock: threading.Lock = field(default_factory=threading.Lock)


class Sessions:
    """The resumable uploads by id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def begin(
        self, bucket: str, name: str, resource: dict[str, Any], conditions: Conditions
    ) -> str:
        """Start one; returns its id, which only the caller knows."""
        upload_id = secrets.token_urlsafe(32)
        session = Session(bucket, name, resource, conditions, Receiver(self._folder))
        with self._lock:
            self._sessions[upload_id] = session
        return upload_id

    def get(self, upload_id: str) -> Session:
        """The session of that id.

        Raises:
            UploadGone
        """
        with self._lock:
            session = self._sessions.get(upload_id)
        if session is None:
            raise UploadGone
        return session

    def end(self, upload_id: str) -> None:
        """Forget a session that was finished or cancelled."""
        with self._lock:
            self._sessions.pop(upload_id, None)


@dataclass(frozen=True)
class ContentRange:
    """A ``Content-Range`` request header; ``start`` is None when it only asks or ends.

    Attributes:
        start: first byte of this part.
        total: size of the whole object; None when the sender does not know it yet.
    """

    start: int | None
    total: int | None

    @classmethod
    def parse(cls, header: str | None, length: int) -> ContentRange:
        """Read the header; without one the body is the whole object.

        Raises:
            UploadInvalid: it is malformed, or does not fit the body's length.
        """
        if header is None:
            return cls(0, length)
        match = _CONTENT_RANGE.fullmatch(header)
        if match is None:
            raise UploadInvalid(f"Invalid Content-Range: {header}")
        first, last, total = match.groups()
        if first is not None and int(last) - int(first) + 1 != length:
            raise UploadInvalid(f"Content-Range {header} does not fit a body of {length} bytes.")
        return cls(
            start=int(first) if first is not None else None,
            total=int(total) if total != "*" else None,
        )


def split_related(content_type: str, body: bytes) -> tuple[bytes, bytes, str]:
    """The two parts of a ``multipart/related`` upload.

    Returns:
        The JSON resource, the content, and the content's media type.

    Raises:
        UploadInvalid: it is not of that shape.
    """
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_param("boundary")
    if header.get_content_type() != "multipart/related" or not isinstance(boundary, str):
        raise UploadInvalid(f"Expected multipart/related, got {content_type!r}.")
    mark = b"--" + boundary.encode()
    # Only the last boundary ends the content: the bytes in between are anything at all.
    try:
        _, resource_part, rest = body.split(mark, 2)
        content_part = rest[: rest.rindex(b"\r\n" + mark + b"--")]
        _, resource = resource_part.split(b"\r\n\r\n", 1)
        head, content = content_part.split(b"\r\n\r\n", 1)
    except ValueError as error:
        raise UploadInvalid("The body is no multipart/related upload of two parts.") from error
    media_type = re.search(rb"(?im)^content-type:\s*(\S+)", head)
    return (
        resource.removesuffix(b"\r\n"),
        content,
        media_type[1].decode() if media_type else "application/octet-stream",
    )
