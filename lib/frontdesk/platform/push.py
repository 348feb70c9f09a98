"""Who may push: Google's OIDC tokens, as Pub/Sub and Cloud Scheduler send them.

A valid token of Google's proves little: anybody can have one for any audience they own. Ours must
be meant for us (``aud``) *and* be made for our service account (``email``).
"""

from __future__ import annotations

import hmac
from typing import Any, NoReturn

from frontdesk.platform.clock import Clock
from frontdesk.platform.errors import NotConfigured, Unauthenticated
from frontdesk.platform.jwks import KeySet
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.settings import Settings

ALGORITHM = "RS256"
"""What Google signs with, whatever the token says."""
LEEWAY = 10.0
"""Seconds by which the clocks of two machines may differ."""


class PushVerifier:
    """Verifies push requests; one per process, safe to share between threads."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._keys = KeySet(settings.oidc_jwks_url, clock)

    def verify(self, authorization: str | None, deadline: Deadline) -> str:
        """The service account that an Authorization header speaks for.

        Raises:
            NotConfigured: PUSH_AUDIENCE or PUSH_SERVICE_ACCOUNT is not set; nobody may push.
            Unauthenticated: no token, or one that is not Google's, not for us or not from us.
            UpstreamUnavailable: Google's keys cannot be fetched; the push will come again.
        """
        audience, account = self._settings.push_audience, self._settings.push_service_account
        if not audience or not account:
            raise NotConfigured("Push requests are not configured here.")
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated
        claims = self._claims(token, audience, deadline)
        email = claims.get("email")
        if claims.get("email_verified") is not True or not isinstance(email, str):
            _refuse()
        if not hmac.compare_digest(email.encode(), account.encode()):
            _refuse()
        return email

    def _claims(self, token: str, audience: str, deadline: Deadline) -> dict[str, Any]:
        import jwt

        try:
            key = self._keys.key(jwt.get_unverified_header(token).get("kid"), deadline)
            if key is None or key.algorithm != ALGORITHM:
                _refuse()
            claims: dict[str, Any] = jwt.decode(
                token,
                key.public,
                algorithms=[ALGORITHM],
                audience=audience,
                issuer=self._settings.oidc_issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "iss", "aud"], "strict_aud": True},
            )
        except (jwt.PyJWTError, ValueError):
            _refuse()
        return claims


def _refuse() -> NoReturn:
    """One answer for every way to be wrong: nobody learns which check stopped them."""
    raise Unauthenticated("The token is not valid.") from None
