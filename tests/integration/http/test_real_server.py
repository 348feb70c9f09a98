"""The door behind a real functions-framework process, spoken to in raw bytes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import door, tokens
from tests.support.ports import free_port

FOLDER = Path(__file__).parent / "toy_function"
REPOSITORY = Path(__file__).resolve().parents[3]
LIMIT = 4096


@dataclass(frozen=True)
class Answer:
    """What came back on a connection."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """functions-framework in a process of its own."""

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self._log = log
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(REPOSITORY),
            "SUPABASE_JWT_SECRET": tokens.SECRET,
            "SUPABASE_JWT_ISSUER": tokens.ISSUER,
            "MAX_BODY_BYTES": str(LIMIT),
            "RATE_LIMIT_PER_USER": "100000",
            "CORS_ORIGINS": door.ORIGIN,
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
        }
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    str(Path(sys.executable).parent / "functions-framework"),
                    "--target=toy",
                    f"--source={FOLDER / 'main.py'}",
                ],
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self) -> None:
        for _ in range(300):
            try:
                if self.send(b"GET /v1/health/toy HTTP/1.1\r\nHost: x\r\n\r\n").status == 200:
                    return
            except OSError:
                assert self._process.poll() is None, self.log()
            time.sleep(0.1)
        raise AssertionError(self.log())

    def send(self, *pieces: bytes) -> Answer:
        """Send bytes as they are, and read one reply."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            try:
                for piece in pieces:
                    connection.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the server has answered before it heard everything
            return self._read(connection, head_only=pieces[0].startswith(b"HEAD"))

    def _read(self, connection: socket.socket, *, head_only: bool) -> Answer:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                raise ConnectionResetError(data)
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        length = 0 if head_only else int(headers.get("content-length", "0"))
        while len(body) < length:
            body += connection.recv(65536)
        return Answer(int(status.split()[1]), headers, body)

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def stop(self) -> None:
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server") / "log")
    try:
        server.wait()
        yield server
    finally:
        server.stop()


def get(path: bytes, *headers: bytes) -> bytes:
    lines = [b"GET " + path + b" HTTP/1.1", b"Host: x", *headers, b"", b""]
    return b"\r\n".join(lines)


def post(body: bytes, *headers: bytes) -> bytes:
    lines = [b"POST /v1/toy/bookings HTTP/1.1", b"Host: x", b"Content-Type: application/json"]
    return b"\r\n".join([*lines, *headers, b"", b""]) + body


def refused(answer: Answer, status: int, code: str) -> None:
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json["error"]["code"] == code
    assert answer.json["request_id"] == answer.headers["x-request-id"]


def test_a_request_is_answered(server: Server) -> None:
    answer = server.send(get(b"/v1/toy/bookings?q=%C5%81", b"X-Request-Id: mine-1"))
    assert answer.status == 200
    assert answer.json["data"][0]["hotel"] == "Ł"
    assert answer.headers["x-request-id"] == "mine-1"


@pytest.mark.parametrize(
    "path",
    [b"/robots.txt", b"/favicon.ico", b"/", b"//v1/toy/bookings", b"/v1//toy", b"/v1/%0d%0aX:y"],
)
def test_what_the_framework_would_answer_itself_has_our_shape(server: Server, path: bytes) -> None:
    refused(server.send(get(path)), 404, "not_found")


@pytest.mark.parametrize("path", [b"/v1/toy/%ff", b"/v1/toy/%00", b"/v1/toy/%ed%a0%80"])
def test_a_path_that_cannot_be_read_is_refused(server: Server, path: bytes) -> None:
    refused(server.send(get(path)), 400, "invalid_request")


@pytest.mark.parametrize("query", [b"q=%ff", b"q=%zz", b"q=%00", b"x=1"])
def test_a_query_that_cannot_be_read_is_refused(server: Server, query: bytes) -> None:
    refused(server.send(get(b"/v1/toy/bookings?" + query)), 400, "invalid_request")


@pytest.mark.parametrize("method", [b"TRACE", b"CONNECT", b"PROPFIND", b"BREW"])
def test_an_unknown_method_is_refused(server: Server, method: bytes) -> None:
    answer = server.send(method + b" /v1/toy/bookings HTTP/1.1\r\nHost: x\r\n\r\n")
    if answer.headers["content-type"] == "application/json":
        refused(answer, 405, "method_not_allowed")
    else:  # gunicorn itself does not speak it
        assert answer.status in {400, 501}


