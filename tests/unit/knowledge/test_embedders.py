"""A question is embedded by the embedder that its index was made with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from frontdesk.knowledge.embedder import OpenAIEmbedder
from frontdesk.knowledge.embedders import Embedders
from frontdesk.knowledge.index import LoadedIndex
from frontdesk.knowledge.minilm import EMBEDDER_ID, StoredMiniLM
from frontdesk.knowledge.retrieve import Retriever
from frontdesk.knowledge.serving import embedders_of
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.errors import UpstreamUnavailable
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.services import Services
from frontdesk.platform.settings import load_settings
from frontdesk.platform.storage import ObjectStore
from tests.support.scripted_openai import ScriptedOpenAI
from tests.unit.knowledge.builders import TENANT, a_deadline, build, document
from tests.unit.knowledge.fakes import WordEmbedder

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

LARGE = "text-embedding-3-large"
SMALL = "text-embedding-3-small"


def services(embedder: str, *, key: str | None = None, base_url: str | None = None) -> Services:
    settings = load_settings({"EMBEDDER": embedder, "STORAGE_EMULATOR_HOST": "http://localhost:1"})
    changes = {"openai_api_key": SecretStr(key) if key else None}
    if base_url:
        changes["openai_base_url"] = base_url
    settings = settings.model_copy(update=changes)
    return Services(settings, storage=ObjectStore(settings))


def test_the_configured_embedder_is_made_once() -> None:
    configured = WordEmbedder()
    made: list[str] = []

    def make(embedder_id: str) -> WordEmbedder | None:
        made.append(embedder_id)
        return WordEmbedder(name=embedder_id) if embedder_id == "letters" else None

    embedders = Embedders(configured, make)
    assert embedders.of("words") is configured
    assert embedders.of("letters") is embedders.of("letters")
    assert embedders.of("sounds") is None
    assert made == ["letters", "sounds"]


def test_an_index_of_the_embedded_embedder_is_searched_while_openai_is_configured() -> None:
    embedders = embedders_of(services("openai", key="key"))
    assert embedders.configured.id == f"openai/{SMALL}"
    assert isinstance(embedders.of(EMBEDDER_ID), StoredMiniLM)
    assert embedders.of("all-MiniLM-L6-v2@another0000") is None


def test_an_index_of_openai_needs_a_key() -> None:
    assert embedders_of(services("minilm")).of(f"openai/{SMALL}") is None
    other = embedders_of(services("minilm", key="key")).of(f"openai/{LARGE}")
    assert isinstance(other, OpenAIEmbedder)
    assert (other.id, other.dimensions) == (f"openai/{LARGE}", 3072)


def test_another_openai_model_than_the_configured_one_is_asked_by_its_name() -> None:
    with ScriptedOpenAI() as server:
        embedders = embedders_of(services("openai", key="key", base_url=server.base_url))
        for model in (SMALL, LARGE):
            embedder = embedders.of(f"openai/{model}")
            assert embedder is not None
            # The script's vectors are of neither model's length, which is noticed.
            with pytest.raises(UpstreamUnavailable, match="another shape"):
                embedder.embed(["dogs"], deadline=a_deadline())
        assert [body["model"] for _, body, _ in server.requests] == [SMALL, LARGE]


@pytest.mark.parametrize("known", [True, False])
def test_after_a_change_of_embedder_the_old_index_is_searched_as_far_as_it_can_be(
    tmp_path: Path, known: bool
) -> None:
    old, new = WordEmbedder(name="old"), WordEmbedder(name="new")
    index = LoadedIndex(tmp_path, build(tmp_path, [document(1, "# Dogs\nDogs sleep.")], old))

    class OneIndex:
        def get(self, tenant_id: UUID, *, deadline: Deadline) -> LoadedIndex:
            return index

    def make(embedder_id: str) -> WordEmbedder | None:
        return old if known and embedder_id == "old" else None

    retriever = Retriever(OneIndex(), Embedders(new, make), clock=SystemClock())
    found = retriever.retrieve("dogs", TENANT, deadline=a_deadline())
    assert found.candidates[0].document.title == "Dogs"
    assert found.degraded == (None if known else "embedder_mismatch")
    assert (found.candidates[0].dense_rank is not None) == known
    assert new.embedded == []
