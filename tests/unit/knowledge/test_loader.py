"""Indexes are loaded once, kept fresh, and never replaced by something worse."""

from __future__ import annotations

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from frontdesk.knowledge.joined import JoinedIndexes
from frontdesk.knowledge.loader import IndexStore
from frontdesk.knowledge.localcopy import LocalCopies
from frontdesk.knowledge.manifest import SHARED_TENANT, IndexInvalid, file_entry
from frontdesk.knowledge.minilm import DIMENSIONS, EMBEDDER_ID
from frontdesk.knowledge.publish import IndexShelf
from frontdesk.knowledge.tokens import query_terms
from frontdesk.platform.errors import UpstreamUnavailable
from tests.support.clock import ManualClock
from tests.unit.knowledge.builders import TENANT, a_deadline, build, document
from tests.unit.knowledge.fakes import MemoryStore, WordEmbedder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from frontdesk.knowledge.index import LoadedIndex

OTHER = UUID(int=8)


class World:
    """A bucket, a process that serves from it, and the hand that publishes into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.storage = MemoryStore()
        self.shelf = IndexShelf(self.storage, "bucket", "indexes")  # type: ignore[arg-type]
        self.clock = ManualClock()
        self.jobs: list[Callable[[], None]] = []
        self.store = self.process()

    def process(self, max_bytes: int = 10**9, disk: str = "disk") -> IndexStore:
        return IndexStore(
            self.shelf,
            self.folder / disk,
            max_bytes=max_bytes,
            clock=self.clock,
            background=self.jobs.append,
        )

    def publish(
        self,
        version: str,
        text: str = "Kenya asks for a visa.",
        tenant: UUID = TENANT,
        replacing: Mapping[str, bytes] | None = None,
    ) -> None:
        """Publish a version; ``replacing`` puts other bytes into files before they are summed."""
        target = self.folder / "builds" / str(tenant) / version
        manifest = build(
            target,
            [document(1, f"# Visa\n{text}")],
            WordEmbedder(DIMENSIONS, EMBEDDER_ID),
            version=version,
            tenant_id=tenant,
        )
        for name, data in (replacing or {}).items():
            (target / name).write_bytes(data)
            files = manifest.files | {name: file_entry(target / name)}
            manifest = manifest.model_copy(update={"files": files})
            (target / "manifest.json").write_bytes(manifest.encode())
        generation = self.shelf.current(tenant, deadline=a_deadline()).generation
        self.shelf.publish(target, manifest, expected_generation=generation, deadline=a_deadline())

    def get(self, tenant: UUID = TENANT) -> LoadedIndex | None:
        return self.store.get(tenant, deadline=a_deadline())

    def version(self, tenant: UUID = TENANT) -> str | None:
        index = self.get(tenant)
        return None if index is None else index.manifest.version

    def run_jobs(self) -> None:
        while self.jobs:
            self.jobs.pop(0)()

    def object(self, version: str, name: str) -> str:
        return f"indexes/{TENANT}/{version}/{name}"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_eight_first_questions_download_the_index_once(world: World) -> None:
    world.publish("v1")
    world.storage.reads.clear()
    gate = threading.Barrier(8)

    def ask() -> str | None:
        gate.wait()
        return world.version()

    with ThreadPoolExecutor(8) as pool:
        answers = [future.result() for future in [pool.submit(ask) for _ in range(8)]]
    assert answers == ["v1"] * 8
    assert world.storage.reads[world.object("v1", "vectors.faiss")] == 1
    assert world.storage.reads[world.object("v1", "chunks.sqlite")] == 1


def test_serving_never_downloads_the_build_s_own_vectors(world: World) -> None:
    world.publish("v1")
    world.version()
    assert world.storage.reads[world.object("v1", "embeddings.npz")] == 0


def test_a_new_version_is_swapped_in_by_the_background(world: World) -> None:
    world.publish("v1")
    assert world.version() == "v1"
    world.publish("v2")
    world.clock.advance(11)
    assert world.version() == "v1"
    assert len(world.jobs) == 1
    assert world.version() == "v1"
    assert len(world.jobs) == 1
    world.run_jobs()
    assert world.version() == "v2"
    assert world.jobs == []


def test_within_the_interval_storage_is_not_asked(world: World) -> None:
    world.publish("v1")
    world.version()
    world.storage.reads.clear()
    world.clock.advance(9)
    assert world.version() == "v1"
    assert not world.jobs
    assert not world.storage.reads


def test_after_a_long_pause_a_question_waits_for_the_new_version(world: World) -> None:
    world.publish("v1")
    world.version()
    world.publish("v2")
    world.clock.advance(301)
    assert world.version() == "v2"


def test_a_question_waits_for_a_version_that_is_known_to_be_published(world: World) -> None:
    world.publish("v1")
    world.version()
    world.publish("v2")
    world.store.expect(TENANT, "v2")
    world.clock.advance(1)
    assert world.version() == "v2"
    world.storage.reads.clear()
    world.clock.advance(1)
    assert world.version() == "v2"
    assert not world.storage.reads


def test_an_expected_version_that_cannot_be_had_is_looked_for_twice_a_second_at_most(
    world: World,
) -> None:
    world.publish("v1")
    world.version()
    world.store.expect(TENANT, "v2")
    world.clock.advance(1)
    assert world.version() == "v1"
    world.storage.reads.clear()
    assert world.version() == "v1"
    assert not world.storage.reads
    world.storage.down = True
    world.clock.advance(1)
    assert world.version() == "v1"


def test_readers_of_the_old_version_finish_their_work(world: World) -> None:
    world.publish("v1")
    old = world.get()
    world.publish("v2", "Tanzania asks for a visa.")
    world.clock.advance(301)
    new = world.get()
    assert old is not None
    assert new is not None
    assert not old.folder.exists()
    assert old.read([0])[0].text == "Kenya asks for a visa."
    assert new.read([0])[0].text == "Tanzania asks for a visa."
    assert old.lexical(query_terms("kenya"), 3)
    assert old.dense(WordEmbedder(DIMENSIONS).embed(["visa"], deadline=a_deadline())[0], 1)


@pytest.mark.parametrize("name", ["vectors.faiss", "chunks.sqlite", "details.npy", "manifest.json"])
def test_a_damaged_version_is_refused_and_the_last_good_one_serves(world: World, name: str) -> None:
    world.publish("v1")
    world.version()
    world.publish("v2")
    world.storage.tamper("bucket", world.object("v2", name), b"{}")
    world.clock.advance(301)
    assert world.version() == "v1"
    with pytest.raises(IndexInvalid):
        world.process(disk="fresh").get(TENANT, deadline=a_deadline())


def test_another_tenants_index_is_refused(world: World) -> None:
    world.publish("v1", tenant=OTHER)
    deadline = a_deadline()
    for item in list(world.storage.list("bucket", f"indexes/{OTHER}/", deadline=deadline)):
        blob = world.storage.read("bucket", item.name, deadline=deadline)
        world.storage.write(
            "bucket",
            item.name.replace(str(OTHER), str(TENANT)),
            blob.data,
            content_type="x",
            deadline=deadline,
        )
    with pytest.raises(IndexInvalid, match="another tenant"):
        world.get()


def test_an_error_does_not_stick(world: World) -> None:
    world.publish("v1")
    world.storage.down = True
    with pytest.raises(UpstreamUnavailable):
        world.get()
    world.storage.down = False
    assert world.version() == "v1"


def test_while_storage_is_down_the_loaded_version_serves(world: World) -> None:
    world.publish("v1")
    world.version()
    world.storage.down = True
    world.clock.advance(301)
    assert world.version() == "v1"
    world.clock.advance(11)
    assert world.version() == "v1"
    world.run_jobs()
    assert world.version() == "v1"


def test_a_new_process_serves_the_copy_on_disk_while_storage_is_down(world: World) -> None:
    world.publish("v1")
    world.version()
    world.storage.down = True
    world.store = world.process()
    assert world.version() == "v1"
    world.storage.down = False
    world.publish("v2")
    world.clock.advance(11)
    world.version()
    world.run_jobs()
    assert world.version() == "v2"


def test_the_copy_on_disk_stays_when_storage_comes_back_with_the_same_version(world: World) -> None:
    world.publish("v1")
    world.version()
    world.storage.down = True
    world.store = world.process()
    world.version()
    world.storage.down = False
    world.clock.advance(11)
    world.version()
    world.run_jobs()
    assert world.version() == "v1"
    assert (world.folder / "disk" / "indexes" / str(TENANT) / "v1" / "manifest.json").exists()


def test_versions_that_an_earlier_process_left_behind_are_removed(world: World) -> None:
    world.publish("v1")
    world.version()
    world.publish("v2")
    world.store = world.process()
    assert world.version() == "v2"
    folders = (world.folder / "disk" / "indexes" / str(TENANT)).iterdir()
    assert {path.name for path in folders} == {"v2", "current.json"}


def test_a_restart_uses_the_verified_copy_on_disk(world: World) -> None:
    world.publish("v1")
    world.version()
    world.storage.reads.clear()
    world.store = world.process()
    assert world.version() == "v1"
    assert world.storage.reads[world.object("v1", "vectors.faiss")] == 0


def test_a_torn_copy_on_disk_is_fetched_again(world: World) -> None:
    world.publish("v1")
    world.version()
    torn = world.folder / "disk" / "indexes" / str(TENANT) / "v1" / "chunks.sqlite"
    torn.write_bytes(torn.read_bytes()[:-10])
    world.store = world.process()
    index = world.get()
    assert index is not None
    assert index.read([0])


def test_a_tenant_without_an_index_is_noticed_soon_after_its_first(world: World) -> None:
    assert world.get() is None
    world.publish("v1")
    assert world.get() is None
    world.clock.advance(1.5)
    assert world.version() == "v1"


def test_a_purged_tenants_index_goes_from_memory_and_disk(world: World) -> None:
    world.publish("v1")
    world.version()
    world.storage.delete_prefix("bucket", f"indexes/{TENANT}/", deadline=a_deadline())
    world.clock.advance(301)
    assert world.get() is None
    assert not (world.folder / "disk" / "indexes" / str(TENANT)).exists()


def test_the_least_recently_used_index_goes_when_there_are_too_many_bytes(world: World) -> None:
    tenants = [UUID(int=number) for number in (11, 12, 13)]
    for tenant in tenants:
        world.publish("v1", tenant=tenant)
    first = world.get(tenants[0])
    assert first is not None
    world.store = world.process(max_bytes=first.size_bytes * 2 + 100)
    world.get(tenants[0])
    world.get(tenants[1])
    world.get(tenants[0])
    world.get(tenants[2])
    assert {loaded.tenant_id for loaded in world.store.loaded()} == {tenants[0], tenants[2]}
    assert not (world.folder / "disk" / "indexes" / str(tenants[1]) / "v1").exists()
    assert world.version(tenants[1]) == "v1"


def test_an_eviction_leaves_an_index_alone_that_is_being_loaded_again(world: World) -> None:
    world.publish("v1")
    copies = LocalCopies(world.shelf, world.folder / "copies")
    pointer = world.shelf.current(TENANT, deadline=a_deadline()).pointer
    assert pointer is not None
    world.storage.on_download = lambda: copies.remove(TENANT)
    index = copies.open(TENANT, pointer, a_deadline())
    assert index.manifest.version == "v1"
    assert copies.last(TENANT) is not None


def test_a_disk_that_takes_nothing_is_an_index_that_cannot_be_had(world: World) -> None:
    world.publish("v1")
    (world.folder / "disk").write_text("a file where the folder should be")
    with pytest.raises(IndexInvalid, match="local disk"):
        world.get()


def test_a_truncated_version_is_refused_and_the_last_good_one_serves(world: World) -> None:
    world.publish("v1")
    world.version()
    world.publish("v2")
    for name in ("vectors.faiss", "chunks.sqlite", "details.npy"):
        stored = world.object("v2", name)
        whole = world.storage.read("bucket", stored, deadline=a_deadline()).data
        world.storage.tamper("bucket", stored, whole[: len(whole) // 2])
        world.clock.advance(301)
        assert world.version() == "v1"
        world.storage.tamper("bucket", stored, whole)
    world.clock.advance(301)
    assert world.version() == "v2"


def test_what_a_manifest_vouches_for_is_refused_all_the_same_when_it_is_no_index(
    world: World,
) -> None:
    """Checksums say that bytes arrived; that they are an index, of that shape, is looked at too."""
    evil = pickle.dumps({"vectors": [1, 2, 3]})
    other_dimensions = world.folder / "other"
    build(other_dimensions, [document(1, "# Visa\nKenya.")], WordEmbedder(32))
    for version, name, data in (
        ("v2", "vectors.faiss", evil),
        ("v3", "chunks.sqlite", evil),
        ("v4", "vectors.faiss", (other_dimensions / "vectors.faiss").read_bytes()),
        ("v5", "details.npy", evil),
    ):
        world = World(world.folder / version)
        world.publish("v1")
        assert world.version() == "v1"
        world.publish(version, replacing={name: data})
        world.clock.advance(301)
        assert world.version() == "v1"
        with pytest.raises(IndexInvalid):
            world.process(disk="fresh").get(TENANT, deadline=a_deadline())


def test_a_version_comes_to_its_place_whole_or_not_at_all(world: World) -> None:
    """Whoever looks while a version is being fetched finds the one before, never half a new one."""
    world.publish("v1")
    world.version()
    world.publish("v2")
    home = world.folder / "disk" / "indexes" / str(TENANT)
    seen: list[set[str]] = []

    def look() -> None:
        seen.append({path.name for path in home.iterdir() if not path.name.startswith(".")})

    world.storage.on_download = look
    world.clock.advance(301)
    assert world.version() == "v2"
    assert seen == [{"v1", "current.json"}] * 3
    assert {path.name for path in home.iterdir()} == {"v2", "current.json"}


# -- the shared index --


def shared(world: World) -> str | None:
    index = world.store.shared(deadline=a_deadline())
    return None if index is None else index.manifest.version


def test_the_first_question_of_a_process_waits_for_the_shared_index(world: World) -> None:
    world.publish("s1", tenant=SHARED_TENANT)
    assert shared(world) == "s1"
    world.publish("s2", tenant=SHARED_TENANT)
    world.clock.advance(11)
    assert shared(world) == "s1"
    world.run_jobs()
    assert shared(world) == "s2"


def test_that_there_is_no_shared_index_is_looked_up_in_the_background_alone(world: World) -> None:
    assert shared(world) is None
    world.storage.reads.clear()
    for _ in range(3):
        world.clock.advance(9)
        shared(world)
    assert not world.storage.reads
    assert len(world.jobs) == 1
    world.publish("s1", tenant=SHARED_TENANT)
    world.clock.advance(1_000)
    assert shared(world) is None
    world.run_jobs()
    assert shared(world) == "s1"


def test_a_question_never_fails_for_want_of_the_shared_index(world: World) -> None:
    world.publish("v1")
    world.publish("s1", tenant=SHARED_TENANT)
    indexes = JoinedIndexes(world.store)
    assert world.version() == "v1"
    world.storage.down = True
    alone = indexes.get(TENANT, deadline=a_deadline())
    assert alone is world.get()
    assert alone is not None
    world.storage.down = False
    world.clock.advance(11)
    world.store.shared(deadline=a_deadline())
    world.run_jobs()
    both = indexes.get(TENANT, deadline=a_deadline())
    assert both is not None
    assert both.manifest.version == "v1+s1"


def test_a_tenants_own_index_that_cannot_be_had_is_a_failure_and_not_ignorance(
    world: World,
) -> None:
    world.publish("s1", tenant=SHARED_TENANT)
    assert shared(world) == "s1"
    world.storage.down = True
    with pytest.raises(UpstreamUnavailable):
        JoinedIndexes(world.store).get(TENANT, deadline=a_deadline())


def test_without_a_shared_index_the_tenants_own_is_handed_out_untouched(world: World) -> None:
    world.publish("v1")
    indexes = JoinedIndexes(world.store)
    assert indexes.get(TENANT, deadline=a_deadline()) is world.get()
    assert indexes.get(OTHER, deadline=a_deadline()) is None


def test_a_tenant_that_published_nothing_gets_the_shared_index_alone(world: World) -> None:
    world.publish("s1", tenant=SHARED_TENANT)
    indexes = JoinedIndexes(world.store)
    found = indexes.get(TENANT, deadline=a_deadline())
    assert found is world.store.shared(deadline=a_deadline())


def test_the_shared_index_stays_when_tenants_come_and_go(world: World) -> None:
    world.publish("s1", tenant=SHARED_TENANT)
    tenants = [UUID(int=number) for number in (11, 12, 13)]
    for tenant in tenants:
        world.publish("v1", tenant=tenant)
    first = world.get(tenants[0])
    assert first is not None
    world.store = world.process(max_bytes=first.size_bytes * 2 + 100)
    world.store.shared(deadline=a_deadline())
    for tenant in tenants:
        world.get(tenant)
    assert {loaded.tenant_id for loaded in world.store.loaded()} == {SHARED_TENANT, tenants[2]}


def test_what_is_loaded_tells_when_it_was_last_looked_at(world: World) -> None:
    world.publish("v1")
    world.version()
    world.clock.advance(7)
    (loaded,) = world.store.loaded()
    assert (loaded.tenant_id, loaded.index.manifest.version) == (TENANT, "v1")
    assert loaded.checked_seconds == pytest.approx(7)
