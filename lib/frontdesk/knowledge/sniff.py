"""What kind of document some bytes are. Needs the standard library only."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from enum import StrEnum
from itertools import islice
from pathlib import PurePosixPath

from frontdesk.platform.errors import UnsupportedMediaType


class Kind(StrEnum):
    """The document formats that knowledge reads."""

    CSV = "csv"
    DOCX = "docx"
    HTML = "html"
    MARKDOWN = "markdown"
    PDF = "pdf"
    TEXT = "text"


CONTENT_TYPES = {
    Kind.CSV: "text/csv",
    Kind.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    Kind.HTML: "text/html",
    Kind.MARKDOWN: "text/markdown",
    Kind.PDF: "application/pdf",
    Kind.TEXT: "text/plain",
}

# text/plain is what a client says that doesn't know.
_DECLARED = {CONTENT_TYPES[kind]: kind for kind in (Kind.CSV, Kind.MARKDOWN)}
_SUFFIXES = {
    ".csv": Kind.CSV,
    ".htm": Kind.HTML,
    ".html": Kind.HTML,
    ".markdown": Kind.MARKDOWN,
    ".md": Kind.MARKDOWN,
    ".tsv": Kind.CSV,
    ".txt": Kind.TEXT,
}
_HTML = re.compile(
    r"<!doctype html|<(?:html|head|body|article|section|div|h[1-6]|p|table)[\s>]", re.IGNORECASE
)
_MARKDOWN = re.compile(r"^(?:#{1,6} \S|\|.*\|\s*$|---\s*$|```)", re.MULTILINE)
_SAMPLE = 16_384  # characters of a text that are looked at
_ROWS_READ = 20
_EVEN_SHARE = 0.8  # of a table's rows have as many cells as its first
_FEWEST_ROWS = 3  # that make a table of a text
_CONTROL_SHARE = 0.02  # more control characters than this is no text


def sniff(data: bytes, filename: str = "", content_type: str | None = None) -> Kind:
    """The kind of document that these bytes are.

    Binary kinds are told by their bytes alone. Among texts, clear marks of HTML decide, then the
    name, then the declared type, then what the lines look like.

    Raises:
        UnsupportedMediaType: none of the kinds we read.
    """
    if data[:1024].lstrip().startswith(b"%PDF-"):
        return Kind.PDF
    if data.startswith(b"PK\x03\x04"):
        return _office(data)
    return _text_kind(decode(data)[:_SAMPLE], filename, content_type)


def _text_kind(sample: str, filename: str, content_type: str | None) -> Kind:
    named = _SUFFIXES.get(PurePosixPath(filename.lower()).suffix)
    if named is not Kind.MARKDOWN and _is_html(sample):  # Markdown may begin with a tag
        return Kind.HTML
    if named and named is not Kind.HTML:
        return named
    declared = (content_type or "").partition(";")[0].strip().lower()
    if declared in _DECLARED:
        return _DECLARED[declared]
    if _MARKDOWN.search(sample):
        return Kind.MARKDOWN
    return Kind.CSV if _is_table(sample) else Kind.TEXT


def decode(data: bytes) -> str:
    """Text from UTF-8, from UTF-16 with a byte-order mark, or from Windows-1252.

    Raises:
        UnsupportedMediaType: the bytes are no text.
    """
    encodings = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        head = text[:_SAMPLE]
        controls = sum(1 for character in head if character < " " and character not in "\t\n\r\f")
        if "\0" not in head and controls <= len(head) * _CONTROL_SHARE:
            return text.replace("\r\n", "\n").replace("\r", "\n")
    raise UnsupportedMediaType(
        "This file is not one of: PDF, DOCX, HTML, Markdown, CSV or plain text."
    )


def delimiter_of(sample: str) -> str | None:
    """The separator of a table in text: one that cuts most of its rows like the first."""
    for delimiter in (";", "\t", ",", "|"):
        try:
            rows = list(islice(csv.reader(io.StringIO(sample), delimiter=delimiter), _ROWS_READ))
        except csv.Error:
            continue
        widths = [len(row) for row in rows if row]
        if widths and widths[0] > 1 and widths.count(widths[0]) >= _EVEN_SHARE * len(widths):
            return delimiter
    return None


def _office(data: bytes) -> Kind:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if "word/document.xml" in archive.namelist():
                return Kind.DOCX
    except zipfile.BadZipFile as damaged:
        raise UnsupportedMediaType("This file looks like an archive and is damaged.") from damaged
    raise UnsupportedMediaType("Of Office and archive files only DOCX is read.")


def _is_html(sample: str) -> bool:
    head = sample.lstrip()
    if head[:1] != "<":
        return False
    return _HTML.search(head) is not None


def _is_table(sample: str) -> bool:
    # Prose has commas too, but hardly the same number in each of several lines.
    lines = [line for line in sample.splitlines() if line.strip()]
    return len(lines) >= _FEWEST_ROWS and delimiter_of(sample) is not None
