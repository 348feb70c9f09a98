"""A reply holds what was asked for, or it is garbage; nothing in between."""

from __future__ import annotations

import base64
import json
from array import array
from types import SimpleNamespace

import pytest

from frontdesk.platform.llm_failures import GarbageReply
from frontdesk.platform.llm_replies import completion, pieces, vectors_of


def chat_body(**choice: object) -> bytes:
    return json.dumps({"choices": [choice], "model": "m", "usage": None}).encode()


def chunk(content: str | None, finish: str | None = None) -> SimpleNamespace:
    choice = SimpleNamespace(delta=SimpleNamespace(content=content), finish_reason=finish)
    return SimpleNamespace(choices=[choice])


def embeddings_body(*vectors: list[float], packed: bool = False) -> bytes:
    data = [
        {"index": index, "embedding": pack(vector) if packed else vector}
        for index, vector in enumerate(vectors)
    ]
    return json.dumps({"data": data}).encode()


def pack(vector: list[float]) -> str:
    return base64.b64encode(array("f", vector).tobytes()).decode()


def test_a_completion_without_usage_counts_no_tokens() -> None:
    answer = completion(chat_body(message={"content": " Yes. "}))

    assert (answer.text, answer.usage.prompt_tokens, answer.model) == ("Yes.", 0, "m")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"choices": []}',
        b'{"choices": null}',
        chat_body(message={"content": None}),
        chat_body(message={"content": "  "}),
        chat_body(text="an older shape"),
    ],
)
def test_a_completion_without_text_is_garbage(body: bytes) -> None:
    with pytest.raises(GarbageReply):
        completion(body)


def test_a_stream_skips_chunks_without_text() -> None:
    chunks = [chunk(None), chunk("A "), chunk(""), chunk("b"), chunk(None, "stop")]

    assert "".join(pieces(chunks)) == "A b"


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [chunk(None, "stop")],
        [chunk("half an answer")],
        [chunk("then nonsense"), SimpleNamespace(choices=None)],
    ],
    ids=["nothing", "no text", "no finish reason", "no choices"],
)
def test_a_stream_that_is_no_whole_answer_is_garbage(chunks: list[SimpleNamespace]) -> None:
    with pytest.raises(GarbageReply):
        list(pieces(chunks))


@pytest.mark.parametrize("packed", [True, False])
def test_vectors_come_back_packed_or_spelt_out(packed: bool) -> None:
    body = embeddings_body([1.0, 0.0], [0.5, -0.5], packed=packed)

    assert vectors_of(body, 2) == [[1.0, 0.0], [0.5, -0.5]]


def test_vectors_are_put_in_the_order_of_the_texts() -> None:
    data = [{"index": 1, "embedding": [1.0]}, {"index": 0, "embedding": [0.0]}]

    assert vectors_of(json.dumps({"data": data}).encode(), 2) == [[0.0], [1.0]]


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        embeddings_body([1.0]),
        embeddings_body([1.0], [1.0, 2.0]),
        embeddings_body([], []),
        embeddings_body([float("nan")], [1.0], packed=True),
        b'{"data": [{"index": 0, "embedding": "%%%"}, {"index": 1, "embedding": "AAAA"}]}',
    ],
    ids=["nothing", "too few", "two lengths", "empty", "not a number", "not base64"],
)
def test_other_vectors_than_those_asked_for_are_garbage(body: bytes) -> None:
    with pytest.raises(GarbageReply):
        vectors_of(body, 2)
