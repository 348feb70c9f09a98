"""google-cloud-storage, unpatched, judges the storage fake."""

from __future__ import annotations

import gc
import hashlib
import io
import os
import threading
import warnings
from typing import TYPE_CHECKING

import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.cloud.storage import transfer_manager

from frontdesk.local.ports import Ports
from frontdesk.local.storage import Fault, StorageServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MIB = 1024 * 1024
QUANTUM = 256 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "storage"


@pytest.fixture
def server(folder: Path, tmp_path: Path) -> Iterator[StorageServer]:
    server = StorageServer(
        folder, port=Ports(tmp_path / "ports.json").port("storage"), buckets=("b",)
    )
    server.start()
    yield server
    server.close()


def connect(server: StorageServer) -> storage.Client:
    return storage.Client(
        project="p",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": server.url},
    )


@pytest.fixture
def client(server: StorageServer) -> Iterator[storage.Client]:
    with connect(server) as client:
        yield client
    # The client reads no error bodies and leaves such connections to the garbage collector.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def bucket(client: storage.Client) -> storage.Bucket:
    return client.bucket("b")


def status(call: Callable[[], object]) -> int:
    """What the server answered: 200, or the status of the error."""
    try:
        call()
    except exceptions.GoogleAPICallError as error:
        return int(error.code or 0)
    return 200


def test_a_simple_upload_comes_back_with_its_metadata(bucket: storage.Bucket) -> None:
    content = os.urandom(1_000_000)
    blob = bucket.blob("a/x.bin")
    blob.metadata = {"k": "v"}
    blob.upload_from_string(content, content_type="application/pdf", checksum="crc32c")
    assert bucket.blob("a/x.bin").download_as_bytes() == content
    found = bucket.get_blob("a/x.bin")
    assert found is not None
    assert found.size == 1_000_000
    assert found.content_type == "application/pdf"
    assert found.metadata == {"k": "v"}
    assert found.generation > 1_000_000_000_000_000
    assert found.updated.tzinfo is not None


@pytest.mark.parametrize("name", ["ü b/%2F+&?#.txt", "李雷/محمد", "a//b", "trailing/"])
def test_names_of_every_kind_survive(
    client: storage.Client, bucket: storage.Bucket, name: str
) -> None:
    bucket.blob(name).upload_from_string(name)
    assert bucket.blob(name).download_as_text() == name
    assert [blob.name for blob in client.list_blobs("b")] == [name]
    bucket.blob(name).delete()
    assert not bucket.blob(name).exists()


def test_content_that_looks_like_a_multipart_boundary_is_kept(bucket: storage.Bucket) -> None:
    content = b"\r\n--===============0==\r\n\r\n--\r\n" * 3
    bucket.blob("x").upload_from_string(content)
    assert bucket.blob("x").download_as_bytes() == content


def test_a_resumable_upload_in_parts(bucket: storage.Bucket) -> None:
    content = os.urandom(MIB + 17)
    bucket.blob("parts", chunk_size=QUANTUM).upload_from_file(io.BytesIO(content))
    with bucket.blob("streamed").open("wb", chunk_size=QUANTUM) as output:
        output.write(content)
    assert bucket.blob("parts").download_as_bytes() == content
    assert bucket.blob("streamed").download_as_bytes() == content


def test_a_resumable_upload_of_nothing(bucket: storage.Bucket) -> None:
    bucket.blob("empty", chunk_size=QUANTUM).upload_from_file(io.BytesIO(b""))
    assert bucket.blob("empty").download_as_bytes() == b""


def test_a_resumable_upload_goes_on_after_a_lost_part(
    server: StorageServer, bucket: storage.Bucket
) -> None:
    content = os.urandom(3 * QUANTUM)
    server.faults.add(Fault(method="PUT", status=503))
    bucket.blob("x", chunk_size=QUANTUM).upload_from_file(io.BytesIO(content))
    assert server.faults.met == 1
    assert bucket.blob("x").download_as_bytes() == content


