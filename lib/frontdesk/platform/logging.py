"""Structured logs: one JSON object a line on stdout, with the fields that Cloud Logging knows.

``log = get_logger(__name__)``, then ``log.info("A sentence", tenant_id=…, rows=12)``. What a
request is about is bound once, at the door, and accompanies every line of it::

    with bind(request_id=request_id, tenant_id=tenant_id, function="crm-search", trace=trace):
        ...

No secret, token, e-mail address or text of a person may get into a log. Three sieves see to it:
fields with a telling name are not printed; strings are searched for what looks like a token or an
address; a string over 200 characters is cut, since it is text and not a fact.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

if TYPE_CHECKING:
    from types import TracebackType

    from frontdesk.platform.settings import Settings

MAX_TEXT = 200
REDACTED = "[redacted]"

# A field whose name has one of these words is a secret, whatever else the name says.
_SECRET_WORDS = frozenset(
    {"apikey", "authorization", "bearer", "cookie", "credential", "credentials", "jwt", "password"}
    | {"passwd", "secret", "signature", "token"}
)
# A field with one of these names, alone or as the last words, is somebody's text or identity.
_PERSONAL = re.compile(
    r"(?:^|_)(?:address|answer|body|content|customer|email|full_name|client_name|ip|messages|phone"
    r"|prompt|query|question|quote|subject|text|title|traveller|user_name)$"
)
_PATTERNS = re.compile(
    r"""
      [\w.+%-]+@[\w-]+(?:\.[\w-]+)+                        # an e-mail address
    | \beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?               # a JSON web token
    | \b(?i:bearer|basic)\s+[\w.~+/=-]{8,}                # an Authorization header
    | \b(?:sk|sb_secret|ya29|AIza)[-_.]?[\w-]{16,}         # a provider's key
    | (?<=://)[^/\s:@]+:[^/\s@]+(?=@)                      # user:password in an address
    | (?i:(?<=[?&]key=)|(?<=[?&]sig=)|(?<=[?&]token=)|(?<=[?&]apikey=))[^&\s]+  # in a query string
    """,
    re.VERBOSE,
)
_NOISY = ("httpx", "httpx2", "httpcore", "httpcore2", "google", "urllib3", "openai", "werkzeug")

_bound: ContextVar[Mapping[str, Any]] = ContextVar("frontdesk_log_fields", default={})  # noqa: B039


class bind:  # noqa: N801 -- reads as the verb it is: ``with bind(...):``
    """Add fields to every line of this thread or task; leaving the block takes them off again."""

    def __init__(self, **fields: Any) -> None:
        self._token = _bound.set({**_bound.get(), **fields})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _bound.reset(self._token)


class Logger:
    """A standard logger that takes facts as keyword arguments."""

    __slots__ = ("_logger",)

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, message: str, /, **fields: Any) -> None:
        self._write(logging.DEBUG, message, fields)

    def info(self, message: str, /, **fields: Any) -> None:
        self._write(logging.INFO, message, fields)

    def warning(self, message: str, /, **fields: Any) -> None:
        self._write(logging.WARNING, message, fields)

    def error(self, message: str, /, **fields: Any) -> None:
        self._write(logging.ERROR, message, fields)

    def exception(self, message: str, /, **fields: Any) -> None:
        """An error with the stack of the exception being handled."""
        self._write(logging.ERROR, message, fields, exc_info=True)

    def _write(
        self, level: int, message: str, fields: dict[str, Any], *, exc_info: bool = False
    ) -> None:
        if self._logger.isEnabledFor(level):
            # "%s" keeps the sentence from being read as a format string.
            self._logger.log(level, "%s", message, extra={"fields": fields}, exc_info=exc_info)


def get_logger(name: str) -> Logger:
    """The logger of a module; pass ``__name__``."""
    return Logger(name)


def configure(settings: Settings) -> None:
    """Make this process log JSON lines to stdout at LOG_LEVEL; the last call counts."""
    handler = _StdoutHandler()
    handler.setFormatter(JsonFormatter(settings.gcp_project_id, settings.function_name))
    logging.basicConfig(handlers=[handler], level=settings.log_level, force=True)
    for name in _NOISY:
        # Their INFO lines print addresses with query strings, one for each request.
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.root.level))


class _StdoutHandler(logging.Handler):
    """Finds ``sys.stdout`` at each line, so that redirecting it works."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        except Exception:  # noqa: BLE001 -- a log line that can't be written must not end a request
            self.handleError(record)


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON.

    https://cloud.google.com/logging/docs/structured-logging names the special fields.
    """

    def __init__(self, project_id: str, function: str) -> None:
        super().__init__()
        self._project_id = project_id
        self._function = function

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "severity": record.levelname,
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "message": redact_text(record.getMessage()),
            "logger": record.name,
            "function": self._function,
        }
        fields = {**_bound.get(), **getattr(record, "fields", {})}
        if trace := fields.pop("trace", None):
            line["logging.googleapis.com/trace"] = f"projects/{self._project_id}/traces/{trace}"
        if span := fields.pop("span", None):
            line["logging.googleapis.com/spanId"] = str(span)
        for key, value in fields.items():
            line[key if key not in line or key == "function" else f"{key}_"] = redact(key, value)
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = _exception(record.exc_info[1])
            line["stack_trace"] = _stack(record.exc_info[1], record.exc_info[2])
        return json.dumps(line, ensure_ascii=False, separators=(",", ":"))


def redact(key: str, value: Any) -> Any:  # noqa: PLR0911 -- one return a type
    """What may be printed of a field, as JSON."""
    if is_sensitive(key) and value is not None:
        return REDACTED
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return redact_text(value)
        case UUID() | Decimal():
            return str(value)
        case datetime():
            return value.isoformat()
        case BaseException():
            return _exception(value)
        case Mapping():
            return {str(name): redact(str(name), item) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [redact(key, item) for item in value]
        case _:
            # Any other object could print anything of itself.
            return f"<{type(value).__name__}>"


def is_sensitive(key: str) -> bool:
    """Whether a field of this name is never printed."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[\s.-]+", "_", key).lower()
    return (
        not _SECRET_WORDS.isdisjoint(name.split("_"))
        or "api_key" in name
        or _PERSONAL.search(name) is not None
    )


def redact_text(text: str) -> str:
    """A string without what looks like a token or an e-mail address, cut to 200 characters."""
    clean = _PATTERNS.sub(REDACTED, text)
    return clean if len(clean) <= MAX_TEXT else clean[:MAX_TEXT] + "…"


def _exception(error: BaseException) -> str:
    """Its class and the redacted first line of what it says."""
    said = str(error).splitlines()
    return f"{type(error).__name__}: {redact_text(said[0])}" if said else type(error).__name__


def _stack(error: BaseException, trace: TracebackType | None) -> str:
    """The frames and causes; without the source lines and messages, which may quote a person."""
    chain: list[str] = []
    current: BaseException | None = error
    frames: TracebackType | None = trace
    while current is not None:
        chain.extend(
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(frames)
        )
        chain.append(_exception(current))
        chain.extend(redact_text(note) for note in getattr(current, "__notes__", ()))
        hidden = current.__suppress_context__
        current = current.__cause__ or (None if hidden else current.__context__)
        frames = current.__traceback__ if current is not None else None
    return "\n".join(chain)
