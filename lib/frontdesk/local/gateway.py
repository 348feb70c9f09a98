"""One WSGI application over every function: the production paths on one port.

Each ``main.py`` is loaded by ``functions_framework.create_app``, exactly as in the cloud; the
manifests say which paths are whose. ``python -m frontdesk.local.gateway PORT`` serves it.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any, Final

import functions_framework
from gunicorn.app.base import BaseApplication

from frontdesk.local.paths import REPOSITORY
from frontdesk.local.ports import LOOPBACK
from frontdesk.platform.errors import NotFound
from frontdesk.platform.ids import new_id
from frontdesk.platform.manifest import all_manifests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from frontdesk.platform.manifest import Manifest

    Environ = dict[str, Any]
    StartResponse = Callable[..., Any]
    Application = Callable[[Environ, StartResponse], Iterable[bytes]]

THREADS: Final = 32
GATEWAY_HEADER: Final = "X-Gateway-Pid"
"""Where no function answers, the gateway says which process it is: a port may be another one's."""

_PARAMETER: Final = re.compile(r"\\{\w+\\}")


class Gateway:
    """Hands each request to the function whose manifest names its path.

    Args:
        manifests: the functions.
        load: makes a function's WSGI application; by default as functions-framework does.
    """

    def __init__(
        self,
        manifests: Sequence[Manifest],
        *,
        load: Callable[[Manifest], Application] | None = None,
    ) -> None:
        load = load or load_function
        self._routes: list[tuple[re.Pattern[str], Application]] = []
        for manifest in manifests:
            function = load(manifest)
            for path in paths(manifest):
                self._routes.append((_pattern(path), function))

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        path = environ.get("PATH_INFO", "")
        for pattern, function in self._routes:
            if pattern.fullmatch(path):
                return function(environ, start_response)
        return _nothing_here(start_response)


def paths(manifest: Manifest) -> list[str]:
    """The path templates of a function, its health and readiness included."""
    return [
        *(route.path for route in manifest.routes),
        f"/v1/health/{manifest.name}",
        f"/v1/ready/{manifest.name}",
    ]


def load_function(manifest: Manifest) -> Application:
    """The function's application, as its own process would have it."""
    # functions-framework calls every module "main"; the next one takes the name over, and each
    # keeps its own through the functions it defined.
    create_app: Callable[..., Application] = functions_framework.create_app
    return create_app(manifest.entry_point, str(manifest.main), "http")


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(_PARAMETER.sub("[^/]+", re.escape(path)))


def _nothing_here(start_response: StartResponse) -> Iterable[bytes]:
    error = NotFound("No function serves this path.")
    request_id = str(new_id())
    body = {
        "success": False,
        "error": {
            "code": error.code,
            "message": error.message,
            "details": error.details,
            "retryable": error.retryable,
        },
        "request_id": request_id,
    }
    headers = [
        ("Content-Type", "application/json"),
        ("X-Request-Id", request_id),
        (GATEWAY_HEADER, str(os.getppid())),
    ]
    start_response("404 Not Found", headers)
    return [json.dumps(body).encode()]


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn as functions-framework sets it up, for all functions at once."""

    def __init__(self, port: int, repository: Path) -> None:
        self._port = port
        self._repository = repository
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": f"{LOOPBACK}:{self._port}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "timeout": 0,  # functions have deadlines of their own
            "graceful_timeout": 3,
            "loglevel": "warning",
            "control_socket_disable": True,  # it would lie in the home directory
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Gateway:
        return Gateway(all_manifests(self._repository))


def main() -> None:
    """Serve on the port that the first argument names."""
    _Server(int(sys.argv[1]), REPOSITORY).run()


if __name__ == "__main__":
    main()