def test_a_large_file_is_uploaded_and_downloaded_in_chunks_side_by_side(
    bucket: storage.Bucket, tmp_path: Path
) -> None:
    content = os.urandom(20 * MIB)
    bucket.blob("big").upload_from_string(content)
    blob = bucket.get_blob("big")
    target = tmp_path / "big"
    transfer_manager.download_chunks_concurrently(
        blob, str(target), chunk_size=2 * MIB, worker_type="thread", max_workers=8
    )
    assert hashlib.sha256(target.read_bytes()).digest() == hashlib.sha256(content).digest()


def test_ranges(bucket: storage.Bucket) -> None:
    bucket.blob("x").upload_from_string(b"0123456789")
    blob = bucket.blob("x")
    assert blob.download_as_bytes(start=2, end=4) == b"234"
    assert blob.download_as_bytes(start=8) == b"89"
    assert blob.download_as_bytes(start=8, end=99) == b"89"
    assert status(lambda: blob.download_as_bytes(start=10, end=12)) == 416


def test_an_upload_with_a_wrong_checksum_is_refused(server: StorageServer) -> None:
    import requests

    reply = requests.post(
        f"{server.url}/upload/storage/v1/b/b/o?uploadType=media&name=x",
        data=b"abc",
        headers={"X-Goog-Hash": "crc32c=AAAAAA=="},
        timeout=5,
    )
    assert reply.status_code == 400


def test_a_corrupt_download_is_noticed_by_the_client(
    server: StorageServer, bucket: storage.Bucket
) -> None:
    bucket.blob("x").upload_from_string("content")
    server.faults.add(Fault(method="GET", path="/x", corrupt=True))
    with pytest.raises(Exception, match=r"(?i)checksum"):
        bucket.blob("x").download_as_bytes(checksum="crc32c", retry=None)


def test_generation_zero_means_only_if_there_is_none(bucket: storage.Bucket) -> None:
    blob = bucket.blob("x")
    assert status(lambda: blob.upload_from_string("1", if_generation_match=0)) == 200
    assert status(lambda: blob.upload_from_string("2", if_generation_match=0)) == 412
    resumable = bucket.blob("x", chunk_size=QUANTUM)
    assert (
        status(lambda: resumable.upload_from_file(io.BytesIO(b"3"), if_generation_match=0)) == 412
    )
    assert bucket.blob("x").download_as_bytes() == b"1"


def test_a_stale_generation_changes_nothing(bucket: storage.Bucket) -> None:
    bucket.blob("x").upload_from_string("1")
    old = bucket.get_blob("x").generation
    assert status(lambda: bucket.blob("x").upload_from_string("2", if_generation_match=old)) == 200
    assert status(lambda: bucket.blob("x").upload_from_string("3", if_generation_match=old)) == 412
    assert status(lambda: bucket.blob("x").delete(if_generation_match=old)) == 412
    assert status(lambda: bucket.blob("x").download_as_bytes(if_generation_match=old)) == 412
    assert status(lambda: bucket.blob("x", generation=old).download_as_bytes()) == 404
    assert bucket.blob("x").download_as_bytes() == b"2"


def test_an_unchanged_object_is_not_sent_again(bucket: storage.Bucket) -> None:
    bucket.blob("x").upload_from_string("1")
    generation = bucket.get_blob("x").generation
    read = bucket.blob("x").download_as_bytes
    assert status(lambda: read(if_generation_not_match=generation)) == 304
    assert status(lambda: bucket.blob("x").reload(if_generation_not_match=generation)) == 304
    assert read(if_generation_not_match=generation - 1) == b"1"


def test_metadata_has_generations_of_its_own(bucket: storage.Bucket) -> None:
    bucket.blob("x").upload_from_string("1")
    blob = bucket.get_blob("x")
    blob.metadata = {"a": "b"}
    assert status(lambda: blob.patch(if_metageneration_match=99)) == 412
    blob.patch(if_metageneration_match=1)
    again = bucket.get_blob("x")
    assert (again.metageneration, again.metadata, again.generation) == (
        2,
        {"a": "b"},
        blob.generation,
    )


