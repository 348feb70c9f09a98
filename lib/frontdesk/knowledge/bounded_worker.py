"""The process in which an uploaded file is read: `bounded` starts it, and ends it when it must.

It takes one file on its standard input, a line of JSON ahead of the bytes, and writes one JSON
object to its standard output. It lowers its own limits before it looks at the first byte of the
file, and has no environment, no network client and no credentials.

What it answers::

    {"kind", "title", "language", "characters", "sections"?}    the document
    {"refusal": "unreadable" | "unsupported", "message"}        a sentence for the person
    {"failure": "memory"}                                       it reached its memory limit
    {"failure": "bug", "error", "at": [...]}                    our reader failed: type and places,
                                                                never a message, which quotes text
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import TYPE_CHECKING, Any

from frontdesk.knowledge.extract import BlockKind, DocumentUnreadable, read_as
from frontdesk.knowledge.sniff import sniff
from frontdesk.platform.errors import UnsupportedMediaType

if TYPE_CHECKING:
    from frontdesk.knowledge.extract import Extracted
    from frontdesk.knowledge.sniff import Kind

# Made beforehand: when memory is gone there may be none left to make it.
_OUT_OF_MEMORY = b'{"failure": "memory"}'
_DEEPEST_TRACE = 12


def main() -> None:
    """Read one file and end the process."""
    header: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    _confine(header["limits"])
    try:
        reply = json.dumps(_read(header), ensure_ascii=False).encode("utf-8", "replace")
    except MemoryError:
        reply = _OUT_OF_MEMORY
    _write(reply)
    # Nothing is left to clean up, and what a parser left behind may take long to free.
    os._exit(0)


def _read(header: dict[str, Any]) -> dict[str, Any]:
    data = sys.stdin.buffer.read()
    try:
        kind = sniff(data, header["filename"], header["content_type"])
        document = read_as(kind, data, header["filename"])
        return _described(kind, document, whole=header["whole"])
    except DocumentUnreadable as refusal:
        return {"refusal": "unreadable", "message": refusal.message}
    except UnsupportedMediaType as refusal:
        return {"refusal": "unsupported", "message": refusal.message}
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 -- the parent logs it; this process has no log
        import traceback

        frames = traceback.extract_tb(error.__traceback__)[-_DEEPEST_TRACE:]
        return {
            "failure": "bug",
            "error": type(error).__name__,
            "at": [f"{os.path.basename(f.filename)}:{f.lineno} {f.name}" for f in frames],  # noqa: PTH119
        }


def _described(kind: Kind, document: Extracted, *, whole: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kind": kind,
        "title": document.title,
        "language": document.language,
        "characters": sum(len(b.text) for section in document.sections for b in section.blocks),
    }
    if whole:
        found["sections"] = [
            [section.path, [[b.text, b.kind is BlockKind.ROW] for b in section.blocks]]
            for section in document.sections
        ]
    return found


def _confine(limits: dict[str, int]) -> None:
    """Lower this process's own limits; none can be raised again."""
    _limit(resource.RLIMIT_CORE, 0)
    # The kernel's warning at the limit ends us; a process that ignored it would end a second later.
    _limit(resource.RLIMIT_CPU, limits["cpu_seconds"], limits["cpu_seconds"] + 1)
    _limit(resource.RLIMIT_NOFILE, limits["open_files"])
    _limit(resource.RLIMIT_FSIZE, limits["output_bytes"])
    # No process of this user may be added, so nothing can be started from here.
    _limit(resource.RLIMIT_NPROC, 0)
    if sys.platform != "darwin":  # refuses to limit an address space
        _limit(resource.RLIMIT_AS, limits["memory_bytes"])


def _limit(kind: int, soft: int, hard: int | None = None) -> None:
    highest = resource.getrlimit(kind)[1]
    hard = soft if hard is None else hard
    if highest != resource.RLIM_INFINITY:
        soft, hard = min(soft, highest), min(hard, highest)
    resource.setrlimit(kind, (soft, hard))


def _write(reply: bytes) -> None:
    # Straight to the descriptor, which closes only when the process ends: so the end of the output
    # is the end of the process.
    view = memoryview(reply)
    while view:
        view = view[os.write(1, view) :]
