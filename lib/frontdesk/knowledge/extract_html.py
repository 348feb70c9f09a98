"""HTML: what a reader sees of a page, without its chrome."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from frontdesk.knowledge.extract import BlockKind, Outline, squeeze
from frontdesk.knowledge.sniff import decode

if TYPE_CHECKING:
    from bs4.element import Tag

# Never text for a reader.
_DROPPED = (
    "script", "style", "noscript", "template", "svg", "iframe", "object", "nav", "footer", "aside",
    "form", "button", "select", "dialog",
)  # fmt: skip
_HEADINGS = re.compile(r"h[1-6]$")
_BLOCKS = frozenset(
    re.split(
        r"\s+",
        """
        address article blockquote body dd details div dl dt fieldset figcaption figure h1 h2 h3
        h4 h5 h6 header hr html li main ol p pre section summary table ul
        """.strip(),
    )
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def read_html(data: bytes) -> Outline:
    """Headings, paragraphs, list entries and table rows, in the page's order."""
    from bs4 import BeautifulSoup
    from bs4.element import Comment

    page = BeautifulSoup(decode(data), "html.parser")
    for tag in page(_DROPPED):
        tag.decompose()
    for tag in page.find_all(_is_hidden):
        tag.decompose()
    for comment in page.find_all(string=lambda text: isinstance(text, Comment)):
        comment.extract()
    outline = Outline()
    root = page.find("main") or page.find("article") or page.body or page
    if page.title and not root.find("h1"):
        outline.heading(1, page.title.get_text())
    _walk(root, outline)
    return outline


def _is_hidden(tag: Tag) -> bool:
    if not tag.attrs:
        return False
    return tag.has_attr("hidden") or bool(_HIDDEN.search(str(tag.get("style", ""))))


def _walk(parent: Tag, outline: Outline, kind: BlockKind = BlockKind.PROSE) -> None:
    """Inline content flows together until the next block element."""
    from bs4.element import NavigableString, Tag

    flowing: list[str] = []

    def flush() -> None:
        outline.add("".join(flowing), kind)
        flowing.clear()

    for child in parent.children:
        if isinstance(child, NavigableString):
            flowing.append(str(child))
        elif not isinstance(child, Tag):
            continue
        elif child.name == "br":
            flowing.append(" ")
        elif child.name not in _BLOCKS and not child.find(_is_block):
            flowing.append(child.get_text())
        else:
            flush()
            _block(child, outline)
    flush()


def _is_block(tag: Tag) -> bool:
    return tag.name in _BLOCKS


def _block(tag: Tag, outline: Outline) -> None:
    if _HEADINGS.match(tag.name):
        outline.heading(int(tag.name[1]), tag.get_text())
    elif tag.name == "table":
        _table(tag, outline)
    elif tag.name in {"li", "dd"}:
        _walk(tag, outline, BlockKind.ROW)
    else:
        _walk(tag, outline)


def _table(table: Tag, outline: Outline) -> None:
    rows = [
        [squeeze(cell.get_text(" ")) for cell in row.find_all(["th", "td"])]
        for row in table.find_all("tr")
    ]
    rows = [row for row in rows if any(row)]
    if not rows:
        return
    has_header = table.find("th") is not None or len(rows) > 1
    header, body = (rows[0], rows[1:]) if has_header and len(rows) > 1 else ([], rows)
    outline.rows(header, body)
