"""Headers of every reply, and how a file is named in one."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

SECURITY_HEADERS: Final = {
    # Replies are a caller's own data: no shared or local cache may keep them.
    "Cache-Control": "no-store",
    # A reply is never a page that could run or embed something.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    # Two years, which browsers ask of hosts that are to be preloaded.
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Set on every reply; a handler's own value wins."""


def attachment(filename: str) -> str:
    """Content-Disposition for a file to be saved (RFC 6266): a plain name for old readers, and
    the full one in UTF-8, percent-encoded, so that nothing in it can end the header.
    """
    plain = "".join(
        c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in filename
    )
    encoded = quote(filename.encode("utf-8", "replace"), safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
