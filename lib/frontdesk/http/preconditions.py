"""The If-Match header: change this only if it still is what I read (RFC 9110, section 13.1.1).

The tags go down to SQL with the command; there they are compared under the lock of the change.
"""

from __future__ import annotations

import re

from werkzeug.datastructures import Headers

from frontdesk.platform.errors import InvalidRequest

HEADER = "If-Match"
_MAX_LENGTH = 1_000
_TAG = r'(W/)?"([\x21\x23-\x7e]*)"'
_TAGS = re.compile(rf"{_TAG}(\s*,\s*{_TAG})*")
_ONE = re.compile(_TAG)


def if_match(headers: Headers) -> tuple[str, ...] | None:
    """The entity tags that the caller's change may be based on, without their quotes.

    None without the header, and for ``*``, which asks that there be something: a change of nothing
    is refused in any case. A weak tag never matches, so it is left out.

    Raises:
        InvalidRequest: it is no list of entity tags.
    """
    value = headers.get(HEADER)
    if value is None or value.strip() == "*":
        return None
    value = value.strip()
    if len(value) > _MAX_LENGTH or not _TAGS.fullmatch(value):
        raise InvalidRequest.for_field(
            HEADER, 'must be the ETag that was read, with its quotes, such as "3".'
        )
    return tuple(tag for weak, tag in _ONE.findall(value) if not weak)
