"""Reads files that anybody may have made, in bounded time and memory, in a process of their own.

A file may be a bomb: a few kilobytes that unpack to gigabytes, a page that takes a parser hours, a
stream that crashes it. So no byte of it is parsed in the process that serves others. A fresh
interpreter (``bounded_worker``) gets the bytes on its standard input, answers in JSON, and has
limits of time, processor time, memory, open files and output; at its deadline it is killed with
everything it started. What goes wrong in it is a sentence for the person who uploaded the file.

::

    inspect_bounded(data, "guide.pdf", None, limits=UPLOAD, deadline=deadline)   title, language, …
    extract_bounded(data, "guide.pdf", None, limits=INDEXING, deadline=deadline) the whole text
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from frontdesk.knowledge import bounded_worker
from frontdesk.knowledge.extract import Block, BlockKind, DocumentUnreadable, Extracted, Section
from frontdesk.knowledge.sniff import Kind
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.errors import DeadlineExceeded, UnsupportedMediaType
from frontdesk.platform.logging import get_logger
from frontdesk.platform.resilience import Deadline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

log = get_logger(__name__)

_MIB = 1024 * 1024
AT_ONCE: Final = 2
"""Files that one process has read at the same time; others wait their turn. With UPLOAD's memory
they fit beside eight requests into the 2 GB of the knowledge function."""


@dataclass(frozen=True, slots=True)
class ExtractionLimits:
    """What reading one file may take.

    Attributes:
        seconds: from start to end; more than ``cpu_seconds``, since processors are shared.
        cpu_seconds: of processor time, which does not depend on what else runs.
        memory_bytes: of address space, the interpreter's own (about 40 MB) included.
        output_bytes: of the answer: the text of the longest document in UTF-8, with its frame.
        open_files: at the same time; the parsers need their modules' files and no other.
    """

    seconds: float
    cpu_seconds: int
    memory_bytes: int
    output_bytes: int = 64 * _MIB
    open_files: int = 32


UPLOAD: Final = ExtractionLimits(seconds=30.0, cpu_seconds=20, memory_bytes=512 * _MIB)
"""At the door, where somebody waits: half of the function's minute. A dense page of a PDF takes
about 17 ms, so a thousand of them fit."""
INDEXING: Final = ExtractionLimits(seconds=120.0, cpu_seconds=60, memory_bytes=1024 * _MIB)
"""In the indexer: more of everything, so that what the door let in is never refused there."""

TOO_SLOW: Final = "The file takes too long to read; split it or save it in a simpler form."
TOO_MUCH_MEMORY: Final = "The file needs too much memory to read; split it or remove its pictures."
TOO_MUCH_TEXT: Final = "The file holds more text than can be indexed; split it."
UNREADABLE: Final = "The file can't be read; it may be damaged. Save it anew, or as another format."


@dataclass(frozen=True, slots=True)
class Inspection:
    """What an upload has to know of a file.

    Attributes:
        kind: what its bytes are.
        title: its own, or made from its name.
        language: ISO 639-1 code of most of its text.
        characters: of text in it.
    """

    kind: Kind
    title: str
    language: str
    characters: int


class _TimeUp(Exception):
    """The child had not ended at its time limit."""


_slots = threading.BoundedSemaphore(AT_ONCE)


def inspect_bounded(
    data: bytes,
    filename: str,
    content_type: str | None = None,
    *,
    limits: ExtractionLimits = UPLOAD,
    deadline: Deadline,
) -> Inspection:
    """Read a whole file as ``extract_bounded`` does, and tell about it without its text.

    Raises:
        UnsupportedMediaType, DocumentUnreadable, DeadlineExceeded: as there.
    """
    reply = _run(data, filename, content_type, limits, deadline, whole=False)
    with _trusting_nothing():
        return Inspection(
            Kind(reply["kind"]),
            str(reply["title"]),
            str(reply["language"]),
            int(reply["characters"]),
        )


def extract_bounded(
    data: bytes,
    filename: str,
    content_type: str | None = None,
    *,
    limits: ExtractionLimits = INDEXING,
    deadline: Deadline,
) -> Extracted:
    """What ``extract`` makes of a file, made in a process of its own.

    Args:
        data: the whole file.
        filename: see ``extract``.
        content_type: see ``extract``.
        limits: what reading may take; its time is cut to the deadline.
        deadline: the request's.

    Raises:
        UnsupportedMediaType: the bytes are of no kind that we read.
        DocumentUnreadable: damaged, encrypted, without text, or beyond a limit.
        DeadlineExceeded: the request's own time was too short, so nothing is known of the file.
    """
    reply = _run(data, filename, content_type, limits, deadline, whole=True)
    with _trusting_nothing():
        sections = tuple(
            Section(
                tuple(str(heading) for heading in path),
                tuple(
                    Block(str(text), BlockKind.ROW if is_row else BlockKind.PROSE)
                    for text, is_row in blocks
                ),
            )
            for path, blocks in reply["sections"]
        )
        return Extracted(str(reply["title"]), str(reply["language"]), sections)


@contextmanager
def _trusting_nothing() -> Iterator[None]:
    """A child that a file took over can write what it likes: another shape is a damaged file."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        log.exception("The reader of a file answered nonsense.")
        raise DocumentUnreadable(UNREADABLE) from error


