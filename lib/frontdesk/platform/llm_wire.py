"""The connection of one call to a language model, and how it is cut from outside.

The SDK blocks until the provider says something, and knows no way to end that: its read time-out
limits the wait for the next byte, not for the whole reply. A socket that is shut down does.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from frontdesk.platform.cancellation import CallerGone
from frontdesk.platform.llm_failures import ReplyTooLate

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2

    from frontdesk.platform.cancellation import Cancellation


class Wire:
    """A connection, as soon as there is one; cut before that, it is cut when it comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stream: Any = None
        self._cut = False

    @classmethod
    def of(cls, response: httpx2.Response) -> Wire:
        """The connection that a reply comes in by."""
        wire = cls()
        wire._attach(response.extensions["network_stream"])
        return wire

    def on_request(self, request: httpx2.Request) -> None:
        """An httpx event hook: learn which connection this request opens."""
        request.extensions = {**request.extensions, "trace": self._trace}

    def _trace(self, _event: str, info: Mapping[str, Any]) -> None:
        """httpcore's trace extension: a connection was opened, then perhaps encrypted."""
        opened = info.get("return_value")
        if hasattr(opened, "get_extra_info"):
            self._attach(opened)

    def _attach(self, stream: Any) -> None:
        with self._lock:
            self._stream = stream
            if self._cut:
                self._shut_down()

    def cut(self) -> None:
        """Hang up. Whoever reads from it gets an error at once. Idempotent."""
        with self._lock:
            self._cut = True
            self._shut_down()

    def _shut_down(self) -> None:
        if self._stream is not None:
            with suppress(OSError):  # it ended on its own just now
                # Not SSLSocket's own shutdown: that one forgets the encryption and goes on.
                wire = self._stream.get_extra_info("socket")
                socket.socket.shutdown(wire, socket.SHUT_RDWR)

    @contextmanager
    def cut_after(self, seconds: float) -> Generator[None]:
        """Cut after so many seconds, whatever still drips in.

        Raises:
            ReplyTooLate: it was cut within the block.
        """
        late = threading.Event()

        def hang_up() -> None:
            late.set()
            self.cut()

        watchdog = threading.Timer(seconds, hang_up)
        watchdog.daemon = True
        watchdog.start()
        try:
            yield
        except Exception as error:
            if late.is_set():
                raise ReplyTooLate from error
            raise
        finally:
            watchdog.cancel()

    @contextmanager
    def cut_when_gone(self, cancellation: Cancellation) -> Generator[None]:
        """Cut when the caller is gone.

        Raises:
            CallerGone: the caller left before or within the block.
        """
        with cancellation.calls(self.cut):
            try:
                yield
            except Exception as error:
                if cancellation.cancelled:
                    raise CallerGone from error
                raise
