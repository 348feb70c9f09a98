"""The embedded stack: every part that the cloud would bring, started, wired and ended together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final, Self

from frontdesk.deploy.migrations import migrate
from frontdesk.local.functions_server import FunctionsServer
from frontdesk.local.identity import (
    OIDC_ISSUER,
    PUSH_AUDIENCE,
    PUSH_SERVICE_ACCOUNT,
    Identity,
)
from frontdesk.local.keys_server import KeysServer
from frontdesk.local.node import install_packages, packages_folder
from frontdesk.local.paths import CACHE, MIGRATIONS, REPOSITORY
from frontdesk.local.ports import Ports
from frontdesk.local.postgres import API_LOGIN, MIGRATOR, Postgres
from frontdesk.local.process import Guard
from frontdesk.local.pubsub import PubSubServer, Subscription
from frontdesk.local.redis_server import Redis
from frontdesk.local.scheduler import Job, Scheduler
from frontdesk.local.storage import StorageServer
from frontdesk.local.supabase_api import SupabaseApi
from frontdesk.local.supervisor import Supervisor
from frontdesk.platform.manifest import all_manifests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from uuid import UUID

    from frontdesk.local.part import Part
    from frontdesk.platform.manifest import Manifest

PROJECT: Final = "frontdesk-local"
DOCUMENTS_BUCKET: Final = "frontdesk-documents"
INDEXES_BUCKET: Final = "frontdesk-indexes"
OPERATIONS_TOPIC: Final = "tenant-operations"
KNOWLEDGE_TOPIC: Final = "knowledge"


class Stack:
    """A context manager around the parts; leave it and nothing is left running.

    Without ``serve_functions`` the functions' gateway and the scheduler stay off: tests that call
    the code directly need neither, and pushes find nobody.

    Args:
        data_dir: everything the stack keeps; a second stack on it continues the first.
        cache: what may be built again, shared between stacks.
        serve_functions: start the gateway and the scheduler with the rest.
        port: the gateway's; None for a free one.
        settings: more environment for the functions, ``{"LOG_LEVEL": "DEBUG"}`` for example.
        durable: the data survives a power failure; tests need not, and run faster.
        report: called with one sentence for each step and for each part that is restarted.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        cache: Path = CACHE,
        serve_functions: bool = False,
        port: int | None = None,
        settings: dict[str, str] | None = None,
        durable: bool = True,
        report: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.identity = Identity.load(self.data_dir / "identity.json")
        self._report = report
        self._settings = settings or {}
        self._serve_functions = serve_functions
        self._guard = Guard()
        ports = Ports(self.data_dir / "ports.json")
        if not packages_folder(cache).exists():
            report("installing Postgres and the Supabase API (once)")
        packages = install_packages(cache)
        manifests = all_manifests(REPOSITORY)

        self.redis = Redis(self.data_dir, port=ports.port("redis"), guard=self._guard)
        self.postgres = Postgres(
            self.data_dir,
            packages=packages,
            port=ports.port("postgres"),
            guard=self._guard,
            durable=durable,
        )
        self.supabase_api = SupabaseApi(
            self.data_dir,
            packages=packages,
            port=ports.port("supabase-api"),
            database_url=self.postgres.dsn(API_LOGIN),
            identity=self.identity,
            guard=self._guard,
        )
        self.keys = KeysServer(self.identity, port=ports.port("keys"))
        self.storage = StorageServer(
            self.data_dir / "storage",
            port=ports.port("storage"),
            buckets=(DOCUMENTS_BUCKET, INDEXES_BUCKET),
        )
        gateway_port = port or ports.port("functions")
        self.pubsub = PubSubServer(
            self.data_dir,
            port=ports.port("pubsub"),
            identity=self.identity,
            topics=_topics(manifests),
            subscriptions=_subscriptions(manifests, gateway_port) if serve_functions else (),
        )
        self.functions = FunctionsServer(
            self.data_dir, port=gateway_port, environment=self.environment, guard=self._guard
        )
        self.scheduler = Scheduler(_jobs(manifests, self.functions.url), self.identity)
        self.supervisor = Supervisor(self.parts, report)

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
        # What takes long goes side by side: Postgres and then the API over it, the functions,
        # the imports of Pub/Sub. Pushes and scheduled calls begin when all can answer them.
        aside = [self.redis.start, self.keys.start, self.storage.start, self.pubsub.prepare]
        if self._serve_functions:
            aside.append(self.functions.start)
        with ThreadPoolExecutor() as pool:
            waiting = [pool.submit(start) for start in aside]
            self._report("starting Postgres")
            self.postgres.start()
            self._migrate()
            self._report("starting the Supabase API, Redis, storage and the functions")
            self.supabase_api.start()
            for started in waiting:
                started.result()
        self._report("starting Pub/Sub and the scheduler")
        self.pubsub.start()
        if self._serve_functions:
            self.scheduler.start()
        self.supervisor.start()

    def _migrate(self) -> None:
        applied = migrate(self.postgres.dsn(MIGRATOR), MIGRATIONS)
        if applied:
            self._report(f"applied {len(applied)} migrations, to {applied[-1].path.stem}")

    def stop(self) -> None:
        """End every part, those that use others first. Idempotent."""
        self.supervisor.stop()
        for part in reversed(self.parts):
            part.stop()
        self.storage.close()
        self._guard.close()

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts in the order in which they start."""
        always = (
            self.redis,
            self.postgres,
            self.supabase_api,
            self.keys,
            self.storage,
            self.pubsub,
        )
        return (*always, self.functions, self.scheduler) if self._serve_functions else always

    def down(self, part: Part) -> AbstractContextManager[None]:
        """``with stack.down(stack.redis):`` kills a part and keeps it down for the block."""
        return self.supervisor.down(part)

    @property
    def base_url(self) -> str:
        """Where the functions are served."""
        return self.functions.url

    @property
    def postgres_dsn(self) -> str:
        """Connection string of the superuser, for checks that look behind the API."""
        return self.postgres.dsn()

    @property
    def issuer(self) -> str:
        """The ``iss`` of users' tokens."""
        return f"{self.supabase_api.url}/auth/v1"

    @property
    def environment(self) -> dict[str, str]:
        """What a function needs in its environment to run on this stack."""
        return {
            "ENVIRONMENT": "local",
            "GCP_PROJECT_ID": PROJECT,
            "SUPABASE_URL": self.supabase_api.url,
            "SUPABASE_ANON_KEY": self.identity.anon_key,
            "SUPABASE_SERVICE_KEY": self.identity.service_key,
            "SUPABASE_JWT_SECRET": self.identity.jwt_secret,
            "SUPABASE_JWT_ISSUER": self.issuer,
            "ADMIN_API_TOKEN": self.identity.admin_token,
            "CURSOR_SECRET": self.identity.cursor_secret,
            "REDIS_URL": self.redis.url,
            "DOCUMENTS_BUCKET_NAME": DOCUMENTS_BUCKET,
            "FAISS_BUCKET_NAME": INDEXES_BUCKET,
            "TENANT_OPERATIONS_TOPIC": OPERATIONS_TOPIC,
            "KNOWLEDGE_TOPIC": KNOWLEDGE_TOPIC,
            "STORAGE_EMULATOR_HOST": self.storage.url,
            "PUBSUB_EMULATOR_HOST": self.pubsub.host,
            "PUSH_AUDIENCE": PUSH_AUDIENCE,
            "PUSH_SERVICE_ACCOUNT": PUSH_SERVICE_ACCOUNT,
            "OIDC_JWKS_URL": self.keys.jwks_url,
            "OIDC_ISSUER": OIDC_ISSUER,
            "INDEX_CACHE_DIR": str(self.data_dir / "index-cache"),
        } | self._settings

    def mint_token(self, user_id: UUID | str, tenant_id: UUID | str | None, **claims: Any) -> str:
        """A user's access token for this stack; ``claims`` override, None removes one."""
        return self.identity.user_token(user_id, tenant_id, issuer=self.issuer, **claims)


