"""A version is whole before the pointer moves, and the pointer moves once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from frontdesk.knowledge.publish import IndexShelf, PointerMoved
from frontdesk.platform.errors import UpstreamUnavailable
from frontdesk.platform.storage import ObjectNotFound
from tests.unit.knowledge.builders import TENANT, a_deadline, build, document
from tests.unit.knowledge.fakes import MemoryStore, WordEmbedder

if TYPE_CHECKING:
    from pathlib import Path

    from frontdesk.knowledge.manifest import Manifest

NOW = datetime.now(UTC)
DOCUMENTS = [document(1, "# Visa\nKenya asks for a visa.")]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def shelf(store: MemoryStore) -> IndexShelf:
    return IndexShelf(store, "bucket", "indexes")  # type: ignore[arg-type]


def publish(
    shelf: IndexShelf, folder: Path, version: str, expected_generation: int
) -> tuple[Manifest, int]:
    manifest = build(folder / version, DOCUMENTS, WordEmbedder(), version=version)
    return manifest, shelf.publish(
        folder / version,
        manifest,
        expected_generation=expected_generation,
        deadline=a_deadline(),
    )


def versions(store: MemoryStore) -> set[str]:
    names = [
        item.name for item in store.list("bucket", f"indexes/{TENANT}/", deadline=a_deadline())
    ]
    return {name.split("/")[2] for name in names if name.count("/") == 3}


def test_the_pointer_names_the_published_version(shelf: IndexShelf, tmp_path: Path) -> None:
    assert shelf.current(TENANT, deadline=a_deadline()).pointer is None
    manifest, generation = publish(shelf, tmp_path, "v1", 0)
    current = shelf.current(TENANT, deadline=a_deadline())
    assert current.generation == generation
    assert current.pointer is not None
    assert current.pointer.version == "v1"
    assert shelf.manifest(TENANT, current.pointer, deadline=a_deadline()) == manifest
    assert shelf.changed(TENANT, generation, deadline=a_deadline()) is None


def test_the_second_of_two_builds_learns_that_it_lost(
    shelf: IndexShelf, store: MemoryStore, tmp_path: Path
) -> None:
    publish(shelf, tmp_path, "v1", 0)
    with pytest.raises(PointerMoved):
        publish(shelf, tmp_path, "v2", 0)
    assert versions(store) == {"v1"}
    current = shelf.current(TENANT, deadline=a_deadline())
    assert current.pointer is not None
    assert current.pointer.version == "v1"


def test_a_crash_before_the_pointer_leaves_the_old_version_serving(
    shelf: IndexShelf, store: MemoryStore, tmp_path: Path
) -> None:
    _, generation = publish(shelf, tmp_path, "v1", 0)
    build(tmp_path / "v2", DOCUMENTS, WordEmbedder(), version="v2")
    store.down = True
    with pytest.raises(UpstreamUnavailable):
        publish(shelf, tmp_path / "again", "v2", generation)
    store.down = False
    assert shelf.changed(TENANT, generation, deadline=a_deadline()) is None


def test_three_versions_are_kept_and_builds_in_progress_stay(
    shelf: IndexShelf, store: MemoryStore, tmp_path: Path
) -> None:
    generation = 0
    for number in range(1, 6):
        _, generation = publish(shelf, tmp_path, f"v{number}", generation)
    store.write(
        "bucket", f"indexes/{TENANT}/v6/chunks.sqlite", b"", content_type="x", deadline=a_deadline()
    )
    assert shelf.collect(TENANT, now=NOW, deadline=a_deadline()) == 2
    assert versions(store) == {"v3", "v4", "v5", "v6"}
    assert shelf.collect(TENANT, now=NOW, deadline=a_deadline()) == 0


def test_versions_are_listed_with_the_one_that_serves_first(
    shelf: IndexShelf, store: MemoryStore, tmp_path: Path
) -> None:
    assert shelf.versions(TENANT, deadline=a_deadline()) == []
    generation = 0
    for number in range(1, 4):
        _, generation = publish(shelf, tmp_path, f"v{number}", generation)
    shelf.go_back(TENANT, "v2", stands_for=7, expected_generation=generation, deadline=a_deadline())
    store.write(
        "bucket", f"indexes/{TENANT}/v4/chunks.sqlite", b"", content_type="x", deadline=a_deadline()
    )
    store.tamper("bucket", f"indexes/{TENANT}/v1/manifest.json", b"damaged")
    listed = shelf.versions(TENANT, deadline=a_deadline())
    assert [(each.manifest.version, each.serves) for each in listed] == [
        ("v2", True),
        ("v3", False),
    ]
    sizes = [
        item.size
        for item in store.list("bucket", f"indexes/{TENANT}/v2/", deadline=a_deadline())
        if not item.name.endswith("manifest.json")
    ]
    assert listed[0].size == sum(sizes) > 0
    pointer = shelf.current(TENANT, deadline=a_deadline()).pointer
    assert pointer is not None
    assert (pointer.version, pointer.stands_for) == ("v2", 7)


def test_going_back_loses_to_a_build_that_was_published_meanwhile(
    shelf: IndexShelf, tmp_path: Path
) -> None:
    _, first = publish(shelf, tmp_path, "v1", 0)
    publish(shelf, tmp_path, "v2", first)
    with pytest.raises(PointerMoved):
        shelf.go_back(TENANT, "v1", stands_for=1, expected_generation=first, deadline=a_deadline())
    with pytest.raises(ObjectNotFound):
        shelf.go_back(TENANT, "v0", stands_for=1, expected_generation=first, deadline=a_deadline())


def test_unfinished_versions_go_once_they_can_only_lose(
    shelf: IndexShelf, store: MemoryStore, tmp_path: Path
) -> None:
    for version in ("v1", "v3"):
        store.write(
            "bucket",
            f"indexes/{TENANT}/{version}/chunks.sqlite",
            b"",
            content_type="x",
            deadline=a_deadline(),
        )
    publish(shelf, tmp_path, "v2", 0)
    assert shelf.collect(TENANT, now=NOW, deadline=a_deadline()) == 1
    assert versions(store) == {"v2", "v3"}
    later = NOW + timedelta(hours=2)
    assert shelf.collect(TENANT, now=later, deadline=a_deadline()) == 1
    assert versions(store) == {"v2"}


def test_versions_of_erased_knowledge_go_once_its_successor_serves(
    shelf: IndexShelf, store: MemoryStore, tmp_path: Path
) -> None:
    _, generation = publish(shelf, tmp_path, "v1", 0)
    publish(shelf, tmp_path, "v2", generation)  # both built from knowledge version 1
    assert shelf.collect(TENANT, now=NOW, erased_before=2, deadline=a_deadline()) == 0
    assert versions(store) == {"v1", "v2"}
