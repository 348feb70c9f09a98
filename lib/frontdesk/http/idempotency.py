"""The Idempotency-Key header and what a request is recognised by.

The key goes down to SQL with a fingerprint of the request; there, in the transaction of the
command, the same key with the same fingerprint gives the stored reply, with another one 422.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from werkzeug.datastructures import Headers

from frontdesk.platform.errors import InvalidRequest

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def idempotency_key(headers: Headers) -> str | None:
    """The caller's key, or None when there is none.

    Raises:
        InvalidRequest: it is empty, longer than 255 characters or not visible ASCII.
    """
    key = headers.get(HEADER)
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidRequest.for_field(HEADER, "must be 1 to 255 visible ASCII characters.")
    return key


def fingerprint(
    route: str,
    path: Mapping[str, str],
    query: Mapping[str, str | list[str]],
    content: bytes,
) -> str:
    """SHA-256 over what was asked, in hex.

    Args:
        route: method and template, ``POST /v1/crm/clients``.
        path: the path's parameters.
        query: the parameters; their order does not matter, the order of repeated ones does.
        content: the body's bytes, or what stands for a form's.
    """
    digest = hashlib.sha256()
    pairs = [("path", name, value) for name, value in sorted(path.items())]
    for name, value in sorted(query.items()):
        values = value if isinstance(value, list) else [value]
        pairs += [("query", name, each) for each in values]
    digest.update(repr((route, pairs)).encode("utf-8", "surrogatepass"))
    digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()
