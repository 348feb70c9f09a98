"""What a file is, its bytes decide."""

from __future__ import annotations

import io
import zipfile

import pytest

from frontdesk.knowledge.sniff import Kind, decode, sniff
from frontdesk.platform.errors import UnsupportedMediaType


@pytest.mark.parametrize(
    ("data", "filename", "kind"),
    [
        (b"%PDF-1.7 ...", "notes.txt", Kind.PDF),
        (b"<!DOCTYPE html><p>Hi", "page.txt", Kind.HTML),
        (b"<div align=center>\n\n# Title", "readme.md", Kind.MARKDOWN),
        (b"# Title\n\nText", "unnamed", Kind.MARKDOWN),
        (b"hotel;city\nThalassa;Naxos\nMeltemi;Paros\n", "unnamed", Kind.CSV),
        (b"one, two\nand three.\nWell, then.", "unnamed", Kind.TEXT),
        (b"a,b", "table.csv", Kind.CSV),
        ("Größe".encode("cp1252"), "alt.txt", Kind.TEXT),
        ("Größe".encode("utf-16"), "weit.txt", Kind.TEXT),
    ],
)
def test_the_kind_follows_from_the_content_and_among_texts_from_the_name(
    data: bytes, filename: str, kind: Kind
) -> None:
    assert sniff(data, filename) is kind


def test_a_declared_type_decides_where_the_text_could_be_anything() -> None:
    assert sniff(b"one\ntwo", "unnamed", "text/markdown; charset=utf-8") is Kind.MARKDOWN


def archive(member: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        made.writestr(member, "<x/>")
    return stream.getvalue()


def test_an_archive_is_a_document_only_when_it_holds_one() -> None:
    assert sniff(archive("word/document.xml"), "letter.docx") is Kind.DOCX
    with pytest.raises(UnsupportedMediaType):
        sniff(archive("xl/workbook.xml"), "table.docx")


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n\0\0", b"PK\x03\x04broken", bytes(range(32)) * 9]
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(UnsupportedMediaType):
        sniff(data, "photo.txt")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("Größe".encode("utf-16-le"), "UTF-16 without a byte-order mark"),
        (("Größe " * 20).encode() + b"\xff", "damaged from byte 160"),
        (b"\xef\xbb\xbfGr\xc3\xb6\xc3", "damaged from byte"),
        (b"text " * 10_000 + b"\0", "not one of"),
        (b"{\\rtf1 text}", "Rich text"),
    ],
)
def test_a_text_that_is_damaged_says_how(data: bytes, reason: str) -> None:
    with pytest.raises(UnsupportedMediaType, match=reason):
        sniff(data, "a.txt")


def test_windows_text_is_read_as_such() -> None:
    assert decode("100 € für Gäste\r\n".encode("cp1252")) == "100 € für Gäste\n"
