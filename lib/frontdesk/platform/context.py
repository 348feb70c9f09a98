"""What a handler knows about the request it serves: who calls, until when, with what services."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from frontdesk.platform.errors import InternalError, PermissionDenied

if TYPE_CHECKING:
    from frontdesk.platform.cache import CacheSession, ScopedCache
    from frontdesk.platform.database import CallerDatabase
    from frontdesk.platform.resilience import Deadline
    from frontdesk.platform.services import Services


class Role(StrEnum):
    """A member's role in a tenant, the most powerful first."""

    OWNER = "owner"
    AGENT = "agent"
    VIEWER = "viewer"
    VISITOR = "visitor"

    def at_least(self, minimum: Role) -> bool:
        """Whether this role may do what ``minimum`` may."""
        order = list(Role)
        return order.index(self) <= order.index(minimum)


class Access(BaseModel):
    """What SQL said about a member: it rides on every query's answer, and is cached with it.

    ``visibility`` tells whether the member sees all clients or only their own.
    """

    model_config = ConfigDict(frozen=True)

    role: Role
    visibility: Literal["all", "own"]
    tenant_slug: str
    currency: str
    locale: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Member:
    """A signed-in user within the tenant that their token names."""

    user_id: UUID
    tenant_id: UUID
    token: str

    def __repr__(self) -> str:
        """Without the token: a caller ends up in tracebacks."""
        return f"Member(user_id={self.user_id}, tenant_id={self.tenant_id})"


@dataclass(frozen=True, slots=True)
class Admin:
    """The holder of a named admin token."""

    name: str


@dataclass(frozen=True, slots=True)
class Platform:
    """Google calling on our own behalf: a Pub/Sub push or the scheduler, by its service account."""

    email: str


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody we know."""


Caller = Member | Admin | Platform | Anonymous


@dataclass(frozen=True, slots=True)
class Command:
    """What makes a change repeatable: the caller's key and a fingerprint of what was asked.

    Attributes:
        idempotency_key: the caller's, or None when none was sent.
        fingerprint: SHA-256 over method, route, path, query and body.
        route: the route's template, such as ``POST /v1/crm/clients``.
        request_id: of the request that carries the command.
        if_match: entity tags of the versions that the change may be based on; None for any.
    """

    idempotency_key: str | None
    fingerprint: str
    route: str
    request_id: str
    if_match: tuple[str, ...] | None = None

    def as_json(self) -> dict[str, object]:
        """The ``p_command`` of every command in SQL."""
        command: dict[str, object] = {
            "idempotency_key": self.idempotency_key,
            "fingerprint": self.fingerprint,
            "route": self.route,
            "request_id": self.request_id,
        }
        if self.if_match is not None:
            command["if_match"] = list(self.if_match)
        return command


@dataclass(frozen=True)
class Context:
    """One request. Handlers take it as their first parameter.

    Attributes:
        wants_events: whether the caller prefers events to JSON, on a route that has both.
    """

    request_id: str
    function: str
    caller: Caller
    deadline: Deadline
    command: Command | None
    services: Services
    wants_events: bool = False

    @property
    def member(self) -> Member:
        """The calling member.

        Raises:
            PermissionDenied: somebody else calls.
        """
        if not isinstance(self.caller, Member):
            raise PermissionDenied
        return self.caller

    @property
    def database(self) -> CallerDatabase:
        """The database as this caller: a member's own token, the service key for ourselves.

        Raises:
            PermissionDenied: nobody signed in.
            NotConfigured: this function has no service key.
        """
        match self.caller:
            case Member(token=token):
                return self.services.database.as_member(token)
            case Admin() | Platform():
                return self.services.database.as_service()
            case _:
                raise PermissionDenied

    @property
    def command_json(self) -> dict[str, object]:
        """The ``p_command`` of this request's change.

        Raises:
            InternalError: the route only reads; a bug.
        """
        if self.command is None:
            raise InternalError
        return self.command.as_json()

    @cached_property
    def cache_session(self) -> CacheSession:
        """The tenant's cache as this request sees it, from its first use on."""
        member = self.member
        return self.services.cache.session(member.tenant_id, self.deadline, user_id=member.user_id)

    def cache(self, access: Access) -> ScopedCache:
        """The cache as this member sees it; there is no other way to one."""
        from frontdesk.platform.cache import Scope

        member = self.member
        return self.cache_session.scoped(Scope.of(member.tenant_id, access, member.user_id))
