"""Identifiers: UUID version 7, made here and never by the database.

An id names a thing and is never a secret. It sorts by creation time, so that a primary key is
appended to the end of its index instead of being scattered over it.
"""

from __future__ import annotations

import secrets
import time
from typing import Protocol
from uuid import UUID

_NANOSECONDS_PER_MILLISECOND = 1_000_000
_VERSION = 0x7
_VARIANT = 0b10


class IdSource(Protocol):
    """Where new ids come from; tests hand in one that counts."""

    def new_id(self) -> UUID:
        """An id that was never given out before."""
        ...


class SystemIds:
    """UUIDv7 from the system's clock and its random source."""

    def new_id(self) -> UUID:
        return new_id()


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then 12 bits of the fraction
    of that millisecond (section 6.2, method 3, so ids of one process follow their order of
    creation to about 250 ns), then 62 random bits.
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), _NANOSECONDS_PER_MILLISECOND)
    fraction = (nanoseconds << 12) // _NANOSECONDS_PER_MILLISECOND
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= _VERSION << 76
    value |= fraction << 64
    value |= _VARIANT << 62
    value |= secrets.randbits(62)
    return UUID(int=value)
