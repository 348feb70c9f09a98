"""Names for requests: the caller's own when it is sane, otherwise a new one; always returned."""

from __future__ import annotations

import re

from werkzeug.datastructures import Headers

from frontdesk.platform.ids import IdSource

HEADER = "X-Request-Id"
# Nothing that could break a header, a log line or a query in the log viewer.
_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_CLOUD_TRACE = re.compile(r"([0-9a-f]{32})(?:/.*)?")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def request_id(headers: Headers, ids: IdSource) -> str:
    """The caller's X-Request-Id, or a UUIDv7 when there is none that we would repeat."""
    given = headers.get(HEADER, "")
    return given if _SANE.fullmatch(given) else str(ids.new_id())


def trace_id(headers: Headers) -> str | None:
    """The trace that this request is part of, 32 hex digits, from W3C's header or Google's."""
    if found := _TRACEPARENT.fullmatch(headers.get("traceparent", "")):
        return found.group(1)
    if found := _CLOUD_TRACE.fullmatch(headers.get("X-Cloud-Trace-Context", "")):
        return found.group(1)
    return None