def test_head_sends_no_body(server: Server) -> None:
    answer = server.send(b"HEAD /v1/toy/bookings HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.status == 200
    assert answer.body == b""


def test_a_header_cannot_be_smuggled_in_by_a_request_id(server: Server) -> None:
    answer = server.send(get(b"/v1/toy/bookings", b"X-Request-Id: a\tSet-Cookie: b=1"))
    assert answer.status == 200
    assert "set-cookie" not in answer.headers
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-request-id"])


def test_a_chunked_body_is_read(server: Server) -> None:
    chunks = b'7\r\n{"hotel\r\n5\r\n":"K"\r\n1\r\n}\r\n0\r\n\r\n'
    answer = server.send(post(b"", b"Transfer-Encoding: chunked"), chunks)
    assert answer.status == 201, answer


def test_a_chunked_body_over_the_limit_is_refused(server: Server) -> None:
    chunk = b"1000\r\n" + b"x" * 0x1000 + b"\r\n"
    answer = server.send(post(b"", b"Transfer-Encoding: chunked"), *[chunk] * 40, b"0\r\n\r\n")
    refused(answer, 413, "payload_too_large")


def test_a_body_over_the_limit_is_refused(server: Server) -> None:
    body = b"x" * 300_000
    answer = server.send(post(body, b"Content-Length: 300000"))
    refused(answer, 413, "payload_too_large")


def test_the_connection_goes_on_after_a_refusal(server: Server) -> None:
    body = b'{"hotel": 1}'
    wrong = post(body, b"Content-Length: %d" % len(body))
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        for _ in range(3):
            connection.sendall(wrong)
            refused(server._read(connection, head_only=False), 400, "invalid_request")


def test_a_caller_who_hangs_up_within_the_body_harms_nobody(server: Server) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            connection.sendall(post(b'{"hot', b"Content-Length: 1000"))
    assert server.send(get(b"/v1/toy/bookings")).status == 200


def test_huge_and_many_headers_do_not_reach_us(server: Server) -> None:
    huge = server.send(get(b"/v1/toy/bookings", b"X-Huge: " + b"x" * 100_000))
    assert huge.status in {400, 431}
    many = server.send(get(b"/v1/toy/bookings", *[b"X-%d: y" % n for n in range(1000)]))
    assert many.status in {400, 431}
    assert server.send(get(b"/v1/toy/bookings")).status == 200


def test_two_lengths_are_refused(server: Server) -> None:
    both = post(b"0\r\n\r\n", b"Content-Length: 5", b"Transfer-Encoding: chunked")
    assert server.send(both).status == 400


def test_two_authorization_headers_are_no_token(server: Server) -> None:
    token = tokens.sign({}).encode()
    twice = [b"Authorization: Bearer " + token] * 2
    refused(server.send(get(b"/v1/toy/mine", *twice)), 401, "unauthenticated")


def test_a_stream_is_sent_in_chunks(server: Server) -> None:
    answer = server.send(get(b"/v1/toy/stream"))
    assert answer.status == 200
    assert answer.headers["transfer-encoding"] == "chunked"


def test_a_broken_stream_is_cut_off_without_an_end_and_without_a_trace(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(get(b"/v1/toy/stream?q=break"))
        data = b""
        while piece := connection.recv(65536):
            data += piece
    assert b"one " in data
    assert not data.endswith(b"0\r\n\r\n")
    assert "Traceback" not in server.log()


def test_a_bug_is_a_clean_500(server: Server) -> None:
    answer = server.send(get(b"/v1/toy/fail?q=bug"))
    refused(answer, 500, "internal_error")
    assert b"hunter2" not in answer.body


def test_every_line_of_the_log_is_json(server: Server) -> None:
    server.send(get(b"/v1/toy/bookings", b"Authorization: Bearer canary-7f3a"))
    ours = [line for line in server.log().splitlines() if line.startswith("{")]
    assert ours
    assert all(json.loads(line)["severity"] for line in ours)
    assert "canary-7f3a" not in server.log()


def test_a_process_with_wrong_settings_does_not_start(tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).parent / "functions-framework"),
        "--target=toy",
        f"--source={FOLDER / 'main.py'}",
    ]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(REPOSITORY),
        "PORT": str(free_port()),
        "HOST": "127.0.0.1",
        "LOG_LEVEL": "LOUD",
        "MAX_BODY_BYTES": "many",
    }
    ended = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert ended.returncode != 0
    output = (ended.stdout + ended.stderr).decode()
    assert "LOG_LEVEL" in output
    assert "MAX_BODY_BYTES" in output
