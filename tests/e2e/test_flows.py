"""The three flows and the README's tour, through every part, as a user meets them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import readme
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.e2e.conftest import House

# The first test waits for the house with its demo.
pytestmark = pytest.mark.timeout(600)

PATIENCE_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.2


def _eventually(read: Callable[[], Any], accept: Callable[[Any], bool]) -> Any:
    """What ``read`` gives once it is accepted: background work has no other way to say so."""
    seen: list[Any] = []

    def accepted() -> bool:
        seen.append(read())
        return accept(seen[-1])

    eventually(accepted, seconds=PATIENCE_SECONDS, every=LOOK_EVERY_SECONDS)
    return seen[-1]


def _data(house: House, method: str, path: str, **request: Any) -> Any:
    reply = house.call(method, path, **request)
    assert reply.is_success, reply.text
    return reply.json()["data"]


def test_a_question_is_answered_from_an_uploaded_document_with_its_citation(house: House) -> None:
    fact = "The lighthouse tour of Coral Journeys leaves Tinos harbour at 17:45 on Wednesdays."
    uploaded = _data(
        house,
        "POST",
        "/v1/knowledge/documents",
        files={"file": ("lighthouse.md", f"# Lighthouse tour\n\n{fact}\n".encode())},
        data={"visibility": "public"},
    )
    _eventually(
        lambda: _data(house, "GET", f"/v1/knowledge/documents/{uploaded['id']}")["status"],
        lambda status: status == "indexed",
    )
    question = {"question": "When does the lighthouse tour leave Tinos harbour?"}
    answer = _eventually(
        lambda: _data(house, "POST", "/v1/helpdesk/ask", json=question),
        lambda answer: "17:45" in (answer["answer"] or ""),
    )
    assert answer["mode"] == "extractive"
    assert uploaded["id"] in [citation["document_id"] for citation in answer["citations"]]


def test_a_question_about_another_agencys_document_is_not_answered_from_it(house: House) -> None:
    fact = "The password-free locker room of Coral Journeys is called Anemone Blue."
    uploaded = _data(
        house,
        "POST",
        "/v1/knowledge/documents",
        files={"file": ("lockers.md", f"# Lockers\n\n{fact}\n".encode())},
        data={"visibility": "public"},
    )
    _eventually(
        lambda: _data(house, "GET", f"/v1/knowledge/documents/{uploaded['id']}")["status"],
        lambda status: status == "indexed",
    )
    question = {"question": "What is the locker room of Coral Journeys called?"}
    foreign = _data(house, "POST", "/v1/helpdesk/ask", json=question, tenant="alpine")
    assert "Anemone" not in str(foreign)
    assert (
        house.call("GET", f"/v1/knowledge/documents/{uploaded['id']}", tenant="alpine").status_code
        == 404
    )


def test_a_client_is_created_found_and_counted(house: House) -> None:
    before = _data(house, "GET", "/v1/crm/pipeline", tenant="alpine")["total"]
    name = f"Ørsted {uuid.uuid4().hex[:8]}"
    created = _data(
        house,
        "POST",
        "/v1/crm/clients",
        tenant="alpine",
        role="agent",
        json={"name": name, "stage": "BOOKED"},
    )

    def found_in(tenant: str) -> list[str]:
        params = {"q": name.replace("Ø", "o")}
        reply = house.call("GET", "/v1/crm/search", tenant=tenant, params=params)
        return [row["id"] for row in reply.json()["data"]]

    assert found_in("alpine") == [created["id"]]
    assert found_in("coral") == []
    assert _data(house, "GET", "/v1/crm/pipeline", tenant="alpine")["total"] == before + 1


def test_a_tenant_is_created_and_becomes_active(house: House) -> None:
    slug = f"agency-{uuid.uuid4().hex[:8]}"
    request = {
        "slug": slug,
        "name": "A new agency",
        "currency": "EUR",
        "time_zone": "Europe/Lisbon",
        "owner_email": f"owner@{slug}.example",
    }
    created = _data(house, "POST", "/v1/tenants", admin=True, json=request)
    assert created["status"] == "provisioning"
    tenant = _eventually(
        lambda: _data(house, "GET", f"/v1/tenants/{created['id']}", admin=True),
        lambda tenant: tenant["status"] == "active",
    )
    (operation,) = tenant["operations"]
    assert operation["state"] == "succeeded"
    assert {step["state"] for step in operation["steps"]} == {"succeeded"}


def test_a_suspended_tenant_is_refused_at_once_and_comes_back(house: House) -> None:
    alpine = house.described.tenants["alpine"]
    assert house.call("GET", "/v1/crm/pipeline", tenant="alpine").status_code == 200
    _data(house, "POST", f"/v1/tenants/{alpine.id}/suspend", admin=True, json={"reason": "unpaid"})
    try:
        refused = house.call("GET", "/v1/crm/pipeline", tenant="alpine")
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "tenant_suspended")
    finally:
        _data(house, "POST", f"/v1/tenants/{alpine.id}/resume", admin=True, json={"reason": "paid"})
    assert house.call("GET", "/v1/crm/pipeline", tenant="alpine").status_code == 200


def test_the_readmes_tour_prints_what_it_says(house: House) -> None:
    steps = readme.tour()
    told = [step for step in steps if step.reply is not None]
    assert len(told) >= 7, "a tour shows its replies"
    printed = readme.run([step.script for step in steps], house)
    found = {
        step.script: readme.differences(step.reply, readme.last_json(text))
        for step, text in zip(steps, printed, strict=True)
        if step.reply is not None
    }
    assert {script: diff for script, diff in found.items() if diff} == {}
