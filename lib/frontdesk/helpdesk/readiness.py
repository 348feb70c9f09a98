"""What the helpdesk needs to serve well, for ``GET /v1/ready/helpdesk``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from frontdesk.knowledge.serving import knowledge_of
from frontdesk.platform.context import Context

if TYPE_CHECKING:
    from frontdesk.knowledge.loader import LoadedVersion

SHARED = "shared"
"""What the index that every agency searches is called here; the others by their tenant."""


def knowledge(context: Context) -> Mapping[str, Any]:
    """The loaded indexes by tenant, the embedder, and whether there is a language model.

    Nothing here makes the helpdesk unready: what is missing makes answers poorer, not wrong.
    """
    served, now = knowledge_of(context.services), context.services.clock.now()
    return {
        "indexes": {
            SHARED if loaded.index.manifest.shared else str(loaded.tenant_id): _described(
                loaded, now
            )
            for loaded in served.store.loaded()
        },
        "embedder": served.embedders.configured.id,
        "language_model": context.services.llm.configured,
    }


def _described(loaded: LoadedVersion, now: datetime) -> Mapping[str, Any]:
    """A version: how old it is, and how long ago the pointer to it was looked at, in seconds."""
    manifest = loaded.index.manifest
    return {
        "version": manifest.version,
        "knowledge_version": manifest.knowledge_version,
        "age_seconds": round((now - manifest.created_at).total_seconds(), 3),
        "checked_seconds_ago": round(loaded.checked_seconds, 3),
        "embedder": manifest.embedder_id,
        "bytes": loaded.index.size_bytes,
    }
