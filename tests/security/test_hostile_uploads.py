"""Files that somebody made to break us, sent through the door: refused with one clear sentence, in
bounded time, and nothing of them is kept."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from frontdesk.http.catalogue import catalogue
from frontdesk.knowledge.bounded import UPLOAD
from frontdesk.platform.services import Services
from frontdesk.platform.settings import load_settings
from frontdesk.platform.storage import ObjectStore
from tests.support import door, hostile_files
from tests.support.hostile_files import PICTURE, PROGRAM, nested_tags
from tests.support.readers import ReadersMemory
from tests.unit.knowledge.builders import a_deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import psycopg
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from frontdesk.local.stack import Stack
    from tests.support.tenants import Tenant, TenantFactory

REPOSITORY = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024
VISA = b"# Visa\n\nKenya asks for a visa."
# A tenth of a minute for the door, storage and a machine that does other things as well.
LONGEST = UPLOAD.seconds + 20.0


def multipart(
    data: bytes, filename: str, content_type: str, form: Mapping[str, str], boundary: bytes
) -> bytes:
    """A form with a file, as a client may write it that means no good."""
    parts = [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
        for name, value in form.items()
    ]
    head = f'Content-Disposition: form-data; name="file"; filename="{filename}"'
    parts.append(f"{head}\r\nContent-Type: {content_type}\r\n\r\n".encode() + data)
    return b"".join(b"--%s\r\n%s\r\n" % (boundary, part) for part in parts) + (
        b"--%s--\r\n" % boundary
    )


class Desk:
    """An agency's agent at the door of the knowledge function, and what is kept behind it."""

    def __init__(
        self, client: FlaskClient, services: Services, tenant: Tenant, sql: psycopg.Connection
    ) -> None:
        self.client = client
        self.services = services
        self.tenant = tenant
        self.sql = sql

    def send(
        self,
        data: bytes,
        filename: str,
        *,
        method: str = "POST",
        path: str = "/v1/knowledge/documents",
        role: str = "agent",
        content_type: str = "application/octet-stream",
        **form: str,
    ) -> TestResponse:
        boundary = b"a-boundary-that-no-file-holds"
        began = time.monotonic()
        reply = self.client.open(
            path,
            method=method,
            headers={"Authorization": f"Bearer {self.tenant.token(role)}"},
            data=multipart(data, filename, content_type, form, boundary),
            content_type=f"multipart/form-data; boundary={boundary.decode()}",
        )
        assert time.monotonic() - began < LONGEST
        return reply

    def content(self, document_id: str) -> TestResponse:
        """The file of a document, as any member may read it."""
        path = f"/v1/knowledge/documents/{document_id}/content"
        headers = {"Authorization": f"Bearer {self.tenant.token('viewer')}"}
        return self.client.get(path, headers=headers)

    def kept(self) -> tuple[set[str], set[str]]:
        """The agency's documents, and the names of its stored files."""
        rows = self.sql.execute(
            "select id::text from app.knowledge_documents where tenant_id = %s", [self.tenant.id]
        ).fetchall()
        stored = self.services.storage.list(
            self.services.settings.documents_bucket_name,
            f"tenants/{self.tenant.id}/",
            deadline=a_deadline(),
        )
        return {row[0] for row in rows}, {item.name for item in stored}


@pytest.fixture(scope="module")
def services(stack: Stack) -> Iterator[Services]:
    settings = load_settings(stack.environment)
    services = Services(settings, storage=ObjectStore(settings))
    yield services
    services.close()


@pytest.fixture(scope="module")
def tenant(make_tenant: TenantFactory) -> Tenant:
    return make_tenant()


@pytest.fixture
def desk(services: Services, tenant: Tenant, sql: psycopg.Connection) -> Desk:
    (knowledge,) = (
        listed.function for listed in catalogue(REPOSITORY) if listed.manifest.name == "knowledge"
    )
    return Desk(door.client(knowledge.over(lambda: services)), services, tenant, sql)


@pytest.fixture
def nothing_is_kept(desk: Desk) -> Iterator[None]:
    """Neither a row nor an object is added by what the test does."""
    before = desk.kept()
    yield
    assert desk.kept() == before


def refused(reply: TestResponse, status: int, *words: str) -> None:
    code = {413: "payload_too_large", 415: "unsupported_media_type", 422: "unprocessable"}[status]
    error = door.error_of(reply, status, code)
    assert not error["retryable"]
    (problem,) = error["details"]["errors"]
    assert problem == {"field": "file", "message": error["message"]}
    for word in words:
        assert word in error["message"]


