"""From an upload to a passage found, on the real stack."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from frontdesk.knowledge.documents import (
    DocumentChanges,
    DocumentPath,
    DocumentQuery,
    DocumentStatus,
    Visibility,
    delete_document,
    list_documents,
    read_document,
    update_document,
)
from frontdesk.knowledge.index import PUBLIC_ONLY
from frontdesk.knowledge.serving import knowledge_of
from frontdesk.platform.errors import Conflict, NotFound, PermissionDenied
from frontdesk.platform.services import Services
from tests.integration.knowledge.conftest import Agency, a_deadline
from tests.support.callers import member, refused

if TYPE_CHECKING:
    import psycopg

BAGGAGE = b"# Baggage\nEach passenger may check one bag of 23 kg.\n\n## Cabin\nA bag of 8 kg fits."
DOGS = "Hunde schlafen für 12 Franken pro Nacht im Zimmer und brauchen keine Anmeldung.".encode()


def promised(sql: psycopg.Connection, agency: Agency) -> int:
    """How many events the agency's knowledge has promised."""
    row = sql.execute(
        "select count(*) from app.outbox where tenant_id = %s and topic = 'knowledge'",
        (agency.tenant.id,),
    ).fetchone()
    assert row is not None
    return int(row[0])


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
    agency.index()
    found = agency.ask("Was kosten Hunde im Zimmer?").selected[0]
    assert found.document.language == "de"
    assert "95 EUR" in agency.ask("What does a night at the Meltemi cost?").selected[0].text


def test_a_stored_file_that_is_no_longer_the_uploaded_one_fails_with_the_reason(
    agency: Agency,
) -> None:
    document = agency.upload(BAGGAGE)
    agency.damage(document)
    agency.index()
    failed = read_document(agency.context(), DocumentPath(document_id=document.id))
    assert failed.status is DocumentStatus.FAILED
    assert "not the one that was uploaded" in (failed.reason or "")


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
    assert not [name for name in agency.objects() if str(document.id) in name]
    with pytest.raises(NotFound):
        read_document(agency.context(), DocumentPath(document_id=document.id))


def test_a_replaced_file_answers_after_the_next_build_and_the_one_before_is_gone(
    agency: Agency,
) -> None:
    document = agency.upload(BAGGAGE, "baggage.md", visibility="public", tags="rules")
    agency.index()
    newer = agency.replace(document.id, BAGGAGE.replace(b"23 kg", b"30 kg"))
    assert (newer.id, newer.status) == (document.id, DocumentStatus.PENDING)
    assert (newer.title, newer.tags, newer.visibility) == ("Baggage", ["rules"], "public")
    assert len(agency.objects()) == 2
    agency.index()
    (kept,) = agency.objects()
    assert agency.content(document.id) == BAGGAGE.replace(b"23 kg", b"30 kg")
    fresh = replace(
        agency, services=Services(agency.services.settings, storage=agency.services.storage)
    )
    texts = [c.text for c in fresh.ask("How heavy may my suitcase be?").candidates]
    assert any("30 kg" in text for text in texts)
    assert not any("23 kg" in text for text in texts)
    # And back again: the first file's bytes under a new name, so nothing removes them.
    agency.replace(document.id, BAGGAGE)
    agency.index()
    assert agency.content(document.id) == BAGGAGE
    assert agency.objects() != [kept]


def test_a_language_that_somebody_named_outlives_a_new_file(agency: Agency) -> None:
    named = agency.upload(BAGGAGE, "a.md", language="fr")
    detected = agency.upload(BAGGAGE + b"!", "b.md")
    assert (detected.language, detected.language_detected) == ("en", True)
    for document, expected in ((named, ("fr", False)), (detected, ("de", True))):
        newer = agency.replace(document.id, DOGS, "hunde.txt")
        assert (newer.language, newer.language_detected) == expected
    said = agency.replace(detected.id, DOGS, "hunde.txt", language="es")
    assert (said.language, said.language_detected) == ("es", False)


