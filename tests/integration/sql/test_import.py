"""Importing clients: each row on its own, the same file twice is the same as once."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from tests.support.callers import SqlCaller, member, refused

if TYPE_CHECKING:
    import psycopg

    from tests.support.tenants import Tenant


def row(name: str = "Ada", **fields: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "name": name, **fields}


def quote(total: str, currency: str = "EUR", **fields: Any) -> dict[str, Any]:
    return {"total": total, "currency": currency, "created_at": "2026-02-01T00:00:00Z", **fields}


def test_a_wrong_row_is_reported_and_leaves_the_others_alone(agent: SqlCaller) -> None:
    rows = [
        row("First"),
        row("", row=17),
        row("Second", email="nope"),
        row("Third", quotes=[quote("1.234")]),
        row("Fourth", quotes=[quote("1", status="maybe")]),
        row("Fifth", created_at="yesterday-ish"),
        row("Sixth", activities=[{"description": ""}]),
        row("Last"),
    ]
    data = agent("import_clients", p_rows=rows)["data"]
    assert (data["created"], data["updated"], data["skipped"]) == (2, 0, 0)
    assert [(error["row"], error["field"]) for error in data["errors"]] == [
        (17, "name"),
        (3, "email"),
        (4, "amount"),
        (5, "quotes.status"),
        (6, "created_at"),
        (7, "description"),
    ]
    found = agent("search_clients", p_sort="name")["rows"]
    assert [client["name"] for client in found] == ["First", "Last"]


def test_the_same_rows_again_change_nothing(agent: SqlCaller) -> None:
    rows = [
        row(
            "Ada",
            email="ada@example.com",
            stage="BOOKED",
            tags=["vip"],
            quotes=[quote("100.00"), quote("5000", "JPY", number="QT-77")],
            activities=[{"description": "called", "occurred_at": "2026-03-01T00:00:00Z"}],
        ),
        row("Grace", phone="+1 202 555 0100"),
        row("Edsger", external_id="legacy-3"),
    ]
    assert agent("import_clients", p_rows=rows)["data"]["created"] == 3
    before = agent("search_clients", p_sort="name")["rows"]
    again = [fields | {"id": str(uuid.uuid4())} for fields in rows]
    assert agent("import_clients", p_rows=again)["data"] == {
        "created": 0,
        "updated": 0,
        "skipped": 3,
        "errors": [],
    }
    assert agent("search_clients", p_sort="name")["rows"] == before


def test_a_known_client_takes_over_what_the_row_says_and_keeps_the_rest(agent: SqlCaller) -> None:
    first = row("Ada", email="ada@example.com", company="Analytical", stage="QUOTED")
    agent("import_clients", p_rows=[first])
    change = row("Ada L.", email="ADA@example.com", stage="BOOKED", quotes=[quote("10.00")])
    assert agent("import_clients", p_rows=[change])["data"]["updated"] == 1

    client = agent("read_client", p_id=uuid.UUID(first["id"]))["client"]
    assert (client["name"], client["company"], client["stage"]) == (
        "Ada L.",
        "Analytical",
        "BOOKED",
    )
    assert client["version"] == 2
    assert client["values"] == [{"amount": "10.00", "currency": "EUR"}]
    assert "stage_change" in {activity["type"] for activity in client["activities"]}
    skip = row("Ada M.", email="ada@example.com")
    options = {"on_known": "skip"}
    assert agent("import_clients", p_rows=[skip], p_options=options)["data"]["skipped"] == 1


def test_imported_numbers_are_never_given_out_again(agent: SqlCaller) -> None:
    rows = [
        row("Ada", quotes=[quote("1", number="Q-2026-0041")]),
        row("Grace", quotes=[quote("2"), quote("3", number="Q-2026-0041")]),
        row("Edsger", quotes=[quote("4")]),
    ]
    data = agent("import_clients", p_rows=rows)["data"]
    assert [(error["row"], error["field"]) for error in data["errors"]] == [(2, "quotes.number")]
    client = agent("search_clients", p_query="edsger")["rows"][0]
    assert client["latest_quote"]["number"] == "Q-2026-0042"


def test_the_year_of_a_number_is_the_agencys_own(
    service: SqlCaller, agency: Tenant, agent: SqlCaller
) -> None:
    service(
        "platform_seed_settings", p_tenant=agency.id, p_settings={"time_zone": "Pacific/Auckland"}
    )
    new_year = quote("1", created_at="2025-12-31T12:00:00Z")
    agent("import_clients", p_rows=[row("Ada", quotes=[new_year])])
    client = agent("search_clients", p_query="ada")["rows"][0]
    assert client["latest_quote"]["number"] == "Q-2026-0001"


def test_an_import_is_bounded(agent: SqlCaller) -> None:
    for rows in ([], {}, [row() for _ in range(501)]):
        with refused("invalid_request"):
            agent("import_clients", p_rows=rows)


def test_the_pipeline_counts_every_client_and_never_adds_currencies(agent: SqlCaller) -> None:
    rows = [
        row(f"Client {i}", stage=("QUOTED", "BOOKED", "LOST")[i % 3], source="email",
            quotes=[quote("10.10"), quote("7", "JPY")] if i % 2 else [])
        for i in range(450)
    ]  # fmt: skip
    for start in range(0, 450, 150):
        agent("import_clients", p_rows=rows[start : start + 150])
    agent("import_clients", p_rows=[row("Late", stage="PAID", source="website")])

    pipeline = agent("pipeline")
    assert pipeline["total"] == 451
    stages = {stage["stage"]: stage for stage in pipeline["stages"]}
    assert list(stages) == ["QUOTED", "NEGOTIATING", "BOOKED", "PAID", "TRAVELLED", "LOST"]
    assert [stage["count"] for stage in stages.values()] == [150, 0, 150, 1, 0, 150]
    assert stages["BOOKED"]["values"] == [
        {"amount": "757.50", "currency": "EUR"},
        {"amount": "525", "currency": "JPY"},
    ]
    assert stages["PAID"]["values"] == []
    assert agent("pipeline", p_filter={"source": "website"})["total"] == 1
    assert agent("pipeline", p_filter={"consultant": "nobody"})["total"] == 0


def test_values_follow_their_client_through_stages_and_deletion(
    sql: psycopg.Connection, agency: Tenant, agent: SqlCaller
) -> None:
    agent("import_clients", p_rows=[row("Ada", email="a@b.co", quotes=[quote("5.00")])])

    def values() -> dict[str, Any]:
        stages = agent("pipeline")["stages"]
        return {s["stage"]: s["values"][0]["amount"] for s in stages if s["values"]}

    assert values() == {"QUOTED": "5.00"}
    agent("import_clients", p_rows=[row("Ada", email="a@b.co", stage="PAID")])
    assert values() == {"PAID": "5.00"}
    sql.execute("update app.clients set deleted_at = now() where tenant_id = %s", [agency.id])
    assert values() == {}
    assert agent("pipeline")["total"] == 0
    assert agent("search_clients")["rows"] == []


def test_a_viewer_reads_the_pipeline_and_imports_nothing(
    sql: psycopg.Connection, agency: Tenant
) -> None:
    viewer = member(sql, agency, "viewer")
    assert viewer("pipeline")["total"] == 0
    with refused("permission_denied"):
        viewer("import_clients", p_rows=[row()])
