"""Cross-origin requests: browsers of listed origins may call, matched exactly.

Tokens travel in headers, never in cookies, so credentials are not allowed and a foreign page can
do nothing in a signed-in user's name. An origin that is not listed gets no CORS header, and its
browser keeps the reply from it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from flask import Request, Response

REQUEST_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, X-Admin-Token, X-Request-Id"
)
EXPOSED_HEADERS = (
    "Content-Disposition, ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
)
MAX_AGE = "7200"
"""Seconds for which a browser may remember a preflight; more than two hours none does."""


def is_preflight(request: Request) -> bool:
    """Whether a browser asks before the real request."""
    return (
        request.method == "OPTIONS"
        and "Origin" in request.headers
        and "Access-Control-Request-Method" in request.headers
    )


def permit(response: Response, request: Request, origins: Collection[str]) -> None:
    """Let the page that sent a request read the reply, when its origin is listed."""
    if origins:
        # Also without an Origin: a cache must not hand this reply to somebody who sent one.
        response.vary.add("Origin")
    if (origin := request.headers.get("Origin")) in origins and origin is not None:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS


def permit_methods(
    response: Response, request: Request, origins: Collection[str], methods: Iterable[str]
) -> None:
    """Answer a preflight of a path that answers to ``methods``."""
    response.vary.update(["Access-Control-Request-Method", "Access-Control-Request-Headers"])
    if request.headers.get("Origin") in origins:
        response.headers["Access-Control-Allow-Methods"] = ", ".join(methods)
        response.headers["Access-Control-Allow-Headers"] = REQUEST_HEADERS
        response.headers["Access-Control-Max-Age"] = MAX_AGE
