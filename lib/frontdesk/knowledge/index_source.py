"""The indexer's side of the database: what to index, and what became of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from frontdesk.platform.database import Rpc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from frontdesk.knowledge.build import SourceDocument
    from frontdesk.knowledge.manifest import Manifest
    from frontdesk.platform.resilience import Deadline
    from frontdesk.platform.services import Services

# Raised when extraction or chunking changes what it makes of the same bytes.
EXTRACTION_FORMAT = 2


class ListedDocument(BaseModel):
    """A document as SQL lists it for the indexer."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: UUID
    title: str
    filename: str
    content_type: str
    sha256: str
    object_name: str
    visibility: str
    language: str | None
    tags: tuple[str, ...]
    status: str
    reason: str | None = None

    @property
    def source_key(self) -> str:
        """Of everything that the document's chunks depend on."""
        return source_key(self.id, self.sha256, self.title, self.language)


def source_key(document_id: UUID, sha256: str, title: str, language: str | None) -> str:
    """Names the chunks of a document: equal keys, equal chunks."""
    parts = (str(EXTRACTION_FORMAT), str(document_id), sha256, title, language or "")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class Source(BaseModel):
    """What SQL wants indexed.

    Attributes:
        erased_version: the knowledge version of the last change that removed or hid text.
        rebuild_version: an index built from older knowledge gives nothing to the next build.
        deleted: objects in the bucket of documents that may go.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    tenant_id: UUID
    tenant_slug: str
    tenant_status: str
    knowledge_version: int
    erased_version: int
    rebuild_version: int
    index_version: str | None
    documents: tuple[ListedDocument, ...]
    deleted: tuple[str, ...]

    @property
    def waiting(self) -> int:
        """How many documents no index has taken in yet."""
        return sum(document.status == "pending" for document in self.documents)


@dataclass(frozen=True, slots=True)
class FailedDocument:
    """A document that can't be read, and why, for the person who uploaded it."""

    document: ListedDocument
    reason: str


def read_source(services: Services, tenant_id: UUID, deadline: Deadline) -> Source:
    """What to index for a tenant, all of one instant.

    Raises:
        NotFound: there is no such tenant.
        DatabaseUnavailable: the database does not answer.
    """
    reply = services.database.as_service().call(
        Rpc.PLATFORM_INDEX_SOURCE,
        {"p_tenant": str(tenant_id)},
        deadline=deadline,
        idempotent=True,
    )
    return Source.model_validate(reply)


def mark_indexed(
    services: Services,
    manifest: Manifest,
    indexed: Sequence[tuple[ListedDocument, SourceDocument]],
    failed: Sequence[FailedDocument],
    deadline: Deadline,
) -> bool:
    """Write down what a published version holds and what it could not take in.

    Returns:
        Whether the documents are still those that it was built from.
    """
    results: list[dict[str, Any]] = [
        {
            "document_id": str(listed.id),
            "sha256": listed.sha256,
            "state": "indexed",
            "chunks": len(document.chunks),
        }
        for listed, document in indexed
    ]
    results += [
        {
            "document_id": str(failure.document.id),
            "sha256": failure.document.sha256,
            "state": "failed",
            "reason": failure.reason,
        }
        for failure in failed
    ]
    reply = services.database.as_service().call(
        Rpc.PLATFORM_MARK_INDEXED,
        {
            "p_tenant": str(manifest.tenant_id),
            "p_version": manifest.version,
            "p_results": results,
            "p_knowledge_version": manifest.knowledge_version,
        },
        deadline=deadline,
        idempotent=True,
    )
    return bool(reply["current"])
