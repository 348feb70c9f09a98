"""Entries of the answer cache: whose they are, what they are called, how they are written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from frontdesk.platform.context import Access, Role
from frontdesk.platform.logging import get_logger

if TYPE_CHECKING:
    from uuid import UUID

log = get_logger(__name__)

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose answers these are. ``user_id`` is set exactly when the member sees only their own."""

    tenant_id: UUID
    role: Role
    visibility: Literal["all", "own"]
    user_id: UUID | None = None

    def __post_init__(self) -> None:
        if (self.visibility == "own") != (self.user_id is not None):
            raise ValueError("a scope names the user exactly when visibility is own")

    @classmethod
    def of(cls, tenant_id: UUID, access: Access, user_id: UUID) -> Scope:
        """The scope of a member."""
        own = user_id if access.visibility == "own" else None
        return cls(tenant_id, access.role, access.visibility, own)


@dataclass(frozen=True, slots=True)
class Versions:
    """What a tenant's entries are stored under at one moment."""

    data: str
    access: str


class Keys:
    """Names entries. A name is a hash over everything that the entry depends on.

    Args:
        revision: of the code; two revisions may write the same answer differently.
    """

    def __init__(self, revision: str) -> None:
        self._code = f"{FORMAT}/{revision}"

    def answer(self, scope: Scope, versions: Versions, name: str, params: Mapping[str, Any]) -> str:
        """The key of an answer."""
        return self._digest(
            "answer",
            str(scope.tenant_id),
            versions.data,
            versions.access,
            scope.role,
            scope.visibility,
            str(scope.user_id or ""),
            name,
            json.dumps(params, sort_keys=True, separators=(",", ":"), default=str),
        )

    def access(self, tenant_id: UUID, user_id: UUID) -> str:
        """The key of what is known about a member; the entry itself names its epoch."""
        return self._digest("access", str(tenant_id), str(user_id))

    def _digest(self, *parts: str) -> str:
        digest = hashlib.sha256()
        for part in (self._code, *parts):
            data = part.encode()
            digest.update(
                len(data).to_bytes(4) + data
            )  # so that no two lists of parts run together
        return "fd:" + digest.hexdigest()


def version_key(tenant_id: UUID, kind: Literal["data", "access"]) -> str:
    """Where a tenant's version is kept."""
    return f"fd:{kind}:{tenant_id}"


class _Missing:
    """The type of ``MISSING``: None is a value that may be cached."""


MISSING = _Missing()


_DECIMAL = "\u0000decimal"


def dumps(value: Any) -> bytes:
    """JSON in which a Decimal survives: a hit returns exactly what a miss returned."""

    def tag(item: object) -> Any:
        if isinstance(item, Decimal):
            return {_DECIMAL: str(item)}
        raise TypeError(f"{type(item).__name__} is no JSON value and cannot be cached")

    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=tag).encode()


def loads(data: bytes) -> Any:
    hook = _untag if b"\\u0000decimal" in data else None
    try:
        return json.loads(data, object_hook=hook)
    except ValueError:
        log.warning("A cache entry could not be read; it counts as missing")
        return MISSING


def _untag(item: dict[str, Any]) -> Any:
    return Decimal(item[_DECIMAL]) if _DECIMAL in item else item
