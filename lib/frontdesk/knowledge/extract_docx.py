"""DOCX: paragraphs and tables in the order of the page, headings by their style."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import TYPE_CHECKING

from frontdesk.knowledge.extract import BlockKind, DocumentUnreadable, Outline

if TYPE_CHECKING:
    from docx.table import Table
    from docx.text.paragraph import Paragraph

MAX_UNPACKED_BYTES = 200_000_000  # a small archive may unpack to gigabytes
MAX_PARTS = 10_000  # in the archive; a book with a picture on every page has hundreds
_LEVEL = re.compile(r"heading (\d)", re.IGNORECASE)


def read_docx(data: bytes) -> Outline:
    """Read the document's body; headers, footers and comments are left out.

    Raises:
        DocumentUnreadable: damaged, protected, or unpacking to an absurd size.
    """
    import docx
    from docx.opc.exceptions import OpcError
    from docx.table import Table

    outline = Outline()
    try:
        _check_archive(data)
        document = docx.Document(io.BytesIO(data))
        if document.element.getroottree().docinfo.internalDTD is not None:
            # Entities that double each other; the format forbids the declaration (ECMA-376-2).
            raise DocumentUnreadable("The Word document declares XML entities, which none may.")
        for content in document.iter_inner_content():
            if isinstance(content, Table):
                _table(content, outline)
            else:
                _paragraph(content, outline)
    except (
        OpcError,
        LookupError,
        NotImplementedError,
        SyntaxError,  # lxml's XMLSyntaxError is one
        ValueError,
        zipfile.BadZipFile,
        zlib.error,
    ) as damaged:
        raise DocumentUnreadable("The Word document is damaged or protected.") from damaged
    return outline


def _check_archive(data: bytes) -> None:
    """Refuse by the archive's table of contents, before anything is unpacked.

    The table may lie; but no more is unpacked of an entry than it says there.

    Raises:
        DocumentUnreadable: too much, too many, or names that lead out of the archive.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
    if len(entries) > MAX_PARTS:
        raise DocumentUnreadable(f"The Word document has more than {MAX_PARTS:,} parts.")
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
        raise DocumentUnreadable("The Word document unpacks to more than 200 MB.")
    for entry in entries:
        if entry.filename.startswith("/") or ".." in re.split(r"[/\\]", entry.filename):
            raise DocumentUnreadable("The Word document has parts whose names lead out of it.")


def _paragraph(paragraph: Paragraph, outline: Outline) -> None:
    style = (paragraph.style.name or "") if paragraph.style is not None else ""
    heading = _LEVEL.match(style)
    if style == "Title":
        outline.heading(1, paragraph.text)
    elif heading:
        # With a Title above, Heading 1 is the second level; levels only order the path.
        level = int(heading.group(1))
        outline.heading(level + 1 if outline.title and level == 1 else level, paragraph.text)
    else:
        is_item = style.startswith("List")
        outline.add(paragraph.text, BlockKind.ROW if is_item else BlockKind.PROSE)


def _table(table: Table, outline: Outline) -> None:
    rows = []
    for row in table.rows:
        cells, seen = [], None
        for cell in row.cells:
            if cell._tc is not seen:  # noqa: SLF001 - a merged cell is handed out once a column
                cells.append(cell.text)
            seen = cell._tc  # noqa: SLF001
        rows.append(cells)
    if len(rows) > 1:
        outline.rows(rows[0], rows[1:])
    else:
        outline.rows([], rows)
