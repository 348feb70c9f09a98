"""The endpoints of an agency's documents: upload, list, read, delete.

An upload is stored first and written down second, so that a crash between the two leaves at most an
object that nothing refers to; then the indexer is told. The promise of that event is part of the
command in SQL: when telling fails, maintenance does it later.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from frontdesk.knowledge.nudge import nudge_indexer
from frontdesk.knowledge.sniff import CONTENT_TYPES, sniff
from frontdesk.platform.context import Context
from frontdesk.platform.database import Rpc
from frontdesk.platform.errors import (
    DeadlineExceeded,
    InvalidRequest,
    PayloadTooLarge,
    UpstreamUnavailable,
)
from frontdesk.platform.logging import get_logger
from frontdesk.platform.paging import Page
from frontdesk.platform.reply import Reply
from frontdesk.platform.upload import Upload

log = get_logger(__name__)

_LISTING = "documents"
_SORT = "newest"


class Visibility(StrEnum):
    """Who may be answered from a document."""

    PUBLIC = "public"
    INTERNAL = "internal"


class DocumentStatus(StrEnum):
    """How far the indexer has come."""

    PENDING = "pending"
    INDEXED = "indexed"
    FAILED = "failed"


def _split_tags(value: Any) -> Any:
    """A form has text only: ``beach, families``."""
    if isinstance(value, str):
        value = value.split(",")
    return [tag.strip() for tag in value if tag.strip()] if isinstance(value, list) else value


Tag = Annotated[str, StringConstraints(min_length=1, max_length=50)]
Tags = Annotated[list[Tag], BeforeValidator(_split_tags), Field(max_length=50)]
LanguageCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]


class DocumentForm(BaseModel):
    """What is said about an uploaded file."""

    model_config = ConfigDict(extra="forbid")

    title: (
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
        | None
    ) = Field(None, description="Shown in citations; by default the file's name.")
    visibility: Visibility = Field(
        Visibility.INTERNAL, description="`public` documents also answer website visitors."
    )
    language: LanguageCode | None = Field(
        None, description="ISO 639-1 code; by default it is detected."
    )
    tags: Tags = Field([], description="Separated by commas.")


class DocumentPath(BaseModel):
    """The document that the path names."""

    document_id: UUID


class DocumentQuery(BaseModel):
    """Which documents to list; the newest come first."""

    model_config = ConfigDict(extra="forbid")

    status: DocumentStatus | None = None
    visibility: Visibility | None = None
    language: LanguageCode | None = None
    tag: Tag | None = None
    page_size: int = Field(50, ge=1, le=200)
    cursor: Annotated[str, StringConstraints(max_length=2048)] | None = None

    @property
    def filters(self) -> dict[str, str]:
        """What narrows the list, as SQL reads it."""
        chosen = {
            "status": self.status,
            "visibility": self.visibility,
            "language": self.language,
            "tag": self.tag,
        }
        return {name: str(value) for name, value in chosen.items() if value is not None}


class Document(BaseModel):
    """A document and how far the indexer has come with it."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    id: UUID
    title: str
    filename: str
    content_type: str
    size: int = Field(description="In bytes.")
    sha256: str
    visibility: Visibility
    language: str | None
    tags: list[str]
    status: DocumentStatus
    reason: str | None = Field(description="Why a failed document can't be read.")
    chunks: int | None = Field(description="Passages in the index.")
    index_version: str | None
    created_at: datetime
    updated_at: datetime
    indexed_at: datetime | None


