"""all-MiniLM-L6-v2 in process: the embedder that needs no outside service.

The model is an object in storage like an index: ``<prefix>/<sha256>/{model.onnx, tokenizer.json,
manifest.json}``, named by the SHA-256 of its manifest, which holds those of the files;
``<prefix>/minilm.json`` says which one is current. English only.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frontdesk.platform.errors import DeadlineExceeded, UpstreamUnavailable
from frontdesk.platform.storage import ObjectNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from frontdesk.platform.resilience import Deadline
    from frontdesk.platform.storage import ObjectStore

MODEL_FORMAT = 1
# Of the weights, not of their int8 rounding: an index survives a rebuild of the graph.
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
EMBEDDER_ID = f"all-MiniLM-L6-v2@{WEIGHTS_SHA256[:12]}"
DIMENSIONS = 384
# Written in this order, so that a model with a manifest is whole.
MODEL_FILES = ("model.onnx", "tokenizer.json", "manifest.json")
_PATIENCE = 60.0  # seconds to wait for another thread that loads the model


class ModelInvalid(UpstreamUnavailable):
    """No model is stored, a part is missing, or its bytes are not what its manifest says."""


def model_object(prefix: str, digest: str, name: str) -> str:
    """Object name of one file of a published model."""
    return f"{prefix}/{digest}/{name}"


def model_pointer_object(prefix: str) -> str:
    """Object name of the pointer to the current model."""
    return f"{prefix}/minilm.json"


class MiniLM:
    """A loaded model: tokens in, unit vectors (n, 384) out. Safe to share between threads."""

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        """Load from a folder that holds `MODEL_FILES`; takes about 100 ms and 110 MB.

        Args:
            folder: a verified model folder.
            threads: how many texts of one call are embedded at once; 1 when requests run side by
                side.

        Raises:
            ModelInvalid: the manifest is of another format or another model.
        """
        import onnxruntime
        from tokenizers import Tokenizer

        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if manifest.get("format") != MODEL_FORMAT:
            raise ModelInvalid(f"The embedding model has format {manifest.get('format')}.")
        if (manifest["embedder_id"], manifest["dimensions"]) != (EMBEDDER_ID, DIMENSIONS):
            raise ModelInvalid(f"The embedding model is {manifest['embedder_id']}.")
        self._threads = threads
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        options = onnxruntime.SessionOptions()
        # Texts side by side, each on one thread, use the cores better than one text on several.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # The arena keeps the largest batch's memory for good; without it a question costs the same.
        options.enable_cpu_mem_arena = False
        # Further optimisations fuse int8 nodes into slower ones: with them a question costs 15 %
        # more and loading twice as much, and the vectors are no nearer to the float model's.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        self._session: Any = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )

    @property
    def id(self) -> str:
        """The model's name and the start of its weights' SHA-256."""
        return EMBEDDER_ID

    @property
    def dimensions(self) -> int:
        """384."""
        return DIMENSIONS

    def embed(self, texts: Sequence[str], *, deadline: Deadline) -> NDArray[np.float32]:
        """See `Embedder.embed`; texts beyond 256 word pieces are cut."""
        import numpy as np

        vectors = np.empty((len(texts), DIMENSIONS), np.float32)

        def embed_one(row: int) -> None:
            deadline.timeout(1)  # raises once the time is over
            # A text by itself: the int8 graph scales a whole batch alike, so its vector would
            # depend on its neighbours; and nothing is padded. Batches are no faster on a CPU.
            encoded = self._tokenizer.encode(texts[row])
            vectors[row] = self._session.run(
                ["embedding"],
                {
                    "input_ids": np.array([encoded.ids], np.int64),
                    "attention_mask": np.array([encoded.attention_mask], np.int64),
                },
            )[0][0]

        if self._threads == 1 or len(texts) == 1:
            for row in range(len(texts)):
                embed_one(row)
        else:
            with ThreadPoolExecutor(self._threads, "embed") as pool:
                for _ in pool.map(embed_one, range(len(texts))):
                    pass
        return vectors


def fetch_model(
    storage: ObjectStore, bucket: str, prefix: str, cache_dir: Path, deadline: Deadline
) -> Path:
    """The current model's folder on local disk, downloaded and verified on first use.

    Raises:
        ModelInvalid: none was published, or its bytes don't match their checksums.
    """
    try:
        blob = storage.read(bucket, model_pointer_object(prefix), deadline=deadline)
    except ObjectNotFound as missing:
        raise ModelInvalid("No embedding model was published.") from missing
    digest = str(json.loads(blob.data)["sha256"])
    target = cache_dir / "models" / digest
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".loading-") as scratch:
        folder = Path(scratch) / "model"
        folder.mkdir()
        for name in MODEL_FILES:
            storage.download(
                bucket, model_object(prefix, digest, name), folder / name, deadline=deadline
            )
        _verify(folder, digest)
        try:
            folder.rename(target)
        except OSError:
            # Another process was faster; the name says that it holds the same bytes.
            if not target.exists():
                raise
            shutil.rmtree(folder)
    return target


def _verify(folder: Path, digest: str) -> None:
    raw = (folder / "manifest.json").read_bytes()
    if hashlib.sha256(raw).hexdigest() != digest:
        raise ModelInvalid("The embedding model's manifest does not match its name.")
    files: dict[str, str] = json.loads(raw)["files"]
    for name in MODEL_FILES[:-1]:
        with (folder / name).open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != files.get(name):
                raise ModelInvalid(f"The embedding model's {name} does not match its checksum.")


class StoredMiniLM:
    """The published MiniLM, fetched and loaded when it is first asked to embed.

    A failed load is tried again by the next call; nothing sticks.
    """

    def __init__(
        self, storage: ObjectStore, bucket: str, prefix: str, cache_dir: Path, *, threads: int = 1
    ) -> None:
        self._where = (storage, bucket, prefix, cache_dir)
        self._threads = threads
        self._lock = threading.Lock()
        self._model: MiniLM | None = None

    @property
    def id(self) -> str:
        """See `MiniLM.id`; known before the model is loaded."""
        return EMBEDDER_ID

    @property
    def dimensions(self) -> int:
        """384."""
        return DIMENSIONS

    def embed(self, texts: Sequence[str], *, deadline: Deadline) -> NDArray[np.float32]:
        """See `Embedder.embed`."""
        return self.load(deadline=deadline).embed(texts, deadline=deadline)

    def load(self, *, deadline: Deadline) -> MiniLM:
        """The model; the first caller loads it, callers meanwhile wait for that one."""
        if self._model is not None:
            return self._model
        if not self._lock.acquire(timeout=deadline.timeout(_PATIENCE)):
            raise DeadlineExceeded
        try:
            if self._model is None:
                folder = fetch_model(*self._where, deadline)
                self._model = MiniLM(folder, threads=self._threads)
            return self._model
        finally:
            self._lock.release()
