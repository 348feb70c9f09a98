"""Whether a function is alive, and whether it can serve.

``GET /v1/health/<function>`` says that the process answers, and asks nobody. ``GET
/v1/ready/<function>`` runs the function's probes; how each went is only for the holder of an admin
token. The paths don't end in z: Cloud Run keeps those for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from frontdesk.platform.context import Admin, Context
from frontdesk.platform.errors import FrontdeskError, UpstreamUnavailable
from frontdesk.platform.resilience import breaker_states

Probe = Callable[[Context], Mapping[str, Any]]
"""Checks one thing that the function needs, and returns facts about it.

Raises:
    FrontdeskError: the function cannot serve without it.
"""


class Health(BaseModel):
    """The function's process answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """The function can serve."""

    status: Literal["ready"] = "ready"
    details: dict[str, Any] | None = Field(
        None, description="What each probe found, and the circuit breakers; with X-Admin-Token."
    )


def health() -> Health:
    """Say that this process answers."""
    return Health()


def readiness(context: Context, probes: Mapping[str, Probe]) -> Readiness:
    """Run the probes.

    Raises:
        UpstreamUnavailable: one of them failed; the details are for admins.
    """
    found: dict[str, Any] = {}
    ready = True
    for name, probe in probes.items():
        try:
            found[name] = {"ready": True, **probe(context)}
        except FrontdeskError as error:
            ready = False
            found[name] = {"ready": False, "code": error.code, "message": error.message}
    details = {"probes": found, "breakers": breaker_states()}
    is_admin = isinstance(context.caller, Admin)
    if not ready:
        raise UpstreamUnavailable(
            "This function cannot serve at the moment.", details=details if is_admin else None
        )
    return Readiness(details=details if is_admin else None)
