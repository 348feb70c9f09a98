"""The directory of users: Supabase Auth through its own client, and the laptop's rule."""

from __future__ import annotations

import json
from collections.abc import Callable
from uuid import UUID, uuid5

import httpx
import pytest
from pydantic import SecretStr

from frontdesk.platform.errors import NotConfigured
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.secrets import Secrets
from frontdesk.platform.services import Services
from frontdesk.platform.settings import Settings
from frontdesk.tenants.users import (
    DirectoryUnavailable,
    LocalUsers,
    SupabaseUsers,
    UserRefused,
    local_user_id,
    user_directory,
)
from tests.support.clock import ManualClock

KEY = "service-key"
NAMES = UUID("0197aaaa-0000-7000-8000-000000000001")


class FakeAuth:
    """The administration API of Supabase Auth: users by address, one each."""

    def __init__(self) -> None:
        self.users: dict[str, UUID] = {}
        self.requests: list[httpx.Request] = []
        self.trouble: list[Callable[[httpx.Request], httpx.Response]] = []
        self.loses_replies = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        assert request.headers["authorization"] == f"Bearer {KEY}"
        if self.trouble:
            return self.trouble.pop(0)(request)
        response = self._answer(request)
        if self.loses_replies:
            self.loses_replies = False
            raise httpx.ReadTimeout("the reply was lost", request=request)
        return response

    def _answer(self, request: httpx.Request) -> httpx.Response:
        match request.method:
            case "POST":
                return self._create(json.loads(request.content)["email"])
            case "GET":
                page, size = (int(request.url.params[name]) for name in ("page", "per_page"))
                emails = sorted(self.users)[(page - 1) * size : page * size]
                return httpx.Response(200, json={"users": [self._user(e) for e in emails]})
            case _:
                user_id = UUID(request.url.path.rpartition("/")[2])
                emails = [email for email, known in self.users.items() if known == user_id]
                if not emails:
                    return failure(404, "user_not_found")(request)
                del self.users[emails[0]]
                return httpx.Response(200, json={})

    def _create(self, email: str) -> httpx.Response:
        if email in self.users:
            return failure(422, "email_exists")(None)
        self.users[email] = uuid5(NAMES, email)
        return httpx.Response(200, json=self._user(email))

    def _user(self, email: str) -> dict[str, object]:
        return {
            "id": str(self.users[email]),
            "aud": "authenticated",
            "email": email,
            "app_metadata": {},
            "user_metadata": {},
            "created_at": "2026-11-23T12:00:00Z",
        }


def failure(status: int, code: str = "x") -> Callable[[object], httpx.Response]:
    body = {"code": code, "message": "scripted"}
    headers = {"x-supabase-api-version": "2024-01-01"}
    return lambda _request: httpx.Response(status, json=body, headers=headers)


def refused_connection(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


@pytest.fixture
def auth() -> FakeAuth:
    return FakeAuth()


@pytest.fixture
def users(auth: FakeAuth, clock: ManualClock) -> SupabaseUsers:
    settings = Settings(
        supabase_url="https://agency.supabase.co", supabase_service_key=SecretStr(KEY)
    )
    return SupabaseUsers(
        settings,
        secrets=Secrets(clock=clock),
        clock=clock,
        transport=httpx.MockTransport(auth),
    )


@pytest.fixture
def deadline(clock: ManualClock) -> Deadline:
    return Deadline.after(20, clock)


def test_a_new_user_is_made_with_a_confirmed_address_and_no_password(
    users: SupabaseUsers, auth: FakeAuth, deadline: Deadline
) -> None:
    user_id = users.ensure_user("owner@coral.example", deadline=deadline)

    assert auth.users == {"owner@coral.example": user_id}
    [request] = auth.requests
    assert request.url.path == "/auth/v1/admin/users"
    assert json.loads(request.content) == {"email": "owner@coral.example", "email_confirm": True}


def test_asking_twice_makes_one_user(
    users: SupabaseUsers, auth: FakeAuth, deadline: Deadline
) -> None:
    first = users.ensure_user("owner@coral.example", deadline=deadline)

    assert users.ensure_user("owner@coral.example", deadline=deadline) == first
    assert len(auth.users) == 1


def test_a_known_user_is_found_among_hundreds(
    users: SupabaseUsers, auth: FakeAuth, deadline: Deadline
) -> None:
    for number in range(450):
        auth._create(f"user{number:03}@coral.example")

    user_id = users.ensure_user("user420@coral.example", deadline=deadline)

    assert user_id == auth.users["user420@coral.example"]


def test_a_create_whose_reply_was_lost_is_found_again(
    users: SupabaseUsers, auth: FakeAuth, deadline: Deadline
) -> None:
    auth.loses_replies = True

    user_id = users.ensure_user("owner@coral.example", deadline=deadline)

    assert auth.users == {"owner@coral.example": user_id}


@pytest.mark.parametrize(
    "trouble",
    [failure(429), failure(500), failure(503), refused_connection],
    ids=["429", "500", "503", "refused"],
)
def test_a_passing_trouble_is_tried_again(
    users: SupabaseUsers,
    auth: FakeAuth,
    deadline: Deadline,
    trouble: Callable[[httpx.Request], httpx.Response],
) -> None:
    auth.trouble = [trouble]

    users.ensure_user("owner@coral.example", deadline=deadline)

    assert len(auth.requests) == 2


def test_an_outage_is_no_refusal(users: SupabaseUsers, auth: FakeAuth, deadline: Deadline) -> None:
    auth.trouble = [failure(503)] * 3

    with pytest.raises(DirectoryUnavailable):
        users.ensure_user("owner@coral.example", deadline=deadline)
    assert len(auth.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 422])
def test_a_refusal_is_final(
    users: SupabaseUsers, auth: FakeAuth, deadline: Deadline, status: int
) -> None:
    auth.trouble = [failure(status)]

    with pytest.raises(UserRefused):
        users.ensure_user("owner@coral.example", deadline=deadline)
    assert len(auth.requests) == 1


def test_deleting_twice_is_deleting_once(
    users: SupabaseUsers, auth: FakeAuth, deadline: Deadline
) -> None:
    user_id = users.ensure_user("owner@coral.example", deadline=deadline)

    users.delete_user(user_id, deadline=deadline)
    users.delete_user(user_id, deadline=deadline)

    assert auth.users == {}


def test_without_the_service_key_nobody_can_be_made(clock: ManualClock, deadline: Deadline) -> None:
    users = SupabaseUsers(Settings(), secrets=Secrets(clock=clock), clock=clock)

    with pytest.raises(NotConfigured):
        users.ensure_user("owner@coral.example", deadline=deadline)


def test_on_a_laptop_a_users_id_follows_from_the_address(deadline: Deadline) -> None:
    users = user_directory(Services(Settings(environment="local")))

    assert isinstance(users, LocalUsers)
    first = users.ensure_user("owner@coral.example", deadline=deadline)
    assert first == local_user_id(" Owner@Coral.example")
    assert first != users.ensure_user("owner@alpine.example", deadline=deadline)


def test_nowhere_else_does_it(clock: ManualClock) -> None:
    for environment in ("staging", "production"):
        settings = Settings.model_validate({"environment": environment})
        assert isinstance(user_directory(Services(settings, clock=clock)), SupabaseUsers)