BOMBS: dict[str, tuple[Callable[[], bytes], str, int, str]] = {
    "4 GB of zeros": (hostile_files.four_gigabytes_of_zeros, "a.docx", 422, "200 MB"),
    "a lying size": (hostile_files.zeros_behind_a_small_size, "a.docx", 422, ""),
    "too many parts": (lambda: hostile_files.docx_of_parts(10_001), "a.docx", 422, "10,000 parts"),
    "names that lead out": (hostile_files.names_that_lead_outside, "a.docx", 422, "lead out"),
    "archives in archives": (hostile_files.archives_in_archives, "a.docx", 415, "DOCX"),
    "billion laughs": (hostile_files.billion_laughs, "a.docx", 422, ""),
    "a cell of 2,000,000,000 columns": (
        hostile_files.a_cell_as_wide_as_the_world,
        "a.docx",
        422,
        "",
    ),
    "nested XML": (hostile_files.deeply_nested_xml, "a.docx", 422, ""),
    "a PDF of 10,000 pages": (
        lambda: hostile_files.pdf_of_pages(10_000),
        "a.pdf",
        422,
        "2,000 pages",
    ),
    "a PDF that unpacks to 4 GB": (hostile_files.pdf_bomb, "a.pdf", 422, "unpacks"),
    "a bomb in a bomb": (hostile_files.pdf_bomb_in_a_bomb, "a.pdf", 422, "unpacks"),
    "nested PDF objects": (hostile_files.nested_pdf_objects, "a.pdf", 422, "damaged"),
    "pages inside themselves": (
        hostile_files.pages_that_are_their_own_parents,
        "a.pdf",
        422,
        "damaged",
    ),
    "a table of a million columns": (
        lambda: hostile_files.wide_table(1_000_000),
        "a.csv",
        422,
        "1,000 columns",
    ),
    "a huge cell": (
        lambda: hostile_files.table_with_cell(100_001),
        "a.csv",
        422,
        "row 3, column 2",
    ),
    "one line of 45 MB": (lambda: b"x" * 45 * MIB, "a.txt", 422, "5,000,000 characters"),
    "words of 45 MB": (lambda: b"word " * 9 * MIB, "a.md", 422, "5,000,000 characters"),
}


@pytest.mark.usefixtures("nothing_is_kept")
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_with_its_reason_and_within_its_memory(desk: Desk, name: str) -> None:
    make, filename, status, word = BOMBS[name]
    bomb = make()
    with ReadersMemory() as memory:
        refused(desk.send(bomb, filename), status, word)
    assert 0 < memory.peak_bytes <= UPLOAD.memory_bytes


NO_DOCUMENTS = {
    "a program": (PROGRAM, "a.pdf"),
    "a picture": (PICTURE, "a.md"),
    "a spreadsheet": (hostile_files.spreadsheet(), "a.docx"),
    "an archive": (hostile_files.archive([("a.txt", b"Visa", None)]), "a.pdf"),
    "old Word": (hostile_files.OLD_WORD, "a.docx"),
    "rich text": (b"{\\rtf1 Visa}", "a.txt"),
    "a null byte": (b"Visa\0Visa", "a.csv"),
    "UTF-16 without a mark": ("Visa für Kenia".encode("utf-16-le"), "a.txt"),
    "broken UTF-8": (("Größe " * 20).encode() + b"\xff", "a.md"),
    "broken UTF-16": (b"\xff\xfe\x00\xd8", "a.html"),
}


@pytest.mark.usefixtures("nothing_is_kept")
@pytest.mark.parametrize("name", NO_DOCUMENTS)
def test_what_is_no_document_is_refused_whatever_it_is_called(desk: Desk, name: str) -> None:
    data, filename = NO_DOCUMENTS[name]
    # The client's word counts for nothing either.
    refused(desk.send(data, filename, content_type="application/pdf"), 415)


@pytest.mark.usefixtures("nothing_is_kept")
def test_a_page_of_scripts_and_hidden_text_holds_no_text(desk: Desk) -> None:
    refused(desk.send(hostile_files.SCRIPT_ONLY, "page.html"), 422, "no text")


@pytest.mark.usefixtures("nothing_is_kept")
@pytest.mark.parametrize("data", [b" \n\t ", b"\xef\xbb\xbf", b"# \n## \n", b",,,\n,,,\n"])
def test_a_file_without_text_is_refused(desk: Desk, data: bytes) -> None:
    refused(desk.send(data, "a.md" if b"#" in data else "a.csv"), 422, "no text")


@pytest.mark.usefixtures("nothing_is_kept")
def test_an_empty_file_and_one_that_is_too_large_are_refused_unread(
    desk: Desk, services: Services
) -> None:
    assert door.fields_of(desk.send(b"", "a.md")) == {"file": "is empty"}
    largest = services.settings.max_upload_bytes
    error = door.error_of(desk.send(b"x" * (largest + 1), "a.md"), 413, "payload_too_large")
    assert error["details"]["limit_bytes"] == largest


