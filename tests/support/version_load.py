"""Questions in one process while another one publishes version after version.

The asking process holds what serves in production: the real storage client, `IndexStore` and
`Retriever`, under threads that ask without a pause, and one processor, as the function has it.
Storage and the publisher share the other process, with the other processors and a low priority: in
production neither takes the asking process' own. Two processors of a virtual machine are often two
threads of one core, so a busy one slows the other all the same: what is compared with is therefore
a time in which the publisher works just as hard, for an agency that nobody asks for.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import threading
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np
import pytest

from frontdesk.local.paths import REPOSITORY
from frontdesk.platform.manifest import load_manifest
from tests.support.ports import free_port
from tests.support.stamped_index import (
    NumberedWordEmbedder,
    as_version,
    build_edition,
    edition_of,
    questions,
    stamp_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from frontdesk.knowledge.manifest import Manifest
    from frontdesk.knowledge.publish import IndexShelf
    from frontdesk.knowledge.retrieve import Retrieval, Retriever
    from frontdesk.platform.settings import Settings

EDITIONS: Final = 3
TENANT: Final = UUID(int=1)
TINY: Final = UUID(int=2)  # whose index makes the process load whatever serving needs
BYSTANDER: Final = UUID(int=3)  # whose versions nobody asks for
BUCKET: Final = "frontdesk-indexes"
_TINY_PASSAGES: Final = 50
_WARM_UP: Final = 200
_PATIENCE_SECONDS: Final = 840.0
_LOOK_AFTER: Final = 0.1  # seconds until the pointer is looked at again
_QUANTISED: Final = 0.03  # how far a stored vector's cosine may be from the exact one
_ATTEMPT_SECONDS: Final = 120.0  # of a storage call: its server has the low priority
_LOW_PRIORITY: Final = 5
# Questions between two versions of the bystander: more than between two of who asks, so that the
# comparison does not flatter.
_BYSTANDER_EVERY: Final = 300


@dataclass(frozen=True)
class Plan:
    """How much of everything.

    Attributes:
        questions: asked while versions are published; more when publishing takes longer.
        steady: asked before and again after, while only the bystander's versions are published.
        versions: published under load.
        threads: that ask.
    """

    folder: Path
    seed: int
    questions: int
    steady: int
    versions: int
    passages: int
    dimensions: int
    threads: int


@dataclass
class Report:
    """What the asking process saw.

    Attributes:
        steady: milliseconds of each answer while its own index stayed as it was.
        loaded: of each answer while versions were.
        versions: answers by version, under load.
        mixed: answers in which versions were mixed, or whose vectors belong to another text.
        errors: answers that failed.
        empty_bytes: resident, before the index was loaded.
        peak_bytes: resident at most, from then on.
        index_bytes: of the files of one version.
    """

    steady: list[float] = field(default_factory=list)
    loaded: list[float] = field(default_factory=list)
    versions: Counter[str] = field(default_factory=Counter)
    mixed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    empty_bytes: int = 0
    peak_bytes: int = 0
    index_bytes: int = 0

    @property
    def growth(self) -> float:
        """Peak memory above the empty process, in sizes of the index."""
        return (self.peak_bytes - self.empty_bytes) / self.index_bytes

    def p99(self, times: list[float]) -> float:
        """Milliseconds."""
        return float(np.percentile(times, 99))


def strike(plan: Plan) -> Report:
    """Build the editions, then ask and publish; what the asking process saw."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), spawn) as pool:
        manifests = list(pool.map(partial(_edition, plan), range(EDITIONS)))
    signals = _Signals.between_processes()
    processes = [
        spawn.Process(target=_told, args=(work, plan, signals, *more), daemon=True)
        for work, more in ((_publish, (manifests,)), (_ask, ()))
    ]
    helpdesk = load_manifest(REPOSITORY / "functions" / "helpdesk")
    try:
        with pytest.MonkeyPatch.context() as environment:
            for name, value in helpdesk.environment.items():
                environment.setenv(name, value)
            for process in processes:
                process.start()
        report = signals.results.get(timeout=_PATIENCE_SECONDS)
    finally:
        for process in processes:
            process.terminate()
            process.join(30)
    assert isinstance(report, Report), report
    report.index_bytes = sum(entry.size for entry in manifests[0].files.values())
    return report


def _edition(plan: Plan, edition: int) -> Manifest:
    return build_edition(
        plan.folder / f"edition-{edition}",
        TENANT,
        edition,
        passages=plan.passages,
        dimensions=plan.dimensions,
        seed=plan.seed,
    )


