"""The embedded stack: every part that the cloud would bring, started, wired and ended together."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self

from frontdesk.local.identity import (
    OIDC_ISSUER,
    PUSH_AUDIENCE,
    PUSH_SERVICE_ACCOUNT,
    Identity,
)
from frontdesk.local.migrations import migrate
from frontdesk.local.node import install_packages
from frontdesk.local.paths import CACHE, MIGRATIONS
from frontdesk.local.ports import Ports
from frontdesk.local.postgres import API_LOGIN, MIGRATOR, Postgres
from frontdesk.local.process import Guard
from frontdesk.local.redis_server import Redis
from frontdesk.local.supabase_api import SupabaseApi

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from uuid import UUID

    from frontdesk.local.part import Part


class Stack:
    """A context manager around the parts; leave it and nothing is left running.

    Args:
        data_dir: everything the stack keeps; a second stack on it continues the first.
        cache: what may be built again, shared between stacks.
        report: called with one sentence for each step and for each part that is restarted.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        cache: Path = CACHE,
        report: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.identity = Identity.load(self.data_dir / "identity.json")
        self._report = report
        self._guard = Guard()
        ports = Ports(self.data_dir / "ports.json")
        packages = install_packages(cache)
        self.postgres = Postgres(
            self.data_dir, packages=packages, port=ports.port("postgres"), guard=self._guard
        )
        self.supabase_api = SupabaseApi(
            self.data_dir,
            packages=packages,
            port=ports.port("supabase-api"),
            database_url=self.postgres.dsn(API_LOGIN),
            identity=self.identity,
            guard=self._guard,
        )
        self.redis = Redis(self.data_dir, port=ports.port("redis"), guard=self._guard)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def _start(self) -> None:
        with _Background(self.redis.start):
            self.postgres.start()
            for migration in migrate(self.postgres.dsn(MIGRATOR), MIGRATIONS):
                self._report(f"migrated {migration.name}")
            self.supabase_api.start()

    def stop(self) -> None:
        """End every part, those that use others first. Idempotent."""
        for part in reversed(self.parts):
            part.stop()
        self._guard.close()

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts in the order in which they start."""
        return (self.redis, self.postgres, self.supabase_api)

    @property
    def postgres_dsn(self) -> str:
        """Connection string of the superuser, for checks that look behind the API."""
        return self.postgres.dsn()

    @property
    def environment(self) -> dict[str, str]:
        """What a function needs in its environment to run on this stack."""
        return {
            "ENVIRONMENT": "local",
            "GCP_PROJECT_ID": "frontdesk-local",
            "SUPABASE_URL": self.supabase_api.url,
            "SUPABASE_ANON_KEY": self.identity.anon_key,
            "SUPABASE_SERVICE_KEY": self.identity.service_key,
            "SUPABASE_JWT_SECRET": self.identity.jwt_secret,
            "SUPABASE_JWT_ISSUER": self.issuer,
            "ADMIN_API_TOKEN": self.identity.admin_token,
            "CURSOR_SECRET": self.identity.cursor_secret,
            "REDIS_URL": self.redis.url,
            "PUSH_AUDIENCE": PUSH_AUDIENCE,
            "PUSH_SERVICE_ACCOUNT": PUSH_SERVICE_ACCOUNT,
            "OIDC_ISSUER": OIDC_ISSUER,
            "INDEX_CACHE_DIR": str(self.data_dir / "index-cache"),
        }

    @property
    def issuer(self) -> str:
        """The ``iss`` of users' tokens."""
        return f"{self.supabase_api.url}/auth/v1"

    def mint_token(self, user_id: UUID | str, tenant_id: UUID | str | None, **claims: Any) -> str:
        """A user's access token for this stack; ``claims`` override, None removes one."""
        return self.identity.user_token(user_id, tenant_id, issuer=self.issuer, **claims)


class _Background:
    """Runs a function in a thread beside the block; the block's end waits and re-raises."""

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self._function()
        except BaseException as error:  # noqa: BLE001 -- handed to the waiting thread
            self._error = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._thread.join()
        if self._error is not None:
            raise self._error
