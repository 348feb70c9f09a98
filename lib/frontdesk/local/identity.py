"""The keys of one local stack: made once, kept in its data directory, valid nowhere else."""

from __future__ import annotations

import json
import os
import secrets
import time
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from pydantic import BaseModel

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

OIDC_ISSUER: Final = "https://accounts.google.com"
"""Who signs push and scheduler calls in the cloud, and here by name."""

PUSH_SERVICE_ACCOUNT: Final = "push@frontdesk-local.iam.gserviceaccount.com"
PUSH_AUDIENCE: Final = "frontdesk-local"
_DAY: Final = 24 * 3600


class Identity(BaseModel, frozen=True):
    """Secrets that the parts of a stack share, and what is signed with them.

    Attributes:
        jwt_secret: HS256 secret of user tokens, as Supabase's legacy secret.
        anon_key: the API's publishable key.
        service_key: the API's secret key.
        admin_token: what ``X-Admin-Token`` must hold.
        cursor_secret: signs cursors and answer ids.
        oidc_key: PEM of the RSA key that stands for Google's.
    """

    jwt_secret: str
    anon_key: str
    service_key: str
    admin_token: str
    cursor_secret: str
    oidc_key: str

    @classmethod
    def load(cls, file: Path) -> Identity:
        """Read the file, or make it: readable by its owner alone."""
        if file.exists():
            return cls.model_validate_json(file.read_text())
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        identity = cls(
            jwt_secret=secrets.token_urlsafe(48),
            anon_key=f"sb_publishable_{secrets.token_urlsafe(24)}",
            service_key=f"sb_secret_{secrets.token_urlsafe(24)}",
            admin_token=f"local-admin-{secrets.token_urlsafe(18)}",
            cursor_secret=secrets.token_urlsafe(32),
            oidc_key=key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode(),
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as output:
            output.write(identity.model_dump_json(indent=1))
        return identity

    @property
    def key_id(self) -> str:
        """The ``kid`` of the OIDC key."""
        return "local-1"

    def user_token(
        self,
        user_id: UUID | str,
        tenant_id: UUID | str | None,
        *,
        issuer: str,
        seconds: int = _DAY,
        **claims: Any,
    ) -> str:
        """A user's access token as the access-token hook would make it.

        Args:
            user_id: the ``sub``.
            tenant_id: the chosen tenant; None leaves the claim out.
            issuer: the Supabase project's ``iss``.
            seconds: until it expires; negative for one that has.
            **claims: overrides and additions; a value of None removes the claim.
        """
        now = int(time.time())
        payload: dict[str, Any] = {
            "iss": issuer,
            "sub": str(user_id),
            "aud": "authenticated",
            "role": "authenticated",
            "iat": now,
            "exp": now + seconds,
            "tenant_id": str(tenant_id) if tenant_id else None,
        } | claims
        kept = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(kept, self.jwt_secret, algorithm="HS256")

    def oidc_token(self, *, audience: str = PUSH_AUDIENCE, **claims: Any) -> str:
        """What Google puts into the Authorization header of a push or a scheduled call."""
        now = int(time.time())
        payload: dict[str, Any] = {
            "iss": OIDC_ISSUER,
            "aud": audience,
            "azp": PUSH_SERVICE_ACCOUNT,
            "sub": "100000000000000000001",
            "email": PUSH_SERVICE_ACCOUNT,
            "email_verified": True,
            "iat": now,
            "exp": now + 3600,
        } | claims
        kept = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(kept, self.oidc_key, algorithm="RS256", headers={"kid": self.key_id})

    def jwks(self) -> str:
        """The public half of the OIDC key as a JSON Web Key Set."""
        private = serialization.load_pem_private_key(self.oidc_key.encode(), password=None)
        if not isinstance(private, rsa.RSAPrivateKey):
            raise TypeError("identity.json holds no RSA key")
        key = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
        return json.dumps({"keys": [key | {"kid": self.key_id, "alg": "RS256", "use": "sig"}]})
