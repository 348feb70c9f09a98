"""The classifier on sentences that people wrote, and on those its predecessor got wrong."""

from __future__ import annotations

import pytest

from frontdesk.helpdesk.classify import PARAMETERS, QueryType, classify

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
    ("What are your fees for airport transfers?", QueryType.PRICING),
    ("Is a credit card dearer?", QueryType.BOOKING),
    ("Which is better, the Aurora or the Bellevue?", QueryType.COMPARISON),
    ("What is the difference between half board and full board?", QueryType.COMPARISON),
    ("Can I cancel two weeks before departure?", QueryType.BOOKING),
    ("How do I reserve a table?", QueryType.BOOKING),
    ("How do I import clients from a spreadsheet?", QueryType.PLATFORM_HELP),
    ("How do I send a quote to a client?", QueryType.PLATFORM_HELP),
    ("Where can I reset my password?", QueryType.PLATFORM_HELP),
    ("When is the best time to go to Crete?", QueryType.DESTINATION),
    ("Do I need a visa for Egypt?", QueryType.GENERAL),
    ("Is there snow in Egypt?", QueryType.DESTINATION),
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
    ("Is the Aurora cheaper than the Bellevue?", QueryType.COMPARISON),
    ("Can we arrive later than midnight?", QueryType.GENERAL),
    ("Darf ich zwei Koffer mitnehmen?", QueryType.GENERAL),
]
GREETINGS = [
    "Hello!",
    "Good morning",
    "Hi Anna,",
    "Thanks a lot for your help",
    "Bye bye",
    "Guten Morgen zusammen",
    "Vielen Dank!",
    "Auf Wiedersehen",
    "Bonsoir",
    "Merci beaucoup, c'est parfait",
    "Buenos días",
    "Muchas gracias por todo",
]
GREETED_QUESTIONS = [
    ("Hello, how much is a double room?", QueryType.PRICING),
    ("Thanks! And can I cancel?", QueryType.BOOKING),
    ("Hi, hotels?", QueryType.HOTEL_INFO),
    ("Guten Tag, hat das Hotel eine Sauna?", QueryType.HOTEL_INFO),
    ("Bonjour, où sont les plages ?", QueryType.DESTINATION),
    ("Hola, ¿cuánto cuesta el traslado?", QueryType.PRICING),
    ("Hello, who founded the agency?", QueryType.GENERAL),
    ("Good evening, I want to talk to a human", QueryType.HAND_OFF),
]
HAND_OFFS = [
    "I want to talk to a human",
    "Can I speak to someone?",
    "Please call me back",
    "Get me a real person",
    "Ich möchte mit jemandem sprechen",
    "Bitte um Rückruf",
    "Je veux parler à quelqu'un",
    "Rappelez-moi demain",
    "Quiero hablar con un agente",
    "Llámenme, por favor",
]
NOT_HAND_OFFS = [
    "Do you have agents in Naxos?",
    "Who is my consultant's contact?",
    "Is there somebody at reception at night?",
    "When can I speak to somebody who knows German?",
    "Can I put my car next to the person I travel with?",
    "Gibt es einen Mitarbeiter auf Kreta?",
    "Avez-vous un agent à Naxos ?",
    "¿Tienen agentes en Naxos?",
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


@pytest.mark.parametrize("question", GREETINGS)
def test_a_greeting_alone_is_a_greeting(question: str) -> None:
    assert classify(question) is QueryType.GREETING


@pytest.mark.parametrize(("question", "kind"), GREETED_QUESTIONS)
def test_a_greeting_with_a_question_is_that_question(question: str, kind: QueryType) -> None:
    assert classify(question) is kind


@pytest.mark.parametrize("question", HAND_OFFS)
def test_a_request_for_somebody_is_a_hand_off(question: str) -> None:
    assert classify(question) is QueryType.HAND_OFF


@pytest.mark.parametrize("question", NOT_HAND_OFFS)
def test_a_question_about_people_is_no_request_for_them(question: str) -> None:
    assert classify(question) is not QueryType.HAND_OFF


def test_a_question_about_two_things_is_of_the_type_named_first() -> None:
    asked = [
        "Please call me back: which is better, half or full board?",
        "Which is cheaper, to cancel or to rebook?",
        "How do I import what clients pay for a hotel?",
        "What does it cost to book a hotel?",
        "Can I book a hotel with luggage?",
    ]
    assert [classify(question) for question in asked] == [
        QueryType.HAND_OFF,
        QueryType.COMPARISON,
        QueryType.PLATFORM_HELP,
        QueryType.PRICING,
        QueryType.BOOKING,
    ]


def test_the_order_of_the_words_does_not_matter() -> None:
    assert classify("the Aurora hotel, per night: how much?") is QueryType.PRICING
    assert classify("a client, a quote: how to send it?") is QueryType.PLATFORM_HELP


def test_every_type_has_parameters_that_hold_together() -> None:
    for kind in QueryType:
        parameters = PARAMETERS[kind]
        assert 0 < parameters.k <= parameters.fetch_k
        assert 0 <= parameters.mmr_lambda <= 1
        assert parameters.max_tokens > 0
    assert set(PARAMETERS) == set(QueryType)