@pytest.mark.usefixtures("nothing_is_kept")
def test_who_may_not_upload_makes_nobody_read_a_bomb(desk: Desk) -> None:
    bomb = hostile_files.four_gigabytes_of_zeros()
    door.error_of(desk.send(bomb, "a.docx", role="viewer"), 403, "permission_denied")


def test_a_bomb_does_not_replace_a_document(desk: Desk) -> None:
    first = desk.send(VISA, "visa.md").get_json()["data"]
    path = f"/v1/knowledge/documents/{first['id']}"
    for make, filename, status, word in (
        BOMBS["4 GB of zeros"],
        BOMBS["nested PDF objects"],
        BOMBS["a huge cell"],
    ):
        refused(desk.send(make(), filename, method="PUT", path=path), status, word)
    content = desk.content(first["id"])
    assert content.data == VISA


@pytest.mark.parametrize("name", ["brackets", "stars", "heading with spaces"])
def test_markdown_made_for_careless_expressions_is_read_like_any_other(
    desk: Desk, name: str
) -> None:
    reply = desk.send(hostile_files.regex_hostile_markdown()[name], "a.md")
    assert reply.status_code in {201, 422}, reply.text
    assert "too long" not in reply.text


@pytest.mark.parametrize("tag", ["div", "p"])
def test_tags_nested_a_hundred_thousand_deep_are_read_like_others(desk: Desk, tag: str) -> None:
    reply = desk.send(nested_tags(tag, inside="Kenya asks for a visa."), "a.html")
    assert reply.status_code == 201, reply.text
    assert reply.get_json()["data"]["title"] == "a"


def test_of_a_page_with_scripts_only_what_a_reader_sees_is_kept(desk: Desk) -> None:
    page = hostile_files.SCRIPT_ONLY.replace(b"</body>", b"<p>Visas cost 50 dollars.</p></body>")
    reply = desk.send(page, "page.html", title="<script>alert(1)</script>")
    document = reply.get_json()["data"]
    assert reply.status_code == 201
    assert document["title"] == "<script>alert(1)</script>"  # a title is text, as JSON carries it
    content = desk.content(document["id"])
    # Handed back byte for byte, and no browser runs it.
    assert content.data == page
    assert content.headers["Content-Type"] == "text/html"
    assert content.headers["X-Content-Type-Options"] == "nosniff"
    assert content.headers["Content-Disposition"].startswith("attachment;")
    assert "default-src 'none'" in content.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("filename", "kept"),
    [
        ("../../../etc/passwd.md", "passwd.md"),
        ("..\\\\..\\\\system32\\\\visa.md", "visa.md"),
        ("visa\u202egpj.md", "visagpj.md"),
        ("visa%0D%0ASet-Cookie: x=1.md", "visa%0D%0ASet-Cookie: x=1.md"),
        ("x" * 5000 + ".md", "x" * 252 + ".md"),
        ('vi"sa;filename=x.md', None),
        (".md", "md"),
        ("CON.md", "CON.md"),
        ("李 Łukasz 🏖.md", "李 Łukasz 🏖.md"),
    ],
)
def test_a_files_name_is_words_and_leads_nowhere(
    desk: Desk, services: Services, filename: str, kept: str | None
) -> None:
    reply = desk.send(VISA, filename, allow_duplicate="true")
    document = reply.get_json()["data"]
    assert reply.status_code == 201, reply.text
    if kept is not None:
        assert document["filename"] == kept
    row = desk.sql.execute(
        "select object_name from app.knowledge_documents where tenant_id = %s and id = %s",
        [desk.tenant.id, document["id"]],
    ).fetchone()
    assert row is not None
    assert row[0].startswith(f"tenants/{desk.tenant.id}/documents/{document['id']}/")
    content = desk.content(document["id"])
    assert content.status_code == 200
    assert "Set-Cookie" not in content.headers


@pytest.mark.usefixtures("nothing_is_kept")
def test_a_files_name_with_a_line_break_is_no_form(desk: Desk) -> None:
    reply = desk.send(VISA, "visa\r\nSet-Cookie: x=1.md")
    door.error_of(reply, 400, "invalid_request")


def test_documents_that_only_look_dangerous_are_kept(desk: Desk) -> None:
    ordinary: dict[str, Any] = {
        "a.docx": hostile_files.docx(
            hostile_files.word_body(hostile_files.paragraph("Kenya asks for a visa."))
        ),
        "b.pdf": hostile_files.pdf_of_pages(20),
        "c.csv": hostile_files.table_with_cell(99_999),
        "d.txt": "Visa für Kenia".encode("cp1252"),
        "e.txt": "Visa für Kenia".encode("utf-16"),
        "f.md": b"# Visa\n\n![map](data:image/png;base64," + b"A" * MIB + b")\nKenya asks for one.",
    }
    for filename, data in ordinary.items():
        reply = desk.send(data, filename)
        assert reply.status_code == 201, (filename, reply.text)
