"""An OpenAI-compatible server on 127.0.0.1 that does what a test tells it to.

It speaks HTTP for real, so the openai SDK, its time-outs and its connection pool are tested with
it, not around it. Each endpoint has a script, a queue of behaviours; with an empty script it
answers. It counts calls, keeps the requests and notices clients that hang up::

    with ScriptedOpenAI() as server:
        server.chat(RateLimited(retry_after=1), Answer("Yes, with a swimming pool."))
        ...
        assert server.calls("chat") == 2

Nothing sleeps: ``Hang`` and ``Stream(hold_after=…)`` wait until ``release()`` or until the client
hangs up, whichever comes first.
"""

from __future__ import annotations

import array
import base64
import contextlib
import hashlib
import json
import math
import re
import select
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

DIMENSIONS = 64


@dataclass(frozen=True)
class Answer:
    """Answer with this text, or with what a function makes of the request."""

    text: str | Callable[[dict[str, Any]], str] = "A scripted answer."


@dataclass(frozen=True)
class Stream:
    """Stream these pieces; after ``hold_after`` of them wait for ``release()``.

    ``then`` says how it ends: ``done`` properly, ``cut`` the connection in the middle of the
    chunked body, ``silent`` end the body without a finish reason. Usage is told at the end to who
    asks for it, unless it ``ignores_usage``.
    """

    pieces: Sequence[str] = ("A ", "scripted ", "answer.")
    hold_after: int | None = None
    then: str = "done"
    ignores_usage: bool = False


@dataclass(frozen=True)
class Half:
    """Answer with this text, and break off in the middle of the body."""

    text: str = "A scripted answer."


@dataclass(frozen=True)
class Hang:
    """Read the request and say nothing until released or left."""


@dataclass(frozen=True)
class Drip:
    """Send the headers and then one byte of the body at each ``release_one()``."""


@dataclass(frozen=True)
class Fail:
    """An error reply in OpenAI's shape."""

    status: int = 500
    code: str = "server_error"
    headers: dict[str, str] = field(default_factory=dict)


def RateLimited(retry_after: float | None = None) -> Fail:  # noqa: N802 - reads as a behaviour
    """429: too fast, try again."""
    headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
    return Fail(429, "rate_limit_exceeded", headers)


def OutOfQuota() -> Fail:  # noqa: N802
    """429: the account has no money left; trying again does not help."""
    return Fail(429, "insufficient_quota")


@dataclass(frozen=True)
class Garbage:
    """A 200 whose body is not what was asked for."""

    body: bytes = b"<html>not what you asked for</html>"
    content_type: str = "application/json"


@dataclass(frozen=True)
class HangUp:
    """Close the connection without a reply."""


Behaviour = Answer | Stream | Half | Hang | Drip | Fail | Garbage | HangUp


