"""A real HTTP server on this machine that answers what a test says, path by path."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, str]
"""Status and body."""


@dataclass
class Answers:
    """Attributes:
    url: of the server.
    answer: says what a path gets, given how often it was asked before and the request's headers.
    asked: the paths in the order in which they came, with their queries.
    """

    answer: Callable[[str, int, dict[str, str]], Answer]
    url: str = ""
    asked: list[str] = field(default_factory=list)


@contextmanager
def answering(answer: Callable[[str, int, dict[str, str]], Answer]) -> Iterator[Answers]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    answers = Answers(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            before = answers.asked.count(self.path)
            answers.asked.append(self.path)
            status, body = answers.answer(self.path, before, dict(self.headers))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        answers.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield answers
        finally:
            server.shutdown()
            thread.join()
