"""Two agencies with look-alike documents are asked in one process: nobody is told the other's.

Each thing that keeps them apart is broken on purpose in a test of its own, and the hammer has to
notice: an index store that forgets whose index is wanted, loads that are shared between tenants, a
cache key without the member, a shared header, a log line that quotes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from frontdesk.helpdesk.answering import Responder
from frontdesk.helpdesk.ask import AnswerReply, Ask
from frontdesk.helpdesk.findings import Finder, visible_to
from frontdesk.knowledge.loader import IndexStore
from frontdesk.knowledge.manifest import CHUNKS_FILE
from frontdesk.knowledge.retrieve import Retriever
from frontdesk.knowledge.searchable import Indexes
from frontdesk.knowledge.serving import knowledge_of, shelf_of
from frontdesk.local.minilm_model import build_model, publish_model
from frontdesk.local.paths import CACHE
from frontdesk.local.stack import DOCUMENTS_BUCKET, INDEXES_BUCKET
from frontdesk.local.storage import StorageServer
from frontdesk.local.storage.faults import Fault
from frontdesk.platform.cache import Cache
from frontdesk.platform.context import Access, Context
from frontdesk.platform.database import Database, Rpc
from frontdesk.platform.events import Publisher
from frontdesk.platform.logging import get_logger
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.services import Services
from frontdesk.platform.settings import load_settings
from frontdesk.platform.singleflight import SingleFlight
from frontdesk.platform.storage import Blob, ObjectStore
from tests.support.hammer import Report, logging_as_deployed
from tests.support.helpdesk_hammer import Hammer, Handler
from tests.support.look_alike_desks import Agency, look_alike_desks
from tests.support.ports import free_port
from tests.support.pubsub import FakePubSub
from tests.support.shared_header import SharedHeaderDatabase

if TYPE_CHECKING:
    import httpx
    import psycopg

    from frontdesk.knowledge.index import LoadedIndex
    from frontdesk.local.stack import Stack
    from tests.support.tenants import TenantFactory

SEED = 20_261_124


class OneIndexForAll:
    """Broken on purpose: an index store that has an index at hand does not ask whose it is."""

    def __init__(self, store: Indexes) -> None:
        self._store = store
        self._index: LoadedIndex | None = None

    def get(self, tenant_id: UUID, *, deadline: Deadline) -> LoadedIndex | None:
        if self._index is None:
            self._index = self._store.get(tenant_id, deadline=deadline)
        return self._index


class SharedLoads:
    """Broken on purpose: whoever comes while an index is being loaded gets that one."""

    def __init__(self, store: Indexes) -> None:
        self._store = store
        self._flights: SingleFlight[LoadedIndex | None] = SingleFlight()

    def get(self, tenant_id: UUID, *, deadline: Deadline) -> LoadedIndex | None:
        return self._flights.run(
            "index", lambda: self._store.get(tenant_id, deadline=deadline), deadline.remaining()
        )


class StorageWithoutTenant(ObjectStore):
    """Broken on purpose: whosever index is read, it is that of the tenant who was first."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._first: list[str] = []

    def read(self, bucket: str, name: str, **options: Any) -> Blob:
        folder, *path = name.split("/")
        if folder == "indexes":
            self._first.append(path[0])
            name = "/".join((folder, self._first[0], *path[1:]))
        return super().read(bucket, name, **options)


class TalkativeDatabase(Database):
    """Broken on purpose: logs what is sent, under a name that says nothing of what it is."""

    def send(self, rpc: Rpc, params: Mapping[str, Any], **how: Any) -> httpx.Response:
        if rpc is Rpc.RECORD_ANSWER:
            record = params["p_answer"]
            get_logger("talkative").info("Sent", sent=f"{record['question']} {record['answer']}")
        return super().send(rpc, params, **how)


