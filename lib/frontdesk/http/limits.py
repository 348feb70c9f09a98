"""How often somebody may ask: token buckets per user, tenant and address."""

from __future__ import annotations

import ipaddress
import math
from typing import NamedTuple

from flask import Request

from frontdesk.platform.context import Member
from frontdesk.platform.errors import RateLimited
from frontdesk.platform.services import Services
from frontdesk.platform.settings import Settings

_WINDOW = 60


class Limit(NamedTuple):
    """One bucket: what it counts, whose it is, and how many requests a minute flow into it."""

    name: str
    bucket: str
    per_minute: int


def user_limit(member: Member, settings: Settings) -> Limit:
    """The bucket of a user, whichever tenant they work for."""
    return Limit("user", f"user:{member.user_id}", settings.rate_limit_per_user)


def tenant_limit(member: Member, settings: Settings) -> Limit:
    """The bucket that all users of a tenant share."""
    return Limit("tenant", f"tenant:{member.tenant_id}", settings.rate_limit_per_tenant)


def address_limit(request: Request, settings: Settings) -> Limit:
    """The bucket of the caller's address, for who has no user: admins and the public."""
    address = client_address(request, behind_proxy=not settings.is_local)
    return Limit("address", f"address:{address}", settings.rate_limit_per_user)


def take(limit: Limit, services: Services) -> None:
    """Take one token from a bucket.

    Raises:
        RateLimited: it is empty; details name it, ``retry_after`` says when it is not.
    """
    wait = services.cache.take_token(limit.bucket, limit.per_minute, limit.per_minute)
    if wait is not None:
        raise RateLimited(details={"limit": limit.name}, retry_after=max(wait, 1.0))


def policy_headers(limits: list[Limit]) -> dict[str, str]:
    """``RateLimit-Policy`` (draft-ietf-httpapi-ratelimit-headers): the quotas in force."""
    if not limits:
        return {}
    policies = (f'"{limit.name}";q={limit.per_minute};w={_WINDOW}' for limit in limits)
    return {"RateLimit-Policy": ", ".join(policies)}


def refusal_headers(error: RateLimited) -> dict[str, str]:
    """``RateLimit``: nothing is left in that bucket for so many seconds."""
    name = error.details.get("limit", "address")
    return {"RateLimit": f'"{name}";r=0;t={math.ceil(error.retry_after or 1)}'}


def client_address(request: Request, *, behind_proxy: bool) -> str:
    """The caller's address.

    Google's front end appends the address that it saw to X-Forwarded-For; what stands left of it
    is the caller's own claim, so only the last entry counts. IPv6 callers own at least a /64 and
    are counted by it.
    """
    text = request.remote_addr or ""
    if behind_proxy:
        text = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip() or text
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.IPv6Network((address, 64), strict=False).network_address)
    return str(address)
