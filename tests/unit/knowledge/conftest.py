"""What the tests of the indexer share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.knowledge.agency import Agency

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    """An agency without documents."""
    return Agency(tmp_path)
