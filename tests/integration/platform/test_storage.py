"""Object storage through Google's own client, against a server with preconditions and faults."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from frontdesk.local.storage.faults import Fault
from frontdesk.local.storage.server import StorageServer
from frontdesk.platform.errors import DeadlineExceeded, PreconditionFailed
from frontdesk.platform.resilience import CircuitBreaker, CircuitOpen, Deadline, Policy
from frontdesk.platform.settings import Settings
from frontdesk.platform.storage import ObjectNotFound, ObjectStore, StorageUnavailable
from frontdesk.platform.storage_calls import storage_verdict
from tests.support.clock import ManualClock
from tests.support.ports import free_port

BUCKET = "agency"
LARGE = os.urandom(20_000_000)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StorageServer]:
    server = StorageServer(tmp_path / "objects", port=free_port(), buckets=(BUCKET,))
    server.start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
    yield server
    server.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(server: StorageServer, clock: ManualClock) -> ObjectStore:
    return ObjectStore(Settings(), clock=clock)


@pytest.fixture
def deadline(clock: ManualClock) -> Deadline:
    return Deadline.after(30, clock)


def write(store: ObjectStore, name: str, data: bytes, deadline: Deadline, **more: Any) -> int:
    return store.write(BUCKET, name, data, content_type="text/plain", deadline=deadline, **more)


def test_what_is_written_is_read_with_its_generation(
    store: ObjectStore, deadline: Deadline
) -> None:
    first = write(store, "a/ü b?.txt", b"one", deadline)
    second = write(store, "a/ü b?.txt", b"two", deadline)

    blob = store.read(BUCKET, "a/ü b?.txt", deadline=deadline)

    assert (blob.data, blob.generation) == (b"two", second)
    assert second > first


def test_a_replaced_generation_is_gone(store: ObjectStore, deadline: Deadline) -> None:
    old = write(store, "a", b"one", deadline)
    new = write(store, "a", b"two", deadline)

    assert store.read(BUCKET, "a", generation=new, deadline=deadline).data == b"two"
    with pytest.raises(ObjectNotFound):
        store.read(BUCKET, "a", generation=old, deadline=deadline)


def test_what_is_not_there_is_not_found(
    store: ObjectStore, deadline: Deadline, tmp_path: Path
) -> None:
    for read in (
        lambda: store.read(BUCKET, "none", deadline=deadline),
        lambda: store.read_if_changed(BUCKET, "none", 1, deadline=deadline),
        lambda: store.download(BUCKET, "none", tmp_path / "x", deadline=deadline),
        lambda: store.read("no-bucket", "none", deadline=deadline),
    ):
        with pytest.raises(ObjectNotFound):
            read()
    assert list(tmp_path.glob("*x*")) == []


def test_only_a_change_is_transferred(store: ObjectStore, deadline: Deadline) -> None:
    generation = write(store, "current.json", b"{}", deadline)
    assert store.read_if_changed(BUCKET, "current.json", generation, deadline=deadline) is None

    write(store, "current.json", b"[]", deadline)
    changed = store.read_if_changed(BUCKET, "current.json", generation, deadline=deadline)
    assert changed is not None
    assert changed.data == b"[]"


def test_of_twenty_racing_writers_one_wins(store: ObjectStore, deadline: Deadline) -> None:
    def race(number: int) -> bool:
        try:
            write(store, "pointer", str(number).encode(), deadline, if_generation_match=0)
        except PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(race, range(20))) == 1


def test_a_write_on_an_old_generation_is_refused(store: ObjectStore, deadline: Deadline) -> None:
    old = write(store, "pointer", b"1", deadline)
    write(store, "pointer", b"2", deadline, if_generation_match=old)

    with pytest.raises(PreconditionFailed):
        write(store, "pointer", b"3", deadline, if_generation_match=old)
    assert store.read(BUCKET, "pointer", deadline=deadline).data == b"2"


class LosesReplies(HTTPAdapter):
    """A network that delivers the request and loses the reply, once for each upload."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = 0

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().send(request, *args, **kwargs)
        if "/upload/" in (request.url or "") and not self.lost:
            self.lost += 1
            response.close()
            raise requests.ConnectionError("the reply was lost")
        return response


