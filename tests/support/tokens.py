"""Users' tokens for tests: good ones, and every way to be bad that the door must refuse."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

SECRET = "a-secret-of-the-tests-that-is-long-enough"
ISSUER = "http://127.0.0.1:54321/auth/v1"
USER_ID = UUID("0197aaaa-0000-7000-8000-000000000001")
TENANT_ID = UUID("0197bbbb-0000-7000-8000-000000000001")
HOUR = 3600


def claims(
    now: datetime,
    *,
    issuer: str = ISSUER,
    user_id: UUID = USER_ID,
    tenant_id: UUID | None = TENANT_ID,
) -> dict[str, Any]:
    """What Supabase puts into a user's token, with the tenant that our hook adds."""
    payload: dict[str, Any] = {
        "iss": issuer,
        "aud": "authenticated",
        "sub": str(user_id),
        "role": "authenticated",
        "iat": int(now.timestamp()),
        "exp": int(now.timestamp()) + HOUR,
    }
    if tenant_id is not None:
        payload["tenant_id"] = str(tenant_id)
    return payload


def encode(part: Any) -> str:
    """A part of a token: bytes as they are, anything else as JSON, in base64url."""
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(
    payload: Any,
    secret: str | bytes = SECRET,
    *,
    header: Mapping[str, Any] | bytes | None = None,
    digest: str = "sha256",
) -> str:
    """A token signed with HMAC, whatever its header says."""
    if header is None:
        header = {"alg": "HS256", "typ": "JWT"}
    signed = f"{encode(header if isinstance(header, bytes) else dict(header))}.{encode(payload)}"
    key = secret.encode() if isinstance(secret, str) else secret
    return f"{signed}.{encode(hmac.new(key, signed.encode(), digest).digest())}"


def without(payload: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The claims but one."""
    return {key: value for key, value in payload.items() if key != name}


def bad_tokens(good: Mapping[str, Any], now: datetime, secret: str = SECRET) -> dict[str, str]:
    """Tokens that a deployment with an HS256 secret must answer with 401, by what is wrong.

    Args:
        good: the claims of a valid token, see ``claims``; each bad token changes one thing.
        now: the time on the server's clock.
        secret: the deployment's, so that all but the forged ones are properly signed.
    """
    present = int(now.timestamp())
    valid = sign(good, secret)
    head, body, signature = valid.split(".")

    def signed(**changes: Any) -> str:
        return sign({**good, **changes}, secret)

    return {
        "empty": "",
        "not a token": "letmein",
        "two parts": f"{head}.{body}",
        "four parts": f"{valid}.{signature}",
        "no signature": f"{head}.{body}.",
        "a forged signature": sign(good, "another secret that is long enough too"),
        "a signature of another payload": f"{head}.{encode({**good, 'x': 1})}.{signature}",
        "a cut signature": valid[:-4],
        "not base64": f"{head}.{body}.$$$$",
        "alg none without signature": f"{encode({'alg': 'none'})}.{body}.",
        "alg none": sign(good, secret, header={"alg": "none"}),
        "alg None": sign(good, secret, header={"alg": "None"}),
        "no alg": sign(good, secret, header={"typ": "JWT"}),
        "alg HS512": sign(good, secret, header={"alg": "HS512"}, digest="sha512"),
        "alg RS256 over HMAC": sign(good, secret, header={"alg": "RS256", "kid": "k"}),
        "alg ES256 over HMAC": sign(good, secret, header={"alg": "ES256", "kid": "k"}),
        "alg is a list": sign(good, secret, header={"alg": ["HS256"]}),
        "a critical header": sign(good, secret, header={"alg": "HS256", "crit": ["x"], "x": 1}),
        "header no object": sign(good, secret, header=b'["HS256"]'),
        "header no JSON": sign(good, secret, header=b"{"),
        "header nested deeply": sign(good, secret, header=b"[" * 3000),
        "header not UTF-8": sign(good, secret, header=b'{"alg":"\xff"}'),
        "payload no object": sign([good], secret),
        "payload no JSON": sign(b"{", secret),
        "payload not UTF-8": sign(b'{"sub":"\xff"}', secret),
        "payload nested deeply": sign(b"[" * 3000, secret),
        "expired": signed(exp=present - HOUR),
        "expired a moment ago": signed(exp=present - 11),
        "no exp": sign(without(good, "exp"), secret),
        "exp is text": signed(exp=str(present + HOUR)),
        "exp is true": signed(exp=True),
        "exp is null": signed(exp=None),
        "exp is NaN": sign(json.dumps({**good, "exp": float("nan")}).encode(), secret),
        "exp is infinite": sign(json.dumps({**good, "exp": float("inf")}).encode(), secret),
        "exp too large for a float": signed(exp=10**400),
        "not valid yet": signed(nbf=present + HOUR),
        "nbf is text": signed(nbf="tomorrow"),
        "issued in the future": signed(iat=present + HOUR),
        "no audience": sign(without(good, "aud"), secret),
        "wrong audience": signed(aud="anon"),
        "audience null": signed(aud=None),
        "other audiences": signed(aud=["anon", "storage"]),
        "no issuer": sign(without(good, "iss"), secret),
        "wrong issuer": signed(iss="https://evil.example/auth/v1"),
        "issuer with a suffix": signed(iss=f"{good['iss']}/evil"),
        "no role": sign(without(good, "role"), secret),
        "role anon": signed(role="anon"),
        "role service_role": signed(role="service_role"),
        "role postgres": signed(role="postgres"),
        "role is a list": signed(role=["authenticated"]),
        "no subject": sign(without(good, "sub"), secret),
        "subject no UUID": signed(sub="1 or 1=1"),
        "subject in another spelling": signed(sub="{" + str(good["sub"]) + "}"),
        "subject is a number": signed(sub=1),
        "tenant no UUID": signed(tenant_id="coral"),
        "tenant is a list": signed(tenant_id=[good["tenant_id"]]),
        "longer than any token": signed(padding="x" * 9000),
        "an HS256 signature without a key": sign(good, b""),
        "the digest of the content": f"{head}.{body}."
        + encode(hashlib.sha256(f"{head}.{body}".encode()).digest()),
    }
