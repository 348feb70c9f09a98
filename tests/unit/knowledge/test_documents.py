"""The document endpoints: stored before it is written down, told afterwards."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from frontdesk.knowledge.documents import (
    DocumentChanges,
    DocumentForm,
    DocumentPath,
    DocumentQuery,
    ReplacementForm,
    Visibility,
    delete_document,
    document_content,
    list_documents,
    read_document,
    replace_document,
    update_document,
    upload_document,
)
from frontdesk.knowledge.extract import DocumentUnreadable
from frontdesk.platform.context import Command, Context, Member
from frontdesk.platform.database import Rpc
from frontdesk.platform.errors import (
    Conflict,
    FrontdeskError,
    InvalidCursor,
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
    PermissionDenied,
    UnsupportedMediaType,
    UpstreamUnavailable,
)
from frontdesk.platform.services import Services
from frontdesk.platform.settings import Settings
from frontdesk.platform.upload import Upload
from tests.support.clock import ManualClock
from tests.unit.knowledge.builders import TENANT, a_deadline
from tests.unit.knowledge.fakes import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from frontdesk.platform.events import CloudEvent
    from frontdesk.platform.resilience import Deadline

NOW = "2026-01-05T09:00:00Z"
ACCESS = {
    "visibility": "all",
    "tenant_slug": "coral",
    "currency": "EUR",
    "locale": "en",
    "time_zone": "UTC",
}
VISA = b"# Visa for Kenya\n\nKenya asks for a visa of 50 dollars."


class Books:
    """The document functions of schema ``api`` over a dict, with idempotency keys."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.replies: dict[str, Any] = {}
        self.role = "agent"
        self.fails_at: dict[Rpc, Exception] = {}
        self.asked: list[tuple[Rpc, Mapping[str, Any]]] = []

    def as_member(self, token: str) -> Books:
        return self

    def call(
        self, rpc: Rpc, params: Mapping[str, Any], *, deadline: Deadline, idempotent: bool
    ) -> Any:
        self.asked.append((rpc, params))
        if rpc in self.fails_at:
            raise self.fails_at[rpc]
        if rpc is Rpc.ACCESS:
            return {"access": {**ACCESS, "role": self.role}}
        if rpc is Rpc.LIST_DOCUMENTS:
            rows = list(self.rows.values())[::-1]
            start = int(params["p_after"]["offset"]) if params["p_after"] else 0
            end = start + params["p_limit"]
            return {
                "rows": rows[start:end],
                "next": {"offset": end} if end < len(rows) else None,
            }
        if rpc is Rpc.READ_DOCUMENT:
            if params["p_id"] not in self.rows:
                raise NotFound
            return {"document": self.rows[params["p_id"]]}
        key = params["p_command"]["idempotency_key"]
        if key in self.replies:
            return self.replies[key] | {"replayed": True}
        row = self.commands[rpc](params)
        event = {
            "id": "e1",
            "type": "frontdesk.knowledge.changed.v1",
            "source": "frontdesk/knowledge",
            "time": NOW,
            "tenant_id": str(TENANT),
            "data": {"knowledge_version": 1},
        }
        reply = {
            "status": 201,
            "data": row,
            "replayed": False,
            "outbox": [{"id": "e1", "topic": "knowledge", "event": event}],
        }
        if key:
            self.replies[key] = reply
        return reply

    @property
    def commands(self) -> dict[Rpc, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            Rpc.ADD_DOCUMENT: self.add,
            Rpc.REPLACE_DOCUMENT: self.replace,
            Rpc.UPDATE_DOCUMENT: self.update,
            Rpc.DELETE_DOCUMENT: self.drop,
        }

    def add(self, params: Mapping[str, Any]) -> dict[str, Any]:
        document = dict(params["p_document"])
        if document.pop("refuse_duplicate"):
            for other in self.rows.values():
                if all(other[name] == document[name] for name in ("sha256", "title")):
                    raise Conflict(details={"document_id": other["id"]})
        row = document | {
            "status": "pending",
            "reason": None,
            "chunks": None,
            "index_version": None,
            "created_at": NOW,
            "updated_at": NOW,
            "indexed_at": None,
        }
        self.rows[row["id"]] = row
        return row

    def replace(self, params: Mapping[str, Any]) -> dict[str, Any]:
        row = self.rows[params["p_id"]]
        row |= dict(params["p_document"]) | {"status": "pending"}
        return row

    def update(self, params: Mapping[str, Any]) -> dict[str, Any]:
        row = self.rows[params["p_id"]]
        row |= dict(params["p_changes"]) | {"status": "pending"}
        return row

    def drop(self, params: Mapping[str, Any]) -> dict[str, Any]:
        if params["p_id"] not in self.rows:
            raise NotFound
        return self.rows.pop(params["p_id"])


