"""What the service logs, as it would be printed."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from frontdesk.platform.logging import JsonFormatter

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def logged() -> Iterator[list[dict[str, Any]]]:
    """The lines that are logged within the block."""
    formatter = JsonFormatter("project", "toy")
    printed: list[dict[str, Any]] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            printed.append(json.loads(formatter.format(record)))

    handler, logger = Handler(), logging.getLogger("frontdesk")
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel("INFO")
    try:
        yield printed
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
