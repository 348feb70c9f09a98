"""Render the agencies' PDF and DOCX documents from the Markdown in `<slug>/sources/`.

`python -m demo.render` writes every document that knowledge.yaml names with such a source.
The sources use three forms only: `# title`, `## heading` and paragraphs of one line each.

The output is reproducible, so that a test can render again and compare. PDF files are written
without compression and without a creation date; DOCX archives carry a fixed date, and their
parts (not their compressed bytes, which depend on the zlib at hand) are what stays equal.
"""

from __future__ import annotations

import io
import sys
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape

import docx
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate

DEMO = Path(__file__).parent
WRITTEN_AT = datetime(2026, 3, 2, 9, 0)  # noqa: DTZ001 - Office dates carry no zone
ZIP_DATE = (2026, 3, 2, 9, 0, 0)
PDF_LEADING = {"title": 22, "heading": 18, "text": 14}  # points from line to line


@dataclass(frozen=True)
class Block:
    """One block of a source: its kind (`title`, `heading` or `text`) and its words."""

    kind: str
    text: str


def read_source(path: Path) -> list[Block]:
    """The blocks of one source file, in order."""
    blocks = []
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if text.startswith("## "):
            blocks.append(Block("heading", text[3:]))
        elif text.startswith("# "):
            blocks.append(Block("title", text[2:]))
        elif text:
            blocks.append(Block("text", text))
    return blocks


def render_pdf(blocks: list[Block]) -> bytes:
    """An A4 PDF whose text any extractor reads in order: one column, no hyphenation.

    It uses Helvetica, a standard font that is not embedded, hence Latin-1 characters and the
    euro sign only; anything else raises UnicodeEncodeError instead of printing black squares.
    """
    styles = {
        kind: ParagraphStyle(
            kind,
            fontName="Helvetica" if kind == "text" else "Helvetica-Bold",
            fontSize=leading - 4,
            leading=leading,
            spaceAfter=6,
        )
        for kind, leading in PDF_LEADING.items()
    }
    story: list[Flowable] = []
    for block in blocks:
        block.text.encode("cp1252")
        story.append(Paragraph(escape(block.text), styles[block.kind]))
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=22 * mm,
        rightMargin=22 * mm,
        title=blocks[0].text,
        invariant=1,
        pageCompression=0,
    )
    document.build(story, canvasmaker=Canvas)
    return buffer.getvalue()


def render_docx(blocks: list[Block], language: str) -> bytes:
    """A Word document with real heading styles and fixed dates."""
    document = docx.Document()
    properties = document.core_properties
    properties.title = blocks[0].text
    properties.author = "Frontdesk demo"
    properties.comments = ""
    properties.language = language
    properties.created = properties.modified = WRITTEN_AT
    for block in blocks:
        if block.kind == "text":
            document.add_paragraph(block.text)
        else:
            document.add_heading(block.text, level=0 if block.kind == "title" else 1)
    buffer = io.BytesIO()
    document.save(buffer)
    return _with_fixed_dates(buffer.getvalue())


def _with_fixed_dates(archive: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(buffer, "w") as target:
        for part in source.infolist():
            entry = zipfile.ZipInfo(part.filename, ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, source.read(part.filename))
    return buffer.getvalue()


def render(source: Path, suffix: str, language: str) -> bytes:
    """The bytes of the document that `source` stands for; `suffix` is `.pdf` or `.docx`."""
    blocks = read_source(source)
    return render_pdf(blocks) if suffix == ".pdf" else render_docx(blocks, language)


def main() -> int:
    """Write every rendered document of both agencies."""
    from demo.agencies import all_agencies

    for agency in all_agencies():
        for document in agency.documents:
            if document.source is not None:
                data = render(document.source, document.path.suffix, document.language)
                document.path.write_bytes(data)
                print(f"{document.path.relative_to(DEMO)}: {len(data)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
