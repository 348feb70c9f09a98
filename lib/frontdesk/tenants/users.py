"""Users: who may sign in. Only the provisioner changes them.

A user is an account of Supabase Auth, one per e-mail address, and may be a member of several
tenants; what they may do where is the tenants' members table, not this.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx

from frontdesk.platform.clock import Clock
from frontdesk.platform.errors import NotConfigured, Unprocessable, UpstreamUnavailable
from frontdesk.platform.resilience import Deadline, Policy, Verdict
from frontdesk.platform.secrets import Secrets
from frontdesk.platform.services import Services
from frontdesk.platform.settings import Settings

if TYPE_CHECKING:
    from supabase_auth import SyncGoTrueAdminAPI, User

T = TypeVar("T")

CONNECT_TIMEOUT = 2.0
PAGE_SIZE = 200
_TAKEN = frozenset({"email_exists", "user_already_exists"})
_LOCAL_USERS = uuid5(NAMESPACE_URL, "https://frontdesk.example/local-users")
_TOO_MANY_REQUESTS, _SERVER_ERROR = 429, 500


class DirectoryUnavailable(UpstreamUnavailable):
    """The directory of users does not answer."""


class UserRefused(Unprocessable):
    """The directory does not accept this user, now or later."""


class UserDirectory(Protocol):
    """Where users live."""

    def ensure_user(self, email: str, *, deadline: Deadline) -> UUID:
        """The id of the user with that address, made when there is none.

        Raises:
            DirectoryUnavailable: try again.
            UserRefused: don't.
        """
        ...

    def delete_user(self, user_id: UUID, *, deadline: Deadline) -> None:
        """Remove a user; one that does not exist is removed already.

        Raises:
            DirectoryUnavailable: try again.
        """
        ...


def user_directory(services: Services) -> UserDirectory:
    """Supabase Auth; on a laptop, whose embedded Supabase cannot administer users, a rule."""
    if services.settings.is_local:
        return LocalUsers()
    return SupabaseUsers(services.settings, secrets=services.secrets, clock=services.clock)


def local_user_id(email: str) -> UUID:
    """On a laptop a user's id follows from the address, so nothing has to remember it."""
    return uuid5(_LOCAL_USERS, email.strip().lower())


class LocalUsers:
    """The laptop's users: everybody exists already."""

    def ensure_user(self, email: str, *, deadline: Deadline) -> UUID:  # noqa: ARG002
        return local_user_id(email)

    def delete_user(self, user_id: UUID, *, deadline: Deadline) -> None:  # noqa: ARG002
        return None


class SupabaseUsers:
    """Supabase Auth's administration, with the service key.

    An owner is created with a confirmed address and without a password: they sign in by a link to
    that address, which is what proves that it is theirs.

    Args:
        transport: the way to the network; tests hand in their own.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        secrets: Secrets,
        clock: Clock,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self._transport = transport
        self._policy = Policy(
            "auth",
            attempts=3,
            base_wait=0.2,
            max_wait=2.0,
            attempt_timeout=10.0,
            classify=auth_verdict,
            clock=clock,
        )

    def ensure_user(self, email: str, *, deadline: Deadline) -> UUID:
        """See ``UserDirectory``. A create whose reply was lost is found again by its address."""
        from supabase_auth.errors import AuthApiError

        def create(admin: SyncGoTrueAdminAPI) -> UUID:
            made = admin.create_user({"email": email, "email_confirm": True})
            return UUID(made.user.id)

        try:
            return self._ask(create, deadline)
        except UserRefused as refused:
            cause = refused.__cause__
            if not isinstance(cause, AuthApiError) or cause.code not in _TAKEN:
                raise
        return self._find(email, deadline)

    def delete_user(self, user_id: UUID, *, deadline: Deadline) -> None:
        """See ``UserDirectory``."""
        with suppress(UserRefused):
            self._ask(lambda admin: admin.delete_user(str(user_id)), deadline)

    def _find(self, email: str, deadline: Deadline) -> UUID:
        """The user with an address; Auth lists users and cannot be asked for one by address."""
        page = 1
        while True:
            users = self._ask(partial(_list_users, page=page), deadline)
            for user in users:
                if (user.email or "").lower() == email.lower():
                    return UUID(user.id)
            if len(users) < PAGE_SIZE:
                # Taken a moment ago and not listed: somebody deleted it in between.
                raise DirectoryUnavailable
            page += 1

    def _ask(self, question: Callable[[SyncGoTrueAdminAPI], T], deadline: Deadline) -> T:
        def attempt(timeout: float) -> T:
            with self._admin(timeout) as admin:
                return question(admin)

        with _our_errors():
            return self._policy.run(attempt, deadline)

    @contextmanager
    def _admin(self, timeout: float) -> Generator[SyncGoTrueAdminAPI]:
        """Supabase's client for one request, with that request's time-out. Importing it takes
        0.7 s, and users change rarely.
        """
        key = self._settings.supabase_service_key
        if key is None:
            raise NotConfigured("SUPABASE_SERVICE_KEY is not set.")
        from supabase import ClientOptions, create_client

        with httpx.Client(
            timeout=httpx.Timeout(timeout, connect=min(CONNECT_TIMEOUT, timeout)),
            transport=self._transport,
        ) as http:
            options = ClientOptions(
                auto_refresh_token=False, persist_session=False, httpx_client=http
            )
            client = create_client(
                self._settings.supabase_url, self._secrets.resolve(key), options=options
            )
            yield client.auth.admin


def _list_users(admin: SyncGoTrueAdminAPI, page: int) -> list[User]:
    return admin.list_users(page=page, per_page=PAGE_SIZE)


def auth_verdict(error: BaseException) -> Verdict:
    """Time-outs, connections, 429 and 5xx may differ next time; every other reply is final."""
    from supabase_auth.errors import AuthApiError, AuthRetryableError, AuthUnknownError

    match error:
        case AuthRetryableError() | AuthUnknownError() | httpx.TransportError():
            return Verdict(retry=True, breaker_failure=True)
        case AuthApiError(status=status):
            passing = status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR
            return Verdict(retry=passing, breaker_failure=passing)
        case _:
            return Verdict(retry=False, breaker_failure=False)


@contextmanager
def _our_errors() -> Generator[None]:
    from supabase_auth.errors import AuthError

    try:
        yield
    except (AuthError, httpx.TransportError) as error:
        if auth_verdict(error).retry:
            raise DirectoryUnavailable from error
        raise UserRefused("The directory of users refuses this account.") from error
