"""The demo agencies' knowledge, indexed in process by the real embedder, ready to be asked.

No server and no network: the code between a question and its answer is what
``POST /v1/helpdesk/ask`` runs; only the door in front and the database behind are left out.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, UUID, uuid5

from demo.agencies import all_agencies
from frontdesk.helpdesk.answering import Responder
from frontdesk.helpdesk.findings import Finder
from frontdesk.knowledge.build import KnownVectors, SourceDocument, build_index
from frontdesk.knowledge.chunk import chunk
from frontdesk.knowledge.embedders import Embedders
from frontdesk.knowledge.extract import extract
from frontdesk.knowledge.index import LoadedIndex
from frontdesk.knowledge.minilm import MiniLM
from frontdesk.knowledge.retrieve import Retriever
from frontdesk.local.minilm_model import build_model
from frontdesk.local.paths import CACHE
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.errors import UpstreamUnavailable
from frontdesk.platform.llm import LanguageModel
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from demo.agencies import Agency, Document
    from frontdesk.knowledge.embedder import Embedder, Vectors
    from frontdesk.knowledge.extract import Extracted

CLOCK = SystemClock()
_SECONDS = 600.0


def deadline() -> Deadline:
    """Long enough for a busy machine: quality is measured here, not time."""
    return Deadline.after(_SECONDS, CLOCK)


class NoEmbedder:
    """An embedder that is always away: only the lexical half searches."""

    def __init__(self, like: Embedder) -> None:
        self.id = like.id
        self.dimensions = like.dimensions

    def embed(self, texts: Sequence[str], *, deadline: Deadline) -> Vectors:
        """See ``Embedder.embed``."""
        raise UpstreamUnavailable


class Shelf:
    """Loaded indexes by tenant."""

    def __init__(self, indexes: dict[UUID, LoadedIndex]) -> None:
        self._indexes = indexes

    def get(self, tenant_id: UUID, *, deadline: Deadline) -> LoadedIndex | None:
        """See ``IndexStore.get``."""
        return self._indexes.get(tenant_id)


@dataclass(frozen=True)
class Laboratory:
    """Both agencies, indexed.

    Attributes:
        files: file names by document id.
    """

    shelf: Shelf
    embedder: Embedder
    files: dict[str, str]

    def finder(self, *, lexical: bool = False) -> Finder:
        """What searches and judges; ``lexical`` without an embedder."""
        embedder = NoEmbedder(self.embedder) if lexical else self.embedder
        embedders = Embedders(embedder)
        return Finder(Retriever(self.shelf, embedders, clock=CLOCK), embedders, clock=CLOCK)

    def responder(self, *, lexical: bool = False) -> Responder:
        """What answers, without a language model: extractively."""
        model = LanguageModel(Settings(openai_api_key=None))
        return Responder(self.finder(lexical=lexical), model, clock=CLOCK)


def tenant_of(slug: str) -> UUID:
    """The id that an agency has here."""
    return uuid5(NAMESPACE_URL, slug)


@contextmanager
def open_laboratory() -> Iterator[Laboratory]:
    """Index both agencies into a scratch folder; about ten seconds."""
    embedder = MiniLM(build_model(CACHE / "models"), threads=2)
    with tempfile.TemporaryDirectory() as scratch:
        indexes: dict[UUID, LoadedIndex] = {}
        files: dict[str, str] = {}
        for agency in all_agencies():
            tenant_id = tenant_of(agency.tenant.slug)
            documents = _documents(agency, tenant_id)
            files |= {str(_document_id(tenant_id, d.path)): d.path.name for d in agency.documents}
            folder = Path(scratch) / agency.tenant.slug
            folder.mkdir()
            manifest = build_index(
                folder,
                tenant_id=tenant_id,
                version="1",
                knowledge_version=1,
                documents=documents,
                embedder=embedder,
                known=KnownVectors(),
                created_at=CLOCK.now(),
                deadline=deadline(),
            )
            indexes[tenant_id] = LoadedIndex(folder, manifest)
        yield Laboratory(Shelf(indexes), embedder, files)


def _document_id(tenant_id: UUID, path: Path) -> UUID:
    return uuid5(tenant_id, path.name)


def _documents(agency: Agency, tenant_id: UUID) -> list[SourceDocument]:
    return [
        SourceDocument(
            document_id=_document_id(tenant_id, document.path),
            source_key=document.path.name,
            title=document.title,
            language=document.language,
            visibility=document.visibility,
            tags=document.tags,
            chunks=tuple(chunk(_extracted(document))),
        )
        for document in agency.documents
    ]


def _extracted(document: Document) -> Extracted:
    read = extract(document.path.read_bytes(), document.path.name)
    return read.named(document.title, document.language)
