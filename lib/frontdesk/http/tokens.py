"""Users' tokens: Supabase JWTs, their algorithm pinned by the key and never by the token.

With SUPABASE_JWT_SECRET only HS256 is accepted, otherwise only what the key of the JWKS is for:
ES256 or RS256. A public key can so never be taken for a secret, and ``none`` is no algorithm.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import math
import re
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol
from uuid import UUID

from frontdesk.platform.clock import Clock
from frontdesk.platform.errors import TenantRequired, Unauthenticated
from frontdesk.platform.jwks import KeySet
from frontdesk.platform.resilience import Deadline

MAX_LENGTH = 8192
"""Characters of a token; Supabase's are below 2,000."""
LEEWAY = 10.0
"""Seconds by which the clocks of two machines may differ."""
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token speaks for. Role and membership are SQL's to know."""

    user_id: UUID
    tenant_id: UUID


class Signature(Protocol):
    """Checks a token's signature."""

    def payload(self, token: str, deadline: Deadline) -> bytes:
        """The signed payload.

        Raises:
            Unauthenticated: the signature does not hold.
            UpstreamUnavailable: the keys cannot be fetched.
        """
        ...


class SharedSecret:
    """HS256 with one secret.

    Written out because PyJWT brings the whole of cryptography, which would be a fifth of a cold
    start, and HS256 needs one call of the standard library.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def payload(self, token: str, deadline: Deadline) -> bytes:  # noqa: ARG002 -- Signature's
        header, body, signature = _parts(token)
        if _header(header).get("alg") != "HS256":
            refuse()
        signed = f"{header}.{body}".encode("ascii")
        expected = hmac.new(self._secret, signed, hashlib.sha256).digest()
        if not hmac.compare_digest(expected, _decode(signature)):
            refuse()
        return _decode(body)


class PublicKeys:
    """ES256 and RS256 with the keys of a JWKS."""

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

    def payload(self, token: str, deadline: Deadline) -> bytes:
        header = _header(_parts(token)[0])
        key = self._keys.key(header.get("kid"), deadline)
        if key is None or header.get("alg") != key.algorithm:
            refuse()
        from jwt import PyJWS
        from jwt.exceptions import PyJWTError

        try:
            payload: bytes = PyJWS().decode(token, key.public, algorithms=[key.algorithm])
        except (PyJWTError, ValueError):
            refuse()
        return payload


class TokenVerifier:
    """Turns a bearer token into an identity."""

    def __init__(self, signature: Signature, *, issuer: str, audience: str, clock: Clock) -> None:
        self._signature = signature
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    def verify(self, token: str, deadline: Deadline) -> Identity:
        """Check signature, issuer, audience, times and role.

        Raises:
            Unauthenticated: one of them is wrong or missing.
            TenantRequired: all is right, but no tenant was chosen.
            UpstreamUnavailable: the keys cannot be fetched.
        """
        claims = _json_object(self._signature.payload(token, deadline))
        self._check_times(claims)
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if claims.get("iss") != self._issuer or self._audience not in audiences:
            refuse()
        # anon, service_role and postgres are signed with the same secret.
        if claims.get("role") != "authenticated":
            refuse()
        user_id = _uuid(claims.get("sub"))
        if claims.get("tenant_id") is None:
            raise TenantRequired
        return Identity(user_id, _uuid(claims["tenant_id"]))

    def _check_times(self, claims: dict[str, Any]) -> None:
        now = self._clock.now().timestamp()
        expires = _instant(claims.get("exp"))
        if expires is None:
            refuse()
        if now >= expires + LEEWAY:
            raise Unauthenticated("The token has expired.")
        for name in ("nbf", "iat"):
            if name in claims:
                begins = _instant(claims[name])
                if begins is None or now < begins - LEEWAY:
                    refuse()


def refuse() -> NoReturn:
    """One answer for every way to be wrong: nobody learns which check stopped them."""
    raise Unauthenticated("The token is not valid.")


def _parts(token: str) -> tuple[str, str, str]:
    found = _COMPACT.fullmatch(token) if len(token) <= MAX_LENGTH else None
    if found is None:
        refuse()
    header, body, signature = found.groups()
    return header, body, signature


def _header(encoded: str) -> dict[str, Any]:
    header = _json_object(_decode(encoded))
    if "crit" in header:  # RFC 7515: what is critical and not understood is refused
        refuse()
    return header


def _decode(encoded: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except binascii.Error:
        refuse()


def _json_object(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):  # the depth is the caller's to choose
        refuse()
    if not isinstance(value, dict):
        refuse()
    return value


def _instant(value: Any) -> float | None:
    """Seconds since 1970; None for what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) else None


def _uuid(value: Any) -> UUID:
    """A UUID in its one usual form, so that no two spellings name one user."""
    try:
        parsed = UUID(value) if isinstance(value, str) else None
    except ValueError:
        parsed = None
    if parsed is None or str(parsed) != value:
        refuse()
    return parsed