def embedding_of(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """A unit vector from the hashed words of a text: the same words, the same direction."""
    vector = [0.0] * dimensions
    for word in re.findall(r"\w+", text.casefold()) or [""]:
        digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
        vector[int.from_bytes(digest[:4], "big") % dimensions] += 1.0 if digest[4] & 1 else -1.0
    norm = math.sqrt(sum(value * value for value in vector))
    return [value / norm for value in vector] if norm else [1.0, *vector[1:]]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or every reply waits 40 ms for an acknowledgement
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Quiet: tests read ``ScriptedOpenAI.requests``."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        request = json.loads(body)
        endpoint = "embeddings" if self.path.endswith("/embeddings") else "chat"
        headers = {name.lower(): value for name, value in self.headers.items()}
        behaviour = self.server.script.next_for(endpoint, request, headers)
        try:
            self._perform(behaviour, endpoint, request)
        except (BrokenPipeError, ConnectionResetError):
            self.server.script.count_disconnect()
            self.close_connection = True

    def _perform(self, behaviour: Behaviour, endpoint: str, request: dict[str, Any]) -> None:
        match behaviour:
            case Fail(status, code, headers):
                error = {"message": f"scripted {code}", "type": code, "code": code, "param": None}
                self._reply(status, json.dumps({"error": error}).encode(), headers=headers)
            case Garbage(body, content_type):
                self._reply(200, body, content_type=content_type)
            case HangUp():
                self.close_connection = True
            case Hang():
                self._hold()
                self.close_connection = True
            case Drip():
                self._drip()
            case Stream():
                self._stream(behaviour, request)
            case Half(text):
                body = json.dumps(_completion(text, request)).encode()
                self._begin("application/json", len(body))
                self.wfile.write(body[: len(body) // 2])
                self.close_connection = True
            case Answer(text) if endpoint == "chat":
                said = text if isinstance(text, str) else text(request)
                if request.get("stream"):
                    self._stream(Stream(pieces=re.findall(r"\S+\s*", said)), request)
                else:
                    self._reply(200, json.dumps(_completion(said, request)).encode())
            case Answer():
                self._reply(
                    200, json.dumps(_embeddings(request, self.server.script.dimensions)).encode()
                )

    def _reply(
        self,
        status: int,
        body: bytes,
        *,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _begin(self, content_type: str, length: int) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(length))
        self.end_headers()

    def _stream(self, behaviour: Stream, request: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for number, piece in enumerate(behaviour.pieces):
            if number == behaviour.hold_after and not self._hold():
                raise BrokenPipeError
            self._event(_delta(request, {"content": piece}))
        if behaviour.hold_after == len(behaviour.pieces) and not self._hold():
            raise BrokenPipeError
        if behaviour.then == "cut":
            self.close_connection = True
            return
        if behaviour.then == "done":
            self._event(_delta(request, {}, finish="stop"))
            if (
                request.get("stream_options", {}).get("include_usage")
                and not behaviour.ignores_usage
            ):
                usage = _usage("".join(behaviour.pieces), request)
                self._event(_delta(request, {}) | {"choices": [], "usage": usage})
            self._chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, data: dict[str, Any]) -> None:
        self._chunk(b"data: " + json.dumps(data).encode() + b"\n\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _drip(self) -> None:
        self._begin("application/json", 100_000)
        while self._hold(step=True):
            self.wfile.write(b" ")
            self.wfile.flush()
        raise BrokenPipeError

    def _hold(self, *, step: bool = False) -> bool:
        """Wait for a release (True) or for the client to hang up (False)."""
        gate = self.server.script.gate(step=step)
        with gate:
            ready, _, _ = select.select([self.connection, gate.receiver], [], [])
            if gate.receiver in ready:
                return True
        with contextlib.suppress(OSError):
            if self.connection.recv(1, socket.MSG_PEEK):
                return True  # a pipelined request; not what our client does
        raise BrokenPipeError


class _Gate:
    """A socket pair that becomes readable when the test releases what is held."""

    def __init__(self) -> None:
        self.receiver, self._sender = socket.socketpair()

    def open(self) -> None:
        with contextlib.suppress(OSError):
            self._sender.send(b"x")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.receiver.close()
        self._sender.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    script: ScriptedOpenAI

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is what tests provoke; anything else is a bug in the script."""
        if isinstance(sys.exc_info()[1], ConnectionError):
            return
        super().handle_error(request, client_address)


class ScriptedOpenAI:
    """The server, its script and what it saw. ``base_url`` is what OPENAI_BASE_URL should be."""

    def __init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.script = self
        self.base_url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        self.requests: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.disconnects = 0
        self._scripts: dict[str, deque[Behaviour]] = {"chat": deque(), "embeddings": deque()}
        self._always: dict[str, Behaviour] = {"chat": Answer(), "embeddings": Answer()}
        self._gates: list[_Gate] = []
        self.dimensions = DIMENSIONS  # of vectors, where a request asks for none
        self._released = False
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()

    # -- the script ---------------------------------------------------------------------------

    def chat(self, *behaviours: Behaviour) -> None:
        """Queue behaviours for /chat/completions, one a call."""
        self._scripts["chat"].extend(behaviours)

    def embeddings(self, *behaviours: Behaviour) -> None:
        """Queue behaviours for /embeddings, one a call."""
        self._scripts["embeddings"].extend(behaviours)

    def always(self, *, chat: Behaviour | None = None, embeddings: Behaviour | None = None) -> None:
        """What an endpoint does once its queue is empty; it answers unless told otherwise."""
        self._always |= {"chat": chat} if chat else {}
        self._always |= {"embeddings": embeddings} if embeddings else {}

    def release(self) -> None:
        """Let everything that hangs go on, now and later."""
        with self._changed:
            self._released = True
            for gate in self._gates:
                gate.open()

    def release_one(self) -> None:
        """Let each held drip send one more byte."""
        with self._changed:
            gates, self._gates = self._gates, []
            for gate in gates:
                gate.open()

    # -- what it saw --------------------------------------------------------------------------

    def calls(self, endpoint: str | None = None) -> int:
        """Requests received, of one endpoint or of both."""
        with self._changed:
            return sum(endpoint in (None, name) for name, _, _ in self.requests)

    def wait_for_calls(self, number: int, timeout: float = 5.0) -> None:
        """Return once that many requests came in; fail the test after ``timeout`` seconds."""
        self._wait(lambda: len(self.requests) >= number, f"{number} calls", timeout)

    def wait_for_held(self, number: int = 1, timeout: float = 5.0) -> None:
        """Return once that many replies are being held back."""
        self._wait(lambda: len(self._gates) >= number, f"{number} held replies", timeout)

    def wait_for_disconnects(self, number: int = 1, timeout: float = 5.0) -> None:
        """Return once that many clients hung up in the middle of a reply."""
        self._wait(lambda: self.disconnects >= number, f"{number} disconnects", timeout)

    def _wait(self, condition: Callable[[], bool], what: str, timeout: float) -> None:
        with self._changed:
            if not self._changed.wait_for(condition, timeout):
                raise AssertionError(f"the scripted server did not see {what} in {timeout} s")

    # -- called by the handler ----------------------------------------------------------------

    def next_for(self, endpoint: str, body: dict[str, Any], headers: dict[str, str]) -> Behaviour:
        """Record a request and say what to do with it."""
        with self._changed:
            self.requests.append((endpoint, body, headers))
            self._changed.notify_all()
            queue = self._scripts[endpoint]
            return queue.popleft() if queue else self._always[endpoint]

    def count_disconnect(self) -> None:
        """The client hung up."""
        with self._changed:
            self.disconnects += 1
            self._changed.notify_all()

    def gate(self, *, step: bool) -> _Gate:
        """Something to wait at until the test releases it."""
        gate = _Gate()
        with self._changed:
            if self._released and not step:
                gate.open()
            self._gates.append(gate)
            self._changed.notify_all()
        return gate


def _delta(request: dict[str, Any], delta: dict[str, str], finish: str | None = None) -> Any:
    return {
        "id": "chatcmpl-scripted",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": request.get("model", ""),
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


def _completion(text: str, request: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": 0,
        "model": request["model"],
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": text},
            }
        ],
        "usage": _usage(text, request),
    }


def _usage(text: str, request: dict[str, Any]) -> dict[str, int]:
    """A word is a token."""
    prompt = sum(len(str(message["content"]).split()) for message in request["messages"])
    said = len(text.split())
    return {
        "prompt_tokens": prompt,
        "completion_tokens": said,
        "total_tokens": prompt + said,
    }


def _embeddings(request: dict[str, Any], dimensions: int) -> dict[str, Any]:
    texts = request["input"] if isinstance(request["input"], list) else [request["input"]]
    vectors = [embedding_of(text, request.get("dimensions") or dimensions) for text in texts]
    in_base64 = request.get("encoding_format") == "base64"
    return {
        "object": "list",
        "model": request["model"],
        "data": [
            {
                "object": "embedding",
                "index": index,
                "embedding": _packed(vector) if in_base64 else vector,
            }
            for index, vector in enumerate(vectors)
        ],
        "usage": {"prompt_tokens": len(texts), "total_tokens": len(texts)},
    }


def _packed(vector: list[float]) -> str:
    return base64.b64encode(array.array("f", vector).tobytes()).decode()
