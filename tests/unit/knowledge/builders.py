"""Small indexes for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from frontdesk.knowledge.build import SourceDocument, build_index
from frontdesk.knowledge.chunk import chunk
from frontdesk.knowledge.embeddings import KnownVectors
from frontdesk.knowledge.extract import extract
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.resilience import Deadline

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from frontdesk.knowledge.embedder import Embedder
    from frontdesk.knowledge.manifest import Manifest

TENANT = UUID(int=7)
CREATED = datetime(2026, 1, 5, tzinfo=UTC)


def a_deadline(seconds: float = 30) -> Deadline:
    return Deadline.after(seconds, SystemClock())


def document(
    number: int, markdown: str, *, visibility: str = "public", tags: tuple[str, ...] = ()
) -> SourceDocument:
    extracted = extract(markdown.encode(), f"document-{number}.md")
    return SourceDocument(
        document_id=UUID(int=number),
        source_key=f"{number:064x}",
        title=extracted.title,
        language=extracted.language,
        visibility=visibility,
        tags=tags,
        chunks=tuple(chunk(extracted)),
    )


def build(
    folder: Path,
    documents: Iterable[SourceDocument],
    embedder: Embedder,
    *,
    version: str = "v1",
    knowledge_version: int = 1,
    tenant_id: UUID = TENANT,
    known: KnownVectors | None = None,
) -> Manifest:
    folder.mkdir(parents=True, exist_ok=True)
    return build_index(
        folder,
        tenant_id=tenant_id,
        version=version,
        knowledge_version=knowledge_version,
        documents=list(documents),
        embedder=embedder,
        known=KnownVectors() if known is None else known,
        created_at=CREATED,
        deadline=a_deadline(),
    )
