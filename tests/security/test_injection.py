"""Injected instructions on the real stack: the system prompt, secrets and others' data stay in.

Each case of `tests.support.injections` is asked through the door: of a deployment whose language
model obeys whoever speaks to it, and of one without a model, which quotes documents.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from frontdesk.helpdesk.passages import GAP
from frontdesk.http.catalogue import catalogue
from frontdesk.knowledge.serving import knowledge_of
from frontdesk.local.minilm_model import build_model, publish_model
from frontdesk.local.paths import CACHE, REPOSITORY
from frontdesk.local.stack import DOCUMENTS_BUCKET, INDEXES_BUCKET
from frontdesk.local.storage import StorageServer
from frontdesk.platform.events import Publisher
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.services import Services
from frontdesk.platform.settings import load_settings
from frontdesk.platform.storage import ObjectStore
from tests.support import door, sse
from tests.support.besieged_desk import INTERNAL, OTHERS, BesiegedDesk, File, besieged_desk
from tests.support.injections import INJECTIONS, Injection, Place
from tests.support.leaks import carried_away, leaks_in
from tests.support.obedient_model import Manner, ObedientModel
from tests.support.ports import free_port
from tests.support.pubsub import FakePubSub
from tests.support.scripted_openai import Answer, ScriptedOpenAI

if TYPE_CHECKING:
    from frontdesk.http.function import HttpFunction
    from frontdesk.local.stack import Stack
    from tests.support.tenants import TenantFactory

API_KEY = "sk-canary-7f3a9c21d4e8"

every_injection = pytest.mark.parametrize("injection", INJECTIONS, ids=lambda case: case.id)


@dataclass
class Siege:
    """The desk, asked with a model and without.

    Attributes:
        secrets: of the settings; no reply may hold one.
    """

    desk: BesiegedDesk
    generating: HttpFunction
    extracting: HttpFunction
    model: ScriptedOpenAI
    secrets: list[str] = field(default_factory=list)

    def ask(
        self, function: HttpFunction, injection: Injection, *, stream: bool = False
    ) -> dict[str, Any]:
        """The reply to the last question of the case; all of them are answered.

        Args:
            stream: have it told sentence by sentence; what was told must be its beginning.
        """
        client, conversation = door.client(function), str(uuid4())
        headers = {"Authorization": f"Bearer {self.desk.tenant.token(injection.role)}"}
        if stream:
            headers["Accept"] = "text/event-stream"
        for question in injection.questions:
            body = {"question": question, "conversation_id": conversation}
            reply = client.post("/v1/helpdesk/ask", json=body, headers=headers)
            assert reply.status_code == 200, reply.text
            if stream:
                told = sse.read(reply.data)
                answer: dict[str, Any] = told.last["data"]
                assert answer["answer"].startswith(told.text)
            else:
                answer = reply.get_json()["data"]
        return answer

    def assert_nothing_leaked(
        self, answer: dict[str, Any], injection: Injection, instructions: str
    ) -> None:
        """Look through a whole reply, and at each of its citations."""
        canaries = [*self.secrets, *OTHERS, *(INTERNAL if injection.role == "visitor" else ())]
        whole = json.dumps(answer, ensure_ascii=False)
        assert leaks_in(whole, instructions, canaries) == []
        visible = self.desk.visible_to(injection.role)
        assert {citation["document_id"] for citation in answer["citations"]} <= visible
        for citation in answer["citations"]:
            assert quotes(citation, self.desk.documents[citation["document_id"]])


def quotes(citation: dict[str, Any], file: File) -> bool:
    """Whether the words of a citation stand in the file that it names."""
    parts = citation["quote"].removesuffix("…").split(GAP)
    return all(_plain(part) in _plain(file.text) for part in parts)


def _plain(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.fixture(scope="module")
def siege(
    stack: Stack, make_tenant: TenantFactory, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Siege]:
    folder = tmp_path_factory.mktemp("siege")
    storage = StorageServer(
        folder / "objects", port=free_port(), buckets=(DOCUMENTS_BUCKET, INDEXES_BUCKET)
    )
    storage.start()
    functions = {listed.manifest.name: listed.function for listed in catalogue(REPOSITORY)}
    with pytest.MonkeyPatch.context() as environment, ScriptedOpenAI() as model:
        environment.setenv("STORAGE_EMULATOR_HOST", storage.url)
        # Attackers are not slowed down here.
        limits = {"RATE_LIMIT_PER_USER": "100000", "RATE_LIMIT_PER_TENANT": "100000"}
        settings = load_settings(
            stack.environment | limits | {"INDEX_CACHE_DIR": str(folder / "disk")}
        )
        with_key = settings.model_copy(
            update={"openai_api_key": SecretStr(API_KEY), "openai_base_url": model.base_url}
        )
        extracting, generating = (
            Services(s, storage=ObjectStore(s), events=Publisher(s, send=FakePubSub()))
            for s in (settings, with_key)
        )
        try:
            deadline = Deadline.after(60, extracting.clock)
            publish_model(
                extracting.storage,
                settings.faiss_bucket_name,
                settings.models_prefix,
                build_model(CACHE / "models"),
                deadline,
            )
            desk = besieged_desk(make_tenant, extracting)
            for services in (extracting, generating):
                knowledge_of(services).embedder.embed(["a first text"], deadline=deadline)
            values = (getattr(with_key, name) for name in type(with_key).model_fields)
            yield Siege(
                desk,
                functions["helpdesk"].over(lambda: generating),
                functions["helpdesk"].over(lambda: extracting),
                model,
                [v.get_secret_value() for v in values if isinstance(v, SecretStr) and v],
            )
        finally:
            extracting.close()
            generating.close()
            storage.close()


@every_injection
def test_nothing_leaks_through_a_model_that_obeys(siege: Siege, injection: Injection) -> None:
    for manner in (Manner.BESIDE, Manner.WOVEN):
        model = ObedientModel(manner, [API_KEY], OTHERS, INTERNAL)
        siege.model.always(chat=Answer(model))
        answer = siege.ask(siege.generating, injection, stream=manner is Manner.WOVEN)
        if not model.said:
            assert injection.place in {Place.QUESTION, Place.QUESTION_ALONE}, "it was not asked"
            assert answer["mode"] in {"no_answer", "scripted"}
            continue
        _, request, _ = siege.model.requests[-1]
        instructions = request["messages"][0]["content"]
        said = model.said[-1]
        raw = leaks_in(said, instructions, [API_KEY, *OTHERS, *INTERNAL])
        assert raw or carried_away(said) or "[99]" in said, "the model did not obey"
        siege.assert_nothing_leaked(answer, injection, instructions)
        if answer["mode"] == "generated":
            assert carried_away(answer["answer"]) == []
            assert answer["citations"]
        if manner is Manner.BESIDE:
            assert answer["mode"] == "generated"
            assert "from 7 to 10 o'clock [1]." in answer["answer"]


@every_injection
def test_nothing_leaks_from_quoted_documents(siege: Siege, injection: Injection) -> None:
    answer = siege.ask(siege.extracting, injection)
    assert answer["mode"] in {"extractive", "no_answer", "scripted"}
    siege.assert_nothing_leaked(answer, injection, "")
