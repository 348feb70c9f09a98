"""The files that the retrieval benchmarks read: built once, kept in ``.local/bench``."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
import sqlite3
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from bench import corpus
from bench.upstream import TENANT
from frontdesk import knowledge
from frontdesk.knowledge import minilm
from frontdesk.knowledge.build import SourceDocument, build_index
from frontdesk.knowledge.embeddings import KnownVectors
from frontdesk.knowledge.manifest import EMBEDDINGS_FILE
from frontdesk.local.minilm_model import build_model
from frontdesk.local.paths import CACHE
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.resilience import Deadline

DIMENSIONS = 768  # of the budgets for dense search
HYBRID_DIMENSIONS = minilm.DIMENSIONS
SYNTHETIC = f"synthetic-{DIMENSIONS}"
QUERIES = 400
NEIGHBOURS = 10

# Names inside the folder.
DENSE, HYBRID = f"ours-{DIMENSIONS}", f"ours-{HYBRID_DIMENSIONS}"
LANGCHAIN = f"langchain-{DIMENSIONS}"
LANGCHAIN_HYBRID = f"langchain-{HYBRID_DIMENSIONS}"
FLAT_FILE, DOCSTORE_FILE, FTS_FILE = "index.faiss", "index.pkl", "fts.sqlite"
QUERIES_FILE, EXACT_FILE, QUESTIONS_FILE = "queries.npy", "exact.npy", "questions.json"

_BATCH = 512
_BUILD_SECONDS = 3_600.0
# What the files depend on beside the benchmark's own modules.
_SOURCES = (
    "build",
    "chunk",
    "chunkfile",
    "embeddings",
    "language",
    "manifest",
    "sentences",
    "tokens",
    "vectorfile",
)


def model() -> Path:
    """The embedded embedder's folder, built on first use."""
    return build_model(CACHE / "models")


def prepared() -> Path:
    """The folder with all files; built in a process of its own when the code has changed."""
    folder = CACHE / "bench" / f"retrieval-{_fingerprint()}"
    if not folder.exists():
        tokenizer = model() / "tokenizer.json"
        print(f"  building {folder.relative_to(CACHE.parent)}", file=sys.stderr, flush=True)
        for old in folder.parent.glob("*retrieval-*"):
            shutil.rmtree(old)  # of older code, or a build that was cut off
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            process.submit(_build, folder, tokenizer).result()
    return folder


def _fingerprint() -> str:
    parts = [Path(__file__), Path(corpus.__file__)]
    parts += [Path(knowledge.__path__[0]) / f"{name}.py" for name in _SOURCES]
    digest = hashlib.sha256(b"".join(part.read_bytes() for part in parts))
    return digest.hexdigest()[:12]


def _build(folder: Path, tokenizer: Path) -> None:
    scratch = folder.with_name(f".building-{folder.name}")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    texts = corpus.Texts(tokenizer)
    documents = list(texts.documents())
    for name, baseline, embedder in (
        (DENSE, LANGCHAIN, corpus.SyntheticEmbedder(SYNTHETIC, DIMENSIONS)),
        (HYBRID, LANGCHAIN_HYBRID, corpus.SyntheticEmbedder(minilm.EMBEDDER_ID, HYBRID_DIMENSIONS)),
    ):
        _build_ours(scratch / name, documents, embedder)
        vectors = _vectors(documents, embedder)
        _build_langchain(scratch / baseline, documents, vectors)
        if name == DENSE:
            random = np.random.default_rng(corpus.SEED)
            asked = [documents[i] for i in random.integers(len(documents), size=QUERIES)]
            questions = [texts.question(document, random) for document in asked]
            # A question's vector lies near its document's, with a part of its own.
            queries = embedder.embed(
                [f"{d.title}\n{q}" for d, q in zip(asked, questions, strict=True)],
                deadline=_deadline(),
            )
            np.save(scratch / QUERIES_FILE, queries)
            np.save(scratch / EXACT_FILE, _exact(queries, vectors))
            (scratch / QUESTIONS_FILE).write_text(json.dumps(questions), encoding="utf-8")
    _build_fts(scratch / LANGCHAIN_HYBRID / FTS_FILE, documents)
    scratch.rename(folder)


def _build_ours(
    folder: Path, documents: Sequence[SourceDocument], embedder: corpus.SyntheticEmbedder
) -> None:
    folder.mkdir()
    build_index(
        folder,
        tenant_id=TENANT,
        version="bench",
        knowledge_version=1,
        documents=documents,
        embedder=embedder,
        known=KnownVectors(),
        created_at=datetime.now(UTC),
        deadline=_deadline(),
    )
    (folder / EMBEDDINGS_FILE).unlink()  # the next build's; serving never downloads it


def _vectors(
    documents: Sequence[SourceDocument], embedder: corpus.SyntheticEmbedder
) -> NDArray[np.float32]:
    texts = [chunk.embedded_text for document in documents for chunk in document.chunks]
    vectors = np.empty((len(texts), embedder.dimensions), np.float32)
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        vectors[start : start + _BATCH] = embedder.embed(batch, deadline=_deadline())
    return vectors


def _build_langchain(
    folder: Path, documents: Sequence[SourceDocument], vectors: NDArray[np.float32]
) -> None:
    """What LangChain's ``FAISS.save_local`` leaves: a flat index and a pickle of its documents.

    Its in-memory docstore is a dictionary; langchain-core has the documents, not the docstore.
    """
    import faiss
    from langchain_core.documents import Document

    folder.mkdir()
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    faiss.write_index(index, str(folder / FLAT_FILE))
    docstore = {
        str(UUID(int=(document.document_id.int << 32) + position)): Document(
            page_content=chunk.text,
            metadata={
                "document_id": str(document.document_id),
                "title": document.title,
                "context": chunk.context,
                "visibility": document.visibility,
            },
        )
        for document in documents
        for position, chunk in enumerate(document.chunks)
    }
    with (folder / DOCSTORE_FILE).open("wb") as stream:
        pickle.dump((docstore, dict(enumerate(docstore))), stream)


def _build_fts(path: Path, documents: Sequence[SourceDocument]) -> None:
    """SQLite's full-text search as it comes, English stems and all words."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "create virtual table lexical using fts5"
            " (context, body, content = '', tokenize = 'porter unicode61')"
        )
        chunks = (chunk for document in documents for chunk in document.chunks)
        database.executemany(
            "insert into lexical (rowid, context, body) values (?, ?, ?)",
            ((row, chunk.context, chunk.text) for row, chunk in enumerate(chunks)),
        )
        database.execute("insert into lexical (lexical) values ('optimize')")


def _exact(queries: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    """The rows of the nearest neighbours, best first."""
    nearest = [np.argsort(-(vectors @ query), kind="stable")[:NEIGHBOURS] for query in queries]
    return np.array(nearest)


def _deadline() -> Deadline:
    return Deadline.after(_BUILD_SECONDS, SystemClock())
