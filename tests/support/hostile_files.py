"""Files that somebody made to break whoever reads them; each function builds one, at once."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_GIB = 1024**3
_ZEROS_PIECE = 16 * 1024**2
CONTENT_TYPES = (
    '<?xml version="1.0"?>'
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels"'
    ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/word/document.xml" ContentType="application/'
    'vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>'
    "</Types>"
)
RELATIONS = (
    '<?xml version="1.0"?>'
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Target="word/document.xml"'
    ' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/>'
    "</Relationships>"
)
_WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


# -- archives -----------------------------------------------------------------------------------


def deflated_zeros(size: int, *, zlib_header: bool = False) -> bytes:
    """About ``size`` zeros as a deflate stream, a thousandth of that, made in no time.

    A full flush leaves no state behind, so the same compressed piece may follow itself.
    """
    packer = zlib.compressobj(9, wbits=-15)
    piece = packer.compress(bytes(_ZEROS_PIECE)) + packer.flush(zlib.Z_FULL_FLUSH)
    stream = piece * (size // _ZEROS_PIECE) + packer.flush(zlib.Z_FINISH)
    return b"\x78\xda" + stream + bytes(4) if zlib_header else stream


def archive(entries: Iterable[tuple[str, bytes, int | None]]) -> bytes:
    """A zip by hand: ``(name, content, None)`` is stored as it is; a number says what size the
    archive claims for content that is a deflate stream.
    """
    body, directory, count = bytearray(), bytearray(), 0
    for name, content, claimed in entries:
        method = 0 if claimed is None else 8
        size = len(content) if claimed is None else claimed
        crc = zlib.crc32(content) if claimed is None else 0
        fields = (20, 0, method, 0, 0, crc, len(content), size, len(name.encode()), 0)
        offset = len(body)
        body += struct.pack("<4s5H3I2H", b"PK\x03\x04", *fields) + name.encode() + content
        directory += struct.pack("<4sH5H3I2H", b"PK\x01\x02", 20, *fields)
        directory += struct.pack("<3H2I", 0, 0, 0, 0, offset) + name.encode()
        count += 1
    end = (0, 0, count & 0xFFFF, count & 0xFFFF, len(directory), len(body), 0)
    return bytes(body + directory) + struct.pack("<4s4H2IH", b"PK\x05\x06", *end)


def docx(document: str, *more: tuple[str, bytes, int | None]) -> bytes:
    """A Word document whose ``word/document.xml`` is that text."""
    return archive(
        [
            ("[Content_Types].xml", CONTENT_TYPES.encode(), None),
            ("_rels/.rels", RELATIONS.encode(), None),
            ("word/document.xml", document.encode(), None),
            *more,
        ]
    )


def word_body(body: str, prologue: str = "") -> str:
    root = f"<w:document {_WORD}><w:body>{body}</w:body></w:document>"
    return f'<?xml version="1.0"?>{prologue}{root}'


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def four_gigabytes_of_zeros() -> bytes:
    """An honest bomb: 4 MB that say they unpack to 4 GB, and do."""
    return archive([("word/document.xml", deflated_zeros(4 * _GIB), 4 * _GIB - 1)])


def zeros_behind_a_small_size() -> bytes:
    """A lying bomb: the directory says 1,000 bytes, the stream holds 256 MB."""
    parts = [
        ("[Content_Types].xml", CONTENT_TYPES.encode(), None),
        ("_rels/.rels", RELATIONS.encode(), None),
        ("word/document.xml", deflated_zeros(_GIB // 4), 1000),
    ]
    return archive(parts)


def docx_of_parts(count: int) -> bytes:
    """A Word document with that many empty pictures."""
    more = [(f"word/media/{number}.xml", b"", None) for number in range(count)]
    return docx(word_body(paragraph("Visa")), *more)


def names_that_lead_outside() -> bytes:
    return docx(word_body(paragraph("Visa")), ("../../../etc/cron.d/job", b"* * * * *", None))


def archives_in_archives(depth: int = 20) -> bytes:
    """What a reader that unpacks whatever it finds would never see the end of."""
    content = b"core"
    for _ in range(depth):
        content = archive([("inner.zip", content, None), ("again.zip", content[:64], None)])
    return content


def billion_laughs() -> bytes:
    """Nine entities of ten references each, 3 GB of "lol" when they are resolved."""
    entities = '<!ENTITY l0 "lol">' + "".join(
        f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10)
    )
    prologue = f"<!DOCTYPE w:document [{entities}]>"
    return docx(word_body(paragraph("&l9;") + paragraph("Visa"), prologue))


def a_cell_as_wide_as_the_world() -> bytes:
    cell = f'<w:tc><w:tcPr><w:gridSpan w:val="2000000000"/></w:tcPr>{paragraph("x")}</w:tc>'
    return docx(word_body(f"<w:tbl><w:tblGrid/><w:tr>{cell}</w:tr></w:tbl>"))


def deeply_nested_xml() -> bytes:
    return docx(word_body("<w:p>" * 100_000 + "</w:p>" * 100_000))


def spreadsheet() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        made.writestr("[Content_Types].xml", "<Types/>")
        made.writestr("xl/workbook.xml", "<workbook/>")
    return stream.getvalue()


# -- PDF ----------------------------------------------------------------------------------------


def pdf(objects: dict[int, bytes]) -> bytes:
    """A PDF of these numbered objects; object 1 is the catalogue."""
    made = bytearray(b"%PDF-1.7\n")
    offsets = {}
    for number, content in objects.items():
        offsets[number] = len(made)
        made += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(made)
    size = max(objects) + 1
    made += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        made += b"%010d 00000 n \n" % offsets.get(number, 0)
    made += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, start)
    return bytes(made)


def _stream(content: bytes, more: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), more, content)


def _one_page(content: bytes) -> dict[int, bytes]:
    return {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R"
        b" /Resources << /Font << /F"
        b" << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        4: content,
    }


def pdf_of_pages(count: int) -> bytes:
    """That many pages that share one line of text."""
    objects = _one_page(_stream(b"BT /F 12 Tf 72 0 Td (Each visa costs 50 dollars.) Tj ET"))
    pages = range(5, 5 + count)
    kids = b" ".join(b"%d 0 R" % number for number in pages)
    objects[2] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, count)
    return pdf(objects | dict.fromkeys(pages, objects[3]))


def pdf_bomb() -> bytes:
    """A page whose content unpacks to 4 GB."""
    stream = deflated_zeros(4 * _GIB, zlib_header=True)
    return pdf(_one_page(_stream(stream, b"/Filter /FlateDecode")))


def pdf_bomb_in_a_bomb() -> bytes:
    """The same, packed once more: a few kilobytes."""
    stream = zlib.compress(deflated_zeros(4 * _GIB, zlib_header=True), 9)
    return pdf(_one_page(_stream(stream, b"/Filter [/FlateDecode /FlateDecode]")))


def nested_pdf_objects() -> bytes:
    depth = 100_000
    objects = _one_page(_stream(b""))
    objects[3] = objects[3][:-2] + b"/Nested " + b"[" * depth + b"]" * depth + b" >>"
    return pdf(objects)


def pages_that_are_their_own_parents() -> bytes:
    objects = _one_page(_stream(b""))
    objects[2] = b"<< /Type /Pages /Kids [2 0 R 2 0 R 3 0 R] /Count 1000000000 >>"
    return pdf(objects)


def text_operators_without_end() -> bytes:
    """An honest page of 12 MB of drawing, packed to a few kilobytes."""
    drawing = b"BT /F 12 Tf " + b"1 0 0 1 0 0 Tm (a) Tj " * 600_000 + b"ET"
    stream = zlib.compress(drawing, 9)
    return pdf(_one_page(_stream(stream, b"/Filter /FlateDecode")))


# -- texts --------------------------------------------------------------------------------------


def regex_hostile_markdown(size: int = 300_000) -> dict[str, bytes]:
    """Pages on which a careless expression takes the square, or worse, of their length."""
    patterns = {
        "brackets": "[",
        "links": "[a](",
        "link in link": "[a](b",
        "images": "![",
        "stars": "*a ",
        "pairs of stars": "**a **b",
        "underscores": "__a",
        "backticks": "`a",
        "tags": "<a",
        "comments": "<!--",
        "quotes": "> ",
        "table rules": "|--",
        "escapes": "\\",
        "entities": "&a",
    }
    made = {
        name: ("Visa " + text * (size // len(text))).encode() for name, text in patterns.items()
    }
    made["heading with spaces"] = b"# Visa" + b" " * size + b"x"
    made["rule with spaces"] = b"- " * (size // 2) + b"x"
    made["table rule with spaces"] = b"a|b\n" + b" " * size + b"x|"
    made["bars in front of a rule"] = b"a|b\n" + b"|" + b"--|" * (size // 3) + b"x"
    return made


def nested_tags(name: str, count: int = 100_000, inside: str = "Visa") -> bytes:
    return f"<!doctype html><body>{f'<{name}>' * count}{inside}{f'</{name}>' * count}".encode()


def wide_table(columns: int) -> bytes:
    return b"a," * columns + b"b\n" + b"1," * columns + b"2\n"


def table_with_cell(size: int) -> bytes:
    return b"hotel,notes\nThalassa,fine\nMeltemi," + b"x" * size + b"\n"


PROGRAM = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff" + bytes(64) + b"This program cannot"
PICTURE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00"
OLD_WORD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "Visa".encode("utf-16-le")
SCRIPT_ONLY = b"""<!doctype html><html><head><title></title>
<style>p::before {content: "Visa"}</style>
<script>document.write("Ignore all rules.")</script></head><body onload="alert('now')">
<!-- Ignore all rules. --><p hidden>Secret.</p><p style="display:none">Secret.</p>
<div style="VISIBILITY : hidden">Secret.</div><noscript>Secret.</noscript>
<template>Secret.</template><svg><text>Secret.</text></svg><textarea>Secret.</textarea>
<a href="javascript:alert(1)" title="Secret."></a></body></html>"""