def _topic(name: str) -> str:
    return f"projects/{PROJECT}/topics/{name}"


def _subscription(name: str) -> str:
    return f"projects/{PROJECT}/subscriptions/{name}"


def _pushed(manifests: Sequence[Manifest]) -> Iterator[tuple[Manifest, Any]]:
    return ((manifest, manifest.pubsub) for manifest in manifests if manifest.pubsub)


def _topics(manifests: Sequence[Manifest]) -> list[str]:
    dead_letters = [f"{manifest.name}-dead-letter" for manifest, _ in _pushed(manifests)]
    return [_topic(name) for name in (OPERATIONS_TOPIC, KNOWLEDGE_TOPIC, *dead_letters)]


def _subscriptions(manifests: Sequence[Manifest], port: int) -> list[Subscription]:
    """For each function that is pushed to: its subscription, and one that keeps its dead letters.

    Pauses between deliveries are a laptop's: production starts at ten seconds.
    """
    found: list[Subscription] = []
    for manifest, trigger in _pushed(manifests):
        dead_letters = _topic(f"{manifest.name}-dead-letter")
        found += [
            Subscription(
                _subscription(manifest.name),
                _topic(trigger.topic),
                ack_deadline=trigger.ack_deadline,
                push_endpoint=f"http://127.0.0.1:{port}{trigger.path}",
                push_audience=PUSH_AUDIENCE,
                push_account=PUSH_SERVICE_ACCOUNT,
                dead_letter_topic=dead_letters,
                max_attempts=trigger.max_delivery_attempts,
                min_backoff=0.5,
                max_backoff=10.0,
            ),
            Subscription(_subscription(f"{manifest.name}-dead-letter"), dead_letters),
        ]
    return found


def _jobs(manifests: Sequence[Manifest], base_url: str) -> list[Job]:
    return [
        Job(manifest.name, manifest.schedule.cron, f"{base_url}{manifest.schedule.path}")
        for manifest in manifests
        if manifest.schedule
    ]