@dataclass(frozen=True)
class _Signals:
    """What the two processes know of each other.

    Attributes:
        url: of storage, once the first version is published.
        results: the report, or what a process died of.
        steady: questions while only the bystander's versions are published, before and after.
        asked: questions under load.
        served: the newest version that answered.
        published: the newest version.
    """

    url: Any
    results: Any
    steady: Any
    asked: Any
    served: Any
    published: Any

    @classmethod
    def between_processes(cls) -> _Signals:
        spawn = multiprocessing.get_context("spawn")
        numbers = (spawn.Value("l", 0) for _ in range(4))
        return cls(spawn.Queue(), spawn.Queue(), *numbers)


def _told(work: Callable[..., None], plan: Plan, signals: _Signals, *more: Any) -> None:
    try:
        work(plan, signals, *more)
    except BaseException as failure:
        signals.results.put(f"{work.__name__}: {failure!r}")
        raise


def mix_of(retrieval: Retrieval, embedder: NumberedWordEmbedder) -> str | None:
    """What shows that an answer mixes versions; None when nothing does."""
    version = retrieval.index_version
    assert version is not None
    stamps = {stamp_of(candidate.text) for candidate in retrieval.candidates}
    if stamps != {edition_of(version)}:
        return f"{version}: passages of the editions {sorted(stamps)}"
    first = retrieval.candidates[0]
    if first.cosine is None or retrieval.query_vector is None:
        return f"{version}: not searched by vectors"
    exact = float(embedder.embed([first.text], deadline=_deadline())[0] @ retrieval.query_vector)
    if abs(exact - first.cosine) > _QUANTISED:
        return f"{version}: cosine {first.cosine:.3f} of a text whose cosine is {exact:.3f}"
    return None


# -- the process that asks --


def _ask(plan: Plan, signals: _Signals) -> None:
    _take_processors(first=True)
    signals.results.put(_asked(plan, signals.url.get(timeout=_PATIENCE_SECONDS), signals))


def _take_processors(*, first: bool) -> None:
    """The first processor for who asks, the others for who publishes; where there is one, that."""
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, processors[:1] if first else processors[1:] or processors)


def _asked(plan: Plan, url: str, signals: _Signals) -> Report:
    from frontdesk.knowledge.embedders import Embedders
    from frontdesk.knowledge.loader import IndexStore
    from frontdesk.knowledge.retrieve import Retriever
    from frontdesk.platform.clock import SystemClock

    embedder = NumberedWordEmbedder(plan.dimensions)
    store = IndexStore(
        _shelf(url, plan.folder / "served"),
        plan.folder / "served",
        max_bytes=10**10,
        clock=SystemClock(),
        refresh_after=_LOOK_AFTER,
    )
    retriever = Retriever(store, Embedders(embedder), clock=SystemClock())
    report = Report()
    asker = _Asker(retriever, embedder, report, plan)

    for question in itertools.islice(questions(plan.seed), _WARM_UP):
        retriever.retrieve(question, TINY, deadline=_deadline())
    report.empty_bytes = _resident_bytes()
    with _watching_memory(report):

        def steady(_retrieval: Retrieval, _count: int) -> bool:
            signals.steady.value += 1
            return True

        def under_load(retrieval: Retrieval, count: int) -> bool:
            assert retrieval.index_version is not None
            report.versions[retrieval.index_version] += 1
            number = int(retrieval.index_version.partition("-")[0])
            signals.served.value = max(signals.served.value, number)
            signals.asked.value = count
            return bool(
                signals.published.value >= plan.versions and signals.served.value >= plan.versions
            )

        asker.run(_WARM_UP, [], lambda _retrieval, _count: True)
        asker.run(plan.steady, report.steady, steady)
        asker.run(plan.questions, report.loaded, under_load)
        asker.run(plan.steady, report.steady, steady)
    return report


