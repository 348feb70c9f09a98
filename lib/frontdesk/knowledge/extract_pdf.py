"""PDF: lines with their size and place become headings and paragraphs."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from frontdesk.knowledge.extract import DocumentUnreadable, Outline, squeeze

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypdf import PageObject

MAX_PAGES = 2_000  # a long book has 1,000
# pypdf lets builtin errors of its parsers through when a file is damaged.
_DAMAGED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
_HEADING_SCALE = 1.12  # larger than the body's type by this much is a heading
_HEADING_WORDS = 16
_PARAGRAPH_GAP = 1.55  # line distances beyond this many type sizes part paragraphs
_SAME_SIZE = 0.5  # points
_FEWEST_PAGES = 3  # that can tell a running title from a text
_HYPHENATED = re.compile(r"[^\W\d_]-$")


@dataclass(slots=True)
class _Line:
    text: str
    size: float  # of its type, in points
    top: float  # distance from the page's lower edge, in points


def read_pdf(data: bytes) -> Outline:
    """Read the text layer; type larger than most of the document's is taken as headings.

    Raises:
        DocumentUnreadable: damaged, encrypted with a password, or over 2,000 pages.
    """
    from pypdf import PdfReader
    from pypdf.errors import LimitReachedError, PyPdfError

    outline = Outline()
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise DocumentUnreadable("The PDF is protected by a password.")
        if len(reader.pages) > MAX_PAGES:
            raise DocumentUnreadable(f"The PDF has more than {MAX_PAGES:,} pages.")
        pages = [_lines(page) for page in reader.pages]
        title = _metadata_title(reader)
    except LimitReachedError as bomb:
        raise DocumentUnreadable("The PDF unpacks to too much data.") from bomb
    except (PyPdfError, *_DAMAGED) as damaged:
        raise DocumentUnreadable("The PDF is damaged.") from damaged
    _outline(pages, outline)
    if outline.title is None:
        outline.title = title
    return outline


def _metadata_title(reader: Any) -> str | None:
    title = squeeze(str(reader.metadata.title or "")) if reader.metadata else ""
    return title if title.lower() not in {"", "untitled", "anonymous"} else None


def _lines(page: PageObject) -> list[_Line]:
    """A page's lines from top to bottom as the file orders them."""
    lines: list[_Line] = []
    open_line: list[tuple[str, float, float]] = []

    def flush() -> None:
        text = squeeze("".join(piece for piece, _, _ in open_line))
        if text:
            weights: Counter[float] = Counter()
            for piece, size, _ in open_line:
                weights[size] += len(piece.strip())
            top = next(top for piece, _, top in open_line if piece.strip())
            lines.append(_Line(text, weights.most_common(1)[0][0], top))
        open_line.clear()

    def visit(text: str, _cm: Any, tm: Any, _font: Any, size: float) -> None:
        scale = abs(tm[3]) or abs(tm[1]) or 1.0
        pieces = text.split("\n")
        for number, piece in enumerate(pieces):
            if number:
                flush()
            if piece:
                open_line.append((piece, round(size * scale, 1), float(tm[5])))

    page.extract_text(visitor_text=visit)
    flush()
    return lines


def _outline(pages: list[list[_Line]], outline: Outline) -> None:
    weights: Counter[float] = Counter()
    for line in (line for page in pages for line in page):
        weights[line.size] += len(line.text)
    if not weights:
        return
    body = weights.most_common(1)[0][0]
    repeated = _running_titles(pages)
    sizes = sorted({line.size for page in pages for line in page if _is_heading(line, body)})[::-1]
    levels = {size: level for level, size in enumerate(sizes, start=1)}
    for page in pages:
        kept = [line for line in page if _place(line) not in repeated]
        for paragraph in _paragraphs(kept, body):
            if _is_heading(paragraph[0], body):
                outline.heading(
                    levels[paragraph[0].size], " ".join(line.text for line in paragraph)
                )
            else:
                outline.add(_joined(paragraph))


def _is_heading(line: _Line, body: float) -> bool:
    return line.size >= body * _HEADING_SCALE and len(line.text.split()) <= _HEADING_WORDS


def _place(line: _Line) -> tuple[str, int]:
    return re.sub(r"\d+", "#", line.text), round(line.top)


def _running_titles(pages: list[list[_Line]]) -> set[tuple[str, int]]:
    """Page headers and footers: the same words but for numbers, at one place of most pages."""
    if len(pages) < _FEWEST_PAGES:
        return set()
    places = Counter(place for page in pages for place in {_place(line) for line in page})
    repeated = {place for place, count in places.items() if count * 2 > len(pages)}
    lengths = [(len(line.text), _place(line) in repeated) for page in pages for line in page]
    titles = sum(length for length, is_title in lengths if is_title)
    # Where most of the text repeats it is a form filled in page by page, and no title.
    return repeated if titles * 2 < sum(length for length, _ in lengths) else set()


def _paragraphs(lines: list[_Line], body: float) -> Iterator[list[_Line]]:
    paragraph: list[_Line] = []
    for line in lines:
        if paragraph:
            last = paragraph[-1]
            same_type = abs(last.size - line.size) < _SAME_SIZE
            gap = last.top - line.top
            if not same_type or gap < 0 or gap > _PARAGRAPH_GAP * max(line.size, body):
                yield paragraph
                paragraph = []
        paragraph.append(line)
    if paragraph:
        yield paragraph


def _joined(paragraph: list[_Line]) -> str:
    """Lines as one text; a word broken by a hyphen before a small letter is mended."""
    text = paragraph[0].text
    for line in paragraph[1:]:
        if _HYPHENATED.search(text) and line.text[:1].islower():
            text = text[:-1] + line.text
        else:
            text = f"{text} {line.text}"
    return text