def test_of_twenty_writers_who_race_exactly_one_wins(server: StorageServer) -> None:
    outcomes: list[int] = []
    start = threading.Barrier(20)

    def write() -> None:
        with connect(server) as client:
            blob = client.bucket("b").blob("race")
            start.wait()
            outcomes.append(status(lambda: blob.upload_from_string("x", if_generation_match=0)))

    writers = [threading.Thread(target=write) for _ in range(20)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(outcomes) == [200] + [412] * 19


def test_what_is_not_there_is_404(client: storage.Client, bucket: storage.Bucket) -> None:
    assert status(lambda: bucket.blob("nope").download_as_bytes()) == 404
    assert status(lambda: bucket.blob("nope").delete()) == 404
    assert bucket.get_blob("nope") is None
    assert status(lambda: client.bucket("zzz").blob("x").upload_from_string("1")) == 404
    assert status(lambda: list(client.list_blobs("zzz"))) == 404
    assert client.lookup_bucket("zzz") is None


def test_listing_in_the_order_of_names_page_by_page(
    client: storage.Client, bucket: storage.Bucket
) -> None:
    names = [f"many/{n:02}" for n in range(50)]
    for name in reversed(names):
        bucket.blob(name).upload_from_string("x")
    bucket.blob("other").upload_from_string("x")
    pages = [list(page) for page in client.list_blobs("b", prefix="many/", page_size=20).pages]
    assert [len(page) for page in pages] == [20, 20, 10]
    assert [blob.name for page in pages for blob in page] == names
    assert len(list(client.list_blobs("b", prefix="many/", max_results=7))) == 7
    bounded = client.list_blobs("b", start_offset="many/03", end_offset="many/05")
    assert [blob.name for blob in bounded] == ["many/03", "many/04"]


def test_a_delimiter_folds_what_lies_below_it(
    client: storage.Client, bucket: storage.Bucket
) -> None:
    for name in ("l/b", "l/a", "l/d/1", "l/d/2", "l/e/1"):
        bucket.blob(name).upload_from_string("x")
    listing = client.list_blobs("b", prefix="l/", delimiter="/", page_size=2)
    assert [blob.name for blob in listing] == ["l/a", "l/b"]
    assert listing.prefixes == {"l/d/", "l/e/"}


def test_objects_survive_a_restart_and_generations_go_on(
    server: StorageServer, folder: Path, bucket: storage.Bucket
) -> None:
    bucket.blob("x").upload_from_string("1")
    generation = bucket.get_blob("x").generation
    port = int(server.url.rsplit(":", 1)[1])
    server.close()
    again = StorageServer(folder, port=port)
    again.start()
    try:
        assert bucket.blob("x").download_as_bytes() == b"1"
        bucket.blob("x").upload_from_string("2")
        assert bucket.get_blob("x").generation > generation
    finally:
        again.close()


def test_a_killed_server_refuses_and_comes_back(
    server: StorageServer, bucket: storage.Bucket
) -> None:
    bucket.blob("x").upload_from_string("1")
    server.kill()
    assert not server.alive()
    with pytest.raises(Exception, match="Connection"):
        bucket.blob("x").download_as_bytes(retry=None, timeout=1)
    server.start()
    assert bucket.blob("x").download_as_bytes() == b"1"


def test_trouble_on_request(server: StorageServer, bucket: storage.Bucket) -> None:
    bucket.blob("x").upload_from_string("1")
    server.faults.add(Fault(method="GET", path="/x", status=503, times=2))
    server.faults.add(Fault(method="GET", path="/x", drop=True))
    assert status(lambda: bucket.blob("x").download_as_bytes(retry=None)) == 503
    assert bucket.blob("x").download_as_bytes() == b"1"  # the client's own retries
    assert server.faults.met == 3


def test_what_is_not_built_says_so(bucket: storage.Bucket) -> None:
    bucket.blob("x").upload_from_string("1")
    assert status(lambda: bucket.blob("y").compose([bucket.blob("x")], retry=None)) == 501
    assert status(lambda: bucket.copy_blob(bucket.blob("x"), bucket, "y", retry=None)) == 501


def test_eight_threads_share_a_client(bucket: storage.Bucket) -> None:
    failures: list[str] = []

    def work(worker: int) -> None:
        for step in range(20):
            blob = bucket.blob(f"q/{worker}/{step}")
            blob.upload_from_string(f"{worker}-{step}")
            if blob.download_as_text() != f"{worker}-{step}":
                failures.append(blob.name)

    workers = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
