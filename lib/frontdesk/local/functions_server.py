"""The gateway as a part of the stack: one gunicorn process with every function in it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

import httpx

from frontdesk.local.part import ServerProcess
from frontdesk.local.paths import REPOSITORY
from frontdesk.local.ports import LOOPBACK
from frontdesk.local.process import Child

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from frontdesk.local.process import Guard

_START_SECONDS: Final = 60.0
_GATEWAY_HEADER: Final = "X-Gateway-Pid"  # not imported: the gateway's module is heavy
_PASSED_ON: Final = (
    "CORS_ORIGINS",
    "EMBEDDER",
    "HTTPS_PROXY",
    "LANG",
    "NO_PROXY",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_CHAT_MODEL",
    "OPENAI_EMBEDDING_MODEL",
    "PATH",
    "RATE_LIMIT_PER_TENANT",
    "RATE_LIMIT_PER_USER",
    "SSL_CERT_FILE",
    "TMPDIR",
)
"""What the functions get from the shell that started the stack; nothing else leaks in."""


class FunctionsServer(ServerProcess):
    """Every function on one port.

    Args:
        folder: the stack's data directory.
        port: to listen on, loopback only.
        environment: what the functions need to find the other parts.
        guard: ends the server should we die.
    """

    name = "functions"

    def __init__(
        self, folder: Path, *, port: int, environment: Mapping[str, str], guard: Guard
    ) -> None:
        super().__init__(guard)
        self._log = folder / "logs" / "functions.log"
        self._port = port
        self._environment = environment
        self.url = f"http://{LOOPBACK}:{port}"

    def start(self) -> None:
        """Load every function and serve.

        Raises:
            StartFailed: with the end of the log.
        """
        passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self._child = Child(
            "The functions' gateway",
            [sys.executable, "-m", "frontdesk.local.gateway", str(self._port)],
            log=self._log,
            env=passed_on | {"PYTHONUNBUFFERED": "1"} | dict(self._environment),
            cwd=REPOSITORY,
            guard=self._guard,
        )
        self._child.wait_until_ready(self._answers, seconds=_START_SECONDS)

    def _answers(self) -> bool:
        try:
            # No function serves "/": the gateway itself answers, once all of them are loaded.
            reply = httpx.get(f"{self.url}/", timeout=5)
        except httpx.HTTPError:
            return False
        return bool(reply.headers.get(_GATEWAY_HEADER) == str(self.pid))
