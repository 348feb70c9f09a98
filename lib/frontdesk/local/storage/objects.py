"""What is stored: objects, their preconditions, and how both can be refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class BucketMissing(Exception):
    """There is no bucket of that name."""


class ObjectMissing(Exception):
    """There is no live object of that name (or not of the wanted generation)."""


class ConditionFailed(Exception):
    """A precondition does not hold; ``unchanged`` when it was a "not match" one."""

    def __init__(self, *, unchanged: bool) -> None:
        super().__init__()
        self.unchanged = unchanged


@dataclass(frozen=True)
class Conditions:
    """The preconditions of one request; None means none was given.

    ``generation_match=0`` means "only if there is no such object".
    """

    generation_match: int | None = None
    generation_not_match: int | None = None
    metageneration_match: int | None = None
    metageneration_not_match: int | None = None

    def check(self, stored: StoredObject | None) -> None:
        """Raise ConditionFailed unless all hold for what is stored now."""
        generation = stored.generation if stored else 0
        metageneration = stored.metageneration if stored else 0
        for wanted, present in (
            (self.generation_match, generation),
            (self.metageneration_match, metageneration),
        ):
            if wanted is not None and wanted != present:
                raise ConditionFailed(unchanged=False)
        for unwanted, present in (
            (self.generation_not_match, generation),
            (self.metageneration_not_match, metageneration),
        ):
            if unwanted is not None and unwanted == present:
                raise ConditionFailed(unchanged=True)


@dataclass(frozen=True)
class StoredObject:
    """One live object; ``attributes`` are the JSON fields that a writer may set."""

    bucket: str
    name: str
    generation: int
    metageneration: int
    size: int
    md5: str
    crc32c: str
    created: float
    updated: float
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Upload:
    """A finished upload on its way in: a file, its base64 digests, and its attributes."""

    file: Path
    size: int
    md5: str
    crc32c: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """Part of a listing, in the order of names."""

    objects: list[StoredObject]
    prefixes: list[str]
    next_start: str | None
    """The name that the next page starts after."""


def merge_patch(old: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7396: nested objects merge, null removes."""
    merged = dict(old)
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            present = merged.get(key)
            merged[key] = merge_patch(present if isinstance(present, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def iso_time(seconds: float) -> str:
    """Unix seconds as the API writes times."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
