"""The helpdesk on the real stack, with a language model that does what a test tells it to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from frontdesk.helpdesk.ask import AnswerReply, Ask, answer
from frontdesk.http.catalogue import catalogue
from frontdesk.local.paths import REPOSITORY
from frontdesk.platform.events import Publisher
from frontdesk.platform.services import Services
from frontdesk.platform.storage import ObjectStore
from tests.integration.knowledge.conftest import (  # noqa: F401 -- fixtures
    Agency,
    agency,
    model_folder,
    other_agency,
    services,
    storage,
)
from tests.support import door, sse
from tests.support.contexts import member_context
from tests.support.pubsub import FakePubSub
from tests.support.scripted_openai import ScriptedOpenAI

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse

    from frontdesk.http.function import HttpFunction
    from tests.support.tenants import Tenant

AskAs = Callable[..., AnswerReply]

BAGGAGE_RULES = (
    b"# Baggage on Halcyon Air\n\n"
    b"Each passenger of Halcyon Air may check one suitcase of 23 kilograms.\n\n"
    b"## Sports equipment\n\n"
    b"Skis and bicycles cost 40 EUR each way.\n"
)
BAGGAGE_QUESTION = "How heavy may my suitcase be on Halcyon Air?"
BAGGAGE_ANSWER = "23 kilograms"


@dataclass(frozen=True)
class Desk:
    """The function as one process serves it, asked through its door."""

    function: HttpFunction

    def post(
        self,
        token: str,
        question: str,
        *,
        key: str | None = None,
        conversation: str | None = None,
        accept: str = "application/json",
    ) -> TestResponse:
        """The reply to a question, whatever it is."""
        headers = {"Authorization": f"Bearer {token}", "Accept": accept}
        body = {"question": question}
        if key is not None:
            headers["Idempotency-Key"] = key
        if conversation is not None:
            body["conversation_id"] = conversation
        return door.client(self.function).post(
            "/v1/helpdesk/ask", json=body, headers=headers, buffered=False
        )

    def ask(self, token: str, question: str, **options: str) -> dict[str, Any]:
        """What is answered."""
        reply = self.post(token, question, **options)
        assert reply.status_code == 200, reply.text
        answer: dict[str, Any] = reply.get_json()["data"]
        return answer

    def listen(self, token: str, question: str, **options: str) -> sse.Told:
        """What is told until the answer is there."""
        reply = self.post(token, question, accept="text/event-stream", **options)
        assert reply.status_code == 200, reply.text
        assert reply.mimetype == "text/event-stream"
        told = sse.read(reply.response)
        reply.close()
        return told


StartProcess = Callable[[], Desk]


@pytest.fixture
def model() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI() as server:
        yield server


@pytest.fixture
def with_model(services: Services, model: ScriptedOpenAI) -> Iterator[Services]:  # noqa: F811
    """The same stack for a deployment that has a key for a language model."""
    settings = services.settings.model_copy(
        update={"openai_api_key": SecretStr("key"), "openai_base_url": model.base_url}
    )
    configured = Services(
        settings,
        storage=ObjectStore(settings),
        events=Publisher(settings, send=FakePubSub()),
    )
    yield configured
    configured.close()


@pytest.fixture
def desk_with_model(helpdesk: HttpFunction, with_model: Services) -> Desk:
    """A process of the function that has a language model."""
    return Desk(helpdesk.over(lambda: with_model))


@pytest.fixture
def ask_as() -> AskAs:
    """``ask_as(services, tenant, question)``: the handler, called the way the door calls it."""

    def ask_as(
        services: Services,  # noqa: F811
        tenant: Tenant,
        question: str,
        *,
        role: str = "agent",
        seconds: float = 20.0,
    ) -> AnswerReply:
        context = member_context(services, tenant, role, seconds=seconds)
        return answer(context, Ask(question=question))

    return ask_as


@pytest.fixture(scope="session")
def helpdesk() -> HttpFunction:
    """The function as its main.py makes it."""
    functions = {listed.manifest.name: listed.function for listed in catalogue(REPOSITORY)}
    return functions["helpdesk"]


@pytest.fixture
def desk(helpdesk: HttpFunction, services: Services) -> Desk:  # noqa: F811
    """A process of the function."""
    return Desk(helpdesk.over(lambda: services))


@pytest.fixture
def start_process(
    helpdesk: HttpFunction,
    services: Services,  # noqa: F811
    tmp_path: Path,
) -> Iterator[StartProcess]:
    """Starts further processes of the function, with nothing on their disks."""
    started: list[Services] = []

    def start() -> Desk:
        disk = {"index_cache_dir": str(tmp_path / f"disk-{uuid4().hex}")}
        settings = services.settings.model_copy(update=disk)
        fresh = Services(
            settings,
            storage=ObjectStore(settings),
            events=Publisher(settings, send=FakePubSub()),
        )
        started.append(fresh)
        return Desk(helpdesk.over(lambda: fresh))

    yield start
    for fresh in started:
        fresh.close()


@pytest.fixture
def baggage_agency(agency: Agency) -> Agency:  # noqa: F811
    """An agency whose one document, a public one, answers the baggage question."""
    agency.upload(BAGGAGE_RULES, "baggage.md", visibility="public")
    agency.index()
    return agency
