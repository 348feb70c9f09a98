"""What kind of document some bytes are. Needs the standard library only."""

from __future__ import annotations

import csv
import io
import re
from enum import StrEnum
from itertools import islice

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
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_OTHER = "This file is not one of: PDF, DOCX, HTML, Markdown, CSV or plain text."


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
    if data.startswith(b"{\\rtf"):
        raise UnsupportedMediaType("Rich text is not read; save it as DOCX.")
    return _text_kind(decode(data)[:_SAMPLE], filename, content_type)


def _text_kind(sample: str, filename: str, content_type: str | None) -> Kind:
    named = _SUFFIXES.get(filename[filename.rfind(".") :].lower())
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

    Windows-1252 takes nearly any bytes, so what is mostly UTF-8 and broken in places (a file cut
    off, two files in one) is refused instead of becoming "GrÃ¶ÃŸe".

    Raises:
        UnsupportedMediaType: the bytes are no text, or text that somebody damaged.
    """
    encoding = "utf-16" if data.startswith(_UTF16_MARKS) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-16" or _is_broken_utf8(data):
            raise UnsupportedMediaType(
                f"The text is damaged from byte {error.start:,} on; save it anew as UTF-8."
            ) from None
        text = _windows_text(data)
    if "\0" in text:
        raise UnsupportedMediaType(_zeros(data))
    head = text[:_SAMPLE]
    controls = sum(1 for character in head if character < " " and character not in "\t\n\r\f")
    if controls > len(head) * _CONTROL_SHARE:
        raise UnsupportedMediaType(_OTHER)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _windows_text(data: bytes) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        raise UnsupportedMediaType(_OTHER) from None


def _is_broken_utf8(data: bytes) -> bool:
    """Whether most of what is beyond ASCII reads as UTF-8: by chance Windows-1252 hardly does."""
    sample = data[: 64 * _SAMPLE].decode("utf-8", "replace")
    broken = sample.count("\ufffd")
    beyond = sum(1 for character in sample if character > "\x7f") - broken
    return beyond > broken


def _zeros(data: bytes) -> str:
    """What a file with null bytes is, as far as a person can be helped."""
    halves = data[: 2 * _SAMPLE : 2], data[1 : 2 * _SAMPLE : 2]
    shares = sorted(half.count(0) / max(1, len(half)) for half in halves)
    if shares[0] < _CONTROL_SHARE and shares[1] > 1 - _EVEN_SHARE:
        return "The text is UTF-16 without a byte-order mark; save it as UTF-8."
    return _OTHER


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
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if "word/document.xml" in archive.namelist():
                return Kind.DOCX
    # What zipfile raises on an archive that lies about itself is not one error.
    except (zipfile.BadZipFile, NotImplementedError, OverflowError, ValueError) as damaged:
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
