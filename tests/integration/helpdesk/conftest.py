"""The helpdesk on the real stack, with a language model that does what a test tells it to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from frontdesk.helpdesk.ask import AnswerReply, Ask, ask
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
from tests.support.contexts import member_context
from tests.support.pubsub import FakePubSub
from tests.support.scripted_openai import ScriptedOpenAI

if TYPE_CHECKING:
    from tests.support.tenants import Tenant

AskAs = Callable[..., AnswerReply]


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
        return ask(context, Ask(question=question))

    return ask_as