def test_changes_are_searched_by_after_the_next_build(agency: Agency) -> None:
    document = agency.upload(BAGGAGE, "baggage.md")
    agency.index()
    path = DocumentPath(document_id=document.id)
    changed = update_document(
        agency.context(), path, DocumentChanges(title="Luggage", visibility=Visibility.PUBLIC)
    )
    assert changed.status is DocumentStatus.PENDING
    agency.index()
    assert read_document(agency.context(), path).status is DocumentStatus.INDEXED
    fresh = Services(agency.services.settings, storage=agency.services.storage)
    retrieval = knowledge_of(fresh).retriever.retrieve(
        "bag of 23 kg", agency.tenant.id, filters=PUBLIC_ONLY, deadline=a_deadline()
    )
    assert {c.document.title for c in retrieval.candidates} == {"Luggage"}


def test_what_changes_nothing_asks_for_no_build(agency: Agency, sql: psycopg.Connection) -> None:
    document = agency.upload(BAGGAGE, "baggage.md", tags="rules")
    agency.index()
    path = DocumentPath(document_id=document.id)
    same = DocumentChanges(title="Baggage", tags=["rules"])
    assert update_document(agency.context(), path, same).status is DocumentStatus.INDEXED
    assert promised(sql, agency) == 1


def test_the_same_file_twice_is_a_conflict_that_names_the_first(agency: Agency) -> None:
    first = agency.upload(BAGGAGE, "baggage.md")
    with pytest.raises(Conflict) as caught:
        agency.upload(BAGGAGE, "baggage (1).md", title="  bAggage ")
    assert caught.value.details["document_id"] == str(first.id)
    assert caught.value.details["errors"][0]["field"] == "file"
    assert first.title in caught.value.message
    assert len(agency.objects()) == 1
    agency.upload(BAGGAGE, "baggage.md", allow_duplicate=True)
    delete_document(agency.context(), DocumentPath(document_id=first.id))
    with pytest.raises(Conflict):
        agency.upload(BAGGAGE, "baggage.md")


def test_of_the_same_file_uploaded_many_times_at_once_one_is_kept(agency: Agency) -> None:
    def upload(number: int) -> bool:
        try:
            agency.upload(BAGGAGE, f"{number}.md")
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        kept = list(pool.map(upload, range(4)))
    assert kept.count(True) == 1
    assert len(agency.objects()) == 1


def test_a_file_that_lies_elsewhere_is_neither_indexed_nor_read_nor_removed(
    agency: Agency, other_agency: Agency, sql: psycopg.Connection
) -> None:
    theirs = other_agency.upload(b"# Canary\n\nThe safe opens with 1234.", "canary.md")
    (stolen,) = other_agency.objects()
    mine = agency.upload(BAGGAGE, "baggage.md")
    # What a member could write down with curl, had they found out the name and the digest.
    sql.execute(
        "update app.knowledge_documents set object_name = %s, sha256 = %s where id = %s",
        (stolen, theirs.sha256, mine.id),
    )
    agency.index()
    path = DocumentPath(document_id=mine.id)
    assert read_document(agency.context(), path).status is DocumentStatus.FAILED
    with pytest.raises(NotFound):
        agency.content(mine.id)
    delete_document(agency.context(), path)
    agency.index()
    assert other_agency.objects() == [stolen]


def test_a_new_file_must_be_an_object_of_its_document(
    agency: Agency, sql: psycopg.Connection
) -> None:
    document = agency.upload(BAGGAGE, "baggage.md")
    (present,) = agency.objects()
    agent = member(sql, agency.tenant, "agent")
    facts = {
        "filename": "x.md",
        "content_type": "text/markdown",
        "size": 1,
        "sha256": "0" * 64,
        "language": "en",
    }
    for name in (present, f"tenants/{uuid4()}/documents/{document.id}/x", f"{present}/../x"):
        with refused("invalid_request"):
            agent("replace_document", p_id=document.id, p_document={**facts, "object_name": name})


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
    path = DocumentPath(document_id=document.id)
    agency.replace(document.id, DOGS)
    update_document(agency.context(), path, DocumentChanges(title="Dogs"))
    delete_document(agency.context(), path)
    assert promised(sql, agency) == 4
    actions = sql.execute(
        "select action from app.audit_log where tenant_id = %s and entity_id = %s order by id",
        (agency.tenant.id, document.id),
    ).fetchall()
    assert [action for (action,) in actions] == [
        "document.added",
        "document.replaced",
        "document.updated",
        "document.deleted",
    ]


def test_an_event_of_an_unknown_tenant_is_acknowledged(agency: Agency) -> None:
    stranger = replace(agency, tenant=replace(agency.tenant, id=uuid4()))
    stranger.index()
