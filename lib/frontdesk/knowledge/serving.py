"""The knowledge of a process: one embedder, one store of indexes, one retriever."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from frontdesk.knowledge.loader import IndexStore
from frontdesk.knowledge.publish import shelf_of
from frontdesk.knowledge.retrieve import Retriever

if TYPE_CHECKING:
    from frontdesk.knowledge.embedder import Embedder
    from frontdesk.platform.services import Services


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What answers from knowledge."""

    indexes: IndexStore
    embedder: Embedder
    retriever: Retriever


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
    from frontdesk.knowledge.minilm import StoredMiniLM

    return StoredMiniLM(
        services.storage,
        settings.faiss_bucket_name,
        settings.models_prefix,
        Path(settings.index_cache_dir),
        threads=threads,
    )


def _build(services: Services) -> Knowledge:
    settings = services.settings
    indexes = IndexStore(
        shelf_of(services),
        Path(settings.index_cache_dir),
        max_bytes=settings.index_cache_bytes,
        clock=services.clock,
    )
    embedder = embedder_of(services)
    return Knowledge(indexes, embedder, Retriever(indexes, embedder, clock=services.clock))
