"""How long a handler may take: what Cloud Run allows the function, less what a reply needs."""

from __future__ import annotations

import os
import re
from pathlib import Path

from frontdesk.platform.manifest import MANIFEST_NAME

VARIABLE = "FRONTDESK_FUNCTION_TIMEOUT"
"""Seconds; overrides the manifest's time-out."""
DEFAULT = 60.0
"""Seconds of a function without a manifest: a test's."""
_MARGIN = 1.0


def seconds_for_handlers(folder: Path | None) -> float:
    """Seconds from a request's arrival until its handler must have ended.

    Args:
        folder: where the function's manifest may be.

    Raises:
        ValueError: the variable holds no number.
    """
    allowed = _allowed(folder)
    return allowed - min(_MARGIN, allowed / 10)


def _allowed(folder: Path | None) -> float:
    if VARIABLE in os.environ:
        return float(os.environ[VARIABLE])
    return float(manifest_number(folder, "timeout_seconds") or DEFAULT)


def manifest_number(folder: Path | None, field: str) -> int | None:
    """A number among the resources of the manifest in that folder; None when it is not there."""
    manifest = folder / MANIFEST_NAME if folder is not None else None
    if manifest is None or not manifest.exists():
        return None
    # One number of one line: importing PyYAML for it would be a twentieth of a cold start. A test
    # holds this against the manifest as it is really read.
    line = re.compile(rf"^[^#\n]*\b{field}:\s*(\d+)", re.MULTILINE)
    found = line.search(manifest.read_text(encoding="utf-8"))
    return int(found.group(1)) if found else None
