"""Who calls, and what the process gives them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from pydantic import SecretStr

from frontdesk.platform.context import (
    Access,
    Admin,
    Anonymous,
    Caller,
    Command,
    Context,
    Member,
    Platform,
    Role,
)
from frontdesk.platform.errors import NotConfigured, PermissionDenied
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.services import Services
from frontdesk.platform.settings import Settings, SettingsError
from tests.support.clock import ManualClock

MEMBER = Member(UUID(int=1), UUID(int=2), "hunter2")


def context(caller: Caller, settings: Settings | None = None) -> Context:
    clock = ManualClock()
    services = Services(settings or Settings(), clock=clock)
    return Context("r-1", "tests", caller, Deadline.after(10, clock), None, services)


def test_a_role_includes_the_ones_below_it() -> None:
    ladder = [Role.VISITOR, Role.VIEWER, Role.AGENT, Role.OWNER]

    for height, role in enumerate(ladder):
        assert [role.at_least(minimum) for minimum in ladder] == [
            height >= other for other in range(len(ladder))
        ]


def test_a_member_is_printed_without_the_token() -> None:
    assert "hunter2" not in repr(MEMBER)
    assert "hunter2" not in repr(context(MEMBER))


def test_a_member_reaches_the_database_with_their_own_token() -> None:
    assert context(MEMBER).database._token == "hunter2"


@pytest.mark.parametrize("caller", [Admin("alice"), Platform("push@project.example")])
def test_the_platform_reaches_the_database_only_where_the_service_key_is_mounted(
    caller: Caller,
) -> None:
    with pytest.raises(NotConfigured):
        _ = context(caller).database

    database = context(caller, Settings(supabase_service_key=SecretStr("service"))).database
    assert database._token == "service"


@pytest.mark.parametrize("attribute", ["database", "member", "cache_session"])
def test_nobody_reaches_nothing(attribute: str) -> None:
    with pytest.raises(PermissionDenied):
        getattr(context(Anonymous()), attribute)


def test_an_admin_is_no_member() -> None:
    with pytest.raises(PermissionDenied):
        _ = context(Admin("alice")).member


def test_one_request_has_one_cache_session() -> None:
    request = context(MEMBER)

    assert request.cache_session is request.cache_session
    assert context(MEMBER).cache_session is not request.cache_session


def test_a_cache_is_scoped_to_the_member() -> None:
    access = Access(
        role=Role.AGENT,
        visibility="own",
        tenant_slug="coral",
        currency="EUR",
        locale="en",
        time_zone="Europe/Athens",
    )

    scope = context(MEMBER).cache(access)._scope

    assert (scope.tenant_id, scope.user_id, scope.role) == (UUID(int=2), UUID(int=1), Role.AGENT)


def test_a_command_travels_as_json() -> None:
    command = Command("key", "f" * 64, "POST /v1/crm/clients", "r-1")

    assert command.as_json() == {
        "idempotency_key": "key",
        "fingerprint": "f" * 64,
        "route": "POST /v1/crm/clients",
        "request_id": "r-1",
    }


def test_each_service_is_built_once_however_many_ask_for_it() -> None:
    services = Services(Settings())
    together = threading.Barrier(8, timeout=20)

    def ask() -> object:
        together.wait()
        return services.database

    with ThreadPoolExecutor(8) as threads:
        built = {id(asked.result()) for asked in [threads.submit(ask) for _ in range(8)]}

    assert built == {id(services.database)}


def test_every_service_can_be_built_from_the_defaults() -> None:
    services = Services(Settings())

    for name in ("database", "cache", "storage", "llm", "events", "secrets", "cursors"):
        assert getattr(services, name) is getattr(services, name)
    services.close()


def test_a_process_with_wrong_settings_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "LOUD")

    with pytest.raises(SettingsError, match="LOG_LEVEL"):
        Services.from_environment()
