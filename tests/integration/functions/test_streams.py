"""An answer told by the helpdesk's own process, and by the gateway that serves all functions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import pytest

from frontdesk.http.events import HEARTBEAT, HEARTBEAT_SECONDS
from frontdesk.local.functions_server import FunctionsServer
from frontdesk.local.paths import REPOSITORY
from frontdesk.local.process import Guard
from frontdesk.platform.manifest import all_manifests
from tests.support import sse
from tests.support.framework import served
from tests.support.main_routes import QUESTION, World
from tests.support.ports import free_port
from tests.support.scripted_openai import ScriptedOpenAI, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from frontdesk.local.stack import Stack
    from frontdesk.platform.services import Services
    from tests.support.tenants import TenantFactory

(HELPDESK,) = (m for m in all_manifests(REPOSITORY) if m.name == "helpdesk")
BAGGAGE = b"# Baggage\n\nEach passenger may check one bag of 23 kg on every flight."
FIRST = "You may check one bag of 23 kg on every flight [1]."
REST = " Each passenger may check it [1]."


@pytest.fixture
def model() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI() as server:
        yield server


@pytest.fixture
def question(
    stack: Stack, services: Services, make_tenant: TenantFactory
) -> dict[str, dict[str, str]]:
    """What is posted, by a viewer of an agency whose document answers."""
    agency = World(stack, services, make_tenant).agency()
    agency.upload(BAGGAGE, "baggage.md", visibility="public")
    agency.index()
    token = agency.tenant.token("viewer")
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    return {"json": {"question": QUESTION}, "headers": headers}


@pytest.fixture(params=["process", "gateway"])
def address(
    request: pytest.FixtureRequest, stack: Stack, model: ScriptedOpenAI, tmp_path: Path
) -> Iterator[str]:
    """Of the function with a model, alone in its process or among all behind the gateway."""
    environment = {
        "OPENAI_API_KEY": "key",
        "OPENAI_BASE_URL": model.base_url,
        "INDEX_CACHE_DIR": str(tmp_path / "indexes"),
    }
    if request.param == "process":
        with served(HELPDESK, stack, **environment) as address:
            yield address
        return
    (tmp_path / "logs").mkdir()
    guard = Guard()
    server = FunctionsServer(
        tmp_path, port=free_port(), environment=stack.environment | environment, guard=guard
    )
    try:
        server.start()
        yield server.url
    finally:
        server.stop()
        guard.close()


def test_pieces_are_passed_on_as_they_come_and_who_hangs_up_stops_the_model(
    address: str, question: dict[str, dict[str, str]], model: ScriptedOpenAI
) -> None:
    model.chat(Stream([FIRST, REST[:20], REST[20:]], hold_after=2))
    with httpx.Client(base_url=address, timeout=30) as client:
        with client.stream("POST", "/v1/helpdesk/ask", **question) as reply:  # type: ignore[arg-type]
            assert reply.headers["Content-Type"] == "text/event-stream"
            pieces = reply.iter_raw()
            received = next(pieces)
            while b"event: sentence" not in received:
                received += next(pieces)
            assert sse.read(received).text == FIRST
            model.wait_for_held(1)  # the model has not said everything yet
            while not received.endswith(b"\n\n" + HEARTBEAT):
                received += next(pieces)
        left = time.monotonic()
        model.wait_for_disconnects(1, timeout=20)
        assert time.monotonic() - left <= 2 * HEARTBEAT_SECONDS + 1

        model.always(chat=Stream([FIRST, REST]))
        whole = client.post("/v1/helpdesk/ask", **question)  # type: ignore[arg-type]
    told = sse.read(whole.content)
    assert told.names == ["sentence", "sentence", "final"]
    assert told.text == told.last["data"]["answer"] == FIRST + REST
