"""Stop words and scripts tell the language."""

from __future__ import annotations

import pytest

from frontdesk.knowledge.language import detect


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How much baggage can I take with me?", "en"),
        ("Wie viel Gepäck darf ich mitnehmen?", "de"),
        ("Quelle est la franchise de bagages pour les enfants ?", "fr"),
        ("¿Cuánto equipaje puedo llevar?", "es"),
        ("Πόσες αποσκευές επιτρέπονται;", "el"),
        ("我可以带多少行李？", "zh"),
        ("荷物はいくつまで持っていけますか", "ja"),
        ("수하물은 몇 개까지 가능한가요", "ko"),
        ("เอากระเป๋าไปได้กี่ใบ", "th"),
        ("كم حقيبة يمكنني أن آخذ", "ar"),
        ("Łukasz 2026", "en"),
        ("", "en"),
        ("The hotel 北京饭店 is in the centre of the city", "en"),
    ],
)
def test_the_main_language_is_found(text: str, language: str) -> None:
    assert detect(text) == language


def test_a_text_without_any_sign_gets_the_default() -> None:
    assert detect("Thalassa Naxos", default="de") == "de"
