"""Documents as SQL lists them become documents in chunks, each alone: one that can't be read does
not stop the others.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from frontdesk.knowledge.bounded import INDEXING, extract_bounded
from frontdesk.knowledge.build import SourceDocument
from frontdesk.knowledge.chunk import chunk
from frontdesk.knowledge.document_files import is_object_of
from frontdesk.knowledge.index_source import FailedDocument
from frontdesk.knowledge.progress import Progress, Step
from frontdesk.platform.errors import Unprocessable, UnsupportedMediaType, UpstreamUnavailable
from frontdesk.platform.logging import get_logger
from frontdesk.platform.storage import ObjectNotFound

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from frontdesk.knowledge.chunk import Chunk
    from frontdesk.knowledge.index_source import ListedDocument, Source
    from frontdesk.platform.resilience import Deadline
    from frontdesk.platform.services import Services

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of the documents.

    Attributes:
        ready: in chunks, with what SQL says of them.
        failed: can't be read, whoever tries.
        postponed: could not be fetched just now; they stay pending.
    """

    ready: list[tuple[ListedDocument, SourceDocument]] = field(default_factory=list)
    failed: list[FailedDocument] = field(default_factory=list)
    postponed: list[ListedDocument] = field(default_factory=list)

    @property
    def is_news(self) -> bool:
        """Whether a document that was waiting no longer has to."""
        return bool(self.failed) or any(listed.status == "pending" for listed, _ in self.ready)


def read_documents(
    services: Services,
    source: Source,
    known: Mapping[str, tuple[Chunk, ...]],
    *,
    retry_failed: bool,
    progress: Progress,
    deadline: Deadline,
) -> Reading:
    """Read what is new; what an earlier build knows comes from there.

    Args:
        source: the documents as SQL lists them.
        known: chunks by source key.
        retry_failed: read also what failed before and was not changed since.
        progress: counts documents.
        deadline: for storage.

    Raises:
        DeadlineExceeded: the deadline passed.
    """
    reading = Reading()
    progress(Step.READING, 0, len(source.documents))
    for number, listed in enumerate(source.documents, start=1):
        if listed.status != "failed" or retry_failed:
            _read_one(services, source.tenant_id, listed, known, reading, deadline=deadline)
        progress(Step.READING, number, len(source.documents))
    return reading


def _read_one(
    services: Services,
    tenant_id: UUID,
    listed: ListedDocument,
    known: Mapping[str, tuple[Chunk, ...]],
    reading: Reading,
    *,
    deadline: Deadline,
) -> None:
    try:
        chunks = known.get(listed.source_key) or _chunks(services, tenant_id, listed, deadline)
    except ObjectNotFound:
        reading.failed.append(
            FailedDocument(listed, "The stored file is missing; upload it again.")
        )
    except (Unprocessable, UnsupportedMediaType) as unreadable:
        reading.failed.append(FailedDocument(listed, unreadable.message))
    except UpstreamUnavailable as away:
        log.warning("A document could not be fetched; it waits.", error=type(away).__name__)
        reading.postponed.append(listed)
    else:
        document = SourceDocument(
            document_id=listed.id,
            source_key=listed.source_key,
            title=listed.title,
            language=chunks[0].language,
            visibility=listed.visibility,
            tags=listed.tags,
            chunks=chunks,
        )
        reading.ready.append((listed, document))


def _chunks(
    services: Services, tenant_id: UUID, listed: ListedDocument, deadline: Deadline
) -> tuple[Chunk, ...]:
    """A document's chunks from its stored bytes.

    Raises:
        ObjectNotFound: the bytes are gone, or would be another document's.
        Unprocessable, UnsupportedMediaType: they can't be read.
        UpstreamUnavailable: storage does not answer.
    """
    if not is_object_of(tenant_id, listed.id, listed.object_name):
        raise ObjectNotFound(listed.object_name)
    blob = services.storage.read(
        services.settings.documents_bucket_name, listed.object_name, deadline=deadline
    )
    if hashlib.sha256(blob.data).hexdigest() != listed.sha256:
        raise Unprocessable("The stored file is not the one that was uploaded.")
    document = extract_bounded(
        blob.data, listed.filename, listed.content_type, limits=INDEXING, deadline=deadline
    )
    return tuple(chunk(document.named(listed.title, listed.language)))
