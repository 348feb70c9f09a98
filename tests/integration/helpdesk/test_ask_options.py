"""What an asker may choose: which documents answer, and to be told how the answer came about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.integration.helpdesk.conftest import BAGGAGE_ANSWER, BAGGAGE_QUESTION, BAGGAGE_RULES
from tests.support import door
from tests.support.look_alike_desks import with_visitor

if TYPE_CHECKING:
    from frontdesk.http.function import HttpFunction
    from frontdesk.platform.services import Services
    from tests.integration.knowledge.conftest import Agency
    from tests.support.tenants import TenantFactory

ASK = "/v1/helpdesk/ask"


@pytest.fixture
def asked(
    helpdesk: HttpFunction, services: Services, agency: Agency, make_tenant: TenantFactory
) -> Any:
    """``asked(question, role="agent", **options)``: the reply's data."""

    tenant = with_visitor(agency.tenant, make_tenant)

    def asked(question: str, *, role: str = "agent", **options: Any) -> dict[str, Any]:
        reply = door.client(helpdesk.over(lambda: services)).post(
            ASK,
            json={"question": question, **options},
            headers={"Authorization": f"Bearer {tenant.token(role)}"},
        )
        assert reply.status_code == 200, reply.text
        data: dict[str, Any] = reply.get_json()["data"]
        return data

    return asked


@pytest.fixture
def two_documents(agency: Agency) -> dict[str, str]:
    """Last year's rules and this year's, which differ; their ids."""
    old = BAGGAGE_RULES.replace(BAGGAGE_ANSWER.encode(), b"32 kilograms")
    ids = {
        "old": str(agency.upload(old, "old.md", visibility="public", tags=["archive"]).id),
        "new": str(agency.upload(BAGGAGE_RULES, "new.md", visibility="internal").id),
    }
    agency.index()
    return ids


@pytest.mark.parametrize(
    ("chosen", "answer"),
    [
        (lambda ids: {"document_ids": [ids["new"]]}, BAGGAGE_ANSWER),
        (lambda ids: {"document_ids": [ids["old"]]}, "32 kilograms"),
        (lambda ids: {"tags": ["archive"]}, "32 kilograms"),
        (lambda ids: {"languages": ["en"], "document_ids": [ids["new"]]}, BAGGAGE_ANSWER),
    ],
)
def test_the_chosen_documents_alone_answer(
    asked: Any, two_documents: dict[str, str], chosen: Any, answer: str
) -> None:
    filters = chosen(two_documents)
    reply = asked(BAGGAGE_QUESTION, filters=filters)
    assert answer in reply["answer"]
    assert len({citation["document_id"] for citation in reply["citations"]}) == 1


@pytest.mark.parametrize(
    "filters", [{"languages": ["fr"]}, {"tags": ["nothing"]}, {"document_ids": [str(uuid4())]}]
)
def test_nothing_answers_when_no_document_is_left(
    asked: Any, two_documents: dict[str, str], filters: dict[str, Any]
) -> None:
    reply = asked(BAGGAGE_QUESTION, filters=filters)
    assert (reply["mode"], reply["citations"], reply["offer"]) == ("no_answer", [], "ticket")


def test_a_visitor_cannot_choose_what_is_not_public(
    asked: Any, two_documents: dict[str, str]
) -> None:
    reply = asked(
        BAGGAGE_QUESTION, role="visitor", filters={"document_ids": [two_documents["new"]]}
    )
    assert reply["mode"] == "no_answer"


def test_an_explanation_shows_every_stage(asked: Any, two_documents: dict[str, str]) -> None:
    reply = asked(BAGGAGE_QUESTION, explain=True)
    explained = reply["explanation"]
    first = explained["candidates"][0]
    assert first["document_id"] in two_documents.values()
    assert first["fused_rank"] == 1
    assert first["lexical_rank"] is not None
    assert explained["decision"]["known"]
    assert explained["decision"]["probability"] >= explained["decision"]["threshold"]


def test_an_explanation_is_given_only_when_it_is_wanted(
    asked: Any, two_documents: dict[str, str]
) -> None:
    assert asked(BAGGAGE_QUESTION)["explanation"] is None


@pytest.mark.parametrize(
    ("said", "query_type", "offer"),
    [
        ("Hello!", "greeting", None),
        ("Vielen Dank", "greeting", None),
        ("Can I talk to a human, please?", "hand_off", "ticket"),
        ("Quisiera hablar con una persona", "hand_off", "ticket"),
    ],
)
def test_a_greeting_and_a_wish_for_a_colleague_are_answered_in_our_own_words(
    asked: Any, said: str, query_type: str, offer: str | None
) -> None:
    reply = asked(said, explain=True)
    assert (reply["mode"], reply["query_type"], reply["offer"]) == ("scripted", query_type, offer)
    assert (reply["citations"], reply["explanation"], reply["degraded"]) == ([], None, False)
    assert reply["answer_id"] is not None
