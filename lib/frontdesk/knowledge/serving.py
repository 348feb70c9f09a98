"""The knowledge of a process: its embedders, one store of indexes, one retriever."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from frontdesk.knowledge.embedders import Embedders
from frontdesk.knowledge.joined import JoinedIndexes
from frontdesk.knowledge.loader import IndexStore
from frontdesk.knowledge.minilm import EMBEDDER_ID, StoredMiniLM
from frontdesk.knowledge.publish import shelf_of
from frontdesk.knowledge.retrieve import Retriever

if TYPE_CHECKING:
    from frontdesk.knowledge.embedder import Embedder
    from frontdesk.knowledge.searchable import Indexes
    from frontdesk.platform.services import Services


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What answers from knowledge.

    Attributes:
        store: of the loaded indexes.
        indexes: as they are searched: a tenant's own together with the shared one.
    """

    store: IndexStore
    indexes: Indexes
    embedders: Embedders
    retriever: Retriever

    @property
    def embedder(self) -> Embedder:
        """The configured one."""
        return self.embedders.configured


_made: WeakKeyDictionary[Services, Knowledge] = WeakKeyDictionary()
_lock = threading.Lock()


def knowledge_of(services: Services) -> Knowledge:
    """The one `Knowledge` that goes with these services, built at the first call."""
    with _lock:
        knowledge = _made.get(services)
        if knowledge is None:
            knowledge = _made[services] = _build(services)
    return knowledge


def embedder_of(services: Services, *, threads: int = 1) -> Embedder:
    """The embedder that the settings choose.

    Args:
        threads: how many one call may use; more than 1 for the indexer, which works alone.
    """
    settings = services.settings
    if settings.embedder == "openai":
        from frontdesk.knowledge.embedder import OpenAIEmbedder

        return OpenAIEmbedder(services.llm, settings.openai_embedding_model)
    return _minilm(services, threads)


def embedders_of(services: Services) -> Embedders:
    """The configured embedder, and whichever other one an index in use was made with."""

    def make(embedder_id: str) -> Embedder | None:
        provider, _, model = embedder_id.partition("/")
        if provider == "openai":
            return _openai(services, model) if services.llm.configured else None
        return _minilm(services) if embedder_id == EMBEDDER_ID else None

    return Embedders(embedder_of(services), make)


def _openai(services: Services, model: str) -> Embedder:
    """OpenAI's embeddings by another model than the configured one."""
    from frontdesk.knowledge.embedder import OpenAIEmbedder
    from frontdesk.platform.llm import LanguageModel

    settings = services.settings.model_copy(update={"openai_embedding_model": model})
    client = LanguageModel(settings, secrets=services.secrets, clock=services.clock)
    return OpenAIEmbedder(client, model)


def _minilm(services: Services, threads: int = 1) -> Embedder:
    settings = services.settings
    return StoredMiniLM(
        services.storage,
        settings.faiss_bucket_name,
        settings.models_prefix,
        Path(settings.index_cache_dir),
        threads=threads,
    )


def _build(services: Services) -> Knowledge:
    settings = services.settings
    store = IndexStore(
        shelf_of(services),
        Path(settings.index_cache_dir),
        max_bytes=settings.index_cache_bytes,
        clock=services.clock,
    )
    indexes, embedders = JoinedIndexes(store), embedders_of(services)
    retriever = Retriever(indexes, embedders, clock=services.clock)
    return Knowledge(store, indexes, embedders, retriever)
