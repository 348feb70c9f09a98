"""PDF and DOCX files are what their sources say, every time."""

from __future__ import annotations

import io
import zipfile

import pytest

from demo.agencies import Document, all_agencies
from demo.question_set import extracted
from demo.render import Block, read_source, render, render_pdf

RENDERED = [
    document
    for agency in all_agencies()
    for document in agency.documents
    if document.source is not None
]


def _parts(docx: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(docx)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("document", RENDERED, ids=lambda document: document.path.name)
def test_rendering_again_gives_the_committed_file(document: Document) -> None:
    assert document.source is not None
    committed = document.path.read_bytes()
    again = render(document.source, document.path.suffix, document.language)
    if document.path.suffix == ".docx":
        assert _parts(again) == _parts(committed)
    else:
        assert again == committed


@pytest.mark.parametrize("document", RENDERED, ids=lambda document: document.path.name)
def test_every_paragraph_of_the_source_can_be_read_back_whole(document: Document) -> None:
    assert document.source is not None
    blocks = {block.text for section in extracted(document).sections for block in section.blocks}
    wanted = {block.text for block in read_source(document.source) if block.kind == "text"}
    assert wanted <= blocks


def test_every_source_belongs_to_a_document() -> None:
    for agency in all_agencies():
        sources = set((agency.folder / "sources").iterdir())
        assert sources == {d.source for d in agency.documents if d.source is not None}


def test_a_letter_that_the_pdf_font_lacks_is_refused_and_not_printed_as_a_square() -> None:
    with pytest.raises(UnicodeEncodeError):
        render_pdf([Block("title", "Łódź")])
