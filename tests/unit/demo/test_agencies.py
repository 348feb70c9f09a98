"""The two demo agencies: their settings and their documents."""

from __future__ import annotations

from collections import Counter
from zoneinfo import ZoneInfo

import pytest

from demo.agencies import DEMO, Agency, Document, all_agencies
from demo.question_set import extracted

AGENCIES = all_agencies()
DOCUMENTS = [document for agency in AGENCIES for document in agency.documents]
MINIMUM_HOTELS = 12
# Hotels by the name that their price sentences use.
HOTELS = {
    "coral": (
        "Hotel Meltemi Naxos",
        "Kyma Suites Paros",
        "Anemoni Studios",
        "Asterias Bay Resort",
        "Libyan Sea Inn",
        "Petaloudes Grand",
        "Harbour House",
        "Cavo Blu Santorini",
        "Ionian Pearl Corfu",
        "Delfinia Family Village",
        "Lagon Bleu Mauritius",
        "Anse Coco Lodge",
        "Mnemba Palm Zanzibar",
        "Veli Atoll Retreat",
        "Pension Thalassa",
        "Hostal Cala Turquesa",
        "Casa Las Olas",
    ),
    "alpine": (
        "Hotel Gletscherblick Zermatt",
        "Chalet Arvenholz",
        "Berghaus Eigerwand",
        "Grand Hotel Silberhorn",
        "Hotel Parsenn Sonne",
        "Chesa Lärchenhof",
        "Pension Allalin",
        "Hotel Sassolungo",
        "Albergo Gran Becca",
        "Hotel Furkator",
        "Gasthof Arlbergblick",
        "Hôtel Aiguille Noire",
        "Chalet Les Mélèzes",
        "Hotel Nieve Alta",
        "Hostal Veleta",
    ),
}
PRICE_WORDS = ("EUR", "CHF", "euros", "francs", "francos", "Euro", "Franken")


@pytest.mark.parametrize("agency", AGENCIES, ids=lambda agency: agency.tenant.slug)
def test_the_folder_is_named_after_the_slug_and_every_file_is_listed(agency: Agency) -> None:
    assert agency.folder == DEMO / agency.tenant.slug
    on_disk = {path.name for path in (agency.folder / "knowledge").iterdir()}
    assert on_disk == {document.path.name for document in agency.documents}


def test_each_agency_has_its_own_money_and_time_zone() -> None:
    settings = {a.tenant.slug: (a.tenant.currency, a.tenant.time_zone) for a in AGENCIES}
    assert settings == {"coral": ("EUR", "Europe/Athens"), "alpine": ("CHF", "Europe/Zurich")}
    for agency in AGENCIES:
        assert ZoneInfo(agency.tenant.time_zone).key == agency.tenant.time_zone


def test_every_address_is_of_a_reserved_domain_so_no_mail_can_reach_anybody() -> None:
    for agency in AGENCIES:
        people = [consultant.email for consultant in agency.tenant.consultants]
        assert all(email.endswith(".example") for email in [agency.tenant.owner_email, *people])


def test_there_are_at_least_forty_documents_in_all_six_formats() -> None:
    assert len(DOCUMENTS) >= 40
    suffixes = Counter(document.path.suffix for document in DOCUMENTS)
    assert set(suffixes) == {".md", ".html", ".pdf", ".docx", ".csv", ".txt"}
    assert min(suffixes.values()) >= 4


def test_ten_documents_or_more_are_german_french_or_spanish_at_both_agencies() -> None:
    for agency in AGENCIES:
        languages = Counter(document.language for document in agency.documents)
        assert all(languages[language] >= 2 for language in ("de", "fr", "es"))
    assert sum(document.language != "en" for document in DOCUMENTS) >= 10


def test_titles_and_file_contents_are_unique() -> None:
    assert len({document.title for document in DOCUMENTS}) == len(DOCUMENTS)
    assert len({document.path.read_bytes() for document in DOCUMENTS}) == len(DOCUMENTS)


def test_both_agencies_have_internal_documents_that_visitors_may_not_read() -> None:
    for agency in AGENCIES:
        assert Counter(d.visibility for d in agency.documents)["internal"] >= 2


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.path.name)
def test_a_document_is_read_in_the_language_and_size_that_it_claims(document: Document) -> None:
    text = extracted(document)
    assert text.language == document.language
    assert 290 <= len(text.text.split()) <= 900
    assert "\ufffd" not in text.text
    assert "■" not in text.text


@pytest.mark.parametrize(
    "document",
    [d for d in DOCUMENTS if d.path.suffix != ".csv"],
    ids=lambda document: document.path.name,
)
def test_a_document_that_names_itself_uses_the_title_in_knowledge_yaml(document: Document) -> None:
    if document.path.suffix != ".txt":  # a text file's first line is close to its title only
        assert extracted(document).title == document.title


@pytest.mark.parametrize("agency", AGENCIES, ids=lambda agency: agency.tenant.slug)
def test_a_dozen_hotels_have_prices_in_sentences_that_name_them(agency: Agency) -> None:
    blocks = [
        block.text
        for document in agency.documents
        for section in extracted(document).sections
        for block in section.blocks
    ]
    priced = [
        hotel
        for hotel in HOTELS[agency.tenant.slug]
        if any(hotel in text and any(word in text for word in PRICE_WORDS) for text in blocks)
    ]
    assert priced == list(HOTELS[agency.tenant.slug])
    assert len(priced) >= MINIMUM_HOTELS
