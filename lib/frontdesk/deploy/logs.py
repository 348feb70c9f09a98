"""``frontdesk logs``: what the functions wrote, one readable line an entry."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from frontdesk.deploy.runner import Gcloud

SEVERITIES: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
SINCE: Final = re.compile(r"\d+[smhdw]")
"""How gcloud spells a length of time."""
PAUSE: Final = 5.0
"""Seconds between two questions while following."""
_LATE: Final = timedelta(seconds=30)
"""Entries arrive up to so much later than they say they were written."""
_NOT_FACTS: Final = {"function", "logger", "message", "severity", "stack_trace", "time"}


@dataclass(frozen=True, slots=True)
class Query:
    """Which entries are wanted.

    Attributes:
        functions: of these; at least one.
        since: no older than this, such as ``1h``.
        severity: at least this severe.
        request_id: of this request.
        tenant_id: of requests of this tenant.
        limit: the newest so many.

    Raises:
        ValueError: a length of time or a severity that there is not.
    """

    project: str
    functions: Sequence[str]
    since: str = "1h"
    severity: str | None = None
    request_id: str | None = None
    tenant_id: str | None = None
    limit: int = 200

    def __post_init__(self) -> None:
        """Check what is put into the filter as it is."""
        if not SINCE.fullmatch(self.since):
            raise ValueError(f"{self.since!r} is no length of time; one reads 30m, 2h or 7d.")
        if self.severity is not None and self.severity not in SEVERITIES:
            raise ValueError(f"{self.severity!r} is none of {', '.join(SEVERITIES)}.")
        if self.limit < 1:
            raise ValueError("The limit must be 1 or more.")

    @property
    def filter(self) -> str:
        """In the Logging query language; the functions' entries are those of their revisions."""
        services = " OR ".join(map(_quoted, self.functions))
        terms = ['resource.type="cloud_run_revision"', f"resource.labels.service_name=({services})"]
        if self.severity:
            terms.append(f"severity>={self.severity}")
        if self.request_id:
            terms.append(f"jsonPayload.request_id={_quoted(self.request_id)}")
        if self.tenant_id:
            terms.append(f"jsonPayload.tenant_id={_quoted(self.tenant_id)}")
        return " AND ".join(terms)

    def line(self, *, after: datetime | None = None) -> list[str]:
        """gcloud's arguments; ``after`` instead of ``since`` while following."""
        wanted = self.filter
        if after is not None:
            wanted += f' AND timestamp>="{after.isoformat()}"'
        return [
            *("logging", "read", wanted),
            f"--freshness={self.since}",
            f"--limit={self.limit}",
            "--order=desc",
            f"--project={self.project}",
        ]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def read(query: Query, gcloud: Gcloud) -> list[dict[str, Any]]:
    """The entries, the oldest first.

    Raises:
        GcloudFailed: they could not be read.
    """
    return list(reversed(gcloud.read(query.line())))


def follow(
    query: Query, gcloud: Gcloud, wait: Callable[[float], object]
) -> Iterator[dict[str, Any]]:
    """The entries, the oldest first, and then new ones as they arrive; never ends.

    Args:
        wait: lets so many seconds pass.

    Raises:
        GcloudFailed: they could not be read.
    """
    shown: dict[str, datetime] = {}
    newest: datetime | None = None
    while True:
        after = newest and newest - _LATE
        for entry in reversed(gcloud.read(query.line(after=after))):
            written = datetime.fromisoformat(entry["timestamp"])
            if entry["insertId"] not in shown:
                yield entry
            shown[entry["insertId"]] = written
            newest = max(newest or written, written)
        if newest is not None:
            shown = {key: at for key, at in shown.items() if at >= newest - 2 * _LATE}
        wait(PAUSE)


def as_line(entry: dict[str, Any]) -> str:
    """An entry for a person: time, severity, function, sentence, facts; a stack below it."""
    payload = entry.get("jsonPayload", {})
    labels = entry.get("resource", {}).get("labels", {})
    message, stack = payload.get("message"), payload.get("stack_trace")
    facts = {key: value for key, value in payload.items() if key not in _NOT_FACTS}
    if message is None:
        message = entry.get("textPayload", "").strip()
    if request := entry.get("httpRequest"):  # Cloud Run's own entry for a request
        message = message or f"{request.get('requestMethod')} {request.get('requestUrl')}"
        facts |= {"status": request.get("status"), "latency": request.get("latency")}
    words = [
        entry["timestamp"],
        f"{entry.get('severity', 'DEFAULT'):<7}",
        f"{labels.get('service_name', '?'):<12}",
        message,
        *(f"{key}={_fact(value)}" for key, value in facts.items() if value is not None),
    ]
    below = "".join(f"\n    {frame}" for frame in stack.splitlines()) if stack else ""
    return " ".join(filter(None, words)) + below


def _fact(value: Any) -> str:
    if isinstance(value, str) and value and " " not in value:
        return value
    return json.dumps(value, ensure_ascii=False)