@pytest.mark.parametrize("somebody_was_faster", [False, True])
def test_a_write_whose_reply_was_lost_is_recognised_as_ours(
    server: StorageServer, clock: ManualClock, deadline: Deadline, somebody_was_faster: bool
) -> None:
    session, network = requests.Session(), LosesReplies()
    session.mount("http://", network)
    store = ObjectStore(Settings(), clock=clock, session=session)
    if somebody_was_faster:
        other = ObjectStore(Settings(), clock=clock)
        write(other, "pointer", b"theirs", deadline, if_generation_match=0)
        with pytest.raises(PreconditionFailed):
            write(store, "pointer", b"ours", deadline, if_generation_match=0)
        return

    generation = write(store, "pointer", b"ours", deadline, if_generation_match=0)

    assert network.lost == 1
    assert store.read(BUCKET, "pointer", deadline=deadline).generation == generation


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=429, retry_after=2),
        Fault(status=503),
        Fault(status=500),
        Fault(drop=True),
        Fault(corrupt=True, method="GET"),
    ],
    ids=repr,
)
def test_a_passing_trouble_is_tried_again(
    server: StorageServer,
    store: ObjectStore,
    clock: ManualClock,
    deadline: Deadline,
    fault: Fault,
) -> None:
    write(store, "a", b"content", deadline)
    server.faults.add(fault)

    assert store.read(BUCKET, "a", deadline=deadline).data == b"content"
    assert server.faults.met == 1
    assert sum(clock.slept) >= (fault.retry_after or 0)


def test_a_refusal_is_not_tried_again(
    server: StorageServer, store: ObjectStore, deadline: Deadline
) -> None:
    server.faults.add(Fault(status=403, times=0))

    with pytest.raises(StorageUnavailable):
        store.read(BUCKET, "a", deadline=deadline)
    assert server.faults.met == 1


def test_an_outage_opens_the_breaker_and_is_not_remembered_longer_than_that(
    server: StorageServer, store: ObjectStore, clock: ManualClock
) -> None:
    write(store, "a", b"content", Deadline.after(30, clock))
    server.faults.add(Fault(status=503, times=0))
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            store.read(BUCKET, "a", deadline=Deadline.after(30, clock))
    with pytest.raises(CircuitOpen):
        store.read(BUCKET, "a", deadline=Deadline.after(30, clock))
    assert server.faults.met == 5

    server.faults.clear()
    clock.advance(61)
    assert store.read(BUCKET, "a", deadline=Deadline.after(30, clock)).data == b"content"


def test_a_hanging_server_costs_no_more_than_the_attempt(
    server: StorageServer, clock: ManualClock
) -> None:
    policy = Policy(
        "storage",
        attempts=2,
        attempt_timeout=0.1,
        breaker=CircuitBreaker("hanging-storage", clock=clock),
        classify=storage_verdict,
        clock=clock,
    )
    store = ObjectStore(Settings(), policy, clock=clock)
    server.faults.add(Fault(delay=0.5, times=2))

    with pytest.raises(StorageUnavailable):
        store.read(BUCKET, "a", deadline=Deadline.after(10, clock))
    assert server.faults.met == 2


def test_the_library_asks_for_nothing_but_what_we_want(
    server: StorageServer, store: ObjectStore, deadline: Deadline
) -> None:
    server.faults.add(Fault(times=0))  # counts requests

    write(store, "a", b"x", deadline)
    store.read(BUCKET, "a", deadline=deadline)

    assert server.faults.met == 2


def test_nothing_is_asked_when_no_time_is_left(
    server: StorageServer, store: ObjectStore, clock: ManualClock
) -> None:
    server.faults.add(Fault(status=503))

    with pytest.raises(DeadlineExceeded):
        store.read(BUCKET, "a", deadline=Deadline.after(0, clock))
    assert server.faults.met == 0


@pytest.mark.parametrize("size", [None, len(LARGE)])
def test_a_large_object_comes_in_ranges_and_whole(
    store: ObjectStore, deadline: Deadline, tmp_path: Path, size: int | None
) -> None:
    source, target = tmp_path / "source", tmp_path / "deep" / "target"
    source.write_bytes(LARGE)
    generation = store.write(
        BUCKET, "big", source, content_type="application/octet-stream", deadline=deadline
    )

    assert store.download(BUCKET, "big", target, deadline=deadline, size=size) == generation
    assert target.read_bytes() == LARGE
    assert [path.name for path in target.parent.iterdir()] == ["target"]


def test_a_small_object_of_known_size_takes_one_request(
    server: StorageServer, store: ObjectStore, deadline: Deadline, tmp_path: Path
) -> None:
    write(store, "small", b"tiny", deadline)
    server.faults.add(Fault(times=0))  # counts requests

    store.download(BUCKET, "small", tmp_path / "small", deadline=deadline, size=4)

    assert (tmp_path / "small").read_bytes() == b"tiny"
    assert server.faults.met == 1


