"""Keyset cursors: where the next page of a list starts, signed and bound to that list.

A cursor holds the sort values of the last row of a page. It is readable (base64url JSON) and not
secret, but it can't be edited, and it works only for the tenant, list, filter and sort that it was
made for: those go into the signature, not into the cursor, which therefore stays short.

Format 1: base64url( 0x01 | HMAC-SHA-256 cut to 16 bytes | JSON of the position ).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from frontdesk.platform.errors import InvalidCursor, NotConfigured

if TYPE_CHECKING:
    from uuid import UUID

    from frontdesk.platform.secrets import Secrets
    from frontdesk.platform.settings import Settings

FORMAT = 1
_SIGNATURE_BYTES = 16  # 128 bits, as RFC 2104 section 5 allows
_MAX_LENGTH = 2048


class Cursors:
    """Makes and reads cursors with one secret; safe to share between threads."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"frontdesk cursor", "sha256")

    @classmethod
    def from_settings(cls, settings: Settings, secrets: Secrets) -> Cursors:
        """With CURSOR_SECRET, or with a key derived from SUPABASE_JWT_SECRET.

        Raises:
            NotConfigured: a deployment has neither; a laptop may.
        """
        secret = settings.cursor_secret or settings.supabase_jwt_secret
        if secret is not None:
            return cls(secrets.resolve(secret).encode())
        if settings.is_local:
            return cls(b"local")
        raise NotConfigured("CURSOR_SECRET is not set.")

    def encode(
        self,
        position: Mapping[str, Any],
        *,
        tenant_id: UUID | None,
        listing: str,
        filters: Mapping[str, Any],
        sort: str,
    ) -> str:
        """A cursor to the row after ``position``.

        Args:
            position: JSON values, the sort columns and id of the page's last row.
            tenant_id: whose list it is; None for the platform's own.
            listing: the list's name, such as ``clients``.
            filters: the filters the list was asked with, as JSON values; order does not matter.
            sort: the sort it was asked with.
        """
        payload = _canonical(position)
        signature = self._sign(payload, tenant_id, listing, filters, sort)
        raw = bytes([FORMAT]) + signature + payload
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def decode(
        self,
        cursor: str,
        *,
        tenant_id: UUID | None,
        listing: str,
        filters: Mapping[str, Any],
        sort: str,
    ) -> dict[str, Any]:
        """The position of a cursor that was made with the same arguments.

        Raises:
            InvalidCursor: it was edited, or made for another list, or by another version of us.
        """
        raw = _decode_base64(cursor)
        signature, payload = raw[1 : 1 + _SIGNATURE_BYTES], raw[1 + _SIGNATURE_BYTES :]
        if raw[:1] != bytes([FORMAT]):
            raise InvalidCursor
        expected = self._sign(payload, tenant_id, listing, filters, sort)
        if not hmac.compare_digest(signature, expected):
            raise InvalidCursor
        position: dict[str, Any] = json.loads(payload)
        return position

    def _sign(
        self,
        payload: bytes,
        tenant_id: UUID | None,
        listing: str,
        filters: Mapping[str, Any],
        sort: str,
    ) -> bytes:
        binding = _canonical(
            {
                "format": FORMAT,
                "tenant": str(tenant_id) if tenant_id else None,
                "listing": listing,
                "filters": filters,
                "sort": sort,
            }
        )
        # The binding goes in as a digest of fixed length, so that no two pairs run together.
        message = hashlib.sha256(binding).digest() + payload
        return hmac.digest(self._key, message, "sha256")[:_SIGNATURE_BYTES]


def _canonical(value: Mapping[str, Any]) -> bytes:
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
    ).encode()


def _plain(value: object) -> Any:
    """Filters may hold ids, dates and decimals: their text identifies them."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(str(item) for item in value)
    return str(value)


def _decode_base64(cursor: str) -> bytes:
    if len(cursor) > _MAX_LENGTH:
        raise InvalidCursor
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidCursor from None
    # The last character's spare bits are not part of the data: only one spelling is ours.
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != cursor:
        raise InvalidCursor
    return raw
