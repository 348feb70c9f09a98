"""Index versions whose every passage says which edition it belongs to, so that a mix shows.

Editions differ in the order of their documents too: a row of one edition's vectors is another
passage in the next edition, and its cosine would not fit the text.
"""

from __future__ import annotations

import os
import random
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

import numpy as np

from frontdesk.knowledge.build import SourceDocument, build_index
from frontdesk.knowledge.chunk import Chunk
from frontdesk.knowledge.embeddings import KnownVectors
from frontdesk.knowledge.manifest import EMBEDDINGS_FILE, MANIFEST_FILE, Manifest
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.resilience import Deadline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_CREATED: Final = datetime(2026, 1, 5, tzinfo=UTC)
_WORDS: Final = 20_000
_WORDS_A_PASSAGE: Final = 12
_WORDS_A_QUESTION: Final = 4
_PASSAGES_A_DOCUMENT: Final = 50
_STAMP: Final = re.compile(r"Edition (\d+)\.$")


class NumberedWordEmbedder:
    """Each of the words ``w0``, ``w1``, … has a random direction; a text is the sum of its own."""

    id = "numbered-words"

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        directions = np.random.default_rng(7).standard_normal((_WORDS, dimensions))
        self._directions = directions.astype(np.float32)

    def embed(self, texts: Sequence[str], *, deadline: Deadline) -> NDArray[np.float32]:
        deadline.timeout(1)
        vectors = np.stack([self._of(text) for text in texts])
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def _of(self, text: str) -> NDArray[np.float32]:
        rows = [int(number) for number in re.findall(r"w(\d+)", text)]
        summed: NDArray[np.float32] = self._directions[rows].sum(axis=0)
        return summed


def stamp_of(text: str) -> int:
    """The edition that a passage says it belongs to."""
    found = _STAMP.search(text)
    assert found is not None, text
    return int(found[1])


def version_name(number: int, edition: int) -> str:
    """Names sort by number and say which edition the version is."""
    return f"{number:05d}-{edition}"


def edition_of(version: str) -> int:
    """The edition that a version is made of."""
    return int(version.rpartition("-")[2])


def questions(seed: int) -> Iterator[str]:
    """Endless questions of known words."""
    chance = random.Random(seed)
    while True:
        yield " ".join(f"w{chance.randrange(_WORDS)}" for _ in range(_WORDS_A_QUESTION))


def build_edition(
    folder: Path, tenant_id: UUID, edition: int, *, passages: int, dimensions: int, seed: int
) -> Manifest:
    """Build one edition; what only the next build would read is left out.

    Args:
        folder: new; gets the files.
        edition: in every passage.
        passages: how many.
        seed: equal seeds, equal texts but for the stamp.
    """
    chance = random.Random(seed)
    texts = [
        " ".join(f"w{chance.randrange(_WORDS)}" for _ in range(_WORDS_A_PASSAGE))
        for _ in range(passages)
    ]
    order = random.Random(seed + edition)
    starts = list(range(0, passages, _PASSAGES_A_DOCUMENT))
    documents = [
        _document(order.getrandbits(64), edition, texts[start : start + _PASSAGES_A_DOCUMENT])
        for start in starts
    ]
    folder.mkdir(parents=True)
    manifest = build_index(
        folder,
        tenant_id=tenant_id,
        version=version_name(0, edition),
        knowledge_version=1,
        documents=documents,
        embedder=NumberedWordEmbedder(dimensions),
        known=KnownVectors(),
        created_at=_CREATED,
        deadline=Deadline.after(600, SystemClock()),
    )
    (folder / EMBEDDINGS_FILE).unlink()
    files = {name: entry for name, entry in manifest.files.items() if name != EMBEDDINGS_FILE}
    return manifest.model_copy(update={"files": files})


def as_version(folder: Path, manifest: Manifest, target: Path, number: int) -> Manifest:
    """The same files in a new folder under another version's name."""
    version = version_name(number, edition_of(manifest.version))
    renamed = manifest.model_copy(update={"version": version, "knowledge_version": number})
    target.mkdir(parents=True)
    for name in renamed.files:
        os.link(folder / name, target / name)
    (target / MANIFEST_FILE).write_bytes(renamed.encode())
    return renamed


def _document(number: int, edition: int, texts: Sequence[str]) -> SourceDocument:
    document_id = UUID(int=number)
    title = f"Handbook {number}"
    chunks = tuple(
        Chunk(stamped, title, "en", ((0, len(stamped)),))
        for stamped in (f"{text}. Edition {edition}." for text in texts)
    )
    return SourceDocument(
        document_id=document_id,
        source_key=f"{number:064x}",
        title=title,
        language="en",
        visibility="public",
        tags=(),
        chunks=chunks,
    )
