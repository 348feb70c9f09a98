"""The index that every agency searches beside its own: a folder of public files, published.

It has no rows in the database; what it holds is what the folder holds. Of its versions only the one
that serves is kept: whatever leaves the folder leaves storage with the next build.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid5

from frontdesk.knowledge.bounded import INDEXING, extract_bounded
from frontdesk.knowledge.build import SourceDocument, build_index
from frontdesk.knowledge.chunk import chunk
from frontdesk.knowledge.embeddings import KnownVectors
from frontdesk.knowledge.index_source import source_key
from frontdesk.knowledge.manifest import SHARED_TENANT, IndexInvalid
from frontdesk.knowledge.progress import Progress, Step, silently
from frontdesk.knowledge.publish import shelf_of
from frontdesk.knowledge.reuse import EarlierBuild
from frontdesk.knowledge.tidy import BUILDING_PREFIX
from frontdesk.platform.errors import Unprocessable, UnsupportedMediaType
from frontdesk.platform.storage import ObjectNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from frontdesk.knowledge.embedder import Embedder
    from frontdesk.knowledge.manifest import Manifest
    from frontdesk.knowledge.publish import Current, IndexShelf
    from frontdesk.platform.resilience import Deadline
    from frontdesk.platform.services import Services

SUFFIXES: Final = frozenset(
    {".csv", ".docx", ".htm", ".html", ".markdown", ".md", ".pdf", ".tsv", ".txt"}
)
# A file keeps its document's id as long as it keeps its place in the folder.
_NAMESPACE: Final = UUID("8f0c2a54-6c0e-5d0f-9b1a-2f6f4f1f9a10")
_PUBLIC: Final = "public"


@dataclass(frozen=True, slots=True)
class SharedBuild:
    """What became of a folder.

    Attributes:
        manifest: of the version that serves now.
        is_new: it was published by this build.
        unreadable: files that could not be read, each with the reason.
    """

    manifest: Manifest
    is_new: bool
    unreadable: tuple[tuple[str, str], ...]


def files_of(folder: Path) -> list[Path]:
    """The files below a folder that can be documents, by name; hidden ones are left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def build_shared(
    services: Services,
    folder: Path,
    *,
    embedder: Embedder,
    deadline: Deadline,
    force: bool = False,
    progress: Progress = silently,
) -> SharedBuild:
    """Publish a folder as the shared index, unless what serves says the same already.

    Args:
        services: storage alone is used.
        folder: its files become public documents; see `files_of`.
        embedder: of new indexes.
        deadline: for all of it.
        force: build though nothing changed, and embed everything again.
        progress: told how far the build is.

    Raises:
        UpstreamUnavailable: storage or embedder failed.
        PointerMoved: another build was published meanwhile.
    """
    shelf = shelf_of(services)
    current = shelf.current(SHARED_TENANT, deadline=deadline)
    before = _manifest(shelf, current, deadline)
    cache = Path(services.settings.index_cache_dir)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=BUILDING_PREFIX) as scratch_name:
        scratch = Path(scratch_name)
        earlier = EarlierBuild(shelf, SHARED_TENANT, None if force else before, scratch, deadline)
        documents, unreadable = _read(folder, files_of(folder), progress, deadline)
        manifest = before
        is_same = earlier.chunks().keys() == {document.source_key for document in documents}
        is_new = before is None or not is_same or before.embedder_id != embedder.id
        if manifest is None or is_new or force:
            target = scratch / "index"
            target.mkdir()
            manifest = build_index(
                target,
                tenant_id=SHARED_TENANT,
                version=str(services.ids.new_id()),
                knowledge_version=0 if before is None else before.knowledge_version + 1,
                documents=documents,
                embedder=embedder,
                known=KnownVectors() if force else earlier.vectors(embedder.id),
                created_at=services.clock.now(),
                deadline=deadline,
                progress=progress,
            )
            shelf.publish(
                target,
                manifest,
                expected_generation=current.generation,
                deadline=deadline,
                progress=progress,
            )
    shelf.collect(SHARED_TENANT, now=services.clock.now(), keep=1, deadline=deadline)
    return SharedBuild(manifest, is_new or force, tuple(unreadable))


def _manifest(shelf: IndexShelf, current: Current, deadline: Deadline) -> Manifest | None:
    if current.pointer is None:
        return None
    try:
        return shelf.manifest(SHARED_TENANT, current.pointer, deadline=deadline)
    except (ObjectNotFound, IndexInvalid):
        return None  # whatever is wrong with it, the new version replaces it


def _read(
    folder: Path, files: Sequence[Path], progress: Progress, deadline: Deadline
) -> tuple[list[SourceDocument], list[tuple[str, str]]]:
    documents: list[SourceDocument] = []
    unreadable: list[tuple[str, str]] = []
    progress(Step.READING, 0, len(files))
    for number, file in enumerate(files, start=1):
        name = file.relative_to(folder).as_posix()
        try:
            documents.append(_document(name, file.read_bytes(), deadline))
        except (Unprocessable, UnsupportedMediaType) as refused:
            unreadable.append((name, refused.message))
        except OSError as refused:
            unreadable.append((name, f"{refused.strerror}."))
        progress(Step.READING, number, len(files))
    return documents, unreadable


def _document(name: str, data: bytes, deadline: Deadline) -> SourceDocument:
    """A file in chunks, under the title that it has itself.

    Raises:
        Unprocessable, UnsupportedMediaType: it can't be read.
    """
    document_id = uuid5(_NAMESPACE, name)
    document = extract_bounded(data, name, None, limits=INDEXING, deadline=deadline)
    return SourceDocument(
        document_id=document_id,
        source_key=source_key(document_id, hashlib.sha256(data).hexdigest(), "", None),
        title=document.title,
        language=document.language,
        visibility=_PUBLIC,
        tags=(),
        chunks=tuple(chunk(document)),
    )