class _Asker:
    """Threads that ask one question after the other and look at every answer."""

    def __init__(
        self, retriever: Retriever, embedder: NumberedWordEmbedder, report: Report, plan: Plan
    ) -> None:
        self._retriever = retriever
        self._embedder = embedder
        self._report = report
        self._threads = plan.threads
        self._questions = questions(plan.seed + 1)
        self._lock = threading.Lock()

    def run(
        self, at_least: int, times: list[float], seen: Callable[[Retrieval, int], bool]
    ) -> None:
        """Ask so many questions, and go on until the last answers seen say that it is enough."""
        state = {"count": 0, "enough": False}

        def work() -> None:
            while True:
                with self._lock:
                    if state["count"] >= at_least and state["enough"]:
                        return
                    question = next(self._questions)
                began = time.perf_counter()
                try:
                    retrieval = self._retriever.retrieve(question, TENANT, deadline=_deadline())
                except Exception as failure:  # noqa: BLE001 -- counted, and the test fails on it
                    with self._lock:
                        state["count"] += 1
                        self._report.errors.append(repr(failure))
                    continue
                took = (time.perf_counter() - began) * 1_000
                mixed = mix_of(retrieval, self._embedder)
                with self._lock:
                    state["count"] += 1
                    times.append(took)
                    if mixed is not None:
                        self._report.mixed.append(mixed)
                    state["enough"] = seen(retrieval, state["count"])

        with ThreadPoolExecutor(self._threads) as pool:
            for done in [pool.submit(work) for _ in range(self._threads)]:
                done.result()


class _watching_memory:  # noqa: N801 -- reads as a statement
    """Looks at this process' resident memory twenty times a second."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            self._report.peak_bytes = max(self._report.peak_bytes, _resident_bytes())


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


# -- the process that publishes --


def _publish(plan: Plan, signals: _Signals, manifests: list[Manifest]) -> None:
    from frontdesk.local.storage.server import StorageServer

    _take_processors(first=False)
    os.nice(_LOW_PRIORITY)
    server = StorageServer(plan.folder / "objects", port=free_port(), buckets=(BUCKET,))
    server.start()
    shelf = _shelf(server.url, plan.folder / "published")
    tiny = build_edition(
        plan.folder / "tiny",
        TINY,
        0,
        passages=_TINY_PASSAGES,
        dimensions=plan.dimensions,
        seed=plan.seed,
    )
    shelf.publish(plan.folder / "tiny", tiny, expected_generation=0, deadline=_deadline())

    agency, bystander = (
        _Publisher(plan, shelf, tenant_id, manifests) for tenant_id in (TENANT, BYSTANDER)
    )
    agency.publish()
    signals.url.put(server.url)
    while True:
        if agency.is_due(signals):
            signals.published.value = agency.publish()
        elif signals.steady.value >= bystander.versions * _BYSTANDER_EVERY:
            bystander.publish()
        else:
            time.sleep(0.01)


class _Publisher:
    """Publishes one edition after the other for an agency; ``versions`` counts them."""

    def __init__(
        self, plan: Plan, shelf: IndexShelf, tenant_id: UUID, manifests: list[Manifest]
    ) -> None:
        self._plan = plan
        self._shelf = shelf
        self._tenant_id = tenant_id
        self._manifests = manifests
        self._generation = 0
        self.versions = 0

    def is_due(self, signals: _Signals) -> bool:
        """Whether enough was asked for the next version, and the one before it has answered."""
        number, plan = self.versions, self._plan
        return bool(
            number <= plan.versions
            and signals.asked.value
            and signals.asked.value >= (number - 1) * plan.questions / plan.versions
            and signals.served.value >= number - 1
        )

    def publish(self) -> int:
        """Publish the next version and collect the oldest; its number, counted from 0."""
        from frontdesk.platform.clock import SystemClock

        number = self.versions
        edition = number % EDITIONS
        folder = self._plan.folder / f"version-{self._tenant_id.int}-{number}"
        manifest = as_version(
            self._plan.folder / f"edition-{edition}",
            self._manifests[edition].model_copy(update={"tenant_id": self._tenant_id}),
            folder,
            number,
        )
        self._generation = self._shelf.publish(
            folder, manifest, expected_generation=self._generation, deadline=_deadline()
        )
        self._shelf.collect(self._tenant_id, now=SystemClock().now(), deadline=_deadline())
        self.versions += 1
        return number


# -- both --


def _deadline() -> Any:
    from frontdesk.platform.clock import SystemClock
    from frontdesk.platform.resilience import Deadline

    return Deadline.after(240, SystemClock())


def _shelf(url: str, cache: Path) -> IndexShelf:
    from frontdesk.knowledge.publish import IndexShelf
    from frontdesk.platform.clock import SystemClock
    from frontdesk.platform.settings import Settings
    from frontdesk.platform.storage import ObjectStore
    from frontdesk.platform.storage_calls import storage_policy

    os.environ["STORAGE_EMULATOR_HOST"] = url
    settings: Settings = Settings(index_cache_dir=str(cache))
    patient = storage_policy(SystemClock())
    patient.attempt_timeout = _ATTEMPT_SECONDS
    return IndexShelf(ObjectStore(settings, patient), BUCKET, "indexes")
