"""Where things lie in a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[3]
"""The checkout that this package runs from; ``frontdesk dev`` needs its functions and demo."""

CACHE: Final = REPOSITORY / ".local"
"""What may be built again: installed Node packages, the embedder's model, data directories."""

MIGRATIONS: Final = REPOSITORY / "supabase" / "migrations"
FUNCTIONS: Final = REPOSITORY / "functions"
DEMO: Final = REPOSITORY / "demo"
