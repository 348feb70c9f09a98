"""A database behind a network that drops, refuses and delays: real sockets, the real client."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from enum import Enum, auto
from typing import Any

import pytest
from pydantic import SecretStr

from frontdesk.local.ports import LOOPBACK
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.database import CallerDatabase, Database, Rpc
from frontdesk.platform.database_errors import DatabaseUnavailable
from frontdesk.platform.errors import DeadlineExceeded
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.settings import Settings


class Manner(Enum):
    """What the server does with a request once it has read it."""

    ANSWER = auto()
    ANSWER_AND_DROP = auto()
    """Answers, keeps the connection open for the client's pool, then closes it while idle."""
    DROP = auto()
    """Closes without a word: the work may have been done."""
    HALF = auto()
    """Sends half of the answer and closes."""
    HANG = auto()


class DroppingServer(socketserver.ThreadingTCPServer):
    """An HTTP/1.1 server that behaves request by request as it is told."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, *manners: Manner) -> None:
        super().__init__((LOOPBACK, 0), _Connection)
        self.manners = list(manners)
        self.bodies: list[Any] = []
        self.idle_dropped = threading.Event()
        self.leave = threading.Event()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_address[1]}"

    def next(self, body: Any) -> Manner:
        with self.lock:
            self.bodies.append(body)
            return self.manners.pop(0) if self.manners else Manner.ANSWER


class _Connection(socketserver.StreamRequestHandler):
    server: DroppingServer

    def handle(self) -> None:
        while self.rfile.readline():
            length = 0
            while (line := self.rfile.readline().strip()) != b"":
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            manner = self.server.next(json.loads(self.rfile.read(length)))
            body = b'{"rows": []}'
            head = (
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            )
            match manner:
                case Manner.ANSWER | Manner.ANSWER_AND_DROP:
                    self.wfile.write(head % len(body) + body)
                case Manner.HALF:
                    self.wfile.write(head % len(body) + body[:5])
                case Manner.HANG:
                    self.server.leave.wait(20)
            if manner is not Manner.ANSWER:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.server.idle_dropped.set()
                return


@pytest.fixture
def server() -> Iterator[DroppingServer]:
    with DroppingServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.leave.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def caller(server: DroppingServer) -> Iterator[CallerDatabase]:
    settings = Settings(supabase_url=server.url, supabase_anon_key=SecretStr("anon"))
    database = Database(settings, jitter=lambda _wait: 0.0)
    yield database.as_member("token")
    database.close()


def read(caller: CallerDatabase, seconds: float = 10) -> Any:
    deadline = Deadline.after(seconds, SystemClock())
    return caller.call(Rpc.PIPELINE, {}, deadline=deadline, idempotent=True)


def write(caller: CallerDatabase, key: str | None) -> Any:
    deadline = Deadline.after(10, SystemClock())
    params = {"p_client": {}, "p_command": {"idempotency_key": key}}
    return caller.call(Rpc.CREATE_CLIENT, params, deadline=deadline, idempotent=False)


def test_an_idle_connection_that_was_dropped_costs_nothing(
    server: DroppingServer, caller: CallerDatabase
) -> None:
    server.manners = [Manner.ANSWER_AND_DROP]
    read(caller)
    assert server.idle_dropped.wait(20)

    assert read(caller) == {"rows": []}


def test_a_read_whose_connection_is_dropped_is_sent_once_more(
    server: DroppingServer, caller: CallerDatabase
) -> None:
    server.manners = [Manner.DROP]
    assert read(caller) == {"rows": []}
    assert len(server.bodies) == 2

    server.manners = [Manner.HALF]
    assert read(caller) == {"rows": []}

    server.manners = [Manner.DROP, Manner.DROP]
    with pytest.raises(DatabaseUnavailable):
        read(caller)


def test_a_command_whose_connection_is_dropped_is_sent_again_only_with_its_key(
    server: DroppingServer, caller: CallerDatabase
) -> None:
    server.manners = [Manner.DROP]
    with pytest.raises(DatabaseUnavailable):
        write(caller, None)
    assert len(server.bodies) == 1

    server.manners = [Manner.DROP]
    assert write(caller, "k-1") == {"rows": []}
    assert [body["p_command"]["idempotency_key"] for body in server.bodies[1:]] == ["k-1", "k-1"]


def test_a_database_that_hangs_is_given_up_at_the_deadline_and_not_asked_again(
    server: DroppingServer, caller: CallerDatabase
) -> None:
    server.manners = [Manner.HANG]

    with pytest.raises(DeadlineExceeded):
        read(caller, seconds=0.3)

    assert len(server.bodies) == 1


def test_a_database_that_refuses_connections_is_found_again_when_it_is_back() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
    settings = Settings(
        supabase_url=f"http://{LOOPBACK}:{port}", supabase_anon_key=SecretStr("anon")
    )
    database = Database(settings, jitter=lambda _wait: 0.0)
    with pytest.raises(DatabaseUnavailable):
        read(database.as_member("token"))

    class Server(DroppingServer):
        def server_bind(self) -> None:
            self.server_address = (LOOPBACK, port)
            super().server_bind()

    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        assert read(database.as_member("token")) == {"rows": []}
        server.shutdown()
        thread.join()
    database.close()
