"""A Supabase API that answers at once, so that what is measured is ours alone."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import jwt

SECRET = "bench-secret-of-at-least-32-characters"
TENANT = UUID("0198f3a0-0000-7000-8000-000000000001")
USER = UUID("0198f3a0-0000-7000-8000-000000000002")


ACCESS = {
    "role": "owner",
    "visibility": "all",
    "tenant_slug": "bench",
    "currency": "EUR",
    "locale": "en",
    "time_zone": "UTC",
}
REPLIES: dict[str, Any] = {
    "search_clients": {"access": ACCESS, "rows": [], "next": None},
    "pipeline": {"access": ACCESS, "stages": [], "total": 0},
    "access": {"access": ACCESS},
    "begin_answer": {
        "access": ACCESS,
        "answer": None,
        "history": [],
        "query_terms": {},
        "tokens_left": None,
        "index_version": None,
    },
    "record_answer": {"status": 201, "data": {}, "replayed": False},
}


@contextmanager
def supabase() -> Iterator[str]:
    """Serve ``REPLIES`` by RPC name; yields the base address."""
    bodies = {name: json.dumps(reply).encode() for name, reply in REPLIES.items()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = bodies[self.path.split("?")[0].rsplit("/", 1)[-1]]
            head = (
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            self.wfile.write(head.encode() + body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Silence: the log would be part of what is measured."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def environment(upstream: str) -> dict[str, str]:
    """What a function needs to work against this upstream, with no limit in its way."""
    return {
        "SUPABASE_URL": upstream,
        "SUPABASE_ANON_KEY": "bench",
        "SUPABASE_JWT_SECRET": SECRET,
        "RATE_LIMIT_PER_USER": "1000000",
        "RATE_LIMIT_PER_TENANT": "1000000",
        "CACHE_TTL_SECONDS": "0",
    }


def member_headers(upstream: str) -> dict[str, str]:
    """The headers of a member's request."""
    return {"Authorization": f"Bearer {_token(upstream)}"}


def _token(issuer: str) -> str:
    now = datetime.now(UTC)
    claims = {
        "sub": str(USER),
        "tenant_id": str(TENANT),
        "role": "authenticated",
        "aud": "authenticated",
        "iss": f"{issuer}/auth/v1",
        "iat": now,
        "exp": now + timedelta(hours=1),
    }
    return jwt.encode(claims, SECRET, algorithm="HS256")


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
