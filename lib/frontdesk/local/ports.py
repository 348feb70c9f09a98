"""Free ports on the loopback address, the same ones again the next time where possible."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on that port of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    """Whether somebody accepts connections on that port of the loopback address."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0


class Ports:
    """The ports of one stack by part, remembered in a file.

    A second start keeps its addresses, so that tokens (their issuer is an address) and bookmarks
    from the first one still hold. A port that somebody else took meanwhile is replaced.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ports: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}

    def port(self, part: str) -> int:
        """The port of that part, free at the moment of the first call."""
        known = self._ports.get(part)
        if known is None or not is_free(known):
            self._ports[part] = self._unused()
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps(self._ports, indent=1))
        return self._ports[part]

    def remembered(self, part: str) -> int:
        """The port that the part had last, even when it is taken now: by that part, perhaps."""
        return self._ports.get(part) or self.port(part)

    def _unused(self) -> int:
        while True:
            with socket.socket() as probe:
                probe.bind((LOOPBACK, 0))
                port: int = probe.getsockname()[1]
            if port not in self._ports.values():
                return port
