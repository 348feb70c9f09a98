"""What a published index says about itself, and where its parts lie."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from frontdesk.platform.errors import UpstreamUnavailable

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST_FILE = "manifest.json"
VECTORS_FILE = "vectors.faiss"
CHUNKS_FILE = "chunks.sqlite"
# Half-precision vectors by chunk hash: the next build reuses them, serving never downloads them.
EMBEDDINGS_FILE = "embeddings.npz"
# Embeddings of a build that ran out of time; the next one goes on from there.
PROGRESS_FILE = "progress.npz"
# Vectors of sentences and words; an index that is too large for it, or older, has none.
DETAILS_FILE = "details.npy"
REQUIRED_FILES = (VECTORS_FILE, CHUNKS_FILE)
SERVED_FILES = (*REQUIRED_FILES, DETAILS_FILE)
POINTER_FILE = "current.json"
SHARED_TENANT = UUID(int=0)
"""Whose index every agency searches beside its own; no tenant has this id."""


class IndexInvalid(UpstreamUnavailable):
    """A stored index is damaged, of another format, or not the one that was asked for."""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True)


class FileEntry(_Document):
    """One file of an index."""

    sha256: str
    size: int


class Manifest(_Document):
    """The contents and identity of one immutable index version."""

    format: Literal[1] = 1
    tenant_id: UUID
    version: str
    knowledge_version: int
    created_at: datetime
    embedder_id: str
    dimensions: int
    metric: Literal["inner_product"] = "inner_product"
    documents: int
    chunks: int
    languages: tuple[str, ...]
    files: dict[str, FileEntry]

    @field_validator("files")
    @classmethod
    def _whole(cls, files: dict[str, FileEntry]) -> dict[str, FileEntry]:
        if not files.keys() >= set(REQUIRED_FILES):
            raise ValueError("a file that every index has is missing")
        return files

    @property
    def shared(self) -> bool:
        """Whether every agency searches it, beside its own."""
        return self.tenant_id == SHARED_TENANT

    @property
    def parts(self) -> tuple[Manifest]:
        """Itself; see `frontdesk.knowledge.searchable.IndexFacts`."""
        return (self,)

    @property
    def served_files(self) -> dict[str, FileEntry]:
        """What a searching process needs on its disk."""
        return {name: self.files[name] for name in SERVED_FILES if name in self.files}

    @classmethod
    def parse(cls, raw: bytes) -> Manifest:
        """Read a manifest.

        Raises:
            IndexInvalid: of another format, or no manifest.
        """
        try:
            return cls.model_validate_json(raw)
        except ValidationError as wrong:
            raise IndexInvalid("An index manifest is not of a format we read.") from wrong

    def encode(self) -> bytes:
        """The bytes whose SHA-256 the pointer holds."""
        return self.model_dump_json(indent=1).encode()


class Pointer(_Document):
    """``current.json``: which version serves, and the checksum that its manifest must have.

    Attributes:
        knowledge_version: that the version was built from.
        stands_for: the knowledge version at which somebody went back to this older version; until
            the documents change again it is not built anew. None otherwise.
    """

    format: Literal[1] = 1
    version: str
    knowledge_version: int
    manifest_sha256: str
    stands_for: int | None = None

    @classmethod
    def to(cls, manifest: Manifest, encoded: bytes, stands_for: int | None = None) -> Pointer:
        """The pointer to a version whose manifest is stored as these bytes."""
        return cls(
            version=manifest.version,
            knowledge_version=manifest.knowledge_version,
            manifest_sha256=hashlib.sha256(encoded).hexdigest(),
            stands_for=stands_for,
        )

    @classmethod
    def parse(cls, raw: bytes) -> Pointer:
        """Read a pointer.

        Raises:
            IndexInvalid: of another format, or no pointer.
        """
        try:
            return cls.model_validate_json(raw)
        except ValidationError as wrong:
            raise IndexInvalid("An index pointer is not of a format we read.") from wrong

    def encode(self) -> bytes:
        """As stored."""
        return self.model_dump_json().encode()


def tenant_prefix(prefix: str, tenant_id: UUID) -> str:
    """Everything of a tenant's indexes lies below this; purge deletes it."""
    return f"{prefix}/{tenant_id}/"


def pointer_object(prefix: str, tenant_id: UUID) -> str:
    """Object name of a tenant's pointer."""
    return f"{prefix}/{tenant_id}/{POINTER_FILE}"


def progress_object(prefix: str, tenant_id: UUID) -> str:
    """Object name of what an unfinished build left."""
    return f"{prefix}/{tenant_id}/{PROGRESS_FILE}"


def index_object(prefix: str, tenant_id: UUID, version: str, name: str) -> str:
    """Object name of one file of an index version."""
    return f"{prefix}/{tenant_id}/{version}/{name}"


def file_entry(path: Path) -> FileEntry:
    """Checksum and size of a file on disk."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return FileEntry(sha256=digest, size=path.stat().st_size)
