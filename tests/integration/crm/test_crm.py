"""The CRM over the real database and cache: found at once, counted right, never stale."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from frontdesk.crm.clients import ClientPath, create_client, read_client
from frontdesk.crm.imports import ImportReport, import_clients
from frontdesk.crm.models import NewClient, Stage
from frontdesk.crm.pipeline import PipelineQuery, read_pipeline
from frontdesk.crm.search import ClientSearch, search_clients
from frontdesk.platform.errors import (
    Conflict,
    InvalidCursor,
    InvalidRequest,
    NotFound,
    PermissionDenied,
)
from frontdesk.platform.upload import Upload
from tests.support.contexts import member_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from frontdesk.platform.services import Services
    from tests.support.tenants import Tenant, TenantFactory

HEADING = "name,email,phone,stage,quotes,activities\n"


def _file(text: str) -> Upload:
    data = text.encode()
    return Upload("clients.csv", "text/csv", io.BytesIO(data), len(data))


def _quotes(*totals: tuple[str, str]) -> str:
    quotes = [{"total": amount, "currency": currency} for amount, currency in totals]
    return json.dumps(quotes).replace('"', '""')


def _names(services: Services, tenant: Tenant, role: str = "owner", **query: object) -> list[str]:
    page = search_clients(
        member_context(services, tenant, role), ClientSearch.model_validate(query)
    )
    return [row.name for row in page.items]


@pytest.fixture
def agency(make_tenant: TenantFactory) -> Tenant:
    return make_tenant()


@pytest.fixture
def add(services: Services, agency: Tenant) -> Callable[..., object]:
    def add(name: str, **fields: object) -> object:
        body = NewClient.model_validate({"name": name, **fields})
        return create_client(member_context(services, agency, "agent"), body).value

    return add


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("lukas", "Łukasz Nowak"),
        ("mueler", "Anna Müller"),
        ("李", "李雷"),
        ("ελενη", "Ελένη Παπαδοπούλου"),
        ("محمد", "محمد الفارسي"),
        ("josé", "Jose Álvarez"),
    ],
)
def test_a_client_is_found_in_any_script_and_spelling(
    services: Services, agency: Tenant, add: Callable[..., object], words: str, name: str
) -> None:
    add(name)
    add("Somebody Else")
    assert _names(services, agency, q=words) == [name]


def test_a_client_is_found_by_email_phone_and_company(
    services: Services, agency: Tenant, add: Callable[..., object]
) -> None:
    add("Ada", email="ada@lovelace.example", phone="+30 22850 12345", company="Engines Ltd")
    add("Bob", email="bob@example.com")
    for words in ("lovelace", "2285012345", "engines"):
        assert _names(services, agency, q=words) == ["Ada"]


def test_percent_and_underscore_are_letters_like_any_other(
    services: Services, agency: Tenant, add: Callable[..., object]
) -> None:
    add("100% Travel")
    add("100 Travel")
    assert _names(services, agency, q="100%") == ["100% Travel"]


def test_a_command_makes_the_cached_answer_stale_at_once(
    services: Services, agency: Tenant, add: Callable[..., object]
) -> None:
    add("Ada")
    assert _names(services, agency, q="ada") == ["Ada"]
    assert _names(services, agency, q="ada") == ["Ada"]
    add("Adam")
    assert sorted(_names(services, agency, q="ada")) == ["Ada", "Adam"]


def test_search_and_pipeline_are_one_round_trip_and_none_when_cached(
    services: Services, agency: Tenant, add: Callable[..., object]
) -> None:
    add("Ada")
    sent: list[str] = []
    transport = services.database._pool()
    original = transport.handle_request

    def counting(request: object) -> object:
        sent.append(request.url.path)  # type: ignore[attr-defined]
        return original(request)  # type: ignore[arg-type]

    transport.handle_request = counting  # type: ignore[method-assign, assignment]
    try:
        for _ in range(2):
            _names(services, agency, "viewer", q="ada")
            read_pipeline(member_context(services, agency, "viewer"), PipelineQuery())
    finally:
        transport.handle_request = original  # type: ignore[method-assign]
    assert [path.rsplit("/", 1)[-1] for path in sent] == ["search_clients", "pipeline"]


def test_pages_follow_each_other_without_gap_or_repetition(
    services: Services, agency: Tenant, add: Callable[..., object]
) -> None:
    wanted = [f"Client {number:02}" for number in range(7)]
    for name in wanted:
        add(name)
    seen: list[str] = []
    cursor = None
    while True:
        query = ClientSearch.model_validate({"sort": "name", "page_size": 3, "cursor": cursor})
        page = search_clients(member_context(services, agency), query)
        seen += [row.name for row in page.items]
        if not (cursor := page.next_cursor):
            break
    assert seen == wanted


def test_a_cursor_of_another_filter_or_tenant_is_refused(
    services: Services, agency: Tenant, add: Callable[..., object], make_tenant: TenantFactory
) -> None:
    for number in range(3):
        add(f"Client {number}")
    first = search_clients(member_context(services, agency), ClientSearch(sort="name", page_size=1))
    for context, query in (
        (member_context(services, agency), {"sort": "created"}),
        (member_context(services, agency), {"sort": "name", "stage": ["LOST"]}),
        (member_context(services, make_tenant()), {"sort": "name"}),
    ):
        wrong = ClientSearch.model_validate({**query, "cursor": first.next_cursor})
        with pytest.raises(InvalidCursor):
            search_clients(context, wrong)


def test_the_pipeline_counts_every_client_and_never_adds_up_currencies(
    services: Services, agency: Tenant
) -> None:
    rows = "".join(
        f'Client {number},c{number}@example.com,,BOOKED,"{_quotes(("10.50", "EUR"))}",\n'
        for number in range(1_100)
    )
    rows += f'Chris,chris@example.com,,BOOKED,"{_quotes(("1000", "JPY"), ("0.50", "EUR"))}",\n'
    import_clients(member_context(services, agency, "agent"), _file(HEADING + rows))
    summary = read_pipeline(member_context(services, agency), PipelineQuery())
    (booked,) = [stage for stage in summary.stages if stage.stage is Stage.BOOKED]
    assert (summary.total, booked.count) == (1_101, 1_101)
    assert {(str(v.amount), v.currency) for v in booked.values} == {
        ("11550.50", "EUR"),
        ("1000", "JPY"),
    }
    assert [stage.stage for stage in summary.stages] == list(Stage)


def test_an_import_sent_twice_changes_nothing_the_second_time(
    services: Services, agency: Tenant
) -> None:
    text = (
        HEADING + f'Ada,ada@example.com,,QUOTED,"{_quotes(("10.00", "EUR"))}",\nBob,nonsense,,,,\n'
    )

    def send() -> ImportReport:
        return import_clients(member_context(services, agency, "agent"), _file(text))

    first, second = send(), send()
    assert (first.rows, first.created, first.failed) == (2, 1, 1)
    assert (first.errors[0].row, first.errors[0].field) == (2, "email")
    assert (second.created, second.failed) == (0, 1)
    assert second.updated + second.skipped == 1
    assert _names(services, agency) == ["Ada"]


def test_a_client_has_its_quotes_and_activities(services: Services, agency: Tenant) -> None:
    activities = json.dumps([{"type": "call", "description": "Asked about ferries"}])
    escaped = activities.replace('"', '""')
    text = HEADING + f'Ada,ada@example.com,,QUOTED,"{_quotes(("10.00", "EUR"))}","{escaped}"\n'
    import_clients(member_context(services, agency, "agent"), _file(text))
    page = search_clients(member_context(services, agency), ClientSearch())
    assert page.items[0].latest_quote is not None
    file = read_client(member_context(services, agency), ClientPath(client_id=page.items[0].id))
    assert [str(quote.total.amount) for quote in file.quotes] == ["10.00"]
    assert "Asked about ferries" in [activity.description for activity in file.activities]


def test_a_taken_email_is_a_conflict_that_names_the_field(
    services: Services, agency: Tenant, add: Callable[..., object]
) -> None:
    add("Ada", email="ada@example.com")
    with pytest.raises(Conflict) as refusal:
        add("Another Ada", email="ADA@example.com")
    assert refusal.value.details["field"] == "email"


def test_the_same_key_gives_the_same_client_and_another_body_is_refused(
    services: Services, agency: Tenant
) -> None:
    body = NewClient(name="Ada")
    first = create_client(member_context(services, agency, key="k-1"), body).value
    again = create_client(member_context(services, agency, key="k-1"), body).value
    assert again.id == first.id
    assert _names(services, agency) == ["Ada"]


def test_a_viewer_may_look_and_not_touch(
    services: Services, agency: Tenant, add: Callable[..., object]
) -> None:
    add("Ada")
    assert _names(services, agency, "viewer") == ["Ada"]
    with pytest.raises(PermissionDenied):
        create_client(member_context(services, agency, "viewer"), NewClient(name="Eve"))


def test_another_agencys_client_does_not_exist(
    services: Services, agency: Tenant, add: Callable[..., object], make_tenant: TenantFactory
) -> None:
    client = add("Ada")
    stranger = member_context(services, make_tenant())
    with pytest.raises(NotFound):
        read_client(stranger, ClientPath(client_id=client.id))  # type: ignore[attr-defined]
    assert search_clients(stranger, ClientSearch(q="Ada")).items == []


def test_a_file_that_is_no_csv_changes_nothing(services: Services, agency: Tenant) -> None:
    with pytest.raises(InvalidRequest):
        import_clients(member_context(services, agency, "agent"), _file("shoe,size\nA,42\n"))
    assert _names(services, agency) == []
