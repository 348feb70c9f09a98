"""The stack's services, with a Pub/Sub that keeps what it gets and a storage of their own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from frontdesk.local.stack import Stack
from frontdesk.local.storage.server import StorageServer
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.context import Admin, Command, Context, Platform
from frontdesk.platform.events import Publisher
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.services import Services
from frontdesk.platform.settings import load_settings
from frontdesk.platform.storage import ObjectStore
from frontdesk.tenants.admin import create_tenant
from frontdesk.tenants.models import CreatedTenant, NewTenant
from tests.support.clock import ManualClock
from tests.support.ports import free_port
from tests.support.pubsub import FakePubSub


@pytest.fixture
def pubsub() -> FakePubSub:
    return FakePubSub()


@pytest.fixture
def pubsub_clock() -> ManualClock:
    """The publisher's time: waits between attempts take none, breakers reset when it advances."""
    return ManualClock()


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StorageServer]:
    buckets = ("frontdesk-documents", "frontdesk-indexes")
    server = StorageServer(tmp_path / "objects", port=free_port(), buckets=buckets)
    server.start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
    yield server
    server.close()


@pytest.fixture
def services(
    stack: Stack, pubsub: FakePubSub, pubsub_clock: ManualClock, storage: StorageServer
) -> Iterator[Services]:
    """Services as a function has them, one step from Pub/Sub."""
    settings = load_settings(stack.environment)
    services = Services(
        settings,
        events=Publisher(settings, clock=pubsub_clock, send=pubsub),
        storage=ObjectStore(settings),
    )
    yield services
    services.close()


ContextMaker = Callable[..., Context]


@pytest.fixture
def admin(services: Services) -> ContextMaker:
    """``admin(key=None, fingerprint=…)`` is the context of an admin's request."""

    def make(*, key: str | None = None, fingerprint: str = "f" * 64) -> Context:
        request_id = f"tests-{uuid.uuid4()}"
        return Context(
            request_id=request_id,
            function="tenants",
            caller=Admin("tests"),
            deadline=Deadline.after(20, SystemClock()),
            command=Command(key, fingerprint, "POST /v1/tenants", request_id),
            services=services,
        )

    return make


@pytest.fixture
def platform(services: Services) -> ContextMaker:
    """``platform()`` is the context of a push or of the scheduler's call."""

    def make(seconds: float = 60.0) -> Context:
        return Context(
            request_id=f"tests-{uuid.uuid4()}",
            function="provisioner",
            caller=Platform("push@agency.iam.gserviceaccount.com"),
            deadline=Deadline.after(seconds, SystemClock()),
            command=None,
            services=services,
        )

    return make


def new_tenant(**changes: Any) -> NewTenant:
    """A request that is right, for a slug that nobody has."""
    slug = f"agency-{uuid.uuid4().hex[:12]}"
    fields = {
        "slug": slug,
        "name": "An Agency",
        "plan": "pro",
        "currency": "CHF",
        "locale": "de-CH",
        "time_zone": "Europe/Zurich",
        "owner_email": f"owner@{slug}.example",
        "branding": {"primary_colour": "#0a5c8f"},
    }
    return NewTenant.model_validate(fields | changes)


@pytest.fixture
def created(admin: ContextMaker) -> CreatedTenant:
    """A tenant that was asked for and is not provisioned yet."""
    return create_tenant(admin(), new_tenant()).value
