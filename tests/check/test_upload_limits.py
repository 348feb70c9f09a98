"""The limits that docs/knowledge.md promises are those of the code."""

from __future__ import annotations

from pathlib import Path

from frontdesk.knowledge import extract, extract_docx, extract_pdf, extract_text
from frontdesk.knowledge.bounded import INDEXING, UPLOAD, ExtractionLimits
from frontdesk.platform.settings import Settings

PAGE = (Path(__file__).resolve().parents[2] / "docs/knowledge.md").read_text(encoding="utf-8")


def limit(name: str) -> str:
    """What the table says of it."""
    (row,) = (line for line in PAGE.splitlines() if line.startswith(f"| {name} |"))
    return row.split("|")[2].strip()


def reading(limits: ExtractionLimits) -> str:
    return (
        f"{limits.cpu_seconds} s of processor time, {limits.seconds:.0f} s in all,"
        f" {limits.memory_bytes // 1024**2:,} MB"
    )


def test_the_table_of_limits_is_what_the_code_says() -> None:
    megabytes = Settings().max_upload_bytes // 1024**2
    assert limit("size of a file") == f"`MAX_UPLOAD_BYTES`, {megabytes} MB"
    assert limit("text in it") == f"{extract.MAX_CHARACTERS:,} characters"
    assert limit("text with its markup") == f"{extract.MAX_MARKUP:,} characters"
    assert limit("pages of a PDF") == f"{extract_pdf.MAX_PAGES:,}"
    unpacked = extract_docx.MAX_UNPACKED_BYTES // 10**6
    assert limit("a DOCX unpacked") == f"{unpacked} MB, {extract_docx.MAX_PARTS:,} parts"
    assert limit("rows of a table") == f"{extract_text.MAX_ROWS:,}"
    assert limit("columns of a table") == f"{extract_text.MAX_COLUMNS:,}"
    assert limit("a cell") == f"{extract_text.MAX_CELL:,} characters"
    assert limit("reading at the door") == reading(UPLOAD)
    assert limit("reading in the indexer") == reading(INDEXING)
