"""The Supabase API over the embedded Postgres: one Node process, schema ``api`` alone exposed."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from frontdesk.local.node import find_node
from frontdesk.local.part import ServerProcess
from frontdesk.local.ports import LOOPBACK
from frontdesk.local.process import Child

if TYPE_CHECKING:
    from frontdesk.local.identity import Identity
    from frontdesk.local.process import Guard

_SOURCES: Final = Path(__file__).with_name("supabase")
_SCRIPTS: Final = ("server.mjs", "auth-admin.mjs")
_START_SECONDS: Final = 30.0
STATEMENT_TIMEOUT_MS: Final = 8000


class SupabaseApi(ServerProcess):
    """PostgREST and GoTrue for the stack. Start it after the migrations: it caches the schema.

    Args:
        folder: the stack's data directory.
        packages: where the Node packages are installed.
        port: to listen on, loopback only.
        database_url: as the role that may only become one of the three API roles.
        identity: the keys it accepts.
        guard: ends the server should we die.
    """

    name = "supabase-api"

    def __init__(
        self,
        folder: Path,
        *,
        packages: Path,
        port: int,
        database_url: str,
        identity: Identity,
        guard: Guard,
    ) -> None:
        super().__init__(guard)
        self._log = folder / "logs" / "supabase-api.log"
        self._packages = packages
        self._port = port
        self._database_url = database_url
        self._identity = identity
        self.url = f"http://{LOOPBACK}:{port}"

    def start(self) -> None:
        """Start the server and wait until it has read the schema.

        Raises:
            StartFailed: with the end of the log.
        """
        node = find_node()
        scripts = self._place_scripts()
        self._child = Child(
            "Supabase API",
            [str(node.executable), str(scripts / "server.mjs")],
            log=self._log,
            env={
                "PATH": str(node.executable.parent),
                "API_PORT": str(self._port),
                "DATABASE_URL": self._database_url,
                "PUBLISHABLE_KEY": self._identity.anon_key,
                "SECRET_KEY": self._identity.service_key,
                "JWT_SECRET": self._identity.jwt_secret,
                "STATEMENT_TIMEOUT_MS": str(STATEMENT_TIMEOUT_MS),
                "LITE_TELEMETRY": "0",
                "DO_NOT_TRACK": "1",
            },
            cwd=self._packages,
            guard=self._guard,
        )
        self._child.wait_until_ready(self._ready, seconds=_START_SECONDS)

    def _place_scripts(self) -> Path:
        """Our scripts, beside the packages: Node looks for imports next to the importing file."""
        content = b"".join((_SOURCES / name).read_bytes() for name in _SCRIPTS)
        folder = self._packages / f"frontdesk-{sha256(content).hexdigest()[:12]}"
        folder.mkdir(exist_ok=True)
        for name in _SCRIPTS:
            if not (folder / name).exists():
                partial = folder / f"{name}.{self._port}"
                shutil.copy(_SOURCES / name, partial)
                partial.rename(folder / name)
        return folder

    def _ready(self) -> bool:
        try:
            # An unknown function is refused from the schema cache: it has been read by then.
            reply = httpx.post(
                f"{self.url}/rest/v1/rpc/is_the_schema_read",
                headers={"apikey": self._identity.anon_key},
                json={},
                timeout=5,
            )
        except httpx.HTTPError:
            return False
        return reply.status_code == httpx.codes.NOT_FOUND
