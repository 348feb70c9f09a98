"""The embedded model computes what its published weights say."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from frontdesk.knowledge.minilm import (
    DIMENSIONS,
    EMBEDDER_ID,
    MODEL_FILES,
    MiniLM,
    ModelInvalid,
    StoredMiniLM,
)
from frontdesk.local.minilm_model import (
    EPSILON,
    HEAD_SIZE,
    HEADS,
    LAYERS,
    ModelWeightsInvalid,
    build_model,
    model_folder,
    publish_model,
    read_weights,
)
from frontdesk.platform.errors import DeadlineExceeded
from frontdesk.platform.resilience import Deadline
from tests.support.clock import ManualClock
from tests.unit.knowledge.builders import a_deadline
from tests.unit.knowledge.fakes import MemoryStore

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[Any]

TEXTS = [
    "How much does a double room cost per night?",
    "The deposit is returned when you cancel thirty days before arrival.",
    "Visa",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def model(folder: Path) -> MiniLM:
    return MiniLM(folder)


def layer_norm(x: Array, weights: dict[str, Array], name: str) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def forward(ids: list[int], weights: dict[str, Array]) -> Array:
    """BERT for one text in float64, written from its definition and not from our graph."""

    def linear(x: Array, name: str) -> Array:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def gelu(x: Array) -> Array:
        from math import erf

        return x * (1 + np.vectorize(erf)(x / np.sqrt(2))) / 2

    hidden = layer_norm(
        weights["embeddings.word_embeddings.weight"][ids]
        + weights["embeddings.position_embeddings.weight"][: len(ids)]
        + weights["embeddings.token_type_embeddings.weight"][0],
        weights,
        "embeddings.LayerNorm",
    )
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}"
        heads = []
        for head in range(HEADS):
            part = slice(head * HEAD_SIZE, (head + 1) * HEAD_SIZE)
            query, key, value = (
                linear(hidden, f"{layer}.attention.self.{name}")[:, part]
                for name in ("query", "key", "value")
            )
            scores = query @ key.T / np.sqrt(HEAD_SIZE)
            shares = np.exp(scores - scores.max(-1, keepdims=True))
            heads.append(shares / shares.sum(-1, keepdims=True) @ value)
        attended = linear(np.concatenate(heads, -1), f"{layer}.attention.output.dense")
        hidden = layer_norm(attended + hidden, weights, f"{layer}.attention.output.LayerNorm")
        inner = gelu(linear(hidden, f"{layer}.intermediate.dense"))
        hidden = layer_norm(
            linear(inner, f"{layer}.output.dense") + hidden, weights, f"{layer}.output.LayerNorm"
        )
    mean = hidden.mean(0)
    return mean / np.linalg.norm(mean)


def test_vectors_agree_with_a_forward_pass_in_numpy(model: MiniLM, folder: Path) -> None:
    from tokenizers import Tokenizer

    weights = {
        name: tensor.astype(np.float64) for name, tensor in read_weights(model_folder()).items()
    }
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    expected = np.array([forward(tokenizer.encode(text).ids, weights) for text in TEXTS])
    made = model.embed(TEXTS, deadline=a_deadline())
    assert made.dtype == np.float32
    assert np.linalg.norm(made, axis=1) == pytest.approx(1, abs=1e-5)
    assert (expected * made).sum(1).min() >= 0.98


def test_a_texts_vector_does_not_depend_on_its_neighbours(model: MiniLM) -> None:
    deadline = a_deadline()
    together = model.embed([*TEXTS, " ".join(TEXTS * 20)], deadline=deadline)
    for row, text in enumerate(TEXTS):
        alone = model.embed([text], deadline=deadline)[0]
        assert np.array_equal(together[row], alone)


def test_meaning_counts_more_than_words(model: MiniLM) -> None:
    question, answer, other = model.embed(
        [
            "How heavy may my suitcase be?",
            "The baggage allowance is 23 kg per passenger.",
            "The suitcase museum opens at nine.",
        ],
        deadline=a_deadline(),
    )
    assert question @ answer > question @ other


def test_the_same_weights_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = build_model(tmp_path)
    assert again.name == folder.name
    for name in MODEL_FILES:
        assert (again / name).read_bytes() == (folder / name).read_bytes()
    assert hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest() == folder.name


def test_other_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"not the publisher's")
    with pytest.raises(ModelWeightsInvalid, match="SHA-256"):
        read_weights(tmp_path)


def publish(store: MemoryStore, folder: Path) -> str:
    return publish_model(store, "bucket", "models", folder, a_deadline())  # type: ignore[arg-type]


def stored(store: MemoryStore, cache: Path) -> StoredMiniLM:
    return StoredMiniLM(store, "bucket", "models", cache)  # type: ignore[arg-type]


def test_a_published_model_is_fetched_once_and_embeds(folder: Path, tmp_path: Path) -> None:
    store = MemoryStore()
    digest = publish(store, folder)
    assert publish(store, folder) == digest
    embedder = stored(store, tmp_path)
    assert (embedder.id, embedder.dimensions) == (EMBEDDER_ID, DIMENSIONS)
    for _ in range(2):
        assert embedder.embed(["Visa"], deadline=a_deadline()).shape == (1, DIMENSIONS)
    stored(store, tmp_path).embed(["Visa"], deadline=a_deadline())
    assert store.reads[f"models/{digest}/model.onnx"] == 1


def test_a_damaged_or_missing_model_is_refused_and_the_next_call_tries_again(
    folder: Path, tmp_path: Path
) -> None:
    store = MemoryStore()
    embedder = stored(store, tmp_path)
    with pytest.raises(ModelInvalid, match="published"):
        embedder.embed(["Visa"], deadline=a_deadline())
    digest = publish(store, folder)
    store.tamper("bucket", f"models/{digest}/tokenizer.json", b"{}")
    with pytest.raises(ModelInvalid, match="checksum"):
        embedder.embed(["Visa"], deadline=a_deadline())
    store.tamper(
        "bucket", f"models/{digest}/tokenizer.json", (folder / "tokenizer.json").read_bytes()
    )
    assert embedder.embed(["Visa"], deadline=a_deadline()).shape == (1, DIMENSIONS)


def test_a_model_of_another_format_is_refused(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "model")
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(manifest | {"format": 2}))
    with pytest.raises(ModelInvalid, match="format"):
        MiniLM(copy)


def test_embedding_stops_at_the_deadline(model: MiniLM) -> None:
    clock = ManualClock()
    deadline = Deadline.after(1, clock)
    clock.advance(2)
    with pytest.raises(DeadlineExceeded):
        model.embed(TEXTS, deadline=deadline)
