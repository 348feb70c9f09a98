"""Answers as a good model words them: all of their sentences and markers are kept."""

from __future__ import annotations

import pytest

from frontdesk.helpdesk.citations import checked
from frontdesk.helpdesk.passages import Passage
from frontdesk.helpdesk.prompt import build_prompt

SHOWN = (
    Passage(
        "a",
        "Hotel Gletscherblick Zermatt",
        "Hotel Gletscherblick Zermatt stands above the village. An electric cart collects "
        "guests from the station when they ring from the blue telephone on the platform. "
        "Breakfast is included and half board with four courses is 48 CHF per adult. The "
        "indoor pool is open from 07:00 to 21:00. Dogs are welcome at 25 CHF a night. "
        "Guests rated the hotel 4.5 out of 5 in 2025. Cancellation is free of charge "
        "until 14 days before arrival; afterwards 80 percent of the price is due. Wi-Fi "
        "is free. The tourist tax of 4 CHF per person and night is paid on the spot.",
        "en",
        0.9,
    ),
    Passage(
        "b",
        "Visa für die Schweiz",
        "Gäste aus Indien brauchen ein Schengen-Visum. Das Konsulat in Mumbai ist von "
        "Montag bis Freitag von 9 bis 12 Uhr geöffnet. Das Visum kostet 90 Euro.",
        "de",
        0.8,
    ),
)

ANSWERS = (
    (
        "Do they pick us up at the station?",
        "Ring from the blue telephone on the platform and an electric cart will collect you [1].",
    ),
    (
        "Do they pick us up at the station?",
        (
            "Hotel Gletscherblick offers a free pick-up service: an electric cart takes you from "
            "Zermatt station to the hotel [1]."
        ),
    ),
    (
        "Do they pick us up at the station?",
        (
            "When you arrive, just use the blue phone on the platform to call the hotel's "
            "electric shuttle [1]."
        ),
    ),
    (
        "How much is half board?",
        "Half board costs **CHF 48** per adult and includes four courses [1].",
    ),
    (
        "How much is half board?",
        (
            "It's 48 CHF per person for a four-course dinner; breakfast is already included in "
            "the room rate [1]."
        ),
    ),
    (
        "How much is half board?",
        "- **Half Board:** 48 CHF per adult [1]\n- **Breakfast:** included [1]",
    ),
    ("Can I bring my dog?", "Yes, dogs are allowed for an additional 25 CHF per night [1]."),
    (
        "Can I bring my dog?",
        "Pets are welcome: there is a surcharge of CHF 25.00 a night for dogs [1].",
    ),
    (
        "Can I bring my dog?",
        (
            "Of course! Your four-legged friend is welcome at Hotel Gletscherblick Zermatt for "
            "25 CHF per night [1]."
        ),
    ),
    (
        "What if we cancel?",
        (
            "You can cancel free of charge up to 14 days before arrival. After that, 80% of the "
            "price is charged [1]."
        ),
    ),
    (
        "What if we cancel?",
        (
            "Cancellations made at least 14 days prior to arrival are free [1]. Later "
            "cancellations incur a fee of 80 % of the total price [1]."
        ),
    ),
    (
        "What if we cancel?",
        (
            "If you cancel less than 14 days before your arrival, you will have to pay 80% of "
            "the price [1]."
        ),
    ),
    ("Hat das Hotel ein Schwimmbad?", "Ja, das Hallenbad ist von 7 bis 21 Uhr geöffnet [1]."),
    (
        "Hat das Hotel ein Schwimmbad?",
        (
            "Ja, das Hotel Gletscherblick hat ein Hallenbad, das von 07:00 bis 21:00 Uhr "
            "geöffnet ist [1]."
        ),
    ),
    ("Gibt es WLAN?", "Ja, WLAN ist kostenlos [1]."),
    ("Gibt es WLAN?", "Das WLAN im Hotel ist gratis [1]."),
    (
        "Est-ce que le petit déjeuner est compris ?",
        "Oui, le petit déjeuner est inclus et la demi-pension coûte 48 CHF par adulte [1].",
    ),
    ("Is there wifi?", "Yes, WiFi is free of charge [1]."),
    ("Is there wifi?", "Yes, there is complimentary Wi-Fi throughout the hotel [1]."),
    (
        "When is the consulate in Mumbai open?",
        "The consulate in Mumbai is open Monday to Friday from 9 am to 12 noon [2].",
    ),
    (
        "When is the consulate in Mumbai open?",
        "It is open on weekdays, Monday through Friday, 9:00–12:00 [2].",
    ),
    ("When is the consulate in Mumbai open?", "A visa costs 90 euros [2]."),
    ("When is the consulate in Mumbai open?", "Guests from India need a Schengen visa [2]."),
    (
        "Wie hoch ist die Kurtaxe?",
        "Die Kurtaxe beträgt 4 CHF pro Person und Nacht und wird vor Ort bezahlt [1].",
    ),
    ("How good is it?", "Guests gave it a rating of 4.5/5 in 2025 [1]."),
    ("How good is it?", "The hotel has excellent reviews, with guests rating it 4.5 out of 5 [1]."),
    ("When is the pool open?", "The indoor pool opens at 7 am and closes at 9 pm [1]."),
    ("When is the pool open?", "The pool is open daily from 7:00 a.m. to 9:00 p.m. [1]"),
    ("泳池几点开放?", "室内泳池开放时间为07:00至21:00 [1]。"),
)


@pytest.mark.parametrize(("question", "said"), ANSWERS)
def test_an_honest_answer_is_kept_whole(question: str, said: str) -> None:
    instructions = build_prompt(question, SHOWN, request_id="r").system
    outcome = checked(said, SHOWN, question, instructions)
    assert outcome.answer is not None
    assert (outcome.removed_sentences, outcome.removed_markers) == (0, 0)
