"""What the helpdesk needs to serve well, for ``GET /v1/ready/helpdesk``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frontdesk.knowledge.serving import knowledge_of
from frontdesk.platform.context import Context


def knowledge(context: Context) -> Mapping[str, Any]:
    """The loaded indexes by tenant, the embedder, and whether there is a language model.

    Nothing here makes the helpdesk unready: what is missing makes answers poorer, not wrong.
    """
    served = knowledge_of(context.services)
    return {
        "indexes": {str(tenant): version for tenant, version in served.indexes.loaded().items()},
        "embedder": served.embedder.id,
        "language_model": context.services.llm.configured,
    }
