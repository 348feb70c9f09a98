"""One page of a list, as every list endpoint returns it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list and how to get the next ones.

    Attributes:
        items: at most ``page_size`` of them, in the order that was asked for.
        page_size: the size that was asked for, not the number of items on this page.
        next_cursor: what to send as ``cursor`` for the next page; None on the last one.
        total: how many items there are on all pages, when the caller asked to have them counted.
    """

    items: Sequence[T]
    page_size: int
    next_cursor: str | None = None
    total: int | None = None

    @property
    def has_more(self) -> bool:
        """Whether another page follows."""
        return self.next_cursor is not None
