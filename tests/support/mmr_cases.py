"""Random cases of maximal marginal relevance, and what langchain-core picked in each.

langchain-core is no dependency: it brings langsmith, whose pytest plugin would be loaded by every
run of the tests. Its picks are recorded, and `make bench NAME=mmr` compares the record with it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_COUNT: Final = 1_000
_SEED: Final = 20
_RECORD: Final = Path(__file__).with_suffix(".json")


class Case(NamedTuple):
    """What there is to pick from: unit vectors, float32 (n, d) and (d,)."""

    query: NDArray[np.float32]
    vectors: NDArray[np.float32]
    picks: int
    lambda_: float


def cases() -> Iterator[Case]:
    """Each of 1 to 80 candidates of 4 to 128 dimensions, 1 to 20 picks, any λ; always the same."""
    chance = np.random.default_rng(_SEED)
    for _ in range(_COUNT):
        count, dimensions, picks = (
            int(chance.integers(*span)) for span in ((1, 81), (4, 129), (1, 21))
        )
        lambda_ = float(chance.random())
        vectors = chance.standard_normal((count + 1, dimensions), dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        yield Case(vectors[0], vectors[1:], picks, lambda_)


def recorded_picks() -> list[list[int]]:
    """What langchain-core picked, case by case."""
    picks: list[list[int]] = json.loads(_RECORD.read_text("utf-8"))
    return picks


def record(picks: Sequence[Sequence[int]]) -> None:
    """Keep what langchain-core picks."""
    lines = ",\n".join(json.dumps(list(rows)) for rows in picks)
    _RECORD.write_text(f"[\n{lines}\n]\n", "utf-8")