class Events:
    """Keeps what was published, or fails."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, CloudEvent]] = []
        self.down = False

    def publish(self, topic: str, event: CloudEvent, *, deadline: Deadline) -> str:
        if self.down:
            raise UpstreamUnavailable
        self.sent.append((topic, event))
        return "m1"


class Desk:
    """A member at the document endpoints."""

    def __init__(self) -> None:
        self.books = Books()
        self.storage = MemoryStore()
        self.events = Events()
        self.settings = Settings(max_upload_bytes=2048)
        self.services = Services(
            self.settings,
            clock=ManualClock(),
            database=self.books,  # type: ignore[arg-type]
            storage=self.storage,  # type: ignore[arg-type]
            events=self.events,  # type: ignore[arg-type]
        )

    def context(self, key: str | None = None) -> Context:
        return Context(
            request_id="r1",
            function="knowledge",
            caller=Member(UUID(int=1), TENANT, "token"),
            deadline=a_deadline(),
            command=Command(key, "f", "POST /v1/knowledge/documents", "r1"),
            services=self.services,
        )

    def upload(
        self, data: bytes, filename: str = "visa-rules.md", key: str | None = None, **form: Any
    ) -> Any:
        file = Upload(filename, "application/octet-stream", io.BytesIO(data), len(data))
        return upload_document(self.context(key), DocumentForm(**form), file)

    def replace(self, document_id: UUID, data: bytes, key: str | None = None, **form: Any) -> Any:
        file = Upload("newer.md", "application/octet-stream", io.BytesIO(data), len(data))
        path = DocumentPath(document_id=document_id)
        return replace_document(self.context(key), path, ReplacementForm(**form), file)

    def content(self, document_id: UUID) -> bytes:
        stream = document_content(self.context(), DocumentPath(document_id=document_id))
        return b"".join(stream.content)

    def objects(self) -> list[str]:
        bucket = self.settings.documents_bucket_name
        return [item.name for item in self.storage.list(bucket, "", deadline=a_deadline())]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_an_upload_is_stored_written_down_and_told(desk: Desk) -> None:
    reply = desk.upload(VISA, visibility="public", tags="africa, visa")
    document = reply.value
    assert reply.status == 201
    assert reply.headers["Location"] == f"/v1/knowledge/documents/{document.id}"
    assert document.content_type == "text/markdown"
    assert document.visibility is Visibility.PUBLIC
    assert document.tags == ["africa", "visa"]
    assert document.sha256 == hashlib.sha256(VISA).hexdigest()
    (name,) = desk.objects()
    assert name.startswith(f"tenants/{TENANT}/documents/{document.id}/")
    ((topic, event),) = desk.events.sent
    assert (topic, event.tenant_id) == ("knowledge", TENANT)


@pytest.mark.parametrize(
    ("data", "form", "title"),
    [
        (VISA, {}, "Visa for Kenya"),
        (VISA, {"title": "Visa 2026"}, "Visa 2026"),
        (b"Kenya asks for a visa of 50 dollars.", {}, "visa rules"),
    ],
)
def test_a_title_is_the_uploaders_or_the_documents_or_the_file_names(
    desk: Desk, data: bytes, form: dict[str, Any], title: str
) -> None:
    assert desk.upload(data, "visa-rules.md", **form).value.title == title


def test_the_language_is_detected_at_the_door_unless_it_is_said(desk: Desk) -> None:
    german = "Hunde schlafen für 12 Franken pro Nacht im Zimmer und brauchen keine Anmeldung."
    detected = desk.upload(german.encode(), "hunde.txt").value
    assert (detected.language, detected.language_detected) == ("de", True)
    said = desk.upload(german.encode(), "hunde.txt", language="fr", title="Autre").value
    assert (said.language, said.language_detected) == ("fr", False)


def test_the_file_names_neither_the_object_nor_its_type(desk: Desk) -> None:
    desk.upload(b"<!doctype html><p>Hi", filename="../../evil.pdf", title="Hi")
    (name,) = desk.objects()
    assert "evil" not in name
    assert desk.books.rows[name.split("/")[3]]["content_type"] == "text/html"


def test_a_repeated_upload_gives_the_first_document_and_leaves_no_second_object(desk: Desk) -> None:
    first = desk.upload(VISA, key="k1").value
    again = desk.upload(VISA, key="k1").value
    assert again.id == first.id
    assert len(desk.objects()) == 1


def test_the_same_file_under_the_same_title_is_a_conflict_and_leaves_nothing(desk: Desk) -> None:
    first = desk.upload(VISA).value
    with pytest.raises(Conflict) as caught:
        desk.upload(VISA)
    assert caught.value.details["document_id"] == str(first.id)
    assert len(desk.objects()) == 1
    desk.upload(VISA, title="Another title")
    desk.upload(VISA, allow_duplicate=True)
    assert len(desk.objects()) == 3


def test_when_the_command_is_refused_no_object_is_left(desk: Desk) -> None:
    desk.books.fails_at = {Rpc.ADD_DOCUMENT: Conflict()}
    with pytest.raises(Conflict):
        desk.upload(VISA)
    assert desk.books.rows == {}
    assert desk.objects() == []
    assert desk.events.sent == []


def test_when_nobody_knows_whether_the_command_ran_its_object_stays(desk: Desk) -> None:
    desk.books.fails_at = {Rpc.ADD_DOCUMENT: UpstreamUnavailable()}
    with pytest.raises(UpstreamUnavailable):
        desk.upload(VISA)
    assert len(desk.objects()) == 1


def test_when_storage_is_down_nothing_is_written_down(desk: Desk) -> None:
    desk.storage.down = True
    with pytest.raises(UpstreamUnavailable):
        desk.upload(VISA)
    assert [rpc for rpc, _ in desk.books.asked] == [Rpc.ACCESS]


def test_an_upload_succeeds_though_the_indexer_cannot_be_told(desk: Desk) -> None:
    desk.events.down = True
    assert desk.upload(VISA).value.status == "pending"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", InvalidRequest),
        (b"  \n ", DocumentUnreadable),
        (b"%PDF-1.4 garbage", DocumentUnreadable),
        (b"\x89PNG\r\n\x1a\n\0\0", UnsupportedMediaType),
        (b"x" * 2049, PayloadTooLarge),
    ],
)
def test_what_cannot_be_indexed_is_refused_before_it_is_stored(
    desk: Desk, data: bytes, error: type[FrontdeskError]
) -> None:
    with pytest.raises(error) as caught:
        desk.upload(data)
    (problem,) = caught.value.details["errors"]
    assert problem["field"] == "file"
    assert desk.objects() == []
    assert desk.books.rows == {}


def test_nobody_below_an_agent_makes_us_read_a_file(desk: Desk) -> None:
    desk.books.role = "visitor"
    with pytest.raises(PermissionDenied):
        desk.upload(b"\x89PNG\r\n\x1a\n\0\0")  # that it is a picture is not even seen
    assert desk.objects() == []


def test_a_replaced_document_keeps_what_is_not_said_anew(desk: Desk) -> None:
    first = desk.upload(VISA, visibility="public", tags="visa").value
    desk.events.sent.clear()
    newer = b"# Visa rules\n\nKenya asks for a visa of 60 dollars."
    second = desk.replace(first.id, newer, tags="visa,2026")
    assert (second.id, second.title) == (first.id, first.title)
    assert (second.visibility, second.tags) == (Visibility.PUBLIC, ["visa", "2026"])
    assert second.sha256 == hashlib.sha256(newer).hexdigest()
    assert len(desk.events.sent) == 1
    # An indexer may be reading the file before; it goes after the next build.
    assert len(desk.objects()) == 2


def test_a_replacement_is_checked_as_an_upload_is(desk: Desk) -> None:
    first = desk.upload(VISA).value
    with pytest.raises(DocumentUnreadable):
        desk.replace(first.id, b"%PDF-1.4 garbage")
    with pytest.raises(NotFound):
        desk.replace(UUID(int=9), b"%PDF-1.4 garbage")
    assert len(desk.objects()) == 1
    assert desk.content(first.id) == VISA


def test_a_repeated_replacement_leaves_no_further_object(desk: Desk) -> None:
    first = desk.upload(VISA).value
    desk.replace(first.id, VISA + b"!", key="k2")
    desk.replace(first.id, VISA + b"!", key="k2")
    assert len(desk.objects()) == 2
    assert desk.content(first.id) == VISA + b"!"


def test_a_change_needs_something_to_change(desk: Desk) -> None:
    document = desk.upload(VISA).value
    path = DocumentPath(document_id=document.id)
    changed = update_document(desk.context(), path, DocumentChanges(title="Visas", tags=[]))
    assert (changed.title, changed.tags) == ("Visas", [])
    with pytest.raises(ValidationError, match="at least one"):
        DocumentChanges()


def test_the_content_is_what_was_uploaded_to_be_saved_under_its_name(desk: Desk) -> None:
    page = b"<!doctype html><script>alert(1)</script><p>Hello.</p>"
    document = desk.upload(page, "page.html").value
    stream = document_content(desk.context(), DocumentPath(document_id=document.id))
    assert (stream.content_type, stream.filename, stream.size) == (
        "text/html",
        "page.html",
        len(page),
    )
    assert b"".join(stream.content) == page


def test_objects_outside_of_the_documents_folder_are_neither_read_nor_removed(desk: Desk) -> None:
    mine = desk.upload(VISA).value
    other = desk.upload(VISA, title="Another")
    row = desk.books.rows[str(mine.id)]
    for name in (
        desk.books.rows[str(other.value.id)]["object_name"],
        f"tenants/{TENANT}/documents/{mine.id}/../{other.value.id}/x",
    ):
        row["object_name"] = name
        with pytest.raises(NotFound):
            desk.content(mine.id)
    delete_document(desk.context(), DocumentPath(document_id=mine.id))
    assert len(desk.objects()) == 2


def test_a_file_that_storage_lost_is_not_found(desk: Desk) -> None:
    document = desk.upload(VISA).value
    bucket = desk.settings.documents_bucket_name
    desk.storage.delete(bucket, desk.objects()[0], deadline=a_deadline())
    with pytest.raises(NotFound, match="upload it again"):
        desk.content(document.id)


def test_documents_are_listed_page_by_page(desk: Desk) -> None:
    ids = [desk.upload(VISA, title=f"Visa {n}").value.id for n in range(3)]
    query = DocumentQuery(page_size=2, visibility=Visibility.INTERNAL)
    page = list_documents(desk.context(), query)
    assert [document.id for document in page.items] == [ids[2], ids[1]]
    following = query.model_copy(update={"cursor": page.next_cursor})
    last = list_documents(desk.context(), following)
    assert [document.id for document in last.items] == [ids[0]]
    assert not last.has_more
    assert desk.books.asked[-1][1]["p_filter"] == {"visibility": "internal"}
    with pytest.raises(InvalidCursor):
        list_documents(desk.context(), following.model_copy(update={"tag": "other"}))


def test_a_document_can_be_read_until_it_is_deleted(desk: Desk) -> None:
    document = desk.upload(VISA).value
    path = DocumentPath(document_id=document.id)
    assert read_document(desk.context(), path) == document
    assert delete_document(desk.context(), path).id == document.id
    assert desk.objects() == []
    assert len(desk.events.sent) == 2
    with pytest.raises(NotFound):
        read_document(desk.context(), path)


def test_a_delete_succeeds_though_the_object_stays_for_now(desk: Desk) -> None:
    document = desk.upload(VISA).value
    desk.storage.down = True
    delete_document(desk.context(), DocumentPath(document_id=document.id))
    desk.storage.down = False
    assert desk.books.rows == {}
    assert len(desk.objects()) == 1
