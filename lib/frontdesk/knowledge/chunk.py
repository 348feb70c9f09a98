"""Sections become chunks: whole sentences, one subject, small enough to embed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from frontdesk.knowledge import sentences
from frontdesk.knowledge.extract import BlockKind
from frontdesk.knowledge.language import script_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from frontdesk.knowledge.extract import Block, Extracted, Section
    from frontdesk.knowledge.sentences import Span

TARGET_WORDS = 80  # a chunk is closed at the next paragraph beyond this
MAX_WORDS = 120  # the embedded embedder reads 256 word pieces, about 150 words of any language
MAX_CHARACTERS = 2_400  # whatever a text without spaces counts as
TABLE_WORDS = 60  # rows about different things share a chunk only while it stays this small


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage.

    Attributes:
        text: what is shown and quoted.
        context: title and headings above it, for the embedding and the lexical index.
        language: ISO 639-1 code of the document.
        sentences: spans of ``text``.
    """

    text: str
    context: str
    language: str
    sentences: tuple[Span, ...]

    @property
    def embedded_text(self) -> str:
        """What the embedder reads: the headings say what a passage is about."""
        return f"{self.context}\n{self.text}"


@dataclass(slots=True)
class _Piece:
    """A sentence or row.

    ``block_words`` is the size of the block that it opens, None inside one.
    """

    text: str
    words: int
    block_words: int | None
    is_row: bool


def chunk(document: Extracted) -> list[Chunk]:
    """Cut a document by heading, then by paragraph, then by sentence; 80 to 120 words each."""
    chunks: list[Chunk] = []
    for section in document.sections:
        context = " > ".join((document.title, *section.path))
        chunks.extend(
            _build(pieces, context, document.language) for pieces in _packed(_pieces(section))
        )
    return chunks


def _pieces(section: Section) -> Iterator[_Piece]:
    for block in section.blocks:
        block_words: int | None = count_words(block.text)
        for start, end in _spans(block):
            for part in _bounded(block.text[start:end]):
                yield _Piece(part, count_words(part), block_words, block.kind is BlockKind.ROW)
                block_words = None


def _spans(block: Block) -> list[Span]:
    if block.kind is BlockKind.ROW and count_words(block.text) <= MAX_WORDS:
        return [(0, len(block.text))]
    return sentences.split(block.text)


def _bounded(sentence: str) -> Iterator[str]:
    """A sentence beyond the limits is cut between words, or between characters if need be."""
    while not _fits(sentence):
        cut = _cut(sentence)
        yield sentence[:cut].rstrip()
        sentence = sentence[cut:].lstrip()
    if sentence:
        yield sentence


def _fits(text: str) -> bool:
    return len(text) <= MAX_CHARACTERS and count_words(text) <= MAX_WORDS


def _cut(sentence: str) -> int:
    """Length of the longest beginning within the limits, back to a blank where one is near."""
    low, high = 1, min(len(sentence), MAX_CHARACTERS)
    while low < high:
        middle = (low + high + 1) // 2
        if _fits(sentence[:middle]):
            low = middle
        else:
            high = middle - 1
    space = sentence.rfind(" ", low // 2, low + 1)
    return space if space > 0 else low


def count_words(text: str) -> int:
    """Words; in scripts without spaces two characters count as one."""
    words = len(text.split())
    unspaced = sum(1 for c in text if c > "\u0e00" and script_of(c) in {"zh", "ja", "th"})
    return words + unspaced // 2


def _packed(pieces: Iterator[_Piece]) -> Iterator[list[_Piece]]:
    """Pieces in groups: full groups end at a block where one is near, at a sentence otherwise."""
    group: list[_Piece] = []
    words = characters = 0
    for piece in pieces:
        limit = TABLE_WORDS if piece.is_row and group and group[-1].is_row else MAX_WORDS
        is_full = words + piece.words > limit or characters + len(piece.text) > MAX_CHARACTERS
        if piece.block_words is not None:
            # Better a short chunk than a paragraph cut in two, but not too short a one.
            cuts_it = words >= TARGET_WORDS // 2 and words + piece.block_words > limit
            is_full = is_full or words >= TARGET_WORDS or cuts_it
        if group and is_full:
            yield group
            group, words, characters = [], 0, 0
        group.append(piece)
        words += piece.words
        characters += len(piece.text) + 1
    if group:
        yield group


def _build(pieces: list[_Piece], context: str, language: str) -> Chunk:
    text = ""
    spans = []
    for piece in pieces:
        if text:
            text += " " if piece.block_words is None else "\n"
        spans.append((len(text), len(text) + len(piece.text)))
        text += piece.text
    return Chunk(text, context, language, tuple(spans))
