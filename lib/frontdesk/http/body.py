"""The body of a request, read within its limit: JSON, or a form with a file.

What PostgreSQL and JSON writers cannot carry is refused here with a plain sentence: NaN, lone
surrogates, null characters, numbers of thousands of digits, hundreds of nested brackets.
"""

from __future__ import annotations

import hashlib
import io
import re
import unicodedata
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from flask import Request
from pydantic import BaseModel
from pydantic_core import from_json
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from frontdesk.http.validation import Values, collect
from frontdesk.platform.errors import InvalidRequest, PayloadTooLarge, UnsupportedMediaType
from frontdesk.platform.upload import Upload

MAX_FORM_FIELDS = 100
_DRAIN_BYTES = 1024 * 1024
_PIECE = 64 * 1024
_SPOOL_BYTES = 512 * 1024
_ESCAPED_NULL = b"\\u0000"
_JSON_TYPE = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json")


def refuse_large(request: Request, limit: int) -> None:
    """Refuse a body by what its Content-Length says, before anything of it is read.

    Raises:
        PayloadTooLarge: it says more than ``limit`` bytes.
    """
    if (request.content_length or 0) > limit:
        raise too_large(limit)


def too_large(limit: int) -> PayloadTooLarge:
    """The error that names the limit."""
    return PayloadTooLarge(
        f"The request's body is larger than {limit} bytes.", details={"limit_bytes": limit}
    )


def read_body(request: Request, limit: int) -> bytes:
    """The whole body, also when it comes in chunks without a length.

    Raises:
        PayloadTooLarge: it is larger than ``limit`` bytes.
        UnsupportedMediaType: it is compressed.
        InvalidRequest: the caller hung up in the middle.
    """
    _refuse_encoding(request)
    # werkzeug cuts a body without a length at the limit and says nothing, so one byte more is
    # asked for.
    request.max_content_length = limit + 1
    try:
        content = request.get_data(cache=True)
    except RequestEntityTooLarge:
        raise too_large(limit) from None
    except HTTPException:
        raise InvalidRequest("The request's body ended too early.") from None
    if len(content) > limit:
        raise too_large(limit)
    return content


def check_json(request: Request, content: bytes) -> None:
    """Refuse a body that is not JSON which everything behind us can carry.

    Raises:
        UnsupportedMediaType: it is declared as something else.
        InvalidRequest: it is not valid JSON, or holds a null character.
    """
    if not _JSON_TYPE.fullmatch(request.mimetype):
        raise UnsupportedMediaType("Send the body as application/json.")
    if request.mimetype_params.get("charset", "utf-8").lower() != "utf-8":
        raise UnsupportedMediaType("Send the body in UTF-8.")
    try:
        value = from_json(content, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}.") from None
    # An escaped backslash before u0000 looks the same, so only a hit is worth the walk.
    if _ESCAPED_NULL in content and _holds_null(value):
        raise InvalidRequest("The body holds a null character.")


@dataclass(frozen=True, slots=True)
class Form:
    """A multipart form: its fields, its one file, and what a repetition is recognised by."""

    values: Values
    file: Upload | None
    content: bytes


def read_form(
    request: Request, limit: int, model: type[BaseModel] | None, opened: ExitStack
) -> Form:
    """The fields and the file of a multipart/form-data body.

    Args:
        request: whose body it is.
        limit: bytes that the body may have.
        model: of the fields; says which of them may be repeated.
        opened: closes what is opened here; large files are spooled to disk.

    Raises:
        PayloadTooLarge: it is larger than ``limit`` bytes, or has too many fields.
        UnsupportedMediaType: it is not multipart/form-data.
        InvalidRequest: it is malformed, has another file than ``file``, or several.
    """
    _refuse_encoding(request)
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType("Send the body as multipart/form-data.")
    request.max_content_length = limit
    parser = FormDataParser(
        stream_factory=partial(_spool, opened),
        max_form_memory_size=_SPOOL_BYTES,
        max_form_parts=MAX_FORM_FIELDS,
        silent=False,
    )
    try:
        _, fields, files = parser.parse(
            request.stream, request.mimetype, request.content_length, request.mimetype_params
        )
    except RequestEntityTooLarge:
        raise too_large(limit) from None
    except HTTPException:
        raise InvalidRequest("The request's body ended too early.") from None
    except ValueError:
        raise InvalidRequest("The form is not valid multipart/form-data.") from None
    # What the parser cannot name is None, what it cannot read as UTF-8 holds U+FFFD.
    if None in cast("set[str | None]", set(fields)):
        raise InvalidRequest("A form field has no name.")
    pairs = list(fields.items(multi=True))
    for text in (part for pair in pairs for part in pair):
        if "\0" in text or "\ufffd" in text:
            raise InvalidRequest("A form field is no UTF-8 or holds a null character.")
    for name in files:
        if name != "file":
            raise InvalidRequest.for_field("file", "is the form field that takes the file.")
    parts = files.getlist("file")
    if len(parts) > 1:
        raise InvalidRequest.for_field("file", "is given more than once.")
    upload = _upload(parts[0]) if parts else None
    # The boundary differs from one attempt to the next; what is between does not.
    content = repr((sorted(pairs), upload and _digest(upload))).encode("utf-8", "surrogatepass")
    return Form(collect(pairs, model), upload, content)


def drain(request: Request) -> None:
    """Leave nothing to read: functions-framework reads what is left of every request into memory
    before it replies. A little is taken off the wire first, so that a caller who is still sending
    meets our reply instead of a reset connection.
    """
    source = request.environ.get("wsgi.input")
    if request.environ.get("wsgi.input_terminated"):
        left = _DRAIN_BYTES  # the server ends this stream by itself
    elif "stream" not in request.__dict__:
        left = min(_DRAIN_BYTES, request.content_length or 0)
    else:
        left = 0
    while source is not None and left > 0:
        piece = source.read(min(left, _PIECE))
        if not piece:
            break
        left -= len(piece)
    request.stream = io.BytesIO()


def _refuse_encoding(request: Request) -> None:
    if request.headers.get("Content-Encoding", "identity").lower() not in {"", "identity"}:
        raise UnsupportedMediaType("Send the body without a Content-Encoding.")


def _holds_null(value: Any) -> bool:
    match value:
        case str():
            return "\0" in value
        case list():
            return any(_holds_null(each) for each in value)
        case dict():
            return any("\0" in name or _holds_null(each) for name, each in value.items())
        case _:
            return False


def _spool(opened: ExitStack, *_: object, **__: object) -> IO[bytes]:
    """A file for a part of a form, on disk when it is large."""
    return opened.enter_context(SpooledTemporaryFile(_SPOOL_BYTES))


def _upload(part: Any) -> Upload:
    stream = part.stream
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    return Upload(
        filename=_filename(part.filename or ""),
        content_type=(part.mimetype or "application/octet-stream").lower(),
        stream=stream,
        size=size,
    )


def _filename(name: str) -> str:
    """The last part of a path of any system, in NFC, without what cannot be shown."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    shown = "".join(c for c in last if unicodedata.category(c) not in {"Cc", "Cf", "Cs"}).strip(
        " ."
    )
    return shown[-255:] or "upload"


def _digest(upload: Upload) -> tuple[str, str, str]:
    digest = hashlib.sha256()
    while piece := upload.stream.read(_PIECE):
        digest.update(piece)
    upload.stream.seek(0)
    return upload.filename, upload.content_type, digest.hexdigest()