def _run(
    data: bytes,
    filename: str,
    content_type: str | None,
    limits: ExtractionLimits,
    deadline: Deadline,
    *,
    whole: bool,
) -> Mapping[str, Any]:
    """The child's answer about a document.

    Raises:
        UnsupportedMediaType, DocumentUnreadable, DeadlineExceeded: see ``extract_bounded``.
    """
    header = {
        "filename": filename,
        "content_type": content_type,
        "whole": whole,
        "limits": {name: value for name, value in asdict(limits).items() if name != "seconds"},
    }
    if not _slots.acquire(timeout=deadline.timeout(threading.TIMEOUT_MAX)):
        raise DeadlineExceeded("Other files are being read. Try again.")
    try:
        seconds = deadline.timeout(limits.seconds)
        with tempfile.TemporaryFile() as given:
            given.write(json.dumps(header).encode() + b"\n")
            given.write(data)
            given.seek(0)
            output, status = _child(given, seconds, limits.output_bytes)
    except _TimeUp:
        if seconds < limits.seconds:
            raise DeadlineExceeded from None  # it might have ended in its own time
        log.warning("A file took too long to read.", bytes=len(data))
        raise DocumentUnreadable(TOO_SLOW) from None
    finally:
        _slots.release()
    return _judged(output, status, len(data))


def _child(given: IO[bytes], seconds: float, output_bytes: int) -> tuple[bytes, int]:
    """What the child wrote, and how it ended: its exit status, or a signal's number below zero.

    Raises:
        _TimeUp: it had to be ended.
        DocumentUnreadable: it wrote too much.
    """
    ends = Deadline.after(seconds, SystemClock())  # of a real process: no other clock will do
    process = subprocess.Popen(  # noqa: S603 -- our own interpreter and our own module
        _command(),
        stdin=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        start_new_session=True,
    )
    assert process.stdout is not None  # noqa: S101 -- it is a pipe
    try:
        with process.stdout as pipe:
            return _collected(pipe, ends, output_bytes), process.wait(ends.remaining())
    except subprocess.TimeoutExpired:
        raise _TimeUp from None
    finally:
        if process.returncode is None:
            # Not reaped yet, so its number is still its group's.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _collected(pipe: IO[bytes], ends: Deadline, output_bytes: int) -> bytes:
    output = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if not selector.select(ends.remaining()) and ends.expired:
                raise _TimeUp
            piece = os.read(pipe.fileno(), _MIB)
            if not piece:
                return bytes(output)
            output += piece
            if len(output) > output_bytes:
                raise DocumentUnreadable(TOO_MUCH_TEXT)


def _command() -> list[str]:
    """A fresh interpreter that finds our modules and those that we installed, and nothing else.

    Its path is ours, whether the package is installed, linked or lies beside a function's main.py,
    so it looks for no site-packages of its own (-S: that saves a third of its start).
    """
    path = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 -- "" is the present folder
    start = (
        f"import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
        f"from {bounded_worker.__name__} import main; main()"
    )
    return [sys.executable, "-I", "-S", "-X", "utf8", "-c", start, json.dumps(path)]


def _environment() -> dict[str, str]:
    """What the dynamic linker may need to find Python itself; no secret is among it."""
    names = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {name: os.environ[name] for name in names if name in os.environ}


def _judged(output: bytes, status: int, size: int) -> Mapping[str, Any]:
    """The child's answer when it is about a document; everything else is raised."""
    if status == -signal.SIGXCPU:
        log.warning("A file took too much processor time to read.", bytes=size)
        raise DocumentUnreadable(TOO_SLOW)
    try:
        reply = json.loads(output)
    except ValueError:
        reply = None
    match reply:
        case {"refusal": "unsupported", "message": str(message)}:
            raise UnsupportedMediaType(message)
        case {"refusal": "unreadable", "message": str(message)}:
            raise DocumentUnreadable(message)
        case {"failure": "memory"}:
            log.warning("A file took too much memory to read.", bytes=size)
            raise DocumentUnreadable(TOO_MUCH_MEMORY)
        case {"failure": "bug", "error": str(error), "at": list(places)}:
            log.error("A reader failed on a file.", error=error, at=places, bytes=size)
            raise DocumentUnreadable(UNREADABLE)
        case dict():
            return reply
    log.error("The process that read a file broke down.", status=status, bytes=size)
    raise DocumentUnreadable(UNREADABLE)
