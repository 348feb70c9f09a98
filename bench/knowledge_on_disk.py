"""An index and the embedder on a function's local disk, as an earlier instance left them."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from bench import retrieval_data as data
from bench.upstream import TENANT, free_port
from frontdesk.knowledge.manifest import MANIFEST_FILE, Manifest, Pointer, pointer_object
from frontdesk.knowledge.minilm import MODEL_FORMAT, model_pointer_object
from frontdesk.local.paths import CACHE
from frontdesk.local.storage import StorageServer
from frontdesk.platform.settings import load_settings


@contextmanager
def knowledge_on_disk() -> Iterator[dict[str, str]]:
    """The environment of a function that finds its files on disk and their pointers in storage."""
    index, model = data.prepared() / data.HYBRID, data.model()
    settings = load_settings({})
    bucket = settings.faiss_bucket_name
    manifest = (index / MANIFEST_FILE).read_bytes()
    pointer = Pointer(
        version=Manifest.parse(manifest).version,
        knowledge_version=1,
        manifest_sha256=hashlib.sha256(manifest).hexdigest(),
    )
    model_pointer = json.dumps({"format": MODEL_FORMAT, "sha256": model.name})
    # On the same disk as the files: they are linked, not copied.
    with tempfile.TemporaryDirectory(dir=CACHE / "bench", prefix=".disk-") as folder:
        cache = Path(folder) / "cache"
        _link(index, cache / "indexes" / str(TENANT) / pointer.version)
        _link(model, cache / "models" / model.name)
        with closing(
            StorageServer(Path(folder) / "storage", port=free_port(), buckets=(bucket,))
        ) as storage:
            storage.start()
            where = f"{storage.url}/upload/storage/v1/b/{bucket}/o"
            _upload(where, pointer_object(settings.faiss_index_prefix, TENANT), pointer.encode())
            _upload(where, model_pointer_object(settings.models_prefix), model_pointer.encode())
            yield {"STORAGE_EMULATOR_HOST": storage.url, "INDEX_CACHE_DIR": str(cache)}


def _link(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for file in source.iterdir():
        (target / file.name).hardlink_to(file)


def _upload(where: str, name: str, content: bytes) -> None:
    httpx.post(
        where, params={"uploadType": "media", "name": name}, content=content
    ).raise_for_status()
