"""Files of every kind become the same sections."""

from __future__ import annotations

import csv
import io

import docx
import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from frontdesk.knowledge.extract import DocumentUnreadable, extract, row_sentence
from tests.support import hostile_files

MARKDOWN = b"""---
title: Guide to Naxos
---
# Beaches

The *longest* beach is [Plaka](https://example.com/a_(b)).

| Beach | Length |
|-------|--------|
| Plaka | 4 km   |
| Agios Prokopios | 1.5 km. |

## Getting there
- Bus 2 from Chora
  every hour
- Taxi

Season
------
<!-- internal note -->
From May.
"""


def test_markdown_becomes_sections_under_their_headings() -> None:
    document = extract(MARKDOWN, "naxos.md")
    assert document.title == "Guide to Naxos"
    assert [
        (section.path, [block.text for block in section.blocks]) for section in document.sections
    ] == [
        (
            ("Beaches",),
            [
                "The longest beach is Plaka.",
                "Beach: Plaka; Length: 4 km.",
                "Beach: Agios Prokopios; Length: 1.5 km.",
            ],
        ),
        (("Beaches", "Getting there"), ["Bus 2 from Chora every hour", "Taxi"]),
        (("Beaches", "Season"), ["From May."]),
    ]


HTML = """<!doctype html><html><head><title>Site</title><style>p {color: red}</style></head><body>
<nav>Home</nav><h1>Baggage</h1><script>alert("no")</script>
<p>One <b>cabin</b> bag<br>of 8&nbsp;kg.</p><p style="display: none">hidden</p>
<ul><li>No liquids</li><li>No <i>knives</i></li></ul>
<h2>Fees</h2><table><tr><th>Weight</th><th>Fee</th></tr><tr><td>23 kg</td><td>30 €</td></tr></table>
<footer>Imprint</footer></body></html>"""


def test_html_keeps_what_a_reader_sees() -> None:
    document = extract(HTML.encode(), "page.html")
    assert document.title == "Baggage"
    assert document.text.split("\n") == [
        "One cabin bag of 8 kg.",
        "No liquids",
        "No knives",
        "Weight: 23 kg; Fee: 30 €.",
    ]
    assert document.sections[1].path == ("Fees",)


HIDDEN = """<!doctype html><html><head><title>Rules</title><style>p {color: red}</style></head>
<body onload="evil()"><!-- secret --><p hidden>secret</p>
<p>Visible <span style="display:none">secret
</span>words<script>secret()</script>.</p><div style="VISIBILITY: hidden"><p>secret</div>
<noscript>secret</noscript><template>secret</template><svg><text>secret</text></svg>
<a href="javascript:secret()" title="secret">A link</a> <img alt="secret" src="x">
<p>The end<script>secret"""


def test_what_no_reader_of_a_page_sees_never_becomes_text() -> None:
    document = extract(HIDDEN.encode(), "page.html")
    assert document.title == "Rules"
    assert document.text.split("\n") == ["Visible words.", "A link", "The end"]


def test_a_page_whose_tags_nobody_closed_reads_like_one_that_is_well_formed() -> None:
    lists = "<ul><li>Three<li>Four<ul><li>Five</ul></ul>"
    page = f"<p>One<p>Two{lists}<table><tr><th>A<th>B<tr><td>1<td>2"
    document = extract(page.encode(), "old.html")
    assert document.text.split("\n") == ["One", "Two", "Three", "Four", "Five", "A: 1; B: 2."]


def test_of_a_page_with_a_main_part_the_rest_is_chrome() -> None:
    page = "<body><p>Menu</p><main><h2>Rooms</h2><p>Ten.</p></main><p>Imprint</p></body>"
    (section,) = extract(page.encode(), "rooms.html").sections
    assert (section.path, [block.text for block in section.blocks]) == (("Rooms",), ["Ten."])


def test_a_table_inside_a_table_does_not_mix_their_rows() -> None:
    inner = "<table><tr><td>Pool</td></tr></table>"
    rows = f"<tr><td>House<td>More{inner}</td></tr><tr><td>Naxos<td>Yes</tr>"
    page = f"<table>{rows}</table>"
    document = extract(page.encode(), "layout.html")
    assert document.text.split("\n") == ["Pool.", "House: Naxos; More: Yes."]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a,b\n1," + b"x" * 100_001 + b"\n", "row 2, column 2"),
        (b"a," * 1000 + b"b\n", "Row 1 .* 1,000 columns"),
        (b"a,b\n" + b"1,2\n" * 100_001, "100,000 rows"),
    ],
)
def test_a_table_beyond_its_measures_is_refused_where_it_is(data: bytes, reason: str) -> None:
    with pytest.raises(DocumentUnreadable, match=reason):
        extract(data, "table.csv")


def test_a_long_cell_leaves_the_limit_of_other_tables_alone() -> None:
    before = csv.field_size_limit()
    assert extract(b"a,b\n1," + b"x" * 99_999 + b"\n", "table.csv").text.startswith("a: 1; b: xxx")
    assert csv.field_size_limit() == before


