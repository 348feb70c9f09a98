"""Where sentences end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.knowledge.sentences import split


def pieces(text: str) -> list[str]:
    return [text[start:end] for start, end in split(text)]


@pytest.mark.parametrize(
    "sentences",
    [
        ["We open at 9 a.m. on weekdays.", "Sundays we are closed!", "Any questions?"],
        ["Check-in ends at 10 p.m.", "Later arrivals call us."],
        ["Dr. Weiss runs the St. Moritz office.", "She speaks German."],
        ["Die Anreise ist am 15. Mai.", "Das Frühstück ist inkl. Kaffee."],
        ["Es kostet ca. 20 Euro, z. B. im Mai.", "Kinder zahlen nichts."],
        ["The answer is no.", "It is No. 5 here."],
        ["M. Dupont vous attend.", "Prévoyez 2,5 heures."],
        ["The fee is 3.50 EUR.", "It is paid on site."],
        ["我们九点开门。", "周日休息！"],
        ['He said "yes."', "She left."],
        ["First line", "second line"],
    ],
)
def test_sentences_are_found(sentences: list[str]) -> None:
    joiner = "" if sentences[0].endswith("。") else "\n" if sentences[0] == "First line" else " "
    assert pieces(joiner.join(sentences)) == sentences


@given(st.text(alphabet="ab. \n?!。1", max_size=80))
def test_nothing_but_space_is_lost_between_sentences(text: str) -> None:
    assert "".join("".join(pieces(text)).split()) == "".join(text.split())
    edges = [edge for span in split(text) for edge in span]
    assert edges == sorted(edges)
