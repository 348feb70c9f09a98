"""Who calls: a member with a Supabase token, an admin, the platform itself, or anybody.

The door checks the token. Role, membership and the tenant's state are read in SQL from the same
token; here a member is only turned away early when a recent answer of SQL already says so.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from typing import TYPE_CHECKING

from werkzeug.datastructures import Headers

from frontdesk.http.routing import ADMIN, PLATFORM, PUBLIC, WATCHER, Allow
from frontdesk.http.tokens import PublicKeys, SharedSecret, TokenVerifier
from frontdesk.platform.context import Admin, Anonymous, Caller, Member, Platform, Role
from frontdesk.platform.errors import NotConfigured, PermissionDenied, Unauthenticated
from frontdesk.platform.jwks import KeySet
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.services import Services
from frontdesk.platform.settings import hash_admin_token, parse_admin_tokens

if TYPE_CHECKING:
    from frontdesk.platform.push import PushVerifier

ADMIN_HEADER = "X-Admin-Token"


class Authenticator:
    """Authenticates callers against one process's settings. Safe to share between threads."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._lock = threading.Lock()
        self._secret: str | None = None
        self._tokens: TokenVerifier | None = None
        self._push: PushVerifier | None = None

    def caller(self, allow: Allow, headers: Headers, deadline: Deadline) -> Caller:
        """Who calls a route that is for ``allow``.

        Raises:
            Unauthenticated: nobody with a valid token.
            TenantRequired, PermissionDenied: a valid token that is not enough.
            NotConfigured: this deployment cannot check such callers.
            UpstreamUnavailable: the keys of tokens cannot be fetched.
        """
        if allow is PUBLIC:
            return Anonymous()
        if allow is ADMIN:
            return self._admin(headers)
        if allow is WATCHER:
            return self._admin(headers) if ADMIN_HEADER in headers else Anonymous()
        if allow is PLATFORM:
            return Platform(self._push_verifier().verify(headers.get("Authorization"), deadline))
        assert isinstance(allow, Role)  # noqa: S101 -- the cases above are all others
        return self._member(allow, headers, deadline)

    def _admin(self, headers: Headers) -> Admin:
        """The holder of X-Admin-Token.

        Raises:
            NotConfigured: no admin token is set.
            Unauthenticated: it is missing or none of them.
        """
        digests = self._admin_digests()
        if not digests:
            raise NotConfigured("No admin token is configured.")
        token = headers.get(ADMIN_HEADER, "").encode("latin-1", "replace")
        presented = hashlib.sha256(token).hexdigest()
        # Every name is compared, so that the time taken says nothing about which one matched.
        matches = [
            name for name, digest in digests.items() if hmac.compare_digest(digest, presented)
        ]
        if not matches or not token:
            raise Unauthenticated("A valid admin token is required.")
        return Admin(matches[0])

    def _admin_digests(self) -> dict[str, str]:
        """SHA-256 in hex of every admin token, by name; a rotated secret counts at once."""
        settings, secrets = self.services.settings, self.services.secrets
        digests: dict[str, str] = {}
        if settings.admin_api_tokens is not None:
            digests |= parse_admin_tokens(secrets.resolve(settings.admin_api_tokens))
        if settings.admin_api_token is not None:
            digests["default"] = hash_admin_token(secrets.resolve(settings.admin_api_token))
        return digests

    def _member(self, minimum: Role, headers: Headers, deadline: Deadline) -> Member:
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated
        identity = self._token_verifier().verify(token, deadline)
        if minimum is not Role.VISITOR:
            access = self.services.cache.access_of(identity.tenant_id, identity.user_id)
            if access is not None and not access.role.at_least(minimum):
                raise PermissionDenied
        return Member(identity.user_id, identity.tenant_id, token)

    def _token_verifier(self) -> TokenVerifier:
        """The verifier for the present secret: a rotated one arrives with the next request."""
        settings = self.services.settings
        configured = settings.supabase_jwt_secret
        secret = self.services.secrets.resolve(configured) if configured is not None else None
        verifier = self._tokens
        if verifier is None or secret != self._secret:
            with self._lock:
                verifier = TokenVerifier(
                    SharedSecret(secret.encode())
                    if secret is not None
                    else PublicKeys(KeySet(settings.jwks_url, self.services.clock)),
                    issuer=settings.jwt_issuer,
                    audience=settings.supabase_jwt_audience,
                    clock=self.services.clock,
                )
                self._tokens, self._secret = verifier, secret
        return verifier

    def _push_verifier(self) -> PushVerifier:
        with self._lock:
            if self._push is None:
                from frontdesk.platform.push import PushVerifier

                self._push = PushVerifier(self.services.settings, self.services.clock)
            return self._push
