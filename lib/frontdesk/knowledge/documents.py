"""The endpoints of an agency's documents: upload, list, read, replace, change, delete.

Each change is one command in SQL, whose reply promises the indexer an event; it is told at once,
and when that fails maintenance does it later.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic import model_validator as validated

from frontdesk.knowledge.document_files import (
    check_file,
    is_object_of,
    remove_object,
    require_agent,
    store_file,
)
from frontdesk.knowledge.nudge import nudge_indexer
from frontdesk.platform.context import Context
from frontdesk.platform.database import Rpc
from frontdesk.platform.errors import (
    NotFound,
)
from frontdesk.platform.logging import get_logger
from frontdesk.platform.paging import Page
from frontdesk.platform.reply import Reply, Stream
from frontdesk.platform.storage import ObjectNotFound
from frontdesk.platform.upload import Upload

if TYPE_CHECKING:
    from collections.abc import Iterator

log = get_logger(__name__)

_LISTING = "documents"
_SORT = "newest"
_PIECE = 256 * 1024
_MISSING = "The stored file is missing; upload it again."


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


Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class DocumentForm(BaseModel):
    """What is said about an uploaded file."""

    model_config = ConfigDict(extra="forbid")

    title: Title | None = Field(
        None,
        description="Shown in citations; by default the document's own title, else its file name.",
    )
    visibility: Visibility = Field(
        Visibility.INTERNAL, description="`public` documents also answer website visitors."
    )
    language: LanguageCode | None = Field(
        None, description="ISO 639-1 code; by default it is detected."
    )
    tags: Tags = Field([], description="Separated by commas.")
    allow_duplicate: bool = Field(
        False,
        description="Keep the file though a document of that title has the very same bytes.",
    )


class ReplacementForm(BaseModel):
    """What is said anew about a document with its new file; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    title: Title | None = None
    visibility: Visibility | None = None
    language: LanguageCode | None = Field(
        None, description="ISO 639-1 code; one that was detected before is detected again."
    )
    tags: Tags | None = Field(None, description="Separated by commas; empty removes them.")

    @property
    def given(self) -> dict[str, Any]:
        """What the form says, as SQL reads it."""
        return self.model_dump(mode="json", exclude_none=True)


class DocumentChanges(BaseModel):
    """What to change about a document; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    title: Title | None = None
    visibility: Visibility | None = None
    language: LanguageCode | None = Field(None, description="ISO 639-1 code.")
    tags: Tags | None = None

    @validated(mode="after")
    def _something(self) -> Self:
        if not self.given:
            raise ValueError("name at least one of title, visibility, language and tags")
        return self

    @property
    def given(self) -> dict[str, Any]:
        """What to change, as SQL reads it."""
        return self.model_dump(mode="json", exclude_none=True)


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
    language_detected: bool = Field(description="Nobody said which language it is in.")
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

    It is read at once, so a file that can't be is refused here. It answers questions once its
    status is `indexed`, usually within seconds. The very same file under the same title is a
    `conflict`, which names the document that has it, unless `allow_duplicate` is set.
    """
    require_agent(context)
    checked = check_file(context, file)
    document_id = context.services.ids.new_id()
    outcome = store_file(
        context,
        checked,
        document_id,
        Rpc.ADD_DOCUMENT,
        facts={
            "id": str(document_id),
            "title": form.title or checked.found.title,
            "visibility": form.visibility,
            "language": form.language or checked.found.language,
            "language_detected": form.language is None,
            "tags": form.tags,
            "refuse_duplicate": not form.allow_duplicate,
        },
    )
    document = Document.model_validate(outcome["data"])
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
    return Document.model_validate(_row(context, path))


def replace_document(
    context: Context, path: DocumentPath, form: ReplacementForm, file: Upload
) -> Document:
    """Replace a document's file by a newer one; it keeps its id and what the form leaves out.

    Answers draw on the old text until the document's status is `indexed` again.
    """
    require_agent(context)
    _row(context, path)  # before a file is read for a document that is not there
    checked = check_file(context, file)
    outcome = store_file(
        context,
        checked,
        path.document_id,
        Rpc.REPLACE_DOCUMENT,
        p_id=str(path.document_id),
        facts={
            "language": checked.found.language,
            "language_detected": form.language is None,
            **form.given,
        },
    )
    # The file before stays until a new index is out: an indexer may be reading it. SQL lists it
    # among what may go, and the indexer removes it.
    nudge_indexer(context, outcome)
    return Document.model_validate(outcome["data"])


def update_document(context: Context, path: DocumentPath, body: DocumentChanges) -> Document:
    """Change a document's title, visibility, language or tags, not its file.

    Answers know of it once the document's status is `indexed` again.
    """
    outcome = context.database.call(
        Rpc.UPDATE_DOCUMENT,
        {
            "p_id": str(path.document_id),
            "p_changes": body.given,
            "p_command": context.command_json,
        },
        deadline=context.deadline,
        idempotent=False,
    )
    nudge_indexer(context, outcome)
    return Document.model_validate(outcome["data"])


def document_content(context: Context, path: DocumentPath) -> Stream:
    """Read the file that was uploaded, byte for byte; visitors get public ones alone.

    Whatever it is, browsers save it and show nothing of it.
    """
    found = _row(context, path)
    name = str(found["object_name"])
    if not is_object_of(context.member.tenant_id, path.document_id, name):
        raise NotFound(_MISSING)
    try:
        blob = context.services.storage.read(
            context.services.settings.documents_bucket_name, name, deadline=context.deadline
        )
    except ObjectNotFound:
        raise NotFound(_MISSING) from None
    return Stream(
        _pieces(blob.data),
        content_type=str(found["content_type"]),
        filename=str(found["filename"]),
        size=len(blob.data),
    )


def _row(context: Context, path: DocumentPath) -> dict[str, Any]:
    reply = context.database.call(
        Rpc.READ_DOCUMENT,
        {"p_id": str(path.document_id)},
        deadline=context.deadline,
        idempotent=True,
    )
    row: dict[str, Any] = reply["document"]
    return row


def _pieces(data: bytes) -> Iterator[bytes]:
    view = memoryview(data)
    for start in range(0, len(data), _PIECE):
        yield bytes(view[start : start + _PIECE])


def delete_document(context: Context, path: DocumentPath) -> Document:
    """Delete a document; answers no longer draw on it once the index was rebuilt."""
    outcome = context.database.call(
        Rpc.DELETE_DOCUMENT,
        {"p_id": str(path.document_id), "p_command": context.command_json},
        deadline=context.deadline,
        idempotent=False,
    )
    name = str(outcome["data"]["object_name"])
    if is_object_of(context.member.tenant_id, path.document_id, name):
        remove_object(context, name)
    nudge_indexer(context, outcome)
    return Document.model_validate(outcome["data"])
