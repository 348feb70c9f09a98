"""The agencies' clients: what POST /v1/crm/imports is given at the first start."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import pytest

from demo.agencies import Agency, all_agencies
from demo.client_names import LOOK_ALIKES, SHARED_PEOPLE
from demo.make_clients import COLUMNS, STAGES, clients_csv
from frontdesk.crm.rows import ImportedClient, read_rows

AGENCIES = all_agencies()
QUOTE_STATUSES = {"quoted", "sent", "viewed", "accepted", "declined", "expired", "converted"}


def _clients(agency: Agency) -> list[ImportedClient]:
    with agency.clients_path.open("rb") as stream:
        rows = list(read_rows(stream))
    assert [row.errors for row in rows if row.client is None] == []
    return [row.client for row in rows if row.client is not None]


@pytest.mark.parametrize("agency", AGENCIES, ids=lambda agency: agency.tenant.slug)
class TestClientsFile:
    def test_generating_again_gives_the_committed_bytes(self, agency: Agency) -> None:
        assert clients_csv(agency) == agency.clients_path.read_bytes()

    def test_the_heading_is_the_one_of_the_import(self, agency: Agency) -> None:
        heading = agency.clients_path.read_text(encoding="utf-8").split("\n", 1)[0]
        assert heading == ",".join(COLUMNS)

    def test_five_hundred_clients_pass_the_import_without_an_error(self, agency: Agency) -> None:
        assert len(_clients(agency)) >= 500

    def test_every_stage_holds_clients(self, agency: Agency) -> None:
        stages = Counter(client.stage.value for client in _clients(agency))
        assert set(stages) == set(STAGES)
        assert min(stages.values()) >= 30

    def test_nothing_that_must_be_unique_occurs_twice(self, agency: Agency) -> None:
        clients = _clients(agency)
        phones = [re.sub(r"\D", "", client.phone) for client in clients if client.phone]
        numbers = [quote.number for client in clients for quote in client.quotes]
        for values in ([c.email for c in clients], [c.external_id for c in clients]):
            assert len(set(values)) == len(clients)
        assert len(set(phones)) == len(phones)
        assert len(set(numbers)) == len(numbers)

    def test_phone_numbers_are_e164(self, agency: Agency) -> None:
        phones = [client.phone for client in _clients(agency) if client.phone]
        assert all(re.fullmatch(r"\+[1-9]\d{6,14}", phone) for phone in phones)

    def test_names_come_in_many_scripts(self, agency: Agency) -> None:
        names = "".join(client.name for client in _clients(agency))
        scripts = {unicodedata.name(c).split()[0] for c in names if c.isalpha()}
        assert scripts >= {"LATIN", "GREEK", "CYRILLIC", "ARABIC", "CJK", "DEVANAGARI"}

    def test_consultants_are_people_of_the_agency(self, agency: Agency) -> None:
        known = {consultant.name for consultant in agency.tenant.consultants}
        assert {client.consultant for client in _clients(agency)} == known

    def test_quotes_are_mostly_in_the_agency_s_money_and_never_of_unknown_status(
        self, agency: Agency
    ) -> None:
        quotes = [quote for client in _clients(agency) for quote in client.quotes]
        assert {quote.status for quote in quotes} <= QUOTE_STATUSES
        currencies = Counter(quote.currency for quote in quotes)
        assert currencies.most_common(1)[0][0] == agency.tenant.currency
        assert len(currencies) >= 2

    def test_the_newest_quote_fits_the_stage(self, agency: Agency) -> None:
        for client in _clients(agency):
            if client.quotes:
                newest = max(client.quotes, key=lambda quote: str(quote.created_at))
                won = newest.status in {"accepted", "converted"}
                assert won == (client.stage.value in {"BOOKED", "PAID", "TRAVELLED"})

    def test_nothing_happens_before_the_client_exists(self, agency: Agency) -> None:
        for client in _clients(agency):
            moments = [quote.created_at for quote in client.quotes]
            moments += [activity.occurred_at for activity in client.activities]
            assert client.created_at is not None
            assert all(moment is not None and moment >= client.created_at for moment in moments)

    def test_look_alikes_are_there_to_be_told_apart(self, agency: Agency) -> None:
        names = {client.name for client in _clients(agency)}
        assert {name for name, _ in LOOK_ALIKES} <= names


def test_some_people_are_clients_of_both_agencies_under_one_address() -> None:
    coral, alpine = ({c.email: c.name for c in _clients(agency)} for agency in AGENCIES)
    shared = {email: name for name, email, _ in SHARED_PEOPLE}
    assert shared.items() <= coral.items()
    assert shared.items() <= alpine.items()
