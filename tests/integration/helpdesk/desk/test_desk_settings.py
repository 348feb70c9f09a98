"""The helpdesk's settings through the door: owners set them, agents read them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.helpdesk.desk.conftest import Office
from tests.support import door

PATH = "/settings"


def test_an_agency_that_has_set_nothing_keeps_everything(office: Office) -> None:
    assert office["agent"].get(PATH) == {"query_terms": {}, "retention_days": None}


def test_the_owner_sets_what_agents_read_and_what_is_left_out_stays(office: Office) -> None:
    terms = {"hotel_info": ["riad", "kasbah*", "дом отдыха"], "pricing": ["ski pass"]}
    office["owner"].do("PATCH", PATH, {"query_terms": terms})
    changed = office["owner"].do("PATCH", PATH, {"retention_days": 90})
    assert changed == {"query_terms": terms, "retention_days": 90} == office["agent"].get(PATH)
    kept = office["owner"].do("PATCH", PATH, {"retention_days": None})
    assert kept == {"query_terms": terms, "retention_days": None}
    assert [audit["fields"] for audit in office.audited("helpdesk.settings_changed")] == [
        ["query_terms"],
        ["retention_days"],
        ["retention_days"],
    ]


def test_setting_what_is_set_is_not_written_down_again(office: Office) -> None:
    for _ in range(2):
        office["owner"].do("PATCH", PATH, {"retention_days": 90})
    assert len(office.audited("helpdesk.settings_changed")) == 1


def test_the_settings_are_ones_own_agencys(office: Office, other_office: Office) -> None:
    office["owner"].do("PATCH", PATH, {"retention_days": 90})
    assert other_office["owner"].get(PATH)["retention_days"] is None


@pytest.mark.parametrize(
    ("who", "method"), [("agent", "PATCH"), ("viewer", "GET"), ("visitor", "GET")]
)
def test_others_may_not(who: str, method: str, office: Office) -> None:
    body = {"retention_days": 1} if method == "PATCH" else None
    reply = office[who].send(method, PATH, json=body)
    door.error_of(reply, 403, "permission_denied")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"query_terms": {"weather": ["rain"]}}, "query_terms.weather"),
        ({"query_terms": {"pricing": "cost"}}, "query_terms.pricing"),
        ({"query_terms": {"pricing": [""]}}, "query_terms.pricing[0]"),
        ({"query_terms": {"pricing": ["what, !"]}}, "query_terms.pricing[0]"),
        ({"query_terms": {"pricing": ["sk*i"]}}, "query_terms.pricing[0]"),
        ({"query_terms": {"pricing": ["x" * 51]}}, "query_terms.pricing[0]"),
        ({"query_terms": ["riad"]}, "query_terms"),
        ({"retention_days": 0}, "retention_days"),
        ({"retention_days": 3651}, "retention_days"),
        ({"retention_days": 1.5}, "retention_days"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(
    body: dict[str, Any], field: str, office: Office
) -> None:
    fields = door.fields_of(office["owner"].send("PATCH", PATH, json=body))
    assert any(name.startswith(field) for name in fields), fields
