"""What a sentence must have exactly as its source has it."""

from __future__ import annotations

import pytest

from frontdesk.helpdesk.literals import (
    addresses,
    codes,
    figures,
    figures_on_both_clocks,
    hosts,
    names,
    squashed,
)


def test_how_a_figure_is_written_does_not_matter() -> None:
    assert figures("1'250.00 and 1,250") == {"1250"}
    assert figures("07:30, 7:30") == {"730"}
    assert figures("07:00 to 21:00, 10:00") == {"7", "21", "10"}


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("until 21:00", {"9"}),
        ("until 21:30", {"930"}),
        ("bis 21 Uhr", {"9"}),
        ("bis 21.30 Uhr", {"930"}),
        ("jusqu'à 21h", {"9"}),
        ("until 9 pm", {"21"}),
        ("until 9:30 p.m.", {"2130"}),
        ("from 12 am to 12 pm", {"0", "12"}),
        ("18.50 CHF for 21 guests", set()),
    ],
)
def test_a_time_of_day_is_known_on_both_clocks(text: str, other: set[str]) -> None:
    assert figures_on_both_clocks(text) == figures(text) | other


@pytest.mark.parametrize(
    "text",
    [
        "see https://www.a.example/x/?y=1.",
        "![a](https://a.example/x/?y=1)",
        "<a href='HTTPS://A.example/x/?y=1'>",
        "a.example/x/?y=1,",
        "//a.example/x/?y=1",
    ],
)
def test_a_link_is_the_same_however_it_is_written(text: str) -> None:
    assert addresses(text) & {"a.example/x/?y=1"}
    assert "a.example" in hosts(text)


def test_other_schemes_and_mail_are_addresses_too() -> None:
    assert addresses("hxxp://a.example data:text/html,x javascript:alert(1)") == {
        "hxxp://a.example",
        "data:text/html,x",
        "javascript:alert(1",
    }
    assert addresses("Write to Desk@A.example.") == {"desk@a.example"}


def test_abbreviations_times_and_decimals_are_no_addresses() -> None:
    assert addresses("e.g. at 7.30 a.m., z.B. 3.5 stars; Tel: 044 123") == set()


def test_codes_are_what_nobody_can_paraphrase() -> None:
    text = "Fare YQ7F, key sk-c4nary, c3lzdGVt, PASSPHRASE; 20kg, 2nd, 7h30, EUR, ATMs, hotel"
    assert codes(text) == {"YQ7F", "c4nary", "c3lzdGVt", "PASSPHRASE"}


def test_names_are_capitals_inside_of_a_sentence() -> None:
    assert names("Dogs at Hotel Bellevue stay on Monday", "en") == {"Hotel", "Bellevue"}
    assert names("Opening Hours Pool: the pool is open", "en") == set()
    assert names("Die Hunde im Hotel", "de") == set()
    assert names("Bellevue 酒店", "zh") == {"Bellevue"}


def test_squashed_text_has_no_marks_spaces_or_accents() -> None:
    assert squashed("Wi-Fi à Łódź!") == "wifialodz"