@dataclass(frozen=True)
class Town:
    """The two agencies, and where processes that serve them start.

    Attributes:
        disk: a folder for processes; each uses one of its own in it.
    """

    stack: Stack
    storage: StorageServer
    agencies: tuple[Agency, Agency]
    disk: Path

    @contextmanager
    def process(
        self,
        name: str,
        *,
        database: type[Database] = Database,
        storage: type[ObjectStore] = ObjectStore,
        **changes: Any,
    ) -> Iterator[Services]:
        """The services of a process of its own, with nothing on its disk or in its cache.

        Args:
            name: no other process has it.
            changes: of its settings.
        """
        environment = self.stack.environment | {
            "INDEX_CACHE_DIR": str(self.disk / name),
            "REVISION": f"two-tenants-ask/{name}",
        }
        settings = load_settings(environment).model_copy(update=changes)
        cache = Cache(settings)
        cache.connect()
        services = Services(
            settings,
            database=database(settings),
            cache=cache,
            storage=storage(settings),
            events=Publisher(settings, send=FakePubSub()),
        )
        try:
            # How long that takes, the machine's load says; an answer without the model is poorer.
            deadline = Deadline.after(60, services.clock)
            knowledge_of(services).embedder.embed(["a first text"], deadline=deadline)
            yield services
        finally:
            services.close()

    def hammer(self, services: Services, **options: Any) -> Hammer:
        return Hammer(services, self.agencies, seed=SEED, **options)


def handler_over(services: Services, indexes: Indexes) -> Handler:
    """The ask handler of a process with these indexes; what it answers is not stored."""
    embedders, clock = knowledge_of(services).embedders, services.clock
    finder = Finder(Retriever(indexes, embedders, clock=clock), embedders, clock=clock)
    responder = Responder(finder, services.llm, clock=clock)

    def handler(context: Context, body: Ask) -> AnswerReply:
        said = context.database.call(Rpc.ACCESS, {}, deadline=context.deadline, idempotent=True)
        response = responder.respond(
            body.question,
            context.member.tenant_id,
            visible_to(Access.model_validate(said["access"]).role),
            request_id=context.request_id,
            deadline=context.deadline,
        )
        return AnswerReply(
            answer=response.text,
            mode=response.mode,
            degraded=bool(response.reasons),
            degraded_reason=",".join(response.reasons) or None,
            citations=list(response.citations),
            query_type=response.query_type,
            conversation_id=services.ids.new_id(),
            answer_id=None,
            timings=response.timings,
        )

    return handler


def impatient_store(services: Services) -> IndexStore:
    """A proper one that looks for a new version at every question."""
    settings = services.settings
    return IndexStore(
        shelf_of(services),
        Path(settings.index_cache_dir),
        max_bytes=settings.index_cache_bytes,
        clock=services.clock,
        stale_after=0.0,
    )


@pytest.fixture(scope="module")
def storage(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StorageServer]:
    folder = tmp_path_factory.mktemp("objects")
    buckets = (DOCUMENTS_BUCKET, INDEXES_BUCKET)
    server = StorageServer(folder, port=free_port(), buckets=buckets)
    server.start()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("STORAGE_EMULATOR_HOST", server.url)
        yield server
    server.close()


@pytest.fixture(scope="module")
def town(
    stack: Stack,
    storage: StorageServer,
    make_tenant: TenantFactory,
    tmp_path_factory: pytest.TempPathFactory,
) -> Town:
    disk = tmp_path_factory.mktemp("disks")
    settings = load_settings(stack.environment | {"INDEX_CACHE_DIR": str(disk / "indexer")})
    services = Services(
        settings, storage=ObjectStore(settings), events=Publisher(settings, send=FakePubSub())
    )
    try:
        publish_model(
            services.storage,
            settings.faiss_bucket_name,
            settings.models_prefix,
            build_model(CACHE / "models"),
            Deadline.after(60, services.clock),
        )
        return Town(stack, storage, look_alike_desks(make_tenant, services), disk)
    finally:
        services.close()


