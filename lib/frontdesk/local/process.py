"""Child processes that never outlive the process that started them."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_POLL_SECONDS: Final = 0.02


class StartFailed(RuntimeError):
    """A part of the local stack did not become ready; the message ends with its last log lines."""


class Guard:
    """Our end of the pipe to ``guard.py``; one per stack, started with the first child."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def watch(self, group: int) -> None:
        """List a process group that must not survive us."""
        self._say(f"+{group}")

    def forget(self, group: int) -> None:
        """Take it off the list: it has ended, and its number may be given to somebody else."""
        self._say(f"-{group}")

    def close(self) -> None:
        """Close the pipe and wait until everything still listed is gone."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.communicate()

    def _say(self, line: str) -> None:
        with self._lock:
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py"))],
                    stdin=subprocess.PIPE,
                    text=True,
                    start_new_session=True,
                )
            if self._process.stdin is not None:
                self._process.stdin.write(line + "\n")
                self._process.stdin.flush()


class Child:
    """One child process in a process group of its own, its output in a log file.

    Args:
        name: what people call it in reports.
        argv: the command; no shell.
        log: file that its output is appended to.
        env: its whole environment.
        cwd: its working directory.
        guard: ends it should we die first.
        user: run as this system user; needs root.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str],
        cwd: Path,
        guard: Guard,
        user: str | None = None,
    ) -> None:
        self.name = name
        self._log = log
        self._guard = guard
        account = pwd.getpwnam(user) if user else None
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
            )
        guard.watch(self._process.pid)

    @property
    def pid(self) -> int:
        """The process id, which is its group's id as well."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def wait_until_ready(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Poll ``ready`` until it holds.

        Raises:
            StartFailed: the process ended, or the time is over.
        """
        until = time.monotonic() + seconds
        while not ready():
            if not self.alive():
                self.stop()
                raise StartFailed(f"{self.name} ended while starting.\n{self.last_lines()}")
            if time.monotonic() > until:
                self.stop()
                raise StartFailed(
                    f"{self.name} was not ready after {seconds:g} s.\n{self.last_lines()}"
                )
            time.sleep(_POLL_SECONDS)

    def last_lines(self, count: int = 15) -> str:
        """The end of its log, for a report."""
        lines = self._log.read_text(errors="replace").splitlines()[-count:]
        return "\n".join([f"--- {self._log}", *lines])

    def stop(self, number: int = signal.SIGTERM, *, grace: float = 5.0) -> None:
        """Ask with a signal, kill the group when ``grace`` seconds have passed. Idempotent."""
        if self.alive():
            self.signal(number)
            try:
                self._process.wait(grace)
            except subprocess.TimeoutExpired:
                self.signal(signal.SIGKILL)
                self._process.wait()
        self.signal(signal.SIGKILL)  # what the leader left behind in its group
        self._guard.forget(self.pid)

    def kill(self) -> None:
        """What a crash looks like: SIGKILL to the whole group, nothing tidied up."""
        self.signal(signal.SIGKILL)
        self._process.wait()

    def signal(self, number: int) -> None:
        """Send a signal to the process and its group; nothing when all of them have ended."""
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return
