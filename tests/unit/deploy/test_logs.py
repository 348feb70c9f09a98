"""frontdesk logs: the filter, and an entry as a person reads it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from frontdesk.deploy.logs import Query, as_line


def entry(**payload: Any) -> dict[str, Any]:
    return {
        "insertId": "1",
        "timestamp": "2026-11-23T09:30:00.123456Z",
        "severity": "ERROR",
        "resource": {"labels": {"service_name": "crm-search"}},
        "jsonPayload": payload,
    }


def test_entries_are_those_of_the_functions_revisions() -> None:
    query = Query("agency-prod", ["crm-search", "helpdesk"])

    assert query.filter == (
        'resource.type="cloud_run_revision"'
        ' AND resource.labels.service_name=("crm-search" OR "helpdesk")'
    )
    assert query.line()[3:] == [
        "--freshness=1h",
        "--limit=200",
        "--order=desc",
        "--project=agency-prod",
    ]


def test_a_query_is_narrowed_by_severity_request_and_tenant() -> None:
    query = Query("p", ["a"], severity="ERROR", request_id='r" OR "1', tenant_id="t")

    assert query.filter.endswith(
        ' AND severity>=ERROR AND jsonPayload.request_id="r\\" OR \\"1"'
        ' AND jsonPayload.tenant_id="t"'
    )


def test_while_following_only_what_is_new_is_asked_for() -> None:
    after = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)

    wanted = Query("p", ["a"]).line(after=after)[2]
    assert wanted.endswith(' AND timestamp>="2026-11-23T09:30:00+00:00"')


@pytest.mark.parametrize(
    "wrong", [{"since": "yesterday"}, {"since": "1h --x"}, {"severity": "LOUD"}, {"limit": 0}]
)
def test_a_query_that_gcloud_would_misread_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"reads|none of|1 or more"):
        Query("p", ["a"], **wrong)


def test_one_of_our_lines_reads_as_a_sentence_and_its_facts() -> None:
    ours = entry(
        message="Request answered.",
        logger="frontdesk.http",
        function="crm-search",
        status=200,
        route="/v1/crm/search",
        error_code=None,
        outcome="ok so far",
    )

    assert as_line(ours) == (
        "2026-11-23T09:30:00.123456Z ERROR   crm-search   Request answered."
        ' status=200 route=/v1/crm/search outcome="ok so far"'
    )


def test_a_stack_is_shown_below_its_line() -> None:
    failed = entry(message="It failed.", stack_trace="a.py:1 f\nb.py:2 g")

    assert as_line(failed).splitlines()[1:] == ["    a.py:1 f", "    b.py:2 g"]


def test_cloud_runs_own_entries_are_readable_too() -> None:
    killed = entry() | {"textPayload": "Memory limit of 256 MiB exceeded.\n"}
    request = entry() | {
        "httpRequest": {"requestMethod": "GET", "requestUrl": "https://x/v1", "status": 429}
    }

    assert as_line(killed).endswith("crm-search   Memory limit of 256 MiB exceeded.")
    assert as_line(request).endswith("crm-search   GET https://x/v1 status=429")