def test_a_heading_that_goes_on_and_on_is_a_paragraph() -> None:
    document = extract(b"# " + b"word " * 100 + b"\n\nText.", "a.md")
    assert document.title == "a"
    assert document.sections[0].blocks[0].text.startswith("word word")


def test_one_line_alone_is_a_text_and_no_heading() -> None:
    assert extract(b"Closed on Mondays", "hours.txt").text == "Closed on Mondays"


def test_a_form_filled_in_page_by_page_is_no_running_title() -> None:
    pages = hostile_files.pdf_of_pages(5)
    assert extract(pages, "visas.pdf").text.count("Each visa costs 50 dollars.") == 5


def test_a_csv_row_becomes_a_sentence_that_reads_alone() -> None:
    data = "hotel;city;price_per_night\nThalassa;Naxos;120 EUR\n\nMeltemi;;95 EUR\n"
    document = extract(data.encode(), "hotels.csv")
    assert document.text.split("\n") == [
        "hotel: Thalassa; city: Naxos; price per night: 120 EUR.",
        "hotel: Meltemi; price per night: 95 EUR.",
    ]
    assert document.title == "hotels"


def test_a_cell_without_a_header_stands_by_itself() -> None:
    assert row_sentence(["a"], ["1", "", "three"]) == "a: 1; three."
    assert row_sentence([], ["", " "]) == ""


def a_word_document() -> bytes:
    document = docx.Document()
    document.add_heading("Visa", 0)
    document.add_paragraph("Citizens of the EU need none.")
    document.add_heading("Fees", 1)
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(
        [cell for row in table.rows for cell in row.cells],
        ["Country", "Fee", "Kenya", "50 USD"],
        strict=True,
    ):
        cell.text = text
    document.add_paragraph("Bring cash", style="List Bullet")
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def test_word_documents_keep_the_order_of_text_and_tables() -> None:
    document = extract(a_word_document(), "visa.docx")
    assert document.title == "Visa"
    assert [
        (section.path, [block.text for block in section.blocks]) for section in document.sections
    ] == [
        ((), ["Citizens of the EU need none."]),
        (("Fees",), ["Country: Kenya; Fee: 50 USD.", "Bring cash"]),
    ]


def a_pdf(*lines: tuple[str, int, int], password: bool = False) -> bytes:
    from reportlab.lib.pdfencrypt import StandardEncryption

    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=A4, encrypt=StandardEncryption("secret") if password else None)
    for text, size, top in lines:
        canvas.setFont("Helvetica", size)
        canvas.drawString(72, top, text)
    canvas.showPage()
    canvas.save()
    return stream.getvalue()


PDF_LINES = (
    ("Cancellation terms", 20, 780),
    ("Up to thirty days before the jour-", 10, 740),
    ("ney the deposit is returned.", 10, 728),
    ("After that half of it is kept.", 10, 690),
    ("Flights", 14, 650),
    ("Airlines have rules of their own.", 10, 630),
)


def test_larger_type_in_a_pdf_is_a_heading_and_broken_words_are_mended() -> None:
    document = extract(a_pdf(*PDF_LINES), "terms.pdf")
    assert document.title == "Cancellation terms"
    assert [
        (section.path, [block.text for block in section.blocks]) for section in document.sections
    ] == [
        (
            (),
            [
                "Up to thirty days before the journey the deposit is returned.",
                "After that half of it is kept.",
            ],
        ),
        (("Flights",), ["Airlines have rules of their own."]),
    ]


@pytest.mark.parametrize(
    ("data", "filename", "reason"),
    [
        (a_pdf(), "scan.pdf", "scan"),
        (a_pdf(*PDF_LINES, password=True), "locked.pdf", "password"),
        (b"%PDF-1.4\n garbage", "broken.pdf", "damaged"),
        (a_word_document()[:-200] + b"x" * 200, "broken.docx", None),
        (b"   \n ", "empty.txt", "no text"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, filename: str, reason: str | None) -> None:
    from frontdesk.platform.errors import UnsupportedMediaType

    with pytest.raises((DocumentUnreadable, UnsupportedMediaType)) as caught:
        extract(data, filename)
    assert reason is None or reason in caught.value.message


def test_plain_text_has_headings_where_lines_stand_alone() -> None:
    text = "Hours\n\nWe are open\nfrom nine to five.\n\nHolidays\n--------\n- Easter\n- May Day\n"
    document = extract(text.encode(), "hours.txt")
    assert document.title == "Hours"
    assert document.text.split("\n") == ["We are open from nine to five.", "Easter", "May Day"]


def test_a_name_given_by_a_person_replaces_the_title_and_keeps_it_in_the_path() -> None:
    document = extract(MARKDOWN, "naxos.md").named("Naxos 2026", "en")
    assert document.title == "Naxos 2026"
    assert document.sections[0].path == ("Guide to Naxos", "Beaches")
    assert extract(MARKDOWN, "naxos.md").named("guide to naxos", None).sections[0].path == (
        "Beaches",
    )


def test_a_document_beyond_all_measure_is_refused() -> None:
    with pytest.raises(DocumentUnreadable, match="characters"):
        extract(b"word word " * 600_000, "huge.txt")
