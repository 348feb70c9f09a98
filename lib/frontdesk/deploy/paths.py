"""Where things lie in the checkout that is delivered."""

from __future__ import annotations

from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[3]
MIGRATIONS: Final = REPOSITORY / "supabase" / "migrations"
