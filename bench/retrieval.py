"""Retrieval at 98,086 chunks: making an index ready, dense search, and the hybrid all in.

The baseline is LangChain's way: a flat float32 FAISS index beside a pickle of all documents, and
langchain-core's MMR on the fetched vectors. Vectors and texts are synthetic, see `bench.corpus`;
the files lie in the page cache for both.
"""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from bench import retrieval_data as data
from bench.corpus import CHUNKS, SEED
from bench.harness import Figure, in_turns, median, quietest
from frontdesk.knowledge.manifest import MANIFEST_FILE, REQUIRED_FILES

STARTS = 7
SEARCHES_AFTER_START = 200
TURNS = 5
QUERIES_A_TURN = 100
WARMUP = 10
MILLISECONDS = 1e3
MEGABYTE = 1e6
SYNTHETIC = f"synthetic vectors and texts, seed {SEED}"
FLAT = "flat float32 FAISS + pickled documents, as LangChain has them"
QUIETEST = f"{QUERIES_A_TURN} queries, the quietest of {TURNS} turns"
T = TypeVar("T")


class Start(NamedTuple):
    """What it took one fresh process to answer from the files; memory beyond its imports."""

    seconds: float
    resident_bytes: int
    resident_bytes_later: int


def run() -> list[Figure]:
    """Each figure with its baseline from the same run."""
    folder = data.prepared()
    return [*_ready(folder), *_dense(folder), *_hybrid(folder)]


def _ready(folder: Path) -> list[Figure]:
    ours, theirs = [], []
    for _ in range(STARTS):
        ours.append(_in_fresh_process(_start, "Ours", folder / data.DENSE, folder))
        theirs.append(_in_fresh_process(_start, "LangChain", folder / data.LANGCHAIN, folder))
    what = f"{CHUNKS:,} × {data.DIMENSIONS}"

    def figure(name: str, unit: str, budget: float, value: Callable[[Start], float]) -> Figure:
        return Figure(
            f"retrieval: {name}, {what}",
            median([value(start) for start in ours]),
            unit,
            budget=budget,
            baseline=median([value(start) for start in theirs]),
            baseline_name=FLAT,
            note=f"median of {STARTS} fresh processes; {SYNTHETIC}",
        )

    later = f"memory after {SEARCHES_AFTER_START} answers"
    return [
        figure("files to first answer", "ms", 120, lambda start: start.seconds * MILLISECONDS),
        figure("memory", "MB", 140, lambda start: start.resident_bytes / MEGABYTE),
        figure(later, "MB", 140, lambda start: start.resident_bytes_later / MEGABYTE),
        Figure(
            f"retrieval: download, {what}",
            _bytes(folder / data.DENSE, (MANIFEST_FILE, *REQUIRED_FILES)) / MEGABYTE,
            "MB",
            budget=150,
            baseline=_bytes(folder / data.LANGCHAIN, (data.FLAT_FILE, data.DOCSTORE_FILE))
            / MEGABYTE,
            baseline_name=FLAT,
            note=SYNTHETIC,
        ),
    ]


def _dense(folder: Path) -> list[Figure]:
    from bench.searchers import PASSAGES, LangChain, Ours

    queries, exact = np.load(folder / data.QUERIES_FILE), np.load(folder / data.EXACT_FILE)
    ours, theirs = Ours(folder / data.DENSE), LangChain(folder / data.LANGCHAIN)
    seconds = _in_turns(ours.search, theirs.search, queries)
    found = [
        len({hit.chunk for hit in ours.index.dense(query, data.NEIGHBOURS)}.intersection(nearest))
        for query, nearest in zip(queries, exact.tolist(), strict=True)
    ]
    where = f"{CHUNKS:,} × {data.DIMENSIONS}"
    return [
        Figure(
            f"retrieval: dense + MMR + {PASSAGES} passages, {where}, p50",
            quietest(seconds[0]) * MILLISECONDS,
            "ms",
            budget=2.0,
            baseline=quietest(seconds[1]) * MILLISECONDS,
            baseline_name="flat float32 FAISS + langchain-core's MMR",
            note=f"one thread; {QUIETEST}; {SYNTHETIC}",
        ),
        Figure(
            f"retrieval: recall@{data.NEIGHBOURS} of dense search, {where}",
            sum(found) / (data.NEIGHBOURS * len(found)),
            "",
            budget=0.99,
            better="higher",
            note=f"of exact search, {len(found)} queries; {SYNTHETIC}",
        ),
    ]


def _hybrid(folder: Path) -> list[Figure]:
    from bench.searchers import PASSAGES, LangChainHybrid, OursHybrid

    questions = json.loads((folder / data.QUESTIONS_FILE).read_text(encoding="utf-8"))
    model = data.model()
    ours = OursHybrid(folder / data.HYBRID, model)
    theirs = LangChainHybrid(folder / data.LANGCHAIN_HYBRID, model)
    seconds = _in_turns(ours.search, theirs.search, questions)
    return [
        Figure(
            f"retrieval: question to {PASSAGES} passages, hybrid, {CHUNKS:,} × "
            f"{data.HYBRID_DIMENSIONS}, p50",
            quietest(seconds[0]) * MILLISECONDS,
            "ms",
            budget=10.0,
            baseline=quietest(seconds[1]) * MILLISECONDS,
            baseline_name="the same embedder, flat FAISS, FTS5 as it comes, langchain-core's MMR",
            note=f"MiniLM in process embeds the question; {QUIETEST}; {SYNTHETIC}",
        )
    ]


def _in_turns(
    ours: Callable[[T], object], theirs: Callable[[T], object], queries: Sequence[T]
) -> tuple[list[list[float]], list[list[float]]]:
    gc.collect()
    gc.freeze()  # the baseline's documents, or each call would begin by walking through them
    for query in queries[QUERIES_A_TURN:][:WARMUP]:
        ours(query)
        theirs(query)
    return in_turns(ours, theirs, queries[:QUERIES_A_TURN], turns=TURNS)


def _start(name: str, folder: Path, queries_folder: Path) -> Start:
    from bench import searchers

    searcher: type[searchers.Searcher] = getattr(searchers, name)
    queries = np.load(queries_folder / data.QUERIES_FILE)
    before = _resident_bytes()
    start = time.perf_counter()
    opened = searcher(folder)
    opened.search(queries[0])
    seconds = time.perf_counter() - start
    ready = _resident_bytes()
    for query in queries[:SEARCHES_AFTER_START]:
        opened.search(query)
    return Start(seconds, ready - before, _resident_bytes() - before)


def _in_fresh_process(call: Callable[..., T], *arguments: object) -> T:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(call, *arguments).result()


def _resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _bytes(folder: Path, names: tuple[str, ...]) -> int:
    return sum((folder / name).stat().st_size for name in names)
