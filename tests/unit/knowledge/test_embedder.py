"""OpenAI's vectors are checked before they are believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from frontdesk.knowledge.embedder import OpenAIEmbedder
from frontdesk.platform.errors import UpstreamUnavailable
from tests.unit.knowledge.builders import a_deadline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from frontdesk.platform.resilience import Deadline


class Client:
    """Answers with vectors that count up, or with whatever it was told to."""

    def __init__(self, answer: list[list[float]] | None = None) -> None:
        self.answer = answer
        self.batches: list[int] = []

    def embed(self, texts: Sequence[str], *, deadline: Deadline) -> list[list[float]]:
        self.batches.append(len(texts))
        if self.answer is not None:
            return self.answer
        return [[float(len(text)), 2.0, 0.0] for text in texts]


def embedder(client: Client) -> OpenAIEmbedder:
    return OpenAIEmbedder(client, "text-embedding-3-small", dimensions=3)


def test_vectors_come_in_order_in_batches_and_at_unit_length() -> None:
    client = Client()
    vectors = embedder(client).embed(["x" * n for n in range(1, 301)], deadline=a_deadline())
    assert client.batches == [128, 128, 44]
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)
    assert vectors[0] == pytest.approx(np.array([1, 2, 0]) / np.sqrt(5))
    assert vectors[299][0] > vectors[0][0]


def test_nothing_to_embed_asks_nobody() -> None:
    client = Client()
    assert embedder(client).embed([], deadline=a_deadline()).shape == (0, 3)
    assert client.batches == []


@pytest.mark.parametrize(
    "answer", [[], [[1.0, 2.0]], [[0.0, 0.0, 0.0]], [[float("nan"), 1.0, 1.0]]]
)
def test_nonsense_is_an_outage(answer: list[list[float]]) -> None:
    with pytest.raises(UpstreamUnavailable):
        embedder(Client(answer)).embed(["text"], deadline=a_deadline())


def test_the_id_names_the_model_and_the_length_follows_from_it() -> None:
    made = OpenAIEmbedder(Client(), "text-embedding-3-large")
    assert (made.id, made.dimensions) == ("openai/text-embedding-3-large", 3072)
