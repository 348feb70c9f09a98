"""An agency's knowledge on the real stack: Postgres behind the API, storage, the embedded model."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from frontdesk.knowledge.documents import (
    DocumentForm,
    DocumentPath,
    ReplacementForm,
    document_content,
    replace_document,
    upload_document,
)
from frontdesk.knowledge.indexing import handle_knowledge_changed
from frontdesk.knowledge.serving import knowledge_of
from frontdesk.local.minilm_model import build_model, publish_model
from frontdesk.local.paths import CACHE
from frontdesk.local.storage.server import StorageServer
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.context import Command, Context, Member, Platform
from frontdesk.platform.events import CloudEvent, Publisher
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.services import Services
from frontdesk.platform.settings import load_settings
from frontdesk.platform.storage import ObjectStore
from frontdesk.platform.upload import Upload
from tests.support.ports import free_port
from tests.support.pubsub import FakePubSub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from frontdesk.knowledge.documents import Document
    from frontdesk.knowledge.retrieve import Retrieval
    from frontdesk.local.stack import Stack
    from tests.support.tenants import Tenant, TenantFactory

BUCKETS = ("frontdesk-documents", "frontdesk-indexes")


def a_deadline(seconds: float = 60) -> Deadline:
    return Deadline.after(seconds, SystemClock())


@dataclass
class Agency:
    """An agency whose members upload and ask, and whose indexer runs when a test says so."""

    tenant: Tenant
    services: Services
    storage: StorageServer

    def context(self, role: str = "agent", key: str | None = None) -> Context:
        member = Member(self.tenant.users[role], self.tenant.id, self.tenant.token(role))
        command = Command(key, "fingerprint", "POST /v1/knowledge/documents", str(uuid4()))
        return Context("test", "knowledge", member, a_deadline(), command, self.services)

    def upload(
        self,
        data: bytes,
        filename: str = "file.md",
        *,
        role: str = "agent",
        key: str | None = None,
        **form: object,
    ) -> Document:
        file = Upload(filename, "application/octet-stream", io.BytesIO(data), len(data))
        return upload_document(
            self.context(role, key), DocumentForm.model_validate(form), file
        ).value

    def replace(
        self, document_id: UUID, data: bytes, filename: str = "newer.md", **form: object
    ) -> Document:
        file = Upload(filename, "application/octet-stream", io.BytesIO(data), len(data))
        return replace_document(
            self.context(),
            DocumentPath(document_id=document_id),
            ReplacementForm.model_validate(form),
            file,
        )

    def content(self, document_id: UUID, role: str = "viewer") -> bytes:
        path = DocumentPath(document_id=document_id)
        return b"".join(document_content(self.context(role), path).content)

    def damage(self, document: Document) -> None:
        """Put other bytes into a document's stored file: whoever indexes it next finds it broken.

        The door reads what it lets in, so no upload can be broken from the beginning.
        """
        (name,) = (name for name in self.objects() if f"/{document.id}/" in name)
        self.services.storage.write(
            self.services.settings.documents_bucket_name,
            name,
            b"%PDF-1.4 nothing",
            content_type="application/pdf",
            deadline=a_deadline(),
        )

    def upload_broken(self, filename: str = "broken.md") -> Document:
        """A document that the next build can't read: its status becomes failed."""
        document = self.upload(b"# Broken\nNobody will ever read this.", filename)
        self.damage(document)
        return document

    def objects(self) -> list[str]:
        """The names of the agency's stored files."""
        stored = self.services.storage.list(
            self.services.settings.documents_bucket_name,
            f"tenants/{self.tenant.id}/",
            deadline=a_deadline(),
        )
        return [item.name for item in stored]

    def index(self) -> None:
        event = CloudEvent(
            id=str(uuid4()),
            type="frontdesk.knowledge.changed.v1",
            source="test",
            time=SystemClock().now(),
            tenant_id=self.tenant.id,
        )
        caller = Platform("push@example.test")
        context = Context("test", "indexer", caller, a_deadline(), None, self.services)
        handle_knowledge_changed(context, event)

    def ask(self, question: str, tenant_id: UUID | None = None) -> Retrieval:
        return knowledge_of(self.services).retriever.retrieve(
            question, tenant_id or self.tenant.id, deadline=a_deadline()
        )


@pytest.fixture(scope="session")
def model_folder() -> Path:
    return build_model(CACHE / "models")


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StorageServer]:
    server = StorageServer(tmp_path / "objects", port=free_port(), buckets=BUCKETS)
    server.start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
    yield server
    server.close()


@pytest.fixture
def services(
    stack: Stack, storage: StorageServer, tmp_path: Path, model_folder: Path
) -> Iterator[Services]:
    settings = load_settings(stack.environment | {"INDEX_CACHE_DIR": str(tmp_path / "cache")})
    services = Services(
        settings, storage=ObjectStore(settings), events=Publisher(settings, send=FakePubSub())
    )
    publish_model(
        services.storage,
        settings.faiss_bucket_name,
        settings.models_prefix,
        model_folder,
        a_deadline(),
    )
    yield services
    services.close()


@pytest.fixture
def agency(make_tenant: TenantFactory, services: Services, storage: StorageServer) -> Agency:
    return Agency(make_tenant(), services, storage)


@pytest.fixture
def other_agency(make_tenant: TenantFactory, services: Services, storage: StorageServer) -> Agency:
    return Agency(make_tenant(), services, storage)
