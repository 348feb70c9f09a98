"""What the tests of the embedded parts share."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from frontdesk.local.paths import CACHE
from tests.support.dev import forget

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def stack_folder() -> Iterator[Path]:
    """An empty data directory; pytest's own are closed to the user that Postgres runs as."""
    folder = CACHE / "tests" / f"own-{uuid.uuid4().hex[:8]}"
    yield folder
    forget(folder)