def test_an_empty_object_can_be_downloaded(
    store: ObjectStore, deadline: Deadline, tmp_path: Path
) -> None:
    write(store, "empty", b"", deadline)

    store.download(BUCKET, "empty", tmp_path / "empty", deadline=deadline)

    assert (tmp_path / "empty").read_bytes() == b""


def test_a_damaged_range_is_noticed_and_the_download_repeated(
    server: StorageServer, store: ObjectStore, deadline: Deadline, tmp_path: Path
) -> None:
    write(store, "big", LARGE, deadline)
    server.faults.add(Fault(method="GET", path="/download/", corrupt=True))

    store.download(BUCKET, "big", tmp_path / "big", deadline=deadline)

    assert server.faults.met == 1
    assert (tmp_path / "big").read_bytes() == LARGE


def test_a_failed_download_leaves_the_old_file_as_it_was(
    server: StorageServer, store: ObjectStore, deadline: Deadline, tmp_path: Path
) -> None:
    write(store, "big", LARGE, deadline)
    target = tmp_path / "cache" / "big"
    target.parent.mkdir()
    target.write_bytes(b"the last good version")
    server.faults.add(Fault(method="GET", path="/download/", corrupt=True, times=0))

    with pytest.raises(StorageUnavailable):
        store.download(BUCKET, "big", target, deadline=deadline)

    assert target.read_bytes() == b"the last good version"
    assert [path.name for path in target.parent.iterdir()] == ["big"]


def test_one_lost_range_is_fetched_again_alone(
    server: StorageServer, store: ObjectStore, deadline: Deadline, tmp_path: Path
) -> None:
    write(store, "big", LARGE, deadline)
    server.faults.add(Fault(method="GET", path="/download/", drop=True))

    store.download(BUCKET, "big", tmp_path / "big", deadline=deadline)

    assert (tmp_path / "big").read_bytes() == LARGE


def test_an_object_that_changes_meanwhile_arrives_in_one_version(
    server: StorageServer, store: ObjectStore, deadline: Deadline, tmp_path: Path
) -> None:
    write(store, "big", LARGE, deadline)
    newer = bytes(reversed(LARGE))
    server.faults.add(Fault(method="GET", path="/download/", delay=0.3, times=3))
    writer = threading.Timer(0.1, write, (store, "big", newer, deadline))
    writer.start()

    store.download(BUCKET, "big", tmp_path / "big", deadline=deadline)

    writer.join()
    assert (tmp_path / "big").read_bytes() in (LARGE, newer)


def test_deleting_twice_is_deleting_once(store: ObjectStore, deadline: Deadline) -> None:
    write(store, "a", b"x", deadline)

    store.delete(BUCKET, "a", deadline=deadline)
    store.delete(BUCKET, "a", deadline=deadline)

    with pytest.raises(ObjectNotFound):
        store.read(BUCKET, "a", deadline=deadline)


def test_a_folder_is_listed_and_emptied_without_its_neighbour(
    store: ObjectStore, deadline: Deadline
) -> None:
    for name in ("t/1/a", "t/1/b/c", "t/10/a"):
        write(store, name, b"four", deadline)

    listed = list(store.list(BUCKET, "t/1/", deadline=deadline))

    assert [(item.name, item.size) for item in listed] == [("t/1/a", 4), ("t/1/b/c", 4)]
    assert all(item.generation > 0 and item.updated.tzinfo for item in listed)
    assert store.delete_prefix(BUCKET, "t/1/", deadline=deadline) == 2
    assert [item.name for item in store.list(BUCKET, "t/", deadline=deadline)] == ["t/10/a"]


@pytest.mark.parametrize("prefix", ["", "/", "tenants", "tenants/1"])
def test_what_is_no_folder_is_never_emptied(
    store: ObjectStore, deadline: Deadline, prefix: str
) -> None:
    with pytest.raises(ValueError, match="no folder"):
        store.delete_prefix(BUCKET, prefix, deadline=deadline)


def test_a_long_listing_comes_page_by_page(
    server: StorageServer, store: ObjectStore, deadline: Deadline
) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: write(store, f"many/{n:04}", b"x", deadline), range(1010)))
    server.faults.add(Fault(times=0))

    names = [item.name for item in store.list(BUCKET, "many/", deadline=deadline)]

    assert names == [f"many/{n:04}" for n in range(1010)]
    assert server.faults.met == 2
