"""The shared index on the real stack: everybody finds it, and still nobody another's documents."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from frontdesk.helpdesk.explain import explanation_of
from frontdesk.helpdesk.findings import Finder
from frontdesk.knowledge.index import Filters
from frontdesk.knowledge.manifest import SHARED_TENANT
from frontdesk.knowledge.serving import knowledge_of, shelf_of
from tests.integration.knowledge.conftest import a_deadline
from tests.unit.knowledge.builders import build, document

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from frontdesk.local.stack import Stack
    from frontdesk.platform.services import Services
    from tests.integration.helpdesk.conftest import Desk, StartProcess
    from tests.integration.knowledge.conftest import Agency
    from tests.support.tenants import TenantFactory

VISA = document(
    900, "# Visa for Kenya\n\nKenya asks every traveller for an electronic visa before departure."
)
VISA_QUESTION = "Do I need a visa for Kenya before departure?"
VISA_ANSWER = "electronic visa"
OURS = b"# Ferry to Gavdos\n\nThe ferry to Gavdos leaves from the harbour of Sfakia at noon.\n"
OURS_QUESTION = "From which harbour does the ferry to Gavdos leave?"
OURS_ANSWER = "Sfakia"


@pytest.fixture
def shared(services: Services, tmp_path: Path) -> UUID:
    """The shared index, published; the id of its document."""
    embedder = knowledge_of(services).embedder
    folder = tmp_path / "shared"
    manifest = build(folder, [VISA], embedder, version="s1", tenant_id=SHARED_TENANT)
    shelf_of(services).publish(folder, manifest, expected_generation=0, deadline=a_deadline())
    return VISA.document_id


@pytest.fixture
def ours(agency: Agency) -> Agency:
    """An agency with one document of its own, a public one."""
    agency.upload(OURS, "ferry.md", title="Ferries", visibility="public")
    agency.index()
    return agency


def cited(reply: dict[str, object]) -> set[str]:
    citations = reply["citations"]
    assert isinstance(citations, list)
    return {citation["title"] for citation in citations}


def test_both_agencies_find_the_shared_document_and_neither_the_others(
    shared: UUID, desk: Desk, ours: Agency, other_agency: Agency
) -> None:
    other_agency.upload(b"# Parking\n\nParking at our office costs 9 EUR a day.\n", "parking.md")
    other_agency.index()
    for agency in (ours, other_agency):
        reply = desk.ask(agency.tenant.token("agent"), VISA_QUESTION)
        assert VISA_ANSWER in reply["answer"]
        assert reply["citations"][0]["document_id"] == str(shared)
        assert reply["citations"][0]["title"] == "Visa for Kenya"
    mine = desk.ask(ours.tenant.token("agent"), OURS_QUESTION)
    assert OURS_ANSWER in mine["answer"]
    theirs = desk.ask(other_agency.tenant.token("agent"), OURS_QUESTION)
    assert OURS_ANSWER not in theirs["answer"]
    assert "Ferries" not in cited(theirs)


def test_an_agency_without_documents_is_answered_from_the_shared_ones(
    shared: UUID, desk: Desk, agency: Agency
) -> None:
    reply = desk.ask(agency.tenant.token("viewer"), VISA_QUESTION)
    assert VISA_ANSWER in reply["answer"]


def test_a_website_visitor_sees_shared_documents(
    shared: UUID, desk: Desk, ours: Agency, make_tenant: TenantFactory, stack: Stack
) -> None:
    user = uuid4()
    make_tenant.call(
        "platform_upsert_member",
        p_tenant=str(ours.tenant.id),
        p_user=str(user),
        p_role="visitor",
    )
    reply = desk.ask(stack.mint_token(user, ours.tenant.id), VISA_QUESTION)
    assert VISA_ANSWER in reply["answer"]


def test_the_search_says_which_indexes_it_went_to(
    shared: UUID, ours: Agency, services: Services
) -> None:
    knowledge = knowledge_of(services)
    finder = Finder(knowledge.retriever, knowledge.embedders, clock=services.clock)
    found = finder.find(VISA_QUESTION, ours.tenant.id, Filters(), deadline=a_deadline())
    explained = explanation_of(found)
    assert [index.shared for index in explained.indexes] == [False, True]
    assert {c.title: c.shared for c in explained.candidates} == {
        "Visa for Kenya": True,
        "Ferries": False,
    }
    assert explained.candidates[0].cosine is not None


def test_a_shared_index_that_is_damaged_costs_no_agency_its_answers(
    shared: UUID, start_process: StartProcess, ours: Agency, services: Services
) -> None:
    bucket = services.settings.faiss_bucket_name
    prefix = services.settings.faiss_index_prefix
    services.storage.write(
        bucket,
        f"{prefix}/{SHARED_TENANT}/s1/chunks.sqlite",
        b"not a database",
        content_type="application/octet-stream",
        deadline=a_deadline(),
    )
    reply = start_process().ask(ours.tenant.token("agent"), OURS_QUESTION)
    assert OURS_ANSWER in reply["answer"]
    assert reply["degraded"] is False
