"""A file becomes a title, a language and sections of readable blocks.

What a file is, its bytes decide (see `sniff`); its name is a hint among plain-text kinds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from frontdesk.knowledge import language
from frontdesk.knowledge.sniff import Kind, decode, sniff
from frontdesk.platform.errors import Unprocessable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_CHARACTERS = 5_000_000  # of extracted text; about 2,500 printed pages
MAX_MARKUP = 4 * MAX_CHARACTERS  # characters of a text file with its marks, addresses and pictures
MAX_HEADING = 300  # characters; what is longer is a paragraph, however it is set


class DocumentUnreadable(Unprocessable):
    """The file can't be turned into text; the message says why, for the person who uploaded it."""


class BlockKind(StrEnum):
    """How a block is cut into sentences."""

    PROSE = "prose"
    ROW = "row"  # one table row or list entry: one sentence, whatever stops it holds


# Tuples, since dataclasses would double what a process costs that reads one small file.
class Block(NamedTuple):
    """A paragraph, a list entry, or a table row as a sentence."""

    text: str
    kind: BlockKind = BlockKind.PROSE


class Section(NamedTuple):
    """The blocks under one heading.

    Attributes:
        path: headings from the outermost to the section's own, the document's title left out.
    """

    path: tuple[str, ...]
    blocks: tuple[Block, ...]


class Extracted(NamedTuple):
    """A document as text."""

    title: str
    language: str
    sections: tuple[Section, ...]

    @property
    def text(self) -> str:
        """All blocks, one a line."""
        return "\n".join(block.text for section in self.sections for block in section.blocks)

    def named(self, title: str, language: str | None) -> Extracted:
        """The same document under the name, and in the language, that a person gave it.

        The title that the file itself has stays in the path of its sections where it says more.
        """
        sections = self.sections
        if squeeze(self.title).casefold() != squeeze(title).casefold():
            sections = tuple(
                Section((self.title, *section.path), section.blocks) for section in sections
            )
        return Extracted(title, language or self.language, sections)


class Outline:
    """Collects blocks under the headings read so far; every format's reader fills one."""

    def __init__(self) -> None:
        self.title: str | None = None
        self._path: list[tuple[int, str]] = []
        self._blocks: list[Block] = []
        self._sections: list[Section] = []
        self._characters = 0

    def heading(self, level: int, text: str) -> None:
        """A heading of that level (1 is the outermost) opens a section.

        Raises:
            DocumentUnreadable: as ``add`` does; what is too long for a heading is a block.
        """
        if len(text) > MAX_HEADING:
            self.add(text)
            return
        text = squeeze(text)
        if not text:
            return
        self._close()
        if self.title is None and level == 1 and not self._path:
            self.title = text
            return
        self._path = [entry for entry in self._path if entry[0] < level] + [(level, text)]

    def add(self, text: str, kind: BlockKind = BlockKind.PROSE) -> None:
        """A block of text under the last heading.

        Raises:
            DocumentUnreadable: the document holds more text than an index should.
        """
        text = squeeze(text)
        if not text:
            return
        self._characters += len(text)
        if self._characters > MAX_CHARACTERS:
            raise _too_long()
        self._blocks.append(Block(text, kind))

    def rows(self, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Table rows, each as one sentence."""
        for row in rows:
            self.add(row_sentence(header, row), BlockKind.ROW)

    def sections(self) -> tuple[Section, ...]:
        """All sections that hold text."""
        self._close()
        return tuple(self._sections)

    def _close(self) -> None:
        if self._blocks:
            path = tuple(text for _, text in self._path)
            self._sections.append(Section(path, tuple(self._blocks)))
            self._blocks = []


def text_of(data: bytes) -> str:
    """The text of a file that is text.

    Raises:
        UnsupportedMediaType: see ``sniff.decode``.
        DocumentUnreadable: it is so long that most of it would have to be markup.
    """
    text = decode(data)
    if len(text) > MAX_MARKUP:
        raise _too_long()
    return text


def _too_long() -> DocumentUnreadable:
    return DocumentUnreadable(f"The document holds over {MAX_CHARACTERS:,} characters; split it.")


def squeeze(text: str) -> str:
    """Every run of space, line breaks too, becomes one blank; control characters go."""
    squeezed = " ".join(text.split())
    if squeezed.isprintable():  # nearly always, and much faster than to look at each character
        return squeezed
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def row_sentence(header: Sequence[str], row: Sequence[str]) -> str:
    """A table row that reads alone: ``Hotel: Thalassa; City: Naxos; Price per night: 120 EUR.``

    Empty cells are left out; a cell without a header stands by itself.
    """
    parts = []
    for position, cell in enumerate(row):
        value = squeeze(cell).rstrip(".")
        if not value:
            continue
        name = squeeze(header[position]).rstrip(":") if position < len(header) else ""
        parts.append(f"{name.replace('_', ' ')}: {value}" if name else value)
    sentence = "; ".join(parts)
    return f"{sentence}." if sentence and sentence[-1] not in ".!?。" else sentence


def extract(data: bytes, filename: str, content_type: str | None = None) -> Extracted:
    """Read a file of any supported kind.

    Args:
        data: the whole file.
        filename: used as title when the file has none, and as a hint among text kinds.
        content_type: what the uploader said; a hint too.

    Raises:
        UnsupportedMediaType: the bytes are of no kind that we read.
        DocumentUnreadable: damaged, encrypted, too large, or without any text.
    """
    return read_as(sniff(data, filename, content_type), data, filename)


def read_as(kind: Kind, data: bytes, filename: str) -> Extracted:
    """Read a file whose kind is known.

    Raises:
        UnsupportedMediaType, DocumentUnreadable: as ``extract`` does.
    """
    outline = _read(kind, data)
    sections = outline.sections()
    if not sections:
        raise DocumentUnreadable(_EMPTY.get(kind, "The document holds no text."))
    title = (outline.title or _title_of(filename))[:MAX_HEADING]
    document = Extracted(title, language.DEFAULT, sections)
    return document._replace(language=language.detect(document.text))


def _title_of(filename: str) -> str:
    name = filename.replace("\\", "/").rpartition("/")[2]
    stem = name.rpartition(".")[0] or name
    return squeeze(stem.replace("_", " ").replace("-", " ")) or "Untitled"


_EMPTY = {Kind.PDF: "The PDF holds no text; a scan has to be read by OCR first."}


def _read(kind: Kind, data: bytes) -> Outline:
    # Each reader brings its parser; a process that reads only Markdown needs none of them.
    match kind:
        case Kind.PDF:
            from frontdesk.knowledge.extract_pdf import read_pdf

            return read_pdf(data)
        case Kind.DOCX:
            from frontdesk.knowledge.extract_docx import read_docx

            return read_docx(data)
        case Kind.HTML:
            from frontdesk.knowledge.extract_html import read_html

            return read_html(data)
        case Kind.CSV:
            from frontdesk.knowledge.extract_text import read_csv

            return read_csv(data)
        case Kind.MARKDOWN:
            from frontdesk.knowledge.extract_text import read_markdown

            return read_markdown(data)
        case Kind.TEXT:
            from frontdesk.knowledge.extract_text import read_text

            return read_text(data)
