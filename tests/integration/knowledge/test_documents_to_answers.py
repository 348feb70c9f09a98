"""From an upload to a passage found, on the real stack."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from frontdesk.knowledge.documents import (
    DocumentPath,
    DocumentQuery,
    DocumentStatus,
    Visibility,
    delete_document,
    list_documents,
    read_document,
)
from frontdesk.knowledge.index import PUBLIC_ONLY
from frontdesk.knowledge.serving import knowledge_of
from frontdesk.platform.errors import NotFound, PermissionDenied
from frontdesk.platform.services import Services
from tests.integration.knowledge.conftest import Agency, a_deadline

if TYPE_CHECKING:
    import psycopg

BAGGAGE = b"# Baggage\nEach passenger may check one bag of 23 kg.\n\n## Cabin\nA bag of 8 kg fits."
DOGS = "Hunde schlafen für 12 Franken pro Nacht im Zimmer und brauchen keine Anmeldung.".encode()


def test_an_upload_is_found_after_the_indexer_ran(agency: Agency) -> None:
    document = agency.upload(BAGGAGE, "baggage.md", visibility="public", tags="flights,rules")
    assert document.status is DocumentStatus.PENDING
    agency.index()
    path = DocumentPath(document_id=document.id)
    indexed = read_document(agency.context("viewer"), path)
    assert (indexed.status, indexed.chunks) == (DocumentStatus.INDEXED, 2)
    retrieval = agency.ask("How heavy may my suitcase be?")
    assert retrieval.selected[0].document.document_id == document.id
    assert retrieval.index_version == indexed.index_version
    assert retrieval.degraded is None


def test_documents_in_several_formats_and_languages_become_one_index(agency: Agency) -> None:
    agency.upload(BAGGAGE, "baggage.md")
    agency.upload(DOGS, "hunde.txt", visibility="public")
    agency.upload(b"hotel;price\nThalassa;120 EUR\nMeltemi;95 EUR\n", "hotels.csv")
    broken = agency.upload(b"%PDF-1.4 nothing", "broken.pdf")
    agency.index()
    found = agency.ask("Was kosten Hunde im Zimmer?").selected[0]
    assert found.document.language == "de"
    assert "95 EUR" in agency.ask("What does a night at the Meltemi cost?").selected[0].text
    failed = read_document(agency.context(), DocumentPath(document_id=broken.id))
    assert failed.status is DocumentStatus.FAILED
    assert "damaged" in (failed.reason or "")


def test_a_deleted_document_is_no_longer_found_and_its_bytes_are_gone(agency: Agency) -> None:
    document = agency.upload(BAGGAGE)
    agency.upload(DOGS, "hunde.txt")
    agency.index()
    assert (
        delete_document(agency.context(), DocumentPath(document_id=document.id)).id == document.id
    )
    agency.index()
    fresh = Services(agency.services.settings, storage=agency.services.storage)
    retrieval = knowledge_of(fresh).retriever.retrieve(
        "bag of 23 kg", agency.tenant.id, deadline=a_deadline()
    )
    assert {c.document.document_id for c in retrieval.candidates}.isdisjoint({document.id})
    names = [
        item.name
        for item in agency.services.storage.list(
            agency.services.settings.documents_bucket_name, "tenants/", deadline=a_deadline()
        )
    ]
    assert not [name for name in names if str(document.id) in name]
    with pytest.raises(NotFound):
        read_document(agency.context(), DocumentPath(document_id=document.id))


def test_two_agencies_never_find_each_others_passages(agency: Agency, other_agency: Agency) -> None:
    mine = agency.upload(BAGGAGE, title="Canary mine")
    theirs = other_agency.upload(BAGGAGE, title="Canary theirs")
    agency.index()
    other_agency.index()
    for asker, expected in ((agency, mine), (other_agency, theirs)):
        retrieval = asker.ask("one bag of 23 kg")
        assert {c.document.document_id for c in retrieval.candidates} == {expected.id}
    with pytest.raises(NotFound):
        read_document(agency.context(), DocumentPath(document_id=theirs.id))


def test_visitors_find_public_passages_alone(agency: Agency) -> None:
    agency.upload(BAGGAGE, title="Internal")
    agency.upload(DOGS, "hunde.txt", title="Public", visibility="public")
    agency.index()
    retrieval = knowledge_of(agency.services).retriever.retrieve(
        "bag of 23 kg", agency.tenant.id, filters=PUBLIC_ONLY, deadline=a_deadline()
    )
    assert {c.document.title for c in retrieval.candidates} == {"Public"}


def test_a_repeated_upload_is_one_document(agency: Agency) -> None:
    first = agency.upload(BAGGAGE, key="same-key")
    again = agency.upload(BAGGAGE, key="same-key")
    assert first.id == again.id
    page = list_documents(agency.context(), DocumentQuery())
    assert [document.id for document in page.items] == [first.id]


def test_lists_page_by_signed_cursors_and_filter(agency: Agency) -> None:
    uploaded = [agency.upload(BAGGAGE, title=f"Number {n}").id for n in range(3)]
    agency.upload(DOGS, "hunde.txt", visibility="public")
    query = DocumentQuery(page_size=2, visibility=Visibility.INTERNAL)
    page = list_documents(agency.context("viewer"), query)
    rest = list_documents(
        agency.context("viewer"), query.model_copy(update={"cursor": page.next_cursor})
    )
    assert [d.id for d in [*page.items, *rest.items]] == uploaded[::-1]
    assert not rest.has_more


def test_a_viewer_may_not_upload(agency: Agency) -> None:
    with pytest.raises(PermissionDenied):
        agency.upload(BAGGAGE, role="viewer")
    assert list_documents(agency.context(), DocumentQuery()).items == []


def test_each_change_promises_an_event(agency: Agency, sql: psycopg.Connection) -> None:
    document = agency.upload(BAGGAGE)
    delete_document(agency.context(), DocumentPath(document_id=document.id))
    rows = sql.execute(
        "select topic from app.outbox where tenant_id = %s and topic = 'knowledge'",
        (agency.tenant.id,),
    ).fetchall()
    assert len(rows) == 2


def test_an_event_of_an_unknown_tenant_is_acknowledged(agency: Agency) -> None:
    stranger = replace(agency, tenant=replace(agency.tenant, id=uuid4()))
    stranger.index()
