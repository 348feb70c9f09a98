"""The endpoints of an agency's index: which versions there are, and asking for a new one."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, Field

from frontdesk.knowledge.nudge import nudge_indexer
from frontdesk.knowledge.publish import shelf_of
from frontdesk.platform.context import Context
from frontdesk.platform.database import Rpc
from frontdesk.platform.reply import Reply

if TYPE_CHECKING:
    from frontdesk.knowledge.publish import PublishedVersion


class ReindexRequest(BaseModel):
    """How to build."""

    model_config = ConfigDict(extra="forbid")

    force: bool = Field(
        False,
        description="Build a version though nothing changed: every document is read again, also one"
        " that failed, and every passage embedded again.",
    )


class DocumentCounts(BaseModel):
    """Documents by how far the indexer has come with them."""

    pending: int
    indexed: int
    failed: int


class KnowledgeState(BaseModel):
    """How far the index is behind the documents."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    knowledge_version: int = Field(description="Counts the changes of the documents.")
    index_version: str | None = Field(description="The version that was last written down.")
    documents: DocumentCounts


class IndexVersion(BaseModel):
    """One published version of the index."""

    version: str
    serving: bool = Field(description="Questions are answered from this one.")
    created_at: datetime
    knowledge_version: int = Field(description="Of the documents that it was built from.")
    documents: int
    chunks: int = Field(description="Passages.")
    embedder: str
    size: int = Field(description="In bytes.")

    @classmethod
    def of(cls, published: PublishedVersion) -> Self:
        """As the shelf lists it."""
        manifest = published.manifest
        return cls(
            version=manifest.version,
            serving=published.serves,
            created_at=manifest.created_at,
            knowledge_version=manifest.knowledge_version,
            documents=manifest.documents,
            chunks=manifest.chunks,
            embedder=manifest.embedder_id,
            size=published.size,
        )


class IndexVersions(BaseModel):
    """The versions that are kept, and what they do not hold yet."""

    pending: bool = Field(description="Documents wait to be taken into the index.")
    documents: DocumentCounts
    versions: list[IndexVersion] = Field(description="The one that serves comes first.")


def list_versions(context: Context) -> IndexVersions:
    """List the versions of the agency's index: the one that serves, then the newest first."""
    reply = context.database.call(
        Rpc.KNOWLEDGE_STATUS, {}, deadline=context.deadline, idempotent=True
    )
    state = KnowledgeState.model_validate(reply["knowledge"])
    published = shelf_of(context.services).versions(
        context.member.tenant_id, deadline=context.deadline
    )
    return IndexVersions(
        pending=state.documents.pending > 0,
        documents=state.documents,
        versions=[IndexVersion.of(each) for each in published],
    )


def reindex(context: Context, body: ReindexRequest) -> Reply[KnowledgeState]:
    """Have the indexer look whether the index says what the documents say, and build if it must.

    An index of another embedder than the configured one is built anew; the old one serves until the
    new one is complete.
    """
    outcome = context.database.call(
        Rpc.REINDEX_KNOWLEDGE,
        {"p_options": {"force": body.force}, "p_command": context.command_json},
        deadline=context.deadline,
        idempotent=False,
    )
    nudge_indexer(context, outcome)
    return Reply(KnowledgeState.model_validate(outcome["data"]), 202)
