"""Client search in SQL: every spelling, every script, every page, and nobody else's rows."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.callers import SqlCaller, member, refused

if TYPE_CHECKING:
    import psycopg

    from tests.support.tenants import Tenant

CLIENTS: tuple[dict[str, Any], ...] = (
    {"name": "Łukasz Kowalski", "email": "l.kowalski@example.pl", "phone": "+48 601 222 333"},
    {"name": "Jürgen Müller", "email": "juergen@example.de", "company": "Reisebüro Nord"},
    {"name": "Ελένη Παπαδοπούλου", "email": "eleni@example.gr"},
    {"name": "محمد علي"},
    {"name": "李小雷", "company": "上海旅行社"},
    {"name": "Ada 100%_Sure", "email": "ada@example.com"},
    {"name": "Đỗ Thị Hằng"},
    {"name": "Søren Ågård", "phone": "0171 555 0123"},
)


def search(caller: SqlCaller, query: str | None = None, **parameters: Any) -> list[str]:
    return [row["name"] for row in caller("search_clients", p_query=query, **parameters)["rows"]]


def new_client(name: str, **fields: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "name": name, **fields}


@pytest.fixture
def clients(agent: SqlCaller) -> None:
    rows = [{"id": str(uuid.uuid4()), **client} for client in CLIENTS]
    reply = agent("import_clients", p_rows=rows)
    assert reply["data"]["created"] == len(CLIENTS), reply


@pytest.mark.usefixtures("clients")
def test_clients_are_found_however_they_are_written(agent: SqlCaller) -> None:
    for query, name in (
        ("lukas", "Łukasz Kowalski"),
        ("LUKASZ", "Łukasz Kowalski"),
        ("łukasz kowal", "Łukasz Kowalski"),
        ("kowalski lukasz", "Łukasz Kowalski"),
        ("muller", "Jürgen Müller"),
        ("mueller", "Jürgen Müller"),
        ("MÜLLER", "Jürgen Müller"),
        ("reiseburo", "Jürgen Müller"),
        ("ελενη", "Ελένη Παπαδοπούλου"),
        ("ΠΑΠΑΔΟΠΟΎΛΟΥ", "Ελένη Παπαδοπούλου"),
        ("محمد", "محمد علي"),
        ("李小雷", "李小雷"),
        ("do thi hang", "Đỗ Thị Hằng"),
        ("soren agard", "Søren Ågård"),
        ("soeren aagaard", "Søren Ågård"),
        ("eleni@EXAMPLE.gr", "Ελένη Παπαδοπούλου"),
        ("+48601222333", "Łukasz Kowalski"),
        ("601 222", "Łukasz Kowalski"),
        ("0171/5550123", "Søren Ågård"),
        ("旅行社", "李小雷"),
    ):
        assert search(agent, query) == [name], query


@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize("query", ["李", "雷", "小雷", "上", "行社"])
def test_one_or_two_characters_of_a_script_without_spaces_are_enough(
    agent: SqlCaller, query: str
) -> None:
    assert search(agent, query) == ["李小雷"]


@pytest.mark.usefixtures("clients")
def test_one_or_two_letters_find_the_beginnings_of_words(agent: SqlCaller) -> None:
    assert search(agent, "mu") == ["Jürgen Müller"]
    assert search(agent, "ha") == ["Đỗ Thị Hằng"]
    assert set(search(agent, "e")) >= {"Ελένη Παπαδοπούλου", "Ada 100%_Sure"}
    assert search(agent, "zq") == []


@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize("query", ["%", "_", "0%", "100%_", "%_sure"])
def test_wildcards_mean_themselves(agent: SqlCaller, query: str) -> None:
    assert search(agent, query) == ["Ada 100%_Sure"]


@pytest.mark.usefixtures("clients")
def test_a_backslash_or_quote_is_only_a_character(agent: SqlCaller) -> None:
    for query in ("\\", "'", "ada\\", "'; drop table app.clients; --", "$7", "%1$s"):
        search(agent, query)
    assert search(agent, "ada") == ["Ada 100%_Sure"]


@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize(
    ("typo", "name"),
    [
        ("mueler", "Jürgen Müller"),
        ("kowalsky", "Łukasz Kowalski"),
        ("lukaz", "Łukasz Kowalski"),
        ("reisebuero nort", "Jürgen Müller"),
    ],
)
def test_a_typing_error_is_forgiven_when_nothing_matches_as_written(
    agent: SqlCaller, typo: str, name: str
) -> None:
    assert search(agent, typo) == [name]


@pytest.mark.usefixtures("clients")
def test_near_spellings_do_not_dilute_what_matches_as_written(agent: SqlCaller) -> None:
    agent("create_client", p_client=new_client("Anna Mueler"))
    assert search(agent, "mueler") == ["Anna Mueler"]


def test_the_best_match_comes_first(agent: SqlCaller) -> None:
    for name, extra in (
        ("Bella Anders", {"company": "Anna Tours"}),
        ("Anna Zander", {}),
        ("Anna", {}),
        ("Hanna Berg", {}),
    ):
        agent("create_client", p_client=new_client(name, **extra))
    found = search(agent, "anna")
    assert found[:2] == ["Anna", "Anna Zander"]
    assert set(found[2:]) == {"Bella Anders", "Hanna Berg"}


@pytest.mark.usefixtures("clients")
def test_each_row_says_which_field_matched(agent: SqlCaller) -> None:
    for query, field in (
        ("kowalski", "name"),
        ("example.pl", "email"),
        ("reiseburo", "company"),
        ("601222", "phone"),
        ("mueler", "name"),
    ):
        row = agent("search_clients", p_query=query)["rows"][0]
        assert row["matched"] == field, query
    number = agent("search_clients", p_query="kowalski")["rows"][0]["number"]
    assert agent("search_clients", p_query=number)["rows"][0]["matched"] == "number"
    assert agent("search_clients")["rows"][0]["matched"] is None


@pytest.mark.parametrize("sort", ["relevance", "name", "created", "last_activity"])
@pytest.mark.parametrize("query", [None, "an", "anna", "anan"])
def test_pages_hold_each_client_once_and_in_order(
    agent: SqlCaller, sort: str, query: str | None
) -> None:
    # Same names and same times on purpose: only the id tells them apart.
    rows = [
        {
            "id": str(uuid.uuid4()),
            "name": ("Anna", "Annika Berg", "Joanna", "anna", "Hanna Anan")[i % 5],
            "created_at": f"2026-01-{1 + i % 4:02d}T00:00:00Z",
        }
        for i in range(60)
    ]
    agent("import_clients", p_rows=rows)
    whole = agent("search_clients", p_query=query, p_sort=sort, p_limit=100)
    pages, after = [], None
    while True:
        page = agent("search_clients", p_query=query, p_sort=sort, p_limit=7, p_after=after)
        pages += page["rows"]
        if (after := page["next"]) is None:
            break
        assert len(page["rows"]) == 7
    assert [row["id"] for row in pages] == [row["id"] for row in whole["rows"]]
    assert len({row["id"] for row in pages}) == len(pages) > 0
    assert whole["next"] is None
    if sort == "name":
        assert [r["name"].lower() for r in pages] == sorted(r["name"].lower() for r in pages)
    if sort in ("created", "last_activity"):
        key = {"created": "created_at"}.get(sort, "last_activity_at")
        assert [r[key] for r in pages] == sorted((r[key] for r in pages), reverse=True)


def test_a_page_reads_on_after_clients_were_added_in_front(agent: SqlCaller) -> None:
    def add(name: str) -> None:
        agent("create_client", p_client=new_client(name))

    for i in range(6):
        add(f"Client {i}")
    first = agent("search_clients", p_sort="created", p_limit=3)
    add("Newcomer")
    second = agent("search_clients", p_sort="created", p_limit=3, p_after=first["next"])
    names = [row["name"] for row in first["rows"] + second["rows"]]
    assert names == [f"Client {i}" for i in range(5, -1, -1)]


def test_filters_narrow_every_kind_of_search(agent: SqlCaller, agency: Tenant) -> None:
    me = str(agency.users["agent"])
    for name, extra in (
        ("Anna One", {"stage": "BOOKED", "source": "website", "consultant": me}),
        ("Anna Two", {"stage": "PAID", "source": "email", "consultant": "Old Hand"}),
        ("Anna Three", {"stage": "BOOKED", "source": "email"}),
    ):
        agent("create_client", p_client=new_client(name, **extra))
    for query in (None, "anna", "an", "annaa"):
        for expected, filters in (
            ({"Anna One", "Anna Three"}, {"stage": "BOOKED"}),
            ({"Anna One", "Anna Two", "Anna Three"}, {"stage": ["BOOKED", "PAID"]}),
            ({"Anna Two", "Anna Three"}, {"source": ["email"]}),
            ({"Anna One"}, {"consultant": me}),
            ({"Anna One"}, {"consultant": "me"}),
            ({"Anna Two"}, {"consultant": "old hand"}),
            ({"Anna Three"}, {"source": "email", "stage": "BOOKED"}),
        ):
            assert set(search(agent, query, p_filter=filters)) == expected, (query, filters)


def quote(total: str, currency: str, day: str, **more: str) -> dict[str, str]:
    return {"total": total, "currency": currency, "created_at": f"{day}T00:00:00Z", **more}


def test_a_row_shows_the_latest_quote_activity_and_the_values(agent: SqlCaller) -> None:
    row = {
        "id": str(uuid.uuid4()),
        "name": "Ada",
        "created_at": "2026-01-01T00:00:00Z",
        "quotes": [
            quote("1234.50", "EUR", "2026-02-01", destination="Crete"),
            quote("99000", "JPY", "2026-03-01", destination="Naxos"),
            quote("0.50", "EUR", "2026-01-05", status="declined"),
        ],
        "activities": [
            {"description": "called", "occurred_at": "2026-04-01T10:00:00Z"},
            {"description": "wrote", "occurred_at": "2026-04-02T10:00:00Z", "type": "email"},
        ],
    }
    agent("import_clients", p_rows=[row])
    found = agent("search_clients", p_query="ada")["rows"][0]
    assert found["latest_quote"]["destination"] == "Naxos"
    assert found["latest_quote"]["total"] == {"amount": "99000", "currency": "JPY"}
    assert found["last_activity"]["description"] == "wrote"
    assert found["last_activity_at"] == "2026-04-02T10:00:00.000000Z"
    assert found["values"] == [
        {"amount": "1234.50", "currency": "EUR"},
        {"amount": "99000", "currency": "JPY"},
    ]


def test_wrong_parameters_are_refused_by_name(agent: SqlCaller) -> None:
    for parameters in (
        {"p_sort": "value"},
        {"p_limit": 0},
        {"p_limit": 101},
        {"p_query": "x" * 201},
        {"p_filter": {"stage": "UNKNOWN"}},
        {"p_filter": {"source": ["fax"]}},
    ):
        with refused("invalid_request"):
            agent("search_clients", **parameters)
    with refused("invalid_cursor"):
        agent("search_clients", p_after={"tier": "elsewhere", "key": "x", "id": str(uuid.uuid4())})


def test_consultants_see_their_own_clients_alone_where_the_agency_says_so(
    sql: psycopg.Connection, agency: Tenant, owner: SqlCaller, agent: SqlCaller, service: SqlCaller
) -> None:
    service("platform_seed_settings", p_tenant=agency.id, p_settings={"client_visibility": "own"})
    mine = agent("create_client", p_client=new_client("Ada Mine"))["data"]
    theirs = owner("create_client", p_client=new_client("Ada Theirs"))["data"]

    assert mine["consultant"]["id"] == str(agency.users["agent"])
    for query in (None, "ada", "ad", "adaa"):
        for sort in ("relevance", "name"):
            assert search(agent, query, p_sort=sort) == ["Ada Mine"]
            assert set(search(owner, query, p_sort=sort)) == {"Ada Mine", "Ada Theirs"}
    assert search(member(sql, agency, "viewer"), "ada") == []
    with refused("not_found"):
        agent("read_client", p_id=uuid.UUID(theirs["id"]))
    assert agent("pipeline")["total"] == 1
    assert owner("pipeline")["total"] == 2
    assert agent("access")["access"]["visibility"] == "own"
    assert owner("access")["access"]["visibility"] == "all"
    with refused("permission_denied"):
        agent(
            "create_client", p_client={"id": str(uuid.uuid4()), "name": "X", "consultant": "Else"}
        )
