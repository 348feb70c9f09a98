"""The bytes of an agency's documents: checked at the door, stored under a name that only SQL knows.

A file is stored first and written down second, so that a crash between the two leaves at most an
object that nothing refers to. When the command is refused the object goes again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from frontdesk.knowledge.bounded import UPLOAD, inspect_bounded
from frontdesk.knowledge.extract import DocumentUnreadable
from frontdesk.knowledge.sniff import CONTENT_TYPES
from frontdesk.platform.context import Access, Context, Role
from frontdesk.platform.database import Rpc
from frontdesk.platform.errors import (
    DeadlineExceeded,
    FrontdeskError,
    InternalError,
    InvalidRequest,
    PayloadTooLarge,
    PermissionDenied,
    UnsupportedMediaType,
    UpstreamUnavailable,
)
from frontdesk.platform.logging import get_logger
from frontdesk.platform.upload import Upload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from frontdesk.knowledge.bounded import Inspection

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """An uploaded file that was read once, whole, and can be indexed.

    Attributes:
        found: its kind, title and language.
    """

    data: bytes
    filename: str
    found: Inspection

    @property
    def facts(self) -> dict[str, Any]:
        """What SQL keeps of any file."""
        return {
            "filename": self.filename,
            "content_type": CONTENT_TYPES[self.found.kind],
            "size": len(self.data),
            "sha256": hashlib.sha256(self.data).hexdigest(),
        }


def require_agent(context: Context) -> None:
    """Ask SQL for the caller's role before a file is read: nobody else makes us do that work.

    The command asks again, when it counts.

    Raises:
        PermissionDenied: below an agent, suspended or removed.
    """
    reply = context.database.call(Rpc.ACCESS, {}, deadline=context.deadline, idempotent=True)
    if not Access.model_validate(reply["access"]).role.at_least(Role.AGENT):
        raise PermissionDenied(details={"required_role": Role.AGENT})


def check_file(context: Context, file: Upload) -> CheckedFile:
    """Read an uploaded file within its limits, before anything of it is stored.

    Raises:
        InvalidRequest: it is empty.
        PayloadTooLarge, UnsupportedMediaType, Unprocessable: it cannot be indexed, and the message
            says why; details name the field ``file``.
    """
    limit = context.services.settings.max_upload_bytes
    if file.size > limit:
        sentence = f"The file is larger than {limit:,} bytes."
        raise PayloadTooLarge(sentence, details={"limit_bytes": limit} | _field(sentence))
    if not file.size:
        raise InvalidRequest.for_field("file", "is empty")
    data = file.stream.read()
    try:
        found = inspect_bounded(
            data, file.filename, file.content_type, limits=UPLOAD, deadline=context.deadline
        )
    except DocumentUnreadable as refused:
        raise DocumentUnreadable(refused.message, details=_field(refused.message)) from None
    except UnsupportedMediaType as refused:
        raise UnsupportedMediaType(refused.message, details=_field(refused.message)) from None
    return CheckedFile(data, file.filename, found)


def _field(message: str) -> dict[str, Any]:
    return {"errors": [{"field": "file", "message": message}]}


def store_file(
    context: Context,
    file: CheckedFile,
    document_id: UUID,
    rpc: Rpc,
    *,
    facts: Mapping[str, Any],
    **params: Any,
) -> dict[str, Any]:
    """Store the file, then run the command that writes it down, and return its outcome.

    Args:
        context: the request's.
        file: whose bytes are stored.
        document_id: the document that they belong to.
        rpc: the command; it takes the document as ``p_document``.
        facts: what it keeps besides the file's own facts.
        **params: its other parameters.

    Raises:
        FrontdeskError: storage's or the command's; after a refusal nothing is left behind.
    """
    bucket = context.services.settings.documents_bucket_name
    revision = context.services.ids.new_id()
    name = document_object(context.member.tenant_id, document_id, str(revision))
    context.services.storage.write(
        bucket,
        name,
        file.data,
        content_type=str(file.facts["content_type"]),
        if_generation_match=0,
        deadline=context.deadline,
    )
    document = {**file.facts, **facts, "object_name": name}
    try:
        outcome: dict[str, Any] = context.database.call(
            rpc,
            {**params, "p_document": document, "p_command": context.command_json},
            deadline=context.deadline,
            idempotent=False,
        )
    except FrontdeskError as error:
        # A refusal is certain; after a failure the row may be there, and must keep its file.
        if error.status < InternalError.status:
            remove_object(context, name)
        raise
    if outcome["data"]["object_name"] != name:  # a repetition: the first attempt's file stands
        remove_object(context, name)
    return outcome


def remove_object(context: Context, name: str) -> None:
    """What can't be removed now, the indexer removes after its next build."""
    try:
        context.services.storage.delete(
            context.services.settings.documents_bucket_name, name, deadline=context.deadline
        )
    except (UpstreamUnavailable, DeadlineExceeded) as failure:
        log.warning("A document's object was not removed.", error=type(failure).__name__)


def document_object(tenant_id: UUID, document_id: UUID, revision: str) -> str:
    """Where one revision of a document's bytes lies in the bucket of documents.

    Each stored file has a name of its own, so that removing an old one never meets a new one.
    """
    return f"tenants/{tenant_id}/documents/{document_id}/{revision}"


def is_object_of(tenant_id: UUID, document_id: UUID, name: str) -> bool:
    """Whether an object is one of that document's.

    A member may call the command in SQL themselves and write down what name they like; nothing is
    read or removed for them outside of the document's own folder.
    """
    folder = document_object(tenant_id, document_id, "")
    return name.startswith(folder) and "/" not in name.removeprefix(folder)
