"""`frontdesk dev`, started as a person starts it."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

from frontdesk.local.devfile import DevFile, dev_file
from frontdesk.local.paths import REPOSITORY
from frontdesk.local.postgres import remove_data
from tests.support.waiting import eventually

FRONTDESK = Path(sys.executable).with_name("frontdesk")
READY = "Ctrl-C stops everything"


class Dev:
    """One run of `frontdesk dev`; its output is collected while it runs."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        self.data_dir = data_dir
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [FRONTDESK, "dev", "--data-dir", data_dir, *options],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # so that Ctrl-C on the tests is ours to pass on
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            self.lines.extend(line.rstrip("\n") for line in output)

    def says(self, text: str) -> bool:
        """Whether a line with that text came already."""
        return any(text in line for line in self.lines)

    def wait_for(self, text: str, seconds: float) -> None:
        """Wait for such a line; fails with all output when the process ends or time is up."""
        with contextlib.suppress(AssertionError):
            eventually(lambda: self.says(text) or self._process.poll() is not None, seconds=seconds)
        assert self.says(text), "\n".join(self.lines)

    def stop(self, number: int = signal.SIGINT, *, seconds: float = 60.0) -> int:
        """Send a signal and wait; the exit status."""
        self._process.send_signal(number)
        try:
            return self._process.wait(seconds)
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join()

    @property
    def description(self) -> DevFile:
        """What dev.json says."""
        return DevFile.read(dev_file(self.data_dir))


def forget(data_dir: Path) -> None:
    """Remove a data directory with all that was kept elsewhere for it."""
    remove_data(data_dir)
    shutil.rmtree(data_dir, ignore_errors=True)


def children_of(pid: int) -> dict[int, str]:
    """The command lines of a process's children by their ids."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == pid:
                words = (process / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(process.name)] = words.decode(errors="replace")
    return found


def exists(pid: int) -> bool:
    """Whether there is such a process."""
    return Path(f"/proc/{pid}").exists()
