"""Two ways from a query to eight passages: ours, and LangChain's with a flat FAISS index."""

from __future__ import annotations

import pickle
import sqlite3
from pathlib import Path
from typing import Any, Protocol

import faiss
import numpy as np
from langchain_core.documents import Document
from langchain_core.vectorstores.utils import maximal_marginal_relevance as langchain_mmr
from numpy.typing import NDArray

from bench.retrieval_data import DOCSTORE_FILE, FLAT_FILE, FTS_FILE
from bench.upstream import TENANT
from frontdesk.knowledge.embedders import Embedders
from frontdesk.knowledge.fusion import reciprocal_rank
from frontdesk.knowledge.index import PUBLIC_ONLY, LoadedIndex
from frontdesk.knowledge.manifest import MANIFEST_FILE, Manifest
from frontdesk.knowledge.minilm import MiniLM
from frontdesk.knowledge.mmr import maximal_marginal_relevance
from frontdesk.knowledge.retrieve import Retriever
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.resilience import Deadline

PASSAGES = 8
FETCHED = 20  # LangChain's default
LAMBDA = 0.5  # LangChain's default
DEPTH = 30  # that each half of the hybrid search ranks
Vector = NDArray[np.float32]


class Searcher(Protocol):
    """Opens a folder of files, then answers queries."""

    def __init__(self, folder: Path) -> None: ...

    def search(self, query: Vector) -> list[str]:
        """The texts of `PASSAGES` chunks by dense search and MMR."""
        ...


class Ours:
    """A `LoadedIndex`, as a request uses it."""

    def __init__(self, folder: Path) -> None:
        manifest = Manifest.parse((folder / MANIFEST_FILE).read_bytes())
        self.index = LoadedIndex(folder, manifest)

    def search(self, query: Vector) -> list[str]:
        """See `Searcher.search`."""
        chunks = [hit.chunk for hit in self.index.dense(query, FETCHED)]
        picks = maximal_marginal_relevance(query, self.index.vectors(chunks), PASSAGES, LAMBDA)
        return [passage.text for passage in self.index.read([chunks[pick] for pick in picks])]


class LangChain:
    """What ``langchain_community.vectorstores.FAISS`` does, line by line, on one thread."""

    def __init__(self, folder: Path) -> None:
        faiss.omp_set_num_threads(1)
        self.flat: Any = faiss.read_index(str(folder / FLAT_FILE))
        with (folder / DOCSTORE_FILE).open("rb") as stream:
            docstore, index_to_docstore_id = pickle.load(stream)
        self._docstore: dict[str, Document] = docstore
        self._ids: dict[int, str] = index_to_docstore_id

    def search(self, query: Vector) -> list[str]:
        """See `Searcher.search`."""
        _, rows = self.flat.search(query[None, :], FETCHED)
        found = [int(row) for row in rows[0] if row != -1]
        return self.diverse(query, found)

    def diverse(self, query: Vector, rows: list[int]) -> list[str]:
        """MMR over fetched rows; their documents' texts."""
        vectors = [self.flat.reconstruct(row) for row in rows]
        picks = langchain_mmr(query[None, :], vectors, lambda_mult=LAMBDA, k=PASSAGES)
        return [self._docstore[self._ids[rows[pick]]].page_content for pick in picks]


class OursHybrid:
    """Question to passages through the `Retriever`, the model in process."""

    def __init__(self, folder: Path, model: Path) -> None:
        self._clock = SystemClock()
        index = Ours(folder).index

        class Held:
            def get(self, tenant_id: object, *, deadline: Deadline) -> LoadedIndex:  # noqa: ARG002
                return index

        self._retriever = Retriever(Held(), Embedders(MiniLM(model)), clock=self._clock)

    def search(self, question: str) -> list[str]:
        """The texts of `PASSAGES` public chunks by dense and lexical search and MMR."""
        retrieval = self._retriever.retrieve(
            question,
            TENANT,
            filters=PUBLIC_ONLY,
            k=PASSAGES,
            fetch_k=FETCHED,
            lambda_=LAMBDA,
            deadline=Deadline.after(10, self._clock),
        )
        assert retrieval.degraded is None
        return [candidate.text for candidate in retrieval.selected]


class LangChainHybrid:
    """The same model and fusion over a flat index and SQLite's full-text search as it comes."""

    def __init__(self, folder: Path, model: Path) -> None:
        self._store = LangChain(folder)
        self._model = MiniLM(model)
        self._fts = sqlite3.connect(f"file:{folder / FTS_FILE}?mode=ro&immutable=1", uri=True)

    def search(self, question: str) -> list[str]:
        """The texts of `PASSAGES` chunks by dense and lexical search and MMR."""
        query = self._model.embed([question], deadline=Deadline.after(10, SystemClock()))[0]
        _, rows = self._store.flat.search(query[None, :], DEPTH)
        match = " OR ".join(f'"{word}"' for word in question.rstrip("?").split())
        lexical = self._fts.execute(
            "select rowid from lexical where lexical match ? order by rank limit ?", (match, DEPTH)
        ).fetchall()
        fused = reciprocal_rank([[int(row) for row in rows[0]], [row for (row,) in lexical]])
        return self._store.diverse(query, [row for row, _ in fused[:FETCHED]])
