"""The services of this process: one set, shared by every function that it serves."""

from __future__ import annotations

import threading

from frontdesk.platform.logging import configure
from frontdesk.platform.services import Services

_lock = threading.Lock()
_services: Services | None = None


def process_services() -> Services:
    """The process's services, from the environment at the first call, which also sets up logs.

    Raises:
        SettingsError: the environment is wrong; every problem is listed.
    """
    global _services  # noqa: PLW0603 -- the one place where the process keeps them
    if _services is None:
        with _lock:
            if _services is None:
                services = Services.from_environment()
                configure(services.settings)
                _services = services
    return _services
