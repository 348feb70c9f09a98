"""Markdown, CSV and plain text."""

from __future__ import annotations

import csv
import html
import io
import re
from typing import TYPE_CHECKING

from frontdesk.knowledge.extract import BlockKind, DocumentUnreadable, Outline, text_of
from frontdesk.knowledge.sniff import delimiter_of

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ROWS = 100_000
MAX_COLUMNS = 1_000  # a wider table is no table that a sentence per row could say
MAX_CELL = 100_000  # characters; longer than that is a file inside a cell
_HEADING_WORDS = 9

# Every expression below is linear: no part of it can match what its neighbour matches as well, and
# what may be long is bounded. A page of "[[[[…" or "**a **a …" costs no more than another page.
_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n(?:---|\.\.\.)\n", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:\s*[\"']?(.+?)[\"']?\s*$", re.MULTILINE | re.IGNORECASE)
_FENCE = re.compile(r"^\s*(?:```|~~~)")
_ATX = re.compile(r"^ {0,3}(#{1,6})(?=\s)")
_SETEXT = re.compile(r"^ {0,3}(=+|-+)\s*$")
_RULE = re.compile(r"^ {0,3}(?:[-*_]\s*){3,}$")
_ITEM = re.compile(r"^\s*(?:[-*+]|\d{1,3}[.)])\s+(.*)$")
_QUOTE = re.compile(r"^\s*(?:>\s?)+")
_TABLE_RULE = re.compile(r"\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?")
# An address may be a picture itself, in base64, and has no bound: nothing nests in it.
_IMAGE = re.compile(r"!\[([^\[\]]{0,1000})\]\([^()]*\)")
_LINK = re.compile(
    r"\[([^\[\]]{1,1000})\]\((?:[^()]|\([^()]{0,1000}\)){0,4000}\)"
    r"|\[([^\[\]]{1,1000})\]\[[^\[\]]{0,1000}\]"
)
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>]{1,4000})>")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,4000}>")
_EMPHASIS = re.compile(
    r"(\*{1,3})(?=\S)([^*]{1,1000})(?<=\S)\1"
    r"|(_{2,3})(?=\S)((?:[^_]|_(?!_)){1,1000})(?<=\S)\3"
    r"|(~~)(?=\S)((?:[^~]|~(?!~)){1,1000})(?<=\S)\5"
    r"|(`{1,3})(?=\S)([^`]{1,1000})(?<=\S)\7"
)
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+.!|>~-])")


def read_markdown(data: bytes) -> Outline:
    """CommonMark's blocks that carry text: headings, paragraphs, lists, quotes, tables, code."""
    text = text_of(data)
    outline = Outline()
    front = _FRONT_MATTER.match(text)
    if front:
        text = text[front.end() :]
        title = _FRONT_TITLE.search(front.group(1))
        if title:
            outline.heading(1, title.group(1))
    _MarkdownReader(outline).read(_without_comments(text).split("\n"))
    return outline


def _without_comments(text: str) -> str:
    """Without ``<!-- … -->``; one that nobody closed stays as it is."""
    kept, position = [], 0
    while (start := text.find("<!--", position)) >= 0:
        end = text.find("-->", start + len("<!--"))
        if end < 0:
            break
        kept.append(text[position:start])
        position = end + len("-->")
    return "".join([*kept, text[position:]])


def _is_table_rule(line: str) -> bool:
    return _TABLE_RULE.fullmatch(line.strip()) is not None


class _MarkdownReader:
    """A line at a time; open lines wait until it is clear what they are."""

    def __init__(self, outline: Outline) -> None:
        self._outline = outline
        self._open: list[str] = []
        self._kind = BlockKind.PROSE
        self._header: list[str] | None = None
        self._in_fence = False

    def read(self, lines: list[str]) -> None:
        for position, line in enumerate(lines):
            following = lines[position + 1] if position + 1 < len(lines) else ""
            self._line(line, following)
        self._flush()

    def _line(self, raw: str, following: str) -> None:
        if _FENCE.match(raw):
            self._flush()
            self._in_fence = not self._in_fence
            return
        if self._in_fence:
            self._outline.add(raw)
            return
        line = _QUOTE.sub("", raw)
        atx = _ATX.match(line)
        if not line.strip():
            self._flush()
            self._header = None
        elif atx:
            self._flush()
            title = line[atx.end() :].rstrip().rstrip("#")
            self._outline.heading(len(atx.group(1)), plain(title))
        elif self._header is not None and "|" in line:
            if not _is_table_rule(line):
                self._outline.rows(self._header, [_cells(line)])
        elif "|" in line and "|" in following and _is_table_rule(following):
            self._flush()
            self._header = _cells(line)
        elif self._open and self._kind is BlockKind.PROSE and _SETEXT.match(line):
            level = 1 if line.strip().startswith("=") else 2
            title = plain(" ".join(self._open))
            self._open = []
            self._outline.heading(level, title)
        elif _RULE.match(line):
            self._flush()
        else:
            self._text(line)

    def _text(self, line: str) -> None:
        item = _ITEM.match(line)
        if item:
            self._flush()
            self._kind = BlockKind.ROW
            self._open = [item.group(1)]
        else:
            self._open.append(line.strip())

    def _flush(self) -> None:
        if self._open:
            self._outline.add(plain(" ".join(self._open)), self._kind)
        self._open = []
        self._kind = BlockKind.PROSE


