"""What every part of the local stack is to its supervisor."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from frontdesk.local.process import Child, Guard


class Part(Protocol):
    """Something that is started, watched, and started again when it dies."""

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    def start(self) -> None:
        """Start and return when it is ready; after a crash the same call restarts it.

        Raises:
            StartFailed: with the reason.
        """
        ...

    def alive(self) -> bool:
        """Whether it still runs."""
        ...

    def kill(self) -> None:
        """Make it die as in a crash."""
        ...

    def stop(self) -> None:
        """End it in order. Idempotent."""
        ...


class ServerProcess:
    """A part that is one child process; subclasses say how it starts.

    Args:
        guard: ends the process should we die.
    """

    name: ClassVar[str]
    stop_signal: ClassVar[int] = signal.SIGTERM

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """The process id, None before the first start."""
        return self._child.pid if self._child else None

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._child is not None and self._child.alive()

    def kill(self) -> None:
        """SIGKILL to the process and its group, nothing tidied up."""
        if self._child:
            self._child.kill()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """For the length of the block it takes connections and answers nothing."""
        if self._child is None:
            raise RuntimeError(f"{self.name} is not running.")
        self._child.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._child.signal(signal.SIGCONT)

    def stop(self) -> None:
        """Ask with the part's signal, kill when it does not end."""
        if self._child:
            self._child.stop(self.stop_signal)
