"""A real Redis of a test's own, which it may freeze and kill."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from frontdesk.local.ports import Ports
from frontdesk.local.process import Guard
from frontdesk.local.redis_server import Redis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def running_redis(folder: Path) -> Iterator[Redis]:
    """A Redis server for the length of the block."""
    guard = Guard()
    server = Redis(folder, port=Ports(folder / "ports.json").port("redis"), guard=guard)
    server.start()
    try:
        yield server
    finally:
        thaw(server)
        server.stop()
        guard.close()


@contextmanager
def frozen(server: Redis) -> Iterator[None]:
    """Redis hangs: it accepts connections and answers nothing, until the end of the block."""
    os.kill(_pid(server), signal.SIGSTOP)
    try:
        yield
    finally:
        thaw(server)


def thaw(server: Redis) -> None:
    """Let a frozen server go on; one that is gone stays gone."""
    if server.alive():
        os.kill(_pid(server), signal.SIGCONT)


def _pid(server: Redis) -> int:
    assert server.pid is not None
    return server.pid
