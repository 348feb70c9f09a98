"""A reply holds what was asked for, or it is garbage; nothing in between."""

from __future__ import annotations

import base64
import json
from array import array
from types import SimpleNamespace

import pytest

from frontdesk.platform.llm_failures import GarbageReply
from frontdesk.platform.llm_replies import completion, pieces, vectors_of
from frontdesk.platform.llm_usage import Meter, Usage

ASKED = 300  # characters


def chat_body(usage: object = None, **choice: object) -> bytes:
    return json.dumps({"choices": [choice], "model": "m", "usage": usage}).encode()


def chunk(content: str | None, finish: str | None = None) -> SimpleNamespace:
    choice = SimpleNamespace(delta=SimpleNamespace(content=content), finish_reason=finish)
    return SimpleNamespace(choices=[choice])


def usage_chunk(prompt: object, said: object) -> SimpleNamespace:
    usage = SimpleNamespace(prompt_tokens=prompt, completion_tokens=said)
    return SimpleNamespace(choices=[], usage=usage)


def embeddings_body(*vectors: list[float], packed: bool = False) -> bytes:
    data = [
        {"index": index, "embedding": pack(vector) if packed else vector}
        for index, vector in enumerate(vectors)
    ]
    return json.dumps({"data": data}).encode()


def pack(vector: list[float]) -> str:
    return base64.b64encode(array("f", vector).tobytes()).decode()


def test_a_completion_costs_what_it_reports() -> None:
    usage = {"prompt_tokens": 90, "completion_tokens": 7, "total_tokens": 97}
    answer = completion(chat_body(usage, message={"content": " Yes. "}), Meter(ASKED))

    assert (answer.text, answer.usage, answer.model) == ("Yes.", Usage(90, 7), "m")


@pytest.mark.parametrize(
    "usage", [None, {}, {"prompt_tokens": 0}, {"prompt_tokens": "many"}, [1, 2]], ids=repr
)
def test_a_completion_that_reports_nothing_is_estimated_by_its_characters(usage: object) -> None:
    answer = completion(chat_body(usage, message={"content": "Yes, it is."}), Meter(ASKED))

    assert answer.usage == Usage(100, 4)


def test_an_answer_without_text_is_garbage_and_was_billed() -> None:
    meter = Meter(ASKED)
    usage = {"prompt_tokens": 90, "completion_tokens": 500}

    with pytest.raises(GarbageReply):
        completion(chat_body(usage, message={"content": None}), meter)

    assert meter.usage == Usage(90, 500)


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
        completion(body, Meter(ASKED))


def test_a_stream_skips_chunks_without_text() -> None:
    chunks = [chunk(None), chunk("A "), chunk(""), chunk("b"), chunk(None, "stop")]

    assert "".join(pieces(chunks, Meter(ASKED))) == "A b"


def test_a_stream_costs_what_it_reports_last() -> None:
    meter = Meter(ASKED)
    chunks = [chunk("Yes."), usage_chunk(90, 1), chunk(None, "stop"), usage_chunk(90, 2)]

    assert list(pieces(chunks, meter)) == ["Yes."]
    assert meter.usage == Usage(90, 2)


@pytest.mark.parametrize("reports", [[], [usage_chunk(None, None)]], ids=["none", "nonsense"])
def test_a_stream_that_reports_nothing_is_estimated_by_its_characters(
    reports: list[SimpleNamespace],
) -> None:
    meter = Meter(ASKED)

    list(pieces([chunk("Yes, "), chunk("it is."), chunk(None, "stop"), *reports], meter))

    assert meter.usage == Usage(100, 4)


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
        list(pieces(chunks, Meter(ASKED)))


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