def upload_document(context: Context, form: DocumentForm, file: Upload) -> Reply[Document]:
    """Add a document to the agency's knowledge: PDF, DOCX, HTML, Markdown, CSV or plain text.

    It answers questions once its status is `indexed`, usually within seconds.
    """
    settings, storage = context.services.settings, context.services.storage
    if file.size > settings.max_upload_bytes:
        raise PayloadTooLarge(details={"limit": settings.max_upload_bytes})
    data = file.stream.read()
    if not data:
        raise InvalidRequest.for_field("file", "is empty")
    kind = sniff(data, file.filename, file.content_type)
    digest = hashlib.sha256(data).hexdigest()
    document_id = context.services.ids.new_id()
    name = document_object(context.member.tenant_id, document_id, digest)
    content_type = CONTENT_TYPES[kind]
    storage.write(
        settings.documents_bucket_name,
        name,
        data,
        content_type=content_type,
        if_generation_match=0,
        deadline=context.deadline,
    )
    outcome = context.database.call(
        Rpc.ADD_DOCUMENT,
        {
            "p_document": {
                "id": str(document_id),
                "title": form.title or _title_of(file.filename),
                "filename": file.filename,
                "content_type": content_type,
                "size": len(data),
                "sha256": digest,
                "object_name": name,
                "visibility": form.visibility,
                "language": form.language,
                "tags": form.tags,
            },
            "p_command": context.command_json,
        },
        deadline=context.deadline,
        idempotent=False,
    )
    document = Document.model_validate(outcome["data"])
    if document.id != document_id:  # a repetition: the first attempt's document stands
        _remove_object(context, name)
    nudge_indexer(context, outcome)
    return Reply(document, 201, {"Location": f"/v1/knowledge/documents/{document.id}"})


def list_documents(context: Context, query: DocumentQuery) -> Page[Document]:
    """List the agency's documents, the newest first; visitors see public ones alone."""
    cursors, tenant_id = context.services.cursors, context.member.tenant_id
    after = (
        cursors.decode(
            query.cursor, tenant_id=tenant_id, listing=_LISTING, filters=query.filters, sort=_SORT
        )
        if query.cursor
        else None
    )
    reply = context.database.call(
        Rpc.LIST_DOCUMENTS,
        {"p_filter": query.filters, "p_limit": query.page_size, "p_after": after},
        deadline=context.deadline,
        idempotent=True,
    )
    following = reply["next"]
    return Page(
        items=[Document.model_validate(row) for row in reply["rows"]],
        page_size=query.page_size,
        next_cursor=cursors.encode(
            following, tenant_id=tenant_id, listing=_LISTING, filters=query.filters, sort=_SORT
        )
        if following
        else None,
    )


def read_document(context: Context, path: DocumentPath) -> Document:
    """Read what is known about a document."""
    reply = context.database.call(
        Rpc.READ_DOCUMENT,
        {"p_id": str(path.document_id)},
        deadline=context.deadline,
        idempotent=True,
    )
    return Document.model_validate(reply["document"])


def delete_document(context: Context, path: DocumentPath) -> Document:
    """Delete a document; answers no longer draw on it once the index was rebuilt."""
    outcome = context.database.call(
        Rpc.DELETE_DOCUMENT,
        {"p_id": str(path.document_id), "p_command": context.command_json},
        deadline=context.deadline,
        idempotent=False,
    )
    _remove_object(context, outcome["data"]["object_name"])
    nudge_indexer(context, outcome)
    return Document.model_validate(outcome["data"])


def document_object(tenant_id: UUID, document_id: UUID, sha256: str) -> str:
    """Where a document's bytes lie in the bucket of documents."""
    return f"tenants/{tenant_id}/documents/{document_id}/{sha256}"


def _title_of(filename: str) -> str:
    stem = PurePosixPath(filename).stem.replace("_", " ").replace("-", " ").strip()
    return (stem or filename)[:300]


def _remove_object(context: Context, name: str) -> None:
    """What can't be removed now, the indexer removes after its next build."""
    try:
        context.services.storage.delete(
            context.services.settings.documents_bucket_name, name, deadline=context.deadline
        )
    except (UpstreamUnavailable, DeadlineExceeded) as failure:
        log.warning("A document's object was not removed.", error=type(failure).__name__)
