"""The defect that a shared connection pool invites, for hammers to notice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
from postgrest import SyncPostgrestClient

from frontdesk.platform.database import SCHEMA, Database, Rpc
from frontdesk.platform.settings import Settings


class SharedHeaderDatabase(Database):
    """Broken on purpose: one PostgREST client for all, told by ``auth()`` who is calling."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        assert settings.supabase_anon_key is not None
        self._client = SyncPostgrestClient(
            f"{settings.supabase_url}/rest/v1",
            schema=SCHEMA,
            headers={"apikey": settings.supabase_anon_key.get_secret_value()},
            http_client=httpx.Client(timeout=20, trust_env=False),
            retry_enabled=False,
        )

    def send(
        self, rpc: Rpc, params: Mapping[str, Any], *, token: str, **_how: Any
    ) -> httpx.Response:
        # As the original did: authenticate once, then look up who it is, then ask.
        self._client.auth(token)
        self._client.rpc(Rpc.ACCESS, {}).execute()
        return self._client.rpc(rpc, dict(params)).request.send(httpx.Headers())

    def close(self) -> None:
        self._client.aclose()
        super().close()
