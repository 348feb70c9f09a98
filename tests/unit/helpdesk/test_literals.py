"""What a sentence must have exactly as its source has it."""

from __future__ import annotations

import pytest

from frontdesk.helpdesk.literals import addresses, codes, figures, hosts, names, squashed


def test_how_a_figure_is_written_does_not_matter() -> None:
    assert figures("1'250.00 and 1,250") == {"1250"}
    assert figures("07:30") == {"0730"}


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
