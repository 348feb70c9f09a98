"""Whom a document answers: internal ones the agency's staff, public ones website visitors too."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.integration.helpdesk.conftest import (
    BAGGAGE_ANSWER,
    BAGGAGE_QUESTION,
    BAGGAGE_RULES,
)

if TYPE_CHECKING:
    from frontdesk.local.stack import Stack
    from tests.integration.helpdesk.conftest import Desk
    from tests.integration.knowledge.conftest import Agency
    from tests.support.tenants import TenantFactory

PARTNERS = (
    b"# Commission on safaris\n\n"
    b"Partner agencies earn a commission of 8 percent on every safari to Kenya.\n"
)
PARTNERS_QUESTION = "What commission do partner agencies earn on a safari to Kenya?"
PARTNERS_ANSWER = "8 percent"
STAFF_ON_BAGGAGE = (
    b"# Baggage on Halcyon Air: for the staff\n\n"
    b"Halcyon Air lets our best clients check a suitcase of 31 kilograms.\n"
)


@pytest.fixture
def secretive(agency: Agency) -> Agency:
    """An agency with a public document on baggage, and internal ones on baggage and partners."""
    agency.upload(BAGGAGE_RULES, "baggage.md", title="Baggage", visibility="public")
    agency.upload(STAFF_ON_BAGGAGE, "staff.md", title="Staff", visibility="internal")
    agency.upload(PARTNERS, "partners.md", title="Partners", visibility="internal")
    agency.index()
    return agency


@pytest.fixture
def visitor(secretive: Agency, make_tenant: TenantFactory, stack: Stack) -> str:
    """The token of somebody who came to the agency's website."""
    user = uuid4()
    make_tenant.call(
        "platform_upsert_member",
        p_tenant=str(secretive.tenant.id),
        p_user=str(user),
        p_role="visitor",
    )
    return stack.mint_token(user, secretive.tenant.id)


def test_a_visitor_gets_no_answer_from_an_internal_document(desk: Desk, visitor: str) -> None:
    reply = desk.ask(visitor, PARTNERS_QUESTION)
    assert (reply["mode"], reply["citations"]) == ("no_answer", [])
    assert PARTNERS_ANSWER not in reply["answer"]


def test_a_visitor_is_answered_from_public_documents_alone(desk: Desk, visitor: str) -> None:
    reply = desk.ask(visitor, BAGGAGE_QUESTION)
    assert BAGGAGE_ANSWER in reply["answer"]
    assert {citation["title"] for citation in reply["citations"]} == {"Baggage"}
    assert "31" not in reply["answer"]


def test_an_agent_is_answered_from_internal_and_public_documents(
    desk: Desk, secretive: Agency
) -> None:
    agent = secretive.tenant.token("agent")
    assert PARTNERS_ANSWER in desk.ask(agent, PARTNERS_QUESTION)["answer"]
    baggage = desk.ask(agent, BAGGAGE_QUESTION)
    assert BAGGAGE_ANSWER in baggage["answer"]
    assert {"Baggage", "Staff"} <= {citation["title"] for citation in baggage["citations"]}


def test_what_an_agent_was_answered_is_not_given_to_a_visitor_after_it(
    desk: Desk, secretive: Agency, visitor: str
) -> None:
    assert PARTNERS_ANSWER in desk.ask(secretive.tenant.token(), PARTNERS_QUESTION)["answer"]
    assert desk.ask(visitor, PARTNERS_QUESTION)["mode"] == "no_answer"
