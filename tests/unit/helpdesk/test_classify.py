"""The classifier on sentences that people wrote, and on those its predecessor got wrong."""

from __future__ import annotations

import pytest

from frontdesk.helpdesk.classify import PARAMETERS, QueryType, classify, parameters_for

MISTAKES_OF_THE_PREDECESSOR = [
    ("hotels", QueryType.HOTEL_INFO),
    ("How do I book a hotel?", QueryType.BOOKING),
    ("How much does the Aurora hotel cost per night?", QueryType.PRICING),
    ("Compare luxury vs budget", QueryType.COMPARISON),
    ("Is the beach safe?", QueryType.DESTINATION),
]
SENTENCES = [
    ("Does the hotel have a sauna?", QueryType.HOTEL_INFO),
    ("What time is check-in at the Bergkristall?", QueryType.HOTEL_INFO),
    ("resorts", QueryType.HOTEL_INFO),
    ("islands", QueryType.DESTINATION),
    ("prices", QueryType.PRICING),
    ("bookings", QueryType.BOOKING),
    ("What are your fees for credit cards?", QueryType.PRICING),
    ("Which is better, the Aurora or the Bellevue?", QueryType.COMPARISON),
    ("What is the difference between half board and full board?", QueryType.COMPARISON),
    ("Can I cancel two weeks before departure?", QueryType.BOOKING),
    ("How do I reserve a table?", QueryType.BOOKING),
    ("How do I import clients from a spreadsheet?", QueryType.PLATFORM_HELP),
    ("How do I send a quote to a client?", QueryType.PLATFORM_HELP),
    ("Where can I reset my password?", QueryType.PLATFORM_HELP),
    ("When is the best time to go to Crete?", QueryType.DESTINATION),
    ("Do I need a visa for Egypt?", QueryType.DESTINATION),
    ("Who founded the agency?", QueryType.GENERAL),
    ("", QueryType.GENERAL),
    ("Was kostet ein Doppelzimmer im Hotel Edelweiss?", QueryType.PRICING),
    ("Wie kann ich meine Reise stornieren?", QueryType.BOOKING),
    ("Gibt es im Berghaus eine Sauna?", QueryType.HOTEL_INFO),
    ("Wie ist das Wetter im Juni?", QueryType.DESTINATION),
    ("Combien coûte la nuit à l'hôtel ?", QueryType.PRICING),
    ("Comment annuler ma réservation ?", QueryType.BOOKING),
    ("L'hôtel a-t-il une piscine ?", QueryType.HOTEL_INFO),
    ("¿Cuánto cuesta el traslado?", QueryType.PRICING),
    ("¿Cómo cancelo mi reserva?", QueryType.BOOKING),
    ("¿Hay playas tranquilas?", QueryType.DESTINATION),
    ("Comparez les deux hôtels", QueryType.COMPARISON),
]


@pytest.mark.parametrize(("question", "kind"), MISTAKES_OF_THE_PREDECESSOR)
def test_what_the_predecessor_got_wrong_is_right(question: str, kind: QueryType) -> None:
    assert classify(question) is kind


@pytest.mark.parametrize(("question", "kind"), SENTENCES)
def test_a_sentence_gets_the_type_a_person_would_give_it(question: str, kind: QueryType) -> None:
    assert classify(question) is kind


@pytest.mark.parametrize(("question", "kind"), MISTAKES_OF_THE_PREDECESSOR + SENTENCES)
def test_case_accents_and_punctuation_do_not_change_the_type(
    question: str, kind: QueryType
) -> None:
    assert classify(question.upper().replace("?", " ?!")) is kind


def test_every_type_has_parameters_that_hold_together() -> None:
    for kind in QueryType:
        parameters = parameters_for(kind)
        assert 0 < parameters.k <= parameters.fetch_k
        assert 0 <= parameters.mmr_lambda <= 1
        assert parameters.max_tokens > 0
    assert set(PARAMETERS) == set(QueryType)
