"""Cross-origin requests: browsers of listed origins may call, matched exactly.

Tokens travel in headers, never in cookies, so credentials are not allowed and a foreign page can
do nothing in a signed-in user's name. An origin that is not listed gets no CORS header, and its
browser keeps the reply from it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from werkzeug.datastructures import Headers

REQUEST_HEADERS = "Authorization, Content-Type, Idempotency-Key, X-Admin-Token, X-Request-Id"
EXPOSED_HEADERS = (
    "Content-Disposition, ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
)
MAX_AGE = "7200"
"""Seconds for which a browser may remember a preflight; more than two hours none does."""


def reply_headers(origin: str | None, allowed: Collection[str]) -> dict[str, str]:
    """Headers for any reply to a request from this origin."""
    if not allowed:
        return {}
    # Also without an Origin: a cache must not hand this reply to somebody who sent one.
    headers = {"Vary": "Origin"}
    if origin is not None and origin in allowed:
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
    return headers


def is_preflight(method: str, headers: Headers) -> bool:
    """Whether a browser asks before the real request."""
    return (
        method == "OPTIONS" and "Origin" in headers and "Access-Control-Request-Method" in headers
    )


def preflight_headers(
    origin: str | None, allowed: Collection[str], methods: Iterable[str]
) -> dict[str, str]:
    """Headers for the reply to a preflight of a path that answers to ``methods``."""
    headers = reply_headers(origin, allowed)
    if "Access-Control-Allow-Origin" in headers:
        headers["Access-Control-Allow-Methods"] = ", ".join(methods)
        headers["Access-Control-Allow-Headers"] = REQUEST_HEADERS
        headers["Access-Control-Max-Age"] = MAX_AGE
    headers["Vary"] = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
    return headers
