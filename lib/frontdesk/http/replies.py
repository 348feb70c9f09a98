"""What a handler returned, or raised, as an HTTP response."""

from __future__ import annotations

import errno
import math
from collections.abc import Callable, Iterator
from typing import Any

from flask import Response
from pydantic import BaseModel

from frontdesk.http.envelope import error_json, page_json, success_json
from frontdesk.http.headers import attachment
from frontdesk.http.limits import refusal_headers
from frontdesk.platform.errors import FrontdeskError, MethodNotAllowed, RateLimited, Unauthenticated
from frontdesk.platform.paging import Page
from frontdesk.platform.reply import Reply, Stream

JSON = "application/json"


def reply(result: object, status: int, request_id: str) -> Response:
    """The response for what a handler returned.

    Args:
        result: a model, a Page, a Reply of either, a Stream, or None.
        status: of the route; a Reply may have its own.

    Raises:
        TypeError: it is something else; a bug of the handler.
    """
    headers: dict[str, str] = {}
    if isinstance(result, Reply):
        headers.update(result.headers)
        status = result.status or status
        result = result.value
    match result:
        case Page():
            response = Response(page_json(result, request_id), status, content_type=JSON)
        case BaseModel():
            response = Response(success_json(result, request_id), status, content_type=JSON)
        case Stream():
            response = Response(result.content, status, content_type=result.content_type)
            headers.update(result.headers)
            if result.size is not None:
                headers["Content-Length"] = str(result.size)
            if result.filename is not None:
                headers["Content-Disposition"] = attachment(result.filename)
        case None:
            response = no_content()
        case _:
            raise TypeError(f"a handler returned {type(result).__name__}")
    response.headers.update(headers)
    return response


def no_content() -> Response:
    """204: all went well and there is nothing to say."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def refusal(error: FrontdeskError, request_id: str) -> Response:
    """The response for an error, with the headers that HTTP wants beside its status."""
    response = Response(error_json(error, request_id), error.status, content_type=JSON)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    match error:
        case MethodNotAllowed():
            response.headers["Allow"] = ", ".join(error.details.get("allow", []))
        case Unauthenticated():
            response.headers["WWW-Authenticate"] = 'Bearer realm="frontdesk"'
        case RateLimited():
            response.headers.update(refusal_headers(error))
    return response


class WatchedStream(Iterator[Any]):
    """A streamed body that reports its end: complete, failed, or given up by the caller.

    Args:
        content: the handler's pieces.
        ended: called once with the error that ended it, or None.
    """

    def __init__(self, content: Iterator[Any], ended: Callable[[Exception | None], None]) -> None:
        self._content = content
        self._ended = ended
        self._open = True

    def __next__(self) -> Any:
        try:
            return next(self._content)
        except StopIteration:
            self._end(None)
            raise
        except Exception as error:  # noqa: BLE001 -- reported to ``ended``, which logs it
            self._end(error)
            # The status is out. Cutting the connection is the only way left to say that the body
            # is not whole; servers take this error as such, and don't log a trace of it.
            raise ConnectionResetError(errno.ECONNRESET, "the stream broke off") from None

    def close(self) -> None:
        """Free what the handler holds; the server calls this also when the caller hung up."""
        close = getattr(self._content, "close", None)
        if close is not None:
            close()
        self._end(None)

    def _end(self, error: Exception | None) -> None:
        if self._open:
            self._open = False
            self._ended(error)
