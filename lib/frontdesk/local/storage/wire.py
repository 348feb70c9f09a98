"""The JSON API's way of asking and answering, without its routes."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from frontdesk.local.http_server import Handler
from frontdesk.local.storage.faults import NO_FAULT, Fault
from frontdesk.local.storage.objects import Conditions, StoredObject, iso_time

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK: Final = 256 * 1024
_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")
_STATUSES: Final = {status.value for status in HTTPStatus}


class Refused(Exception):
    """Ends a request with an error of the JSON API's shape."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message


class JsonApiHandler(Handler):
    """Reads a request's query, conditions and body; writes resources, contents and errors."""

    fault: Fault = NO_FAULT
    """What goes wrong with the present request."""

    def begin(self) -> str:
        """Parse the request line; returns the path as it was sent."""
        address = urlsplit(self.path)
        self._query = parse_qs(address.query, keep_blank_values=True)
        self.unread = int(self.headers.get("Content-Length") or 0)
        """Bytes of the body that were not read yet."""
        return address.path

    # -- asking -----------------------------------------------------------------------------

    def first(self, parameter: str) -> str:
        """A query parameter, empty when it is missing."""
        return self._query.get(parameter, [""])[0]

    def integer(self, parameter: str) -> int | None:
        """A numeric query parameter."""
        value = self.first(parameter)
        return int(value) if value else None

    def conditions(self) -> Conditions:
        """The preconditions in the query."""
        return Conditions(
            generation_match=self.integer("ifGenerationMatch"),
            generation_not_match=self.integer("ifGenerationNotMatch"),
            metageneration_match=self.integer("ifMetagenerationMatch"),
            metageneration_not_match=self.integer("ifMetagenerationNotMatch"),
        )

    def hashes(self) -> dict[str, str]:
        """The pairs of the ``X-Goog-Hash`` header: base64 digest by kind."""
        pairs = [pair.strip() for pair in self.headers.get("X-Goog-Hash", "").split(",")]
        return dict(pair.split("=", 1) for pair in pairs if "=" in pair)

    def blocks(self) -> Iterator[bytes]:
        """What is left of the body, piece by piece."""
        while self.unread:
            block = self.rfile.read(min(_BLOCK, self.unread))
            if not block:
                raise ConnectionResetError
            self.unread -= len(block)
            yield block

    def body(self) -> bytes:
        """What is left of the body."""
        return b"".join(self.blocks())

    def byte_range(self, size: int) -> tuple[int, int]:
        """The wanted bytes of ``size`` as [start, end); a malformed header means all of them.

        Raises:
            Refused: 416, the range starts behind the end.
        """
        match = _RANGE.fullmatch(self.headers.get("Range", ""))
        if match is None or match.groups() == ("", ""):
            return 0, size
        first, last = match.groups()
        if not first:
            return max(0, size - int(last)), size
        if int(first) >= size:
            raise Refused(416, "requestedRangeNotSatisfiable", "The range is not satisfiable.")
        return int(first), min(int(last) + 1 if last else size, size)

    # -- answering --------------------------------------------------------------------------

    def send_resource(self, stored: StoredObject) -> None:
        """An object's metadata."""
        self.send_json(object_resource(stored))

    def send_content(self, stored: StoredObject, content: IO[bytes]) -> None:
        """An object's bytes, or the range of them that was asked for."""
        start, end = self.byte_range(stored.size)
        headers = {
            "Content-Type": stored.attributes.get("contentType", "application/octet-stream"),
            "Content-Length": str(end - start),
            "ETag": _etag(stored),
            "X-Goog-Generation": str(stored.generation),
            "X-Goog-Metageneration": str(stored.metageneration),
            "X-Goog-Hash": f"crc32c={stored.crc32c},md5={stored.md5}",
            "X-Goog-Stored-Content-Length": str(stored.size),
        }
        if "contentEncoding" in stored.attributes:
            headers["Content-Encoding"] = stored.attributes["contentEncoding"]
        partial = end - start != stored.size
        if partial:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{stored.size}"
        self._head(206 if partial else 200, headers)
        content.seek(start)
        left, corrupt = end - start, self.fault.corrupt
        while left and (block := content.read(min(_BLOCK, left))):
            left -= len(block)
            self.wfile.write(bytes([block[0] ^ 1]) + block[1:] if corrupt else block)
            corrupt = False

    def send_json(self, document: dict[str, Any]) -> None:
        """A document, with status 200."""
        self.send(200, {"Content-Type": "application/json"}, json.dumps(document).encode())

    def send_refusal(self, status: int, reason: str, message: str) -> None:
        """An error as the JSON API words it."""
        headers = {"Content-Type": "application/json"}
        if self.fault.retry_after is not None:
            headers["Retry-After"] = str(self.fault.retry_after)
        error = {
            "code": status,
            "message": message,
            "errors": [{"domain": "global", "reason": reason, "message": message}],
        }
        self.send(status, headers, json.dumps({"error": error}).encode())

    def send(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        """A whole answer."""
        for _ in self.blocks():  # on a kept connection the rest would be taken for a request
            continue
        length = {"Content-Length": str(len(body))} if status not in {204, 304} else {}
        self._head(status, length | (headers or {}))
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status, None if status in _STATUSES else "Status")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def object_resource(stored: StoredObject) -> dict[str, Any]:
    """An object as the API shows it."""
    return {
        "contentType": "application/octet-stream",
        **stored.attributes,
        "kind": "storage#object",
        "id": f"{stored.bucket}/{stored.name}/{stored.generation}",
        "bucket": stored.bucket,
        "name": stored.name,
        "generation": str(stored.generation),
        "metageneration": str(stored.metageneration),
        "size": str(stored.size),
        "md5Hash": stored.md5,
        "crc32c": stored.crc32c,
        "etag": _etag(stored),
        "storageClass": "STANDARD",
        "timeCreated": iso_time(stored.created),
        "updated": iso_time(stored.updated),
    }


def bucket_resource(name: str, created: float) -> dict[str, Any]:
    """A bucket as the API shows it."""
    return {
        "kind": "storage#bucket",
        "id": name,
        "name": name,
        "projectNumber": "0",
        "location": "EUROPE-WEST1",
        "storageClass": "STANDARD",
        "timeCreated": iso_time(created),
        "updated": iso_time(created),
    }


def path_part(text: str | None) -> str:
    """A percent-encoded part of a path; names hold encoded slashes."""
    return unquote(text) if text else ""


def _etag(stored: StoredObject) -> str:
    return f"{stored.generation}-{stored.metageneration}"
