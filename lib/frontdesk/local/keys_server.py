"""Serves the public key of the tokens that stand for Google's, where Google would serve its own."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from frontdesk.local.http_server import Handler, ThreadServer

if TYPE_CHECKING:
    from frontdesk.local.identity import Identity

_PATH: Final = "/oauth2/v3/certs"


class KeysServer(ThreadServer):
    """A JSON Web Key Set at ``jwks_url``."""

    def __init__(self, identity: Identity, *, port: int) -> None:
        super().__init__("keys", port, functools.partial(_KeysHandler, identity.jwks().encode()))
        self.jwks_url = f"{self.url}{_PATH}"


class _KeysHandler(Handler):
    def __init__(self, document: bytes, *args: Any) -> None:
        self._document = document
        super().__init__(*args)

    def do_GET(self) -> None:  # noqa: N802 -- the base class's name
        found = self.path == _PATH
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self._document) if found else 0))
        self.end_headers()
        if found:
            self.wfile.write(self._document)
