"""Fixtures that every kind of test may use: a clock, and the real local stack, once per session."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import hypothesis
import psycopg
import pytest

from frontdesk.local.paths import CACHE
from frontdesk.local.stack import Stack
from frontdesk.platform.services import Services
from frontdesk.platform.settings import load_settings
from tests.support.clock import ManualClock
from tests.support.dev import forget
from tests.support.tenants import TenantFactory

if TYPE_CHECKING:
    from collections.abc import Iterator

# The stack's children are started by exec at once; gRPC's care for forks would only warn about it,
# and reads this when it is first imported.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")

# How long an example takes says how busy the machine is; time is measured in soak and bench.
hypothesis.settings.register_profile("frontdesk", deadline=None)
hypothesis.settings.load_profile("frontdesk")

SDK_VARIABLES = ("STORAGE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST")
"""What Google's libraries read from the environment themselves."""


@pytest.fixture
def clock() -> ManualClock:
    """A clock that moves only when the test moves it."""
    return ManualClock()


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Every embedded part but the functions, migrated and empty at the start of the session."""
    data_dir = CACHE / "tests" / f"stack-{os.getpid()}"
    forget(data_dir)
    try:
        at_once = {"INDEX_QUIET_SECONDS": "0"}  # nobody else changes documents meanwhile
        with (
            Stack(data_dir, durable=False, settings=at_once) as stack,
            pytest.MonkeyPatch.context() as environment,
        ):
            for name in SDK_VARIABLES:
                environment.setenv(name, stack.environment[name])
            yield stack
    finally:
        forget(data_dir)


@pytest.fixture(scope="session")
def dsn(stack: Stack) -> str:
    """The superuser's connection string, to look behind the API."""
    return stack.postgres_dsn


@pytest.fixture
def sql(dsn: str) -> Iterator[psycopg.Connection]:
    """A superuser's connection in autocommit mode, to look behind the API."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def services(stack: Stack) -> Iterator[Services]:
    """The services of a process whose environment is the stack's."""
    services = Services(load_settings(stack.environment))
    yield services
    services.close()


@pytest.fixture(scope="session")
def make_tenant(stack: Stack) -> TenantFactory:
    """``make_tenant(slug=None)`` makes an active agency with an owner, an agent and a viewer."""
    return TenantFactory(stack)