def assert_clean(report: Report, requests: int) -> None:
    assert (report.foreign, report.failures) == ([], [])
    # Not every request shows something, and a good answer may show several documents.
    assert (report.requests, report.own > requests / 2) == (requests, True)


def assert_stored(report: Report, at_least: int) -> None:
    assert (report.foreign, report.failures) == ([], [])
    assert report.own == report.requests >= at_least


def test_nobody_is_answered_from_the_others_documents(town: Town, sql: psycopg.Connection) -> None:
    with town.process("as it is") as services:
        hammer = town.hammer(services)
        assert_clean(hammer.strike(threads=8, requests=120), 120)
    assert_stored(hammer.stored(sql), 80)


@pytest.mark.soak
def test_nobody_is_answered_from_the_others_documents_in_1504_requests_of_32_threads(
    town: Town, sql: psycopg.Connection
) -> None:
    with town.process("soak") as services:
        hammer = town.hammer(services)
        assert_clean(hammer.strike(threads=32, requests=1_504), 1_504)
    assert_stored(hammer.stored(sql), 1_000)


def test_nobody_is_answered_from_the_others_while_their_indexes_push_each_other_out(
    town: Town,
) -> None:
    downloads = town.storage.faults
    downloads.add(Fault(method="GET", path=CHUNKS_FILE, times=0))
    try:
        with town.process("no room", index_cache_bytes=1) as services:
            report = town.hammer(services).strike(threads=8, requests=80)
    finally:
        downloads.clear()
    assert_clean(report, 80)
    assert downloads.met > len(town.agencies)


def test_nobody_is_answered_from_the_others_while_every_question_looks_for_a_new_index(
    town: Town,
) -> None:
    with town.process("impatient") as services:
        handler = handler_over(services, impatient_store(services))
        assert_clean(town.hammer(services, handler=handler).strike(threads=8, requests=80), 80)


def test_no_log_line_is_filed_under_the_other_or_quotes_anybody(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    with logging_as_deployed(), town.process("logging") as services:
        hammer = town.hammer(services)
        hammer.strike(threads=8, requests=64)
    logged = hammer.logged(capsys.readouterr().out)

    assert logged.foreign == []
    # Each request's own line, and those of the indexes that were loaded.
    assert (logged.requests, logged.own) == (64, len(town.agencies))


def test_an_index_store_that_forgets_whose_index_is_wanted_is_noticed(town: Town) -> None:
    with town.process("one for all") as services:
        handler = handler_over(services, OneIndexForAll(knowledge_of(services).indexes))
        report = town.hammer(services, handler=handler).strike(threads=8, requests=40)

    assert report.foreign


def test_loads_that_are_shared_between_agencies_are_noticed(town: Town) -> None:
    with town.process("shared loads") as services:
        handler = handler_over(services, SharedLoads(impatient_store(services)))
        report = town.hammer(services, handler=handler).strike(threads=8, requests=80)

    assert report.foreign


def test_answers_that_a_shared_client_stores_with_the_other_are_noticed(
    town: Town, sql: psycopg.Connection
) -> None:
    with town.process("shared header", database=SharedHeaderDatabase) as services:
        hammer = town.hammer(services)
        hammer.strike(threads=8, requests=40)

    assert hammer.stored(sql).foreign


def test_a_log_line_that_quotes_is_noticed(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    with logging_as_deployed(), town.process("talkative", database=TalkativeDatabase) as services:
        hammer = town.hammer(services)
        hammer.strike(threads=8, requests=24)

    assert hammer.logged(capsys.readouterr().out).foreign


def test_an_indexs_manifest_alone_keeps_the_agencies_apart(town: Town) -> None:
    with town.process("one folder for all", storage=StorageWithoutTenant) as services:
        report = town.hammer(services).strike(threads=8, requests=64)

    # One agency is served; the other's questions find no index, rather than the first one's.
    assert report.foreign == []
    assert report.own > 0
    assert "degraded: index_unavailable" in report.failures
