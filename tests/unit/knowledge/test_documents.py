"""The document endpoints: stored before it is written down, told afterwards."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from frontdesk.knowledge.documents import (
    DocumentForm,
    DocumentPath,
    DocumentQuery,
    Visibility,
    delete_document,
    list_documents,
    read_document,
    upload_document,
)
from frontdesk.platform.context import Command, Context, Member
from frontdesk.platform.database import Rpc
from frontdesk.platform.errors import (
    Conflict,
    InvalidCursor,
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
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
    from collections.abc import Mapping

    from frontdesk.platform.events import CloudEvent
    from frontdesk.platform.resilience import Deadline

NOW = "2026-01-05T09:00:00Z"


class Books:
    """The document functions of schema ``api`` over a dict, with idempotency keys."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.replies: dict[str, Any] = {}
        self.refusal: Exception | None = None
        self.asked: list[tuple[Rpc, Mapping[str, Any]]] = []

    def as_member(self, token: str) -> Books:
        return self

    def call(
        self, rpc: Rpc, params: Mapping[str, Any], *, deadline: Deadline, idempotent: bool
    ) -> Any:
        self.asked.append((rpc, params))
        if self.refusal is not None:
            raise self.refusal
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
        row = self.add(params["p_document"]) if rpc is Rpc.ADD_DOCUMENT else self.drop(params)
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

    def add(self, document: Mapping[str, Any]) -> dict[str, Any]:
        row = dict(document) | {
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

    def objects(self) -> list[str]:
        bucket = self.settings.documents_bucket_name
        return [item.name for item in self.storage.list(bucket, "", deadline=a_deadline())]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_an_upload_is_stored_written_down_and_told(desk: Desk) -> None:
    data = b"# Visa\nKenya asks for a visa."
    reply = desk.upload(data, visibility="public", tags="africa, visa")
    document = reply.value
    assert reply.status == 201
    assert reply.headers["Location"] == f"/v1/knowledge/documents/{document.id}"
    assert document.title == "visa rules"
    assert document.content_type == "text/markdown"
    assert document.visibility is Visibility.PUBLIC
    assert document.tags == ["africa", "visa"]
    digest = hashlib.sha256(data).hexdigest()
    assert desk.objects() == [f"tenants/{TENANT}/documents/{document.id}/{digest}"]
    ((topic, event),) = desk.events.sent
    assert (topic, event.tenant_id) == ("knowledge", TENANT)


def test_the_file_names_neither_the_object_nor_its_type(desk: Desk) -> None:
    desk.upload(b"<!doctype html><p>Hi", filename="../../evil.pdf", title="Hi")
    (name,) = desk.objects()
    assert "evil" not in name
    assert desk.books.rows[name.split("/")[3]]["content_type"] == "text/html"


def test_a_repeated_upload_gives_the_first_document_and_leaves_no_second_object(desk: Desk) -> None:
    first = desk.upload(b"# Visa", key="k1").value
    again = desk.upload(b"# Visa", key="k1").value
    assert again.id == first.id
    assert len(desk.objects()) == 1


def test_when_the_command_is_refused_at_most_an_orphan_is_left(desk: Desk) -> None:
    desk.books.refusal = Conflict()
    with pytest.raises(Conflict):
        desk.upload(b"# Visa")
    assert desk.books.rows == {}
    assert desk.events.sent == []


def test_when_storage_is_down_nothing_is_written_down(desk: Desk) -> None:
    desk.storage.down = True
    with pytest.raises(UpstreamUnavailable):
        desk.upload(b"# Visa")
    assert desk.books.asked == []


def test_an_upload_succeeds_though_the_indexer_cannot_be_told(desk: Desk) -> None:
    desk.events.down = True
    assert desk.upload(b"# Visa").value.status == "pending"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", InvalidRequest),
        (b"\x89PNG\r\n\x1a\n\0\0", UnsupportedMediaType),
        (b"x" * 2049, PayloadTooLarge),
    ],
)
def test_what_cannot_be_indexed_is_refused_before_it_is_stored(
    desk: Desk, data: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        desk.upload(data)
    assert desk.objects() == []


def test_documents_are_listed_page_by_page(desk: Desk) -> None:
    ids = [desk.upload(b"# Visa", title=f"Visa {n}").value.id for n in range(3)]
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
    document = desk.upload(b"# Visa").value
    path = DocumentPath(document_id=document.id)
    assert read_document(desk.context(), path) == document
    assert delete_document(desk.context(), path).id == document.id
    assert desk.objects() == []
    assert len(desk.events.sent) == 2
    with pytest.raises(NotFound):
        read_document(desk.context(), path)


def test_a_delete_succeeds_though_the_object_stays_for_now(desk: Desk) -> None:
    document = desk.upload(b"# Visa").value
    desk.storage.down = True
    delete_document(desk.context(), DocumentPath(document_id=document.id))
    desk.storage.down = False
    assert desk.books.rows == {}
    assert len(desk.objects()) == 1
