"""Tickets through the door: opened, found, changed, moved on, commented, each by who may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from tests.integration.helpdesk.desk.conftest import CITATION, Office
from tests.support import door

if TYPE_CHECKING:
    from tests.integration.helpdesk.desk.conftest import Caller

LIST = "/tickets"
CONTACT = {"name": "Ada", "email": "ada@example.com", "phone": "+44 20 7946 0000"}


def opened(caller: Caller, subject: str = "No visa", **fields: Any) -> dict[str, Any]:
    ticket: dict[str, Any] = caller.do("POST", LIST, {"subject": subject, **fields}, status=201)
    return ticket


def move(caller: Caller, ticket: dict[str, Any], *statuses: str) -> dict[str, Any]:
    for status in statuses:
        ticket = caller.do("POST", f"{LIST}/{ticket['id']}/status", {"status": status})
    return ticket


def happened(caller: Caller, ticket: dict[str, Any]) -> list[str]:
    return [event["type"] for event in caller.get(f"{LIST}/{ticket['id']}")["events"]]


def subjects(caller: Caller, **query: Any) -> list[str]:
    return [ticket["subject"] for ticket in caller.get(LIST, **query)]


def test_a_ticket_of_a_conversation_carries_its_transcript_and_the_last_question(
    office: Office,
) -> None:
    talk = office.talk("viewer", "May I bring skis?", "And a bicycle?")
    ticket = office["viewer"].do("POST", LIST, {"conversation_id": talk.id}, status=201)
    assert ticket["subject"] == "And a bicycle?"
    assert [message["text"] for message in ticket["transcript"]] == [
        "May I bring skis?",
        "About May I bring skis? [1]",
        "And a bicycle?",
        "About And a bicycle? [1]",
    ]
    assert ticket["transcript"][1]["citations"] == [CITATION]
    assert (ticket["conversation_id"], ticket["status"]) == (talk.id, "open")
    assert ticket["requester"]["id"] == str(office["viewer"].id)


def test_a_ticket_of_an_answer_takes_the_question_that_it_answers(office: Office) -> None:
    talk = office.talk("viewer", "May I bring skis?", "And a bicycle?")
    ticket = office["viewer"].do("POST", LIST, {"answer_id": talk.answers[0]}, status=201)
    assert ticket["subject"] == "May I bring skis?"
    assert (ticket["conversation_id"], ticket["answer_id"]) == (talk.id, talk.answers[0])


def test_deleting_the_conversation_leaves_the_transcript(office: Office) -> None:
    talk = office.talk("viewer", "May I bring skis?")
    ticket = office["viewer"].do("POST", LIST, {"answer_id": talk.answers[0]}, status=201)
    office["viewer"].do("DELETE", f"/conversations/{talk.id}")
    read = office["viewer"].get(f"{LIST}/{ticket['id']}")
    assert read["transcript"] == ticket["transcript"] != []
    assert (read["conversation_id"], read["answer_id"]) == (None, None)


def test_tickets_are_numbered_without_gaps_in_the_year_of_the_agency(office: Office) -> None:
    year = datetime.now(ZoneInfo("Europe/Athens")).year
    assert opened(office["viewer"])["number"] == f"T-{year}-0001"
    refused = office["viewer"].send("POST", LIST, json={"subject": "x", "client_id": NOBODY})
    door.error_of(refused, 404, "not_found")
    assert opened(office["agent"])["number"] == f"T-{year}-0002"


NOBODY = "00000000-0000-4000-8000-000000000000"


def test_opening_again_with_the_same_key_opens_one_ticket(office: Office) -> None:
    key = {"Idempotency-Key": "once"}
    replies = [
        office["viewer"].send("POST", LIST, json={"subject": "No visa"}, headers=key)
        for _ in range(2)
    ]
    assert [reply.status_code for reply in replies] == [201, 201]
    first, second = (reply.get_json()["data"] for reply in replies)
    assert first == second
    assert replies[0].headers["Location"] == f"/v1/helpdesk/tickets/{first['id']}"
    assert office.count("tickets") == 1
    other = office["viewer"].send("POST", LIST, json={"subject": "Lost bag"}, headers=key)
    door.error_of(other, 422, "idempotency_key_reused")


def test_a_visitor_opens_a_ticket_and_leaves_a_way_to_be_reached(office: Office) -> None:
    ticket = opened(office["visitor"], contact=CONTACT)
    assert ticket["contact"] == CONTACT
    for contact in (None, {}, {"name": "Ada"}):
        reply = office["visitor"].send("POST", LIST, json={"subject": "x", "contact": contact})
        assert set(door.fields_of(reply)) == {"contact"}
    assert office.count("tickets") == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "subject"),
        ({"subject": " "}, "subject"),
        ({"subject": "x" * 301}, "subject"),
        ({"subject": "x", "description": "x" * 20_001}, "description"),
        ({"subject": "x", "priority": "now"}, "priority"),
        ({"subject": "x", "client_id": "seven"}, "client_id"),
        ({"subject": "x", "contact": {"email": "nobody"}}, "contact.email"),
        ({"subject": "x", "contact": {"fax": "1"}}, "contact.fax"),
        ({"subject": "x", "status": "closed"}, "status"),
    ],
)
def test_a_wrong_field_is_named(body: dict[str, Any], field: str, office: Office) -> None:
    reply = office["viewer"].send("POST", LIST, json=body)
    assert set(door.fields_of(reply)) == {field}


def test_no_ticket_shows_a_conversation_that_its_requester_may_not_see(
    office: Office, other_office: Office
) -> None:
    theirs = office.talk("visitor")
    for caller in (office["viewer"], other_office["owner"]):
        for body in ({"conversation_id": theirs.id}, {"answer_id": theirs.answers[0]}):
            door.error_of(caller.send("POST", LIST, json=body), 404, "not_found")
    own = office.talk("agent")
    mixed = {"conversation_id": own.id, "answer_id": theirs.answers[0]}
    assert set(door.fields_of(office["agent"].send("POST", LIST, json=mixed))) == {"answer_id"}


def test_viewers_and_visitors_see_their_own_tickets_alone(office: Office) -> None:
    opened(office["viewer"], "The viewer's")
    theirs = opened(office["visitor"], "The visitor's", contact=CONTACT)
    opened(office["agent"], "The agent's")
    assert subjects(office["viewer"]) == ["The viewer's"]
    assert subjects(office["visitor"]) == ["The visitor's"]
    assert subjects(office["visitor"], requester=str(office["viewer"].id)) == []
    assert subjects(office["agent"]) == ["The agent's", "The visitor's", "The viewer's"]
    door.error_of(office["viewer"].send("GET", f"{LIST}/{theirs['id']}"), 404, "not_found")
    comment = {"text": "Let me see", "visibility": "public"}
    reply = office["stranger"].send("POST", f"{LIST}/{theirs['id']}/comments", json=comment)
    door.error_of(reply, 404, "not_found")


def test_another_agencys_ticket_does_not_exist(office: Office, other_office: Office) -> None:
    ticket = opened(office["viewer"])
    owner = other_office["owner"]
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"subject": "Mine"}),
        ("POST", "/status", {"status": "in_progress"}),
        ("POST", "/comments", {"text": "Mine", "visibility": "public"}),
    ):
        reply = owner.send(method, f"{LIST}/{ticket['id']}{path}", json=body)
        door.error_of(reply, 404, "not_found")
    assert owner.get(LIST) == []
    assert happened(office["agent"], ticket) == ["opened"]


def test_a_list_is_narrowed_by_everything_that_it_offers(office: Office) -> None:
    agent, me = office["agent"], str(office["agent"].id)
    skis = opened(office["viewer"], "Łukasz and his skis", priority="high")
    visa = opened(agent, "No visa")
    agent.do("PATCH", f"{LIST}/{visa['id']}", {"assignee_id": me})
    move(agent, visa, "in_progress")

    assert subjects(agent, status="open") == ["Łukasz and his skis"]
    assert subjects(agent, status=["open", "in_progress"]) == ["No visa", "Łukasz and his skis"]
    assert subjects(agent, priority="high") == ["Łukasz and his skis"]
    assert subjects(agent, assignee="me") == subjects(agent, assignee=me) == ["No visa"]
    assert subjects(office["owner"], assignee="me") == []
    assert subjects(agent, assignee="none") == ["Łukasz and his skis"]
    assert subjects(agent, requester=str(office["viewer"].id)) == ["Łukasz and his skis"]
    assert subjects(agent, requester="me") == ["No visa"]
    assert subjects(agent, q="lukasz") == ["Łukasz and his skis"]
    assert subjects(agent, q=skis["number"].lower()) == ["Łukasz and his skis"]
    assert subjects(agent, q="100%") == []
    assert subjects(agent, sort="created") == ["No visa", "Łukasz and his skis"]
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for field in ("created", "updated"):
        assert subjects(agent, **{f"{field}_since": soon}) == []
        assert len(subjects(agent, **{f"{field}_until": soon})) == 2


def test_a_ticket_is_about_a_client_whom_visitors_do_not_see(office: Office) -> None:
    [client] = office.sql.execute(
        "insert into app.clients (tenant_id, id, number, name)"
        " values (%s, gen_random_uuid(), 'CLI-1', 'Ada') returning id::text",
        [office.tenant.id],
    ).fetchone() or [None]
    ticket = opened(office["visitor"], contact=CONTACT)
    changed = office["agent"].do("PATCH", f"{LIST}/{ticket['id']}", {"client_id": client})
    assert changed["client"] == {"id": client, "number": "CLI-1", "name": "Ada"}
    assert subjects(office["agent"], client=client) == ["No visa"]
    assert office["visitor"].get(f"{LIST}/{ticket['id']}")["client"] is None
    guess = {"subject": "x", "client_id": client, "contact": CONTACT}
    door.error_of(office["visitor"].send("POST", LIST, json=guess), 404, "not_found")


@pytest.mark.parametrize("sort", ["updated", "created"])
def test_pages_show_every_ticket_once_while_others_are_opened_and_changed(
    sort: str, office: Office
) -> None:
    agent = office["agent"]
    tickets = [opened(agent, f"Ticket {number}") for number in range(6)]
    seen: list[str] = []
    for page in agent.pages(LIST, page_size=2, sort=sort):
        seen += [ticket["id"] for ticket in page]
        opened(agent, "Meanwhile")
        comment = {"text": "Meanwhile", "visibility": "internal"}
        agent.do("POST", f"{LIST}/{tickets[-1]['id']}/comments", comment, status=201)
    assert seen == [ticket["id"] for ticket in reversed(tickets)]


def test_a_cursor_is_bound_to_list_filter_and_sort(office: Office) -> None:
    agent = office["agent"]
    for _ in range(2):
        opened(agent)
    cursor = agent.page(LIST, page_size=1)["next_cursor"]
    edited = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    for query in ({"cursor": edited}, {"cursor": cursor, "sort": "created"}):
        door.error_of(agent.send("GET", LIST, query_string=query), 400, "invalid_cursor")
    reply = agent.send("GET", "/conversations", query_string={"cursor": cursor})
    door.error_of(reply, 400, "invalid_cursor")


def test_only_what_is_sent_changes_and_each_change_is_written_down(office: Office) -> None:
    agent, colleague = office["agent"], str(office["colleague"].id)
    ticket = opened(office["viewer"], "No visa", description="For Oman", priority="low")
    changed = agent.do("PATCH", f"{LIST}/{ticket['id']}", {"priority": "high"})
    assert (changed["priority"], changed["subject"]) == ("high", "No visa")
    assert changed["description"] == "For Oman"
    assigned = agent.do("PATCH", f"{LIST}/{ticket['id']}", {"assignee_id": colleague})
    assert assigned["assignee"]["id"] == colleague
    freed = agent.do("PATCH", f"{LIST}/{ticket['id']}", {"assignee_id": None, "description": ""})
    assert (freed["assignee"], freed["description"], freed["version"]) == (None, "", 4)
    events = [(event["type"], event["details"]) for event in freed["events"]]
    assert events == [
        ("opened", {}),
        ("edited", {"fields": ["priority"]}),
        ("assigned", {"from": None, "to": colleague}),
        ("edited", {"fields": ["description"]}),
        ("assigned", {"from": colleague, "to": None}),
    ]
    assert len(office.audited("ticket.edited")) == len(office.audited("ticket.assigned")) == 2


def test_a_change_that_changes_nothing_leaves_no_trace(office: Office) -> None:
    ticket = opened(office["viewer"])
    for body in ({}, {"subject": ticket["subject"], "assignee_id": None}):
        unchanged = office["agent"].do("PATCH", f"{LIST}/{ticket['id']}", body)
        assert (unchanged["version"], unchanged["updated_at"]) == (1, ticket["updated_at"])
    assert happened(office["agent"], ticket) == ["opened"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"subject": ""}, "subject"),
        ({"subject": None}, "subject"),
        ({"description": None}, "description"),
        ({"priority": "now"}, "priority"),
        ({"assignee_id": "me"}, "assignee_id"),
        ({"number": "T-1"}, "number"),
    ],
)
def test_a_wrong_change_is_refused_by_name(
    body: dict[str, Any], field: str, office: Office
) -> None:
    ticket = opened(office["viewer"])
    reply = office["agent"].send("PATCH", f"{LIST}/{ticket['id']}", json=body)
    assert set(door.fields_of(reply)) == {field}


def test_only_an_active_owner_or_agent_of_the_agency_is_assigned(
    office: Office, other_office: Office
) -> None:
    ticket = opened(office["viewer"])
    office.sql.execute(
        "update app.tenant_members set status = 'removed' where tenant_id = %s and user_id = %s",
        [office.tenant.id, office["colleague"].id],
    )
    for nobody in (
        office["viewer"].id,
        office["visitor"].id,
        office["colleague"].id,
        other_office["agent"].id,
        NOBODY,
    ):
        body = {"assignee_id": str(nobody)}
        reply = office["agent"].send("PATCH", f"{LIST}/{ticket['id']}", json=body)
        assert set(door.fields_of(reply)) == {"assignee_id"}
    body = {"assignee_id": str(office["owner"].id)}
    assert office["agent"].do("PATCH", f"{LIST}/{ticket['id']}", body)["version"] == 2


def test_a_change_of_what_somebody_changed_in_between_is_refused(office: Office) -> None:
    agent, path = office["agent"], f"{LIST}/{opened(office['viewer'])['id']}"
    tag = agent.send("GET", path).headers["ETag"]
    assert tag == '"1"'
    first = agent.send("PATCH", path, json={"priority": "high"}, headers={"If-Match": tag})
    assert (first.status_code, first.headers["ETag"]) == (200, '"2"')
    for method, end, body in (
        ("PATCH", "", {"priority": "low"}),
        ("POST", "/status", {"status": "in_progress"}),
    ):
        late = agent.send(method, path + end, json=body, headers={"If-Match": tag})
        assert door.error_of(late, 412, "precondition_failed")["details"] == {"version": 2}
    either = {"If-Match": '"1", "2"'}
    assert agent.send("PATCH", path, json={"priority": "low"}, headers=either).status_code == 200
    anything = {"If-Match": "*"}
    assert agent.send("PATCH", path, json={"subject": "y"}, headers=anything).status_code == 200
    for weak in ('W/"4"', '"four"'):
        reply = agent.send("PATCH", path, json={"subject": "z"}, headers={"If-Match": weak})
        door.error_of(reply, 412, "precondition_failed")
    unquoted = agent.send("PATCH", path, json={"subject": "z"}, headers={"If-Match": "4"})
    assert set(door.fields_of(unquoted)) == {"If-Match"}


def test_a_comment_does_not_get_into_the_way_of_a_change(office: Office) -> None:
    agent, path = office["agent"], f"{LIST}/{opened(office['viewer'])['id']}"
    tag = agent.send("GET", path).headers["ETag"]
    office["viewer"].do(
        "POST", f"{path}/comments", {"text": "Any news?", "visibility": "public"}, status=201
    )
    reply = agent.send("PATCH", path, json={"priority": "high"}, headers={"If-Match": tag})
    assert reply.status_code == 200


def test_a_ticket_goes_its_way_and_may_be_opened_again(office: Office) -> None:
    agent = office["agent"]
    ticket = move(agent, opened(office["viewer"]), "in_progress", "resolved")
    assert ticket["resolved_at"] is not None
    ticket = move(agent, ticket, "closed")
    assert ticket["closed_at"] is not None
    ticket = move(agent, ticket, "open")
    assert (ticket["resolved_at"], ticket["closed_at"], ticket["version"]) == (None, None, 5)
    assert happened(office["viewer"], ticket) == ["opened"] + ["status_changed"] * 4
    assert office.audited("ticket.status_changed")[-1] == {"from": "closed", "to": "open"}


def test_a_step_that_is_not_possible_names_those_that_are(office: Office) -> None:
    agent, ticket = office["agent"], opened(office["viewer"])
    reply = agent.send("POST", f"{LIST}/{ticket['id']}/status", json={"status": "closed"})
    error = door.error_of(reply, 409, "invalid_transition")
    assert error["details"] == {"status": "open", "allowed": ["in_progress"]}
    assert agent.get(f"{LIST}/{ticket['id']}")["status"] == "open"


def test_moving_again_with_the_same_key_moves_once(office: Office) -> None:
    ticket, key = opened(office["viewer"]), {"Idempotency-Key": "once"}
    path, body = f"{LIST}/{ticket['id']}/status", {"status": "in_progress"}
    replies = [office["agent"].send("POST", path, json=body, headers=key) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert replies[0].get_json()["data"] == replies[1].get_json()["data"]
    assert happened(office["agent"], ticket) == ["opened", "status_changed"]


@pytest.mark.parametrize("who", ["viewer", "visitor"])
def test_requesters_comment_and_leave_the_rest_to_staff(who: str, office: Office) -> None:
    ticket = opened(office[who], contact=CONTACT)
    path = f"{LIST}/{ticket['id']}"
    for method, end, body in (
        ("PATCH", "", {"priority": "urgent"}),
        ("POST", "/status", {"status": "in_progress"}),
        ("POST", "/comments", {"text": "Psst", "visibility": "internal"}),
    ):
        reply = office[who].send(method, path + end, json=body)
        door.error_of(reply, 403, "permission_denied")
    said = office[who].do(
        "POST", f"{path}/comments", {"text": "Any news?", "visibility": "public"}, status=201
    )
    assert (said["text"], said["actor"]["id"]) == ("Any news?", str(office[who].id))


def test_a_requester_sees_what_is_public_alone_and_no_address_of_staff(office: Office) -> None:
    ticket = opened(office["visitor"], contact=CONTACT)
    agent, path = office["agent"], f"{LIST}/{ticket['id']}"
    agent.do("PATCH", path, {"assignee_id": str(agent.id), "priority": "high"})
    note = {"status": "in_progress", "note": "A difficult one"}
    agent.do("POST", f"{path}/status", note)
    for visibility in ("public", "internal"):
        comment = {"text": f"A {visibility} word", "visibility": visibility}
        agent.do("POST", f"{path}/comments", comment, status=201)
    read = office["visitor"].send("GET", path)
    events = read.get_json()["data"]["events"]
    assert [event["type"] for event in events] == ["opened", "status_changed", "commented"]
    assert events[-1]["text"] == "A public word"
    for hidden in ("A difficult one", "internal word", "@" + office.tenant.slug):
        assert hidden not in read.text
    assert len(agent.get(path)["events"]) == 7


def test_a_comment_moves_the_ticket_up_the_list(office: Office) -> None:
    first = opened(office["viewer"], "First")
    opened(office["viewer"], "Second")
    assert subjects(office["agent"]) == ["Second", "First"]
    comment = {"text": "Any news?", "visibility": "public"}
    office["viewer"].do("POST", f"{LIST}/{first['id']}/comments", comment, status=201)
    assert subjects(office["agent"]) == ["First", "Second"]
    assert office.audited("ticket.commented") == [{"visibility": "public"}]