def plain(markdown: str) -> str:
    """Inline Markdown without its marks; links and images keep their words."""
    text = _IMAGE.sub(r"\1", markdown)
    text = _LINK.sub(lambda match: match.group(1) or match.group(2), text)
    text = _TAG.sub("", _AUTOLINK.sub(r"\1", text))
    for _ in range(3):  # emphasis inside emphasis
        text = _EMPHASIS.sub(r"\2\4\6\8", text)
    return html.unescape(_ESCAPE.sub(r"\1", text))


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [plain(cell.replace("\\|", "|").strip()) for cell in re.split(r"(?<!\\)\|", inner)]


def read_csv(data: bytes) -> Outline:
    """A table whose first row names its columns; each further row becomes one sentence.

    Raises:
        DocumentUnreadable: more than 100,000 rows, 1,000 columns, or 100,000 characters in a cell.
    """
    text = text_of(data)
    delimiter = delimiter_of(text[:16_384]) or ("\t" if "\t" in text[:4096] else ",")
    outline = Outline()
    header: list[str] = []
    for number, row in enumerate(_rows(text, delimiter), start=1):
        if not header:
            header = row if any(cell.strip() for cell in row) else []
        elif number > MAX_ROWS + 1:
            raise DocumentUnreadable(f"The table has more than {MAX_ROWS:,} rows.")
        else:
            outline.rows(header, [row])
    return outline


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    """The rows of a table, each within the limits.

    Raises:
        DocumentUnreadable: one is not; it is named as a spreadsheet counts, from 1.
    """
    # The module's own limit, a setting of the whole process, says neither row nor column.
    before = csv.field_size_limit(max(len(text), MAX_CELL) + 1)
    try:
        rows = csv.reader(io.StringIO(text), delimiter=delimiter)
        for number, row in enumerate(rows, start=1):
            if len(row) > MAX_COLUMNS:
                raise DocumentUnreadable(
                    f"Row {number:,} of the table has more than {MAX_COLUMNS:,} columns."
                )
            for column, cell in enumerate(row, start=1):
                if len(cell) > MAX_CELL:
                    raise DocumentUnreadable(
                        f"The cell in row {number:,}, column {column:,} of the table has more than"
                        f" {MAX_CELL:,} characters."
                    )
            yield row
    except csv.Error as damaged:
        raise DocumentUnreadable(f"The table can't be read: {damaged}.") from damaged
    finally:
        csv.field_size_limit(before)


def read_text(data: bytes) -> Outline:
    """Paragraphs between empty lines; underlined or short stand-alone lines are headings."""
    outline = Outline()
    paragraphs = re.split(r"\n\s*\n", text_of(data).strip())
    for paragraph in paragraphs:
        lines = [line.strip() for line in paragraph.strip("\n").split("\n") if line.strip()]
        if len(lines) > 1 and re.fullmatch(r"[=\-~*_]{3,}", lines[1]):
            outline.heading(1 if outline.title is None else 2, lines[0])
            lines = lines[2:]
        elif len(paragraphs) > 1 and len(lines) == 1 and _looks_like_heading(lines[0]):
            outline.heading(1 if outline.title is None else 2, lines[0].rstrip(":"))
            continue
        _paragraph(outline, lines)
    return outline


def _paragraph(outline: Outline, lines: list[str]) -> None:
    """List entries are blocks of their own; other lines flow together."""
    flowing: list[str] = []
    kind = BlockKind.PROSE
    for line in lines:
        item = _ITEM.match(line)
        if item:
            outline.add(" ".join(flowing), kind)
            flowing, kind = [item.group(1)], BlockKind.ROW
        else:
            flowing.append(line)
    outline.add(" ".join(flowing), kind)


def _looks_like_heading(line: str) -> bool:
    return (
        len(line.split()) <= _HEADING_WORDS
        and line[-1] not in ".!?;,。"
        and line[0].isalnum()
        and not _ITEM.match(line)
    )
