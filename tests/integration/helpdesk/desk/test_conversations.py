"""/v1/helpdesk/conversations through the door: one's own history, and staff's view of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.helpdesk.desk.conftest import CITATION, Office
from tests.support import door

if TYPE_CHECKING:
    from tests.integration.helpdesk.desk.conftest import Caller

LIST = "/conversations"


def titles(caller: Caller, **query: str) -> list[str]:
    return [conversation["title"] for conversation in caller.get(LIST, **query)]


def test_a_list_has_ones_own_conversations_the_newest_activity_first(office: Office) -> None:
    first = office.talk("viewer", "First?")
    office.talk("viewer", "Second?")
    office.talk("agent", "A colleague's?")
    assert titles(office["viewer"]) == ["Second?", "First?"]
    office.ask("viewer", first, "And then?")
    [latest, _] = office["viewer"].get(LIST)
    assert (latest["title"], latest["message_count"], latest["channel"]) == ("First?", 4, "staff")


@pytest.mark.parametrize("who", ["owner", "agent"])
def test_staff_list_everybodys_by_channel_and_user(who: str, office: Office) -> None:
    office.talk("viewer", "From the office?")
    office.talk("visitor", "From the website?")
    assert titles(office[who]) == []
    assert titles(office[who], scope="all") == ["From the website?", "From the office?"]
    assert titles(office[who], scope="all", channel="website") == ["From the website?"]
    viewer = str(office["viewer"].id)
    assert titles(office[who], scope="all", user=viewer) == ["From the office?"]


@pytest.mark.parametrize("who", ["viewer", "visitor"])
def test_others_may_not_list_everybodys(who: str, office: Office) -> None:
    reply = office[who].send("GET", LIST, query_string={"scope": "all"})
    door.error_of(reply, 403, "permission_denied")


def test_a_users_filter_without_scope_all_is_refused_by_name(office: Office) -> None:
    reply = office["agent"].send("GET", LIST, query_string={"user": str(office["viewer"].id)})
    assert set(door.fields_of(reply)) == {"user"}


def test_pages_show_every_conversation_once_while_others_are_begun(office: Office) -> None:
    begun = [office.talk("agent", f"Question {number}?").id for number in range(7)]
    seen: list[str] = []
    for page in office["agent"].pages(LIST, page_size=2):
        seen += [conversation["id"] for conversation in page]
        office.talk("agent", "Meanwhile?")
    assert seen == list(reversed(begun))


def test_a_conversation_that_comes_alive_while_it_is_paged_over_is_not_shown_twice(
    office: Office,
) -> None:
    talks = [office.talk("agent", f"Question {number}?") for number in range(6)]
    seen: list[str] = []
    for page in office["agent"].pages(LIST, page_size=2):
        seen += [conversation["id"] for conversation in page]
        office.ask("agent", talks[-1], "And?")
    assert len(seen) == len(set(seen)) == 6


def test_an_edited_cursor_or_one_of_another_list_is_refused(
    office: Office, other_office: Office
) -> None:
    for place in (office, other_office):
        for number in range(3):
            place.talk("agent", f"Question {number}?")
    agent = office["agent"]
    cursor = agent.page(LIST, page_size=1)["next_cursor"]
    edited = cursor[:-3] + ("AAA" if cursor[-3:] != "AAA" else "BBB")
    for query in ({"cursor": edited}, {"cursor": cursor, "scope": "all"}, {"cursor": "x"}):
        door.error_of(agent.send("GET", LIST, query_string=query), 400, "invalid_cursor")
    theirs = other_office["agent"].send("GET", LIST, query_string={"cursor": cursor})
    door.error_of(theirs, 400, "invalid_cursor")


def test_a_conversation_is_read_with_citations_and_ones_own_feedback(office: Office) -> None:
    talk = office.talk("viewer", "May I bring skis?", "And a bicycle?")
    opinion = {"rating": "unhelpful", "reason": "outdated", "comment": "The fee went up."}
    office["viewer"].do("POST", f"/answers/{talk.answers[0]}/feedback", opinion, status=201)
    office["agent"].do(
        "POST", f"/answers/{talk.answers[1]}/feedback", {"rating": "helpful"}, status=201
    )
    read = office["viewer"].get(f"{LIST}/{talk.id}")
    assert [message["role"] for message in read["messages"]] == ["user", "assistant"] * 2
    assert [message["text"] for message in read["messages"]][::2] == [
        "May I bring skis?",
        "And a bicycle?",
    ]
    assert read["messages"][1]["citations"] == [CITATION]
    assert [message["feedback"] for message in read["messages"]] == [None, opinion, None, None]
    assert read["has_more"] is False


def test_of_a_long_conversation_the_last_200_messages_are_shown(office: Office) -> None:
    talk = office.talk("viewer")
    office.sql.execute(
        "insert into app.messages (tenant_id, id, conversation_id, position, role, text)"
        " select %s, gen_random_uuid(), %s, n, 'user', 'Question ' || n"
        " from generate_series(3, 203) as n",
        [office.tenant.id, talk.id],
    )
    read = office["viewer"].get(f"{LIST}/{talk.id}")
    assert [read["messages"][0]["position"], read["messages"][-1]["position"]] == [4, 203]
    assert (len(read["messages"]), read["has_more"], read["message_count"]) == (200, True, 203)


def test_a_citation_that_nobody_can_read_does_not_hide_the_conversation(office: Office) -> None:
    talk = office.talk("visitor")
    office.sql.execute(
        "update app.messages set citations = %s where tenant_id = %s and id = %s",
        ['[7, {"title": 1}]', office.tenant.id, talk.answers[0]],
    )
    assert office["agent"].get(f"{LIST}/{talk.id}")["messages"][1]["citations"] == []


@pytest.mark.parametrize("who", ["viewer", "stranger"])
def test_a_colleagues_conversation_does_not_exist_for_others(who: str, office: Office) -> None:
    talk = office.talk("visitor")
    for method, body in (("GET", None), ("PATCH", {"title": "Mine"}), ("DELETE", None)):
        reply = office[who].send(method, f"{LIST}/{talk.id}", json=body)
        door.error_of(reply, 404, "not_found")
    assert office["visitor"].get(f"{LIST}/{talk.id}")["title"] == "May I bring skis?"


def test_another_agencys_conversation_does_not_exist(office: Office, other_office: Office) -> None:
    talk = office.talk("owner")
    for method, body in (("GET", None), ("PATCH", {"title": "Mine"}), ("DELETE", None)):
        reply = other_office["owner"].send(method, f"{LIST}/{talk.id}", json=body)
        door.error_of(reply, 404, "not_found")
    assert office.count("messages") == 2


def test_an_agent_reads_a_colleagues_conversation_and_changes_nothing(office: Office) -> None:
    talk = office.talk("viewer")
    assert office["agent"].get(f"{LIST}/{talk.id}")["user"]["id"] == str(office["viewer"].id)
    for method, body in (("PATCH", {"title": "Mine"}), ("DELETE", None)):
        reply = office["agent"].send(method, f"{LIST}/{talk.id}", json=body)
        door.error_of(reply, 403, "permission_denied")


@pytest.mark.parametrize("who", ["visitor", "owner"])
def test_its_user_or_the_owner_renames_a_conversation_and_its_place_stays(
    who: str, office: Office
) -> None:
    talk = office.talk("visitor", "First?")
    office.talk("visitor", "Second?")
    renamed = office[who].do("PATCH", f"{LIST}/{talk.id}", {"title": "  Skis "})
    assert renamed["title"] == "Skis"
    assert titles(office["visitor"]) == ["Second?", "Skis"]
    assert office.audited("conversation.renamed") == [{}]


@pytest.mark.parametrize("title", ["", "   ", "x" * 201, None])
def test_a_title_that_is_none_is_refused_by_name(title: str | None, office: Office) -> None:
    talk = office.talk("visitor")
    reply = office["visitor"].send("PATCH", f"{LIST}/{talk.id}", json={"title": title})
    assert set(door.fields_of(reply)) == {"title"}


@pytest.mark.parametrize("who", ["visitor", "owner"])
def test_a_deleted_conversation_is_really_gone_with_its_messages_and_feedback(
    who: str, office: Office
) -> None:
    talk, kept = office.talk("visitor", "Gone?", "And this?"), office.talk("visitor", "Kept?")
    office["visitor"].do(
        "POST", f"/answers/{talk.answers[0]}/feedback", {"rating": "helpful"}, status=201
    )
    assert office[who].do("DELETE", f"{LIST}/{talk.id}") == {"id": talk.id, "deleted": True}
    assert titles(office["visitor"]) == ["Kept?"]
    assert (office.count("messages"), office.count("feedback")) == (2, 0)
    door.error_of(office["visitor"].send("GET", f"{LIST}/{talk.id}"), 404, "not_found")
    assert office["visitor"].get(f"{LIST}/{kept.id}")["message_count"] == 2
    [deleted] = office.audited("conversation.deleted")
    assert deleted == {"conversations": 1, "messages": 4, "feedback": 1}


def test_deleting_again_with_the_same_key_has_the_same_reply(office: Office) -> None:
    talk = office.talk("visitor")
    key = {"Idempotency-Key": "delete-once"}
    replies = [
        office["visitor"].send("DELETE", f"{LIST}/{talk.id}", headers=key).get_json()["data"]
        for _ in range(2)
    ]
    assert replies == [{"id": talk.id, "deleted": True}] * 2
    door.error_of(office["visitor"].send("DELETE", f"{LIST}/{talk.id}"), 404, "not_found")
