"""HTML: what a reader sees of a page, without its chrome.

The page is read as a stream, tag by tag, and never becomes a tree: tags that nobody closed, or that
are nested a hundred thousand deep, cost no more than others.

What no reader sees never becomes text: scripts, styles, comments, attributes (an ``onclick`` is
one), and elements that ``hidden`` or their own ``style`` hide. Style sheets are not read.
"""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from typing import NamedTuple

from frontdesk.knowledge.extract import BlockKind, Outline, squeeze, text_of

# Never text for a reader.
_DROPPED = frozenset(
    re.split(
        r"\s+",
        """
        aside audio button canvas datalist dialog footer form iframe nav noembed noframes noscript
        object script select style svg template textarea video
        """.strip(),
    )
)
_HEADINGS = re.compile(r"h[1-6]")
_BLOCKS = frozenset(
    re.split(
        r"\s+",
        """
        address article blockquote body caption dd details div dl dt fieldset figcaption figure h1
        h2 h3 h4 h5 h6 header html li main ol p pre section summary table td th tr ul
        """.strip(),
    )
)
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source"}
    | {"track", "wbr"}
)
# Which open block ends where one of these begins, though its author did not close it.
_ENDED_BY = {
    "dd": frozenset({"dd", "dt"}),
    "dt": frozenset({"dd", "dt"}),
    "li": frozenset({"li"}),
    "td": frozenset({"td", "th", "tr"}),
    "th": frozenset({"td", "th", "tr"}),
    "tr": frozenset({"tr"}),
    "p": _BLOCKS,
}
_ROOTS = ("main", "article")  # of a page that has one, the rest is chrome
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def read_html(data: bytes) -> Outline:
    """Headings, paragraphs, list entries and table rows, in the page's order."""
    reader = _Reader()
    reader.feed(text_of(data))
    reader.close()
    return reader.outline()


class _Piece(NamedTuple):
    """Something of a page, as an outline takes it.

    Attributes:
        roots: which of ``_ROOTS`` it lies in.
        level: of a heading; 0 is a block of text.
        text: of a heading or block.
        kind: of a block.
        rows: of a table, instead of text.
    """

    roots: frozenset[str]
    level: int = 0
    text: str = ""
    kind: BlockKind = BlockKind.PROSE
    rows: tuple[list[str], ...] = ()


class _Table:
    """A table while it is read."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.cell: list[str] | None = None

    def end_cell(self) -> None:
        """The cell's text is whole; a cell outside of any row begins one."""
        if self.cell is not None:
            if not self.rows:
                self.rows.append([])
            self.rows[-1].append(squeeze(" ".join(self.cell)))
        self.cell = None


class _Reader(HTMLParser):
    """Turns tags and text into pieces; inline text flows together until a block begins or ends."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []
        self._open_counts: Counter[str] = Counter()
        self._blocks: list[int] = []  # where in ``_open`` blocks are
        self._hidden_from: int | None = None  # where in ``_open`` what nobody sees begins
        self._flowing: list[str] = []
        self._tables: list[_Table] = []
        self._title: list[str] = []
        self._pieces: list[_Piece] = []

    def outline(self) -> Outline:
        """What was read, of the page's own part when it marks one."""
        self._end_to(0)
        self._flush()
        pieces = self._pieces
        for root in _ROOTS:
            inside = [piece for piece in pieces if root in piece.roots]
            if inside:
                pieces = inside
                break
        outline = Outline()
        if not any(piece.level == 1 for piece in pieces):
            outline.heading(1, "".join(self._title))
        for piece in pieces:
            if piece.rows:
                header, body = (
                    (piece.rows[0], piece.rows[1:]) if len(piece.rows) > 1 else ([], piece.rows)
                )
                outline.rows(header, body)
            elif piece.level:
                outline.heading(piece.level, piece.text)
            else:
                outline.add(piece.text, piece.kind)
        return outline

    # -- what the parser meets ------------------------------------------------------------------

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            self._void(tag)
            return
        while self._blocks and tag in _ENDED_BY.get(self._open[self._blocks[-1]], ()):
            self._end_to(self._blocks[-1])
        if tag in _BLOCKS:
            self._flush()
            self._blocks.append(len(self._open))
        if self._hidden_from is None and (tag in _DROPPED or _is_hidden(attrs)):
            self._hidden_from = len(self._open)
        self._open.append(tag)
        self._open_counts[tag] += 1
        if self._hidden_from is None:
            self._begin(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # HTML knows no <div/>; browsers read it as <div>.
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if not self._open_counts[tag]:
            return
        place = len(self._open) - 1
        while self._open[place] != tag:
            place -= 1
        self._end_to(place)

    def handle_data(self, data: str) -> None:
        if self._hidden_from is not None:
            return
        if self._open_counts["title"]:
            self._title.append(data)
        else:
            self._flowing.append(data)

    # -- what that means ------------------------------------------------------------------------

    def _void(self, tag: str) -> None:
        if tag == "hr":
            self._flush()
        elif tag == "br" and self._hidden_from is None:
            self._flowing.append(" ")

    def _begin(self, tag: str) -> None:
        if tag == "table":
            self._tables.append(_Table())
        elif self._tables and tag == "tr":
            self._tables[-1].rows.append([])
        elif self._tables and tag in {"td", "th"}:
            self._tables[-1].cell = []

    def _end_to(self, place: int) -> None:
        """End every open element from that place on, the innermost first."""
        while len(self._open) > place:
            last = len(self._open) - 1
            tag = self._open[last]
            if self._blocks and self._blocks[-1] == last:
                self._flush()
                self._blocks.pop()
            if self._hidden_from is None:
                self._end(tag)
            elif self._hidden_from == last:
                self._hidden_from = None
            self._open.pop()
            self._open_counts[tag] -= 1

    def _end(self, tag: str) -> None:
        if not self._tables:
            return
        if tag in {"td", "th"}:
            self._tables[-1].end_cell()
        elif tag == "table":
            table = self._tables.pop()
            table.end_cell()
            rows = tuple(row for row in table.rows if any(row))
            if rows:
                self._pieces.append(_Piece(self._roots(), rows=rows))

    def _flush(self) -> None:
        """The text since the last block began or ended is whole."""
        text = "".join(self._flowing)
        self._flowing.clear()
        if not text.strip():
            return
        if self._tables and self._tables[-1].cell is not None:
            self._tables[-1].cell.append(text)
            return
        block = self._open[self._blocks[-1]] if self._blocks else ""
        if _HEADINGS.fullmatch(block):
            self._pieces.append(_Piece(self._roots(), level=int(block[1]), text=text))
        else:
            kind = BlockKind.ROW if block in {"li", "dd"} else BlockKind.PROSE
            self._pieces.append(_Piece(self._roots(), text=text, kind=kind))

    def _roots(self) -> frozenset[str]:
        return frozenset(root for root in _ROOTS if self._open_counts[root])


def _is_hidden(attrs: list[tuple[str, str | None]]) -> bool:
    return any(
        name == "hidden" or (name == "style" and _HIDDEN.search(value or ""))
        for name, value in attrs
    )
