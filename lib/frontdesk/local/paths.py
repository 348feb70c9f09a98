"""Where things lie in a checkout."""

from __future__ import annotations

from typing import Final

from frontdesk.deploy.paths import MIGRATIONS, REPOSITORY

__all__ = ["CACHE", "DEMO", "FUNCTIONS", "MIGRATIONS", "REPOSITORY"]

CACHE: Final = REPOSITORY / ".local"
"""What may be built again: installed Node packages, the embedder's model, data directories."""

FUNCTIONS: Final = REPOSITORY / "functions"
DEMO: Final = REPOSITORY / "demo"
