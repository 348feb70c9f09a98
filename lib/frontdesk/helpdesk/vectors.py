"""Vectors of words and sentences: the index keeps most, the others are made once a process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from frontdesk.knowledge.details import headed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from frontdesk.knowledge.embedder import Embedder, Vectors
    from frontdesk.knowledge.index import StoredChunk
    from frontdesk.platform.resilience import Deadline

REMEMBERED: Final = 12_000
"""Texts; 384 float16 numbers each make 9 MB."""

_NONE: Final[Mapping[str, Vectors]] = MappingProxyType({})


class TextVectors:
    """An embedder with a memory of the texts it saw last. Safe to share between threads."""

    def __init__(self, embedder: Embedder, *, remembered: int = REMEMBERED) -> None:
        self._embedder = embedder
        self._remembered = remembered
        self._lock = threading.Lock()
        self._known: OrderedDict[str, np.ndarray[tuple[int], np.dtype[np.float16]]] = OrderedDict()

    @property
    def embedder_id(self) -> str:
        """Of the embedder behind it."""
        return self._embedder.id

    def of(
        self, texts: Sequence[str], *, deadline: Deadline, known: Mapping[str, Vectors] = _NONE
    ) -> Vectors:
        """Unit vectors, float32 (len(texts), d).

        Args:
            known: vectors of some of the texts, rounded to half precision like those made here.

        Raises:
            UpstreamUnavailable, DeadlineExceeded: as the embedder does.
        """
        import numpy as np

        wanted = [text for text in dict.fromkeys(texts) if text not in known]
        with self._lock:
            found = {text: self._known[text] for text in wanted if text in self._known}
        new = [text for text in wanted if text not in found]
        if new:
            # Half precision from the start: an answer must not depend on what was asked before.
            made = self._embedder.embed(new, deadline=deadline).astype(np.float16)
            found.update(zip(new, made, strict=True))
        with self._lock:
            for text, vector in found.items():
                self._known[text] = vector
                self._known.move_to_end(text)
            while len(self._known) > self._remembered:
                self._known.popitem(last=False)
        if not texts:
            return np.zeros((0, self._embedder.dimensions), np.float32)
        rows = [known[text] if text in known else found[text] for text in texts]
        return np.asarray(rows, dtype=np.float32)


class KeptVectors(Protocol):
    """The part of an index that keeps vectors of what its passages are made of."""

    def sentence_vectors(self, chunk: int) -> Vectors | None:
        """Of a chunk's sentences, float32 (sentences, d), each under its heading."""
        ...

    def word_vectors(self, words: Sequence[str]) -> Mapping[str, Vectors]:
        """Of those lower-case words that are kept, float32 (d,)."""
        ...


@dataclass(frozen=True, slots=True)
class QuestionVectors:
    """What weighing a question's passages needs: what the index keeps, and what must be made.

    Attributes:
        made: by the embedder of that index.
        kept: the index.
        known: vectors that the search made already, by text, rounded to half precision.
    """

    made: TextVectors
    kept: KeptVectors
    known: Mapping[str, Vectors]

    def of_words(self, words: Sequence[str], *, deadline: Deadline) -> Vectors:
        """Of words, float32 (len(words), d).

        Raises:
            UpstreamUnavailable, DeadlineExceeded: as the embedder does.
        """
        return self.made.of(words, deadline=deadline, known=self.kept.word_vectors(words))

    def of_sentences(
        self, subject: str, passages: Sequence[StoredChunk], *, deadline: Deadline
    ) -> Vectors:
        """Of a question's subject, then of all sentences of the passages, float32 (1 + n, d).

        Raises:
            UpstreamUnavailable, DeadlineExceeded: as the embedder does.
        """
        import numpy as np

        kept = [self.kept.sentence_vectors(passage.id) for passage in passages]
        texts = [
            headed(passage.context, passage.text, passage.sentences)
            for passage, vectors in zip(passages, kept, strict=True)
            if vectors is None
        ]
        made = self.made.of(
            [subject, *(text for each in texts for text in each)],
            deadline=deadline,
            known=self.known,
        )
        rows, start = [made[:1]], 1
        for passage, vectors in zip(passages, kept, strict=True):
            if vectors is None:
                end = start + len(passage.sentences)
                rows.append(made[start:end])
                start = end
            else:
                rows.append(vectors)
        return np.concatenate(rows)
