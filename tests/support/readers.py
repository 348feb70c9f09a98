"""The processes in which uploaded files are read: which there are, and their peak memory."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path
from typing import Final, Self

_LOOK_AGAIN: Final = 0.01  # seconds; whoever fills hundreds of megabytes takes far longer
_HIGH_WATER: Final = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


def readers() -> list[int]:
    """The processes that this one has started to read files."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes()
        except OSError:  # it has just ended
            continue
        if parent == os.getpid() and b"bounded_worker" in command:
            found.append(int(folder.name))
    return found


class ReadersMemory:
    """Looks at readers while they work, from outside: what they say themselves proves nothing.

    The kernel's high-water mark of a process begins with its program, so what the process that
    started it has in memory does not count; and it forgets nothing between two looks.

    Attributes:
        peak_bytes: resident in one reader at most; 0 when none was seen.
    """

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.is_set():
            for reader in readers():
                self._follow(reader)
            self._over.wait(_LOOK_AGAIN)

    def _follow(self, reader: int) -> None:
        status = Path(f"/proc/{reader}/status")
        while not self._over.is_set():
            try:
                mark = _HIGH_WATER.search(status.read_text("ascii"))
            except OSError:
                return
            if mark is None:  # it has ended, and waits to be noticed
                return
            self.peak_bytes = max(self.peak_bytes, int(mark[1]) * 1024)
            self._over.wait(_LOOK_AGAIN)
