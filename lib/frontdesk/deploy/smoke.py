"""Asks a deployment whether it serves, the way a caller would."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import httpx

from frontdesk.deploy.paths import REPOSITORY
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.manifest import all_manifests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from frontdesk.platform.clock import Clock
    from frontdesk.platform.manifest import Manifest

TOKEN_VARIABLE: Final = "SMOKE_TOKEN"  # noqa: S105 -- the name of a variable
"""A member's access token, for one search. It lives an hour, so no pipeline keeps one."""
SEARCH: Final = "/v1/crm/search"
PATIENCE_SECONDS: Final = 120.0
"""How long all of them may take to start and to be ready."""
_PAUSE_SECONDS: Final = 2.0
_TIMEOUT: Final = httpx.Timeout(20.0, connect=5.0)


def smoke(
    address: str,
    *,
    report: Callable[[str], None],
    manifests: Sequence[Manifest] | None = None,
    environ: Mapping[str, str] = os.environ,
    clock: Clock | None = None,
) -> bool:
    """Ask each public function for its health and readiness, then search once.

    Functions that Pub/Sub and Scheduler call accept nobody else, so they are not asked; a revision
    of theirs that does not start fails the deployment itself.

    Args:
        address: ``https://host``; ``{function}`` in it is replaced by the function's name.
        report: called with a line for each request.
        manifests: the repository's by default.
        environ: may hold SMOKE_TOKEN.
        clock: for waits and times.

    Returns:
        Whether every answer was right.
    """
    clock = clock or SystemClock()
    token = environ.get(TOKEN_VARIABLE, "")
    if not token:
        report(f"{TOKEN_VARIABLE} is not set, so nothing is searched")
    passed, until = True, clock.monotonic() + PATIENCE_SECONDS
    with httpx.Client(timeout=_TIMEOUT) as client:
        for function, path, headers in _requests(manifests or all_manifests(REPOSITORY), token):
            url = address.replace("{function}", function) + path
            began = clock.monotonic()
            problem = _problem(client, url, headers, until, clock)
            passed = passed and problem is None
            took = f"{clock.monotonic() - began:.1f} s"
            report(f"{'ok    ' if problem is None else 'FAILED'} {url} {problem or took}")
    return passed


def _requests(
    manifests: Sequence[Manifest], token: str
) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Function, path and headers of each request."""
    public = [manifest for manifest in manifests if not (manifest.pubsub or manifest.schedule)]
    for manifest in public:
        for question in ("health", "ready"):
            yield manifest.name, f"/v1/{question}/{manifest.name}", {}
    if token:
        for manifest in public:
            if any(route.path == SEARCH for route in manifest.routes):
                headers = {"Authorization": f"Bearer {token}"}
                yield manifest.name, f"{SEARCH}?page_size=1", headers


def _problem(
    client: httpx.Client, url: str, headers: Mapping[str, str], until: float, clock: Clock
) -> str | None:
    """What is wrong with the answer, asked again while it may still come right."""
    while True:
        try:
            reply = client.get(url, headers=headers)
        except httpx.TransportError as error:
            problem, again = type(error).__name__, True
        else:
            problem, again = _judge(reply)
        if not problem:
            return None
        if not again or clock.monotonic() >= until:
            return problem
        clock.sleep(_PAUSE_SECONDS)


def _judge(reply: httpx.Response) -> tuple[str, bool]:
    """What is wrong, nothing for nothing; and whether it may be another the next time."""
    starting = reply.is_server_error or reply.status_code == httpx.codes.TOO_MANY_REQUESTS
    if not reply.is_success:
        return f"answers {reply.status_code}", starting
    try:
        document = reply.json()
    except ValueError:
        document = None
    if not isinstance(document, dict) or document.get("success") is not True:
        return "answers something that is not Frontdesk's", False
    return "", False
