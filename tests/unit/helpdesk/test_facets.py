"""Months and kinds of answers, as travellers and hoteliers of four languages write them."""

from __future__ import annotations

import pytest

from frontdesk.helpdesk.facets import AnswerKind, expected_kind, gives, months_of, names_month

ALL_YEAR = set(range(1, 13))

MONTHS = [
    ("Is it open in February?", {2}),
    ("Ist es im Jänner offen?", {1}),
    ("Das Haus schließt im März.", {3}),
    ("Fermé en février et en août.", {2, 8}),
    ("Le refuge est ouvert en mars.", {3}),
    ("Le chalet a été rénové.", set()),
    ("Le chalet est fermé en été.", {6, 7, 8}),
    ("Le prix vaut pour sept nuits.", set()),
    ("¿Tienen vistas al mar?", set()),
    ("Cerrado en septiembre.", {9}),
    ("The season: June, July and August.", {6, 7, 8}),
    ("No month is named here.", set()),
]
TIMES_OF_YEAR = [
    ("Is there snow in winter?", {12, 1, 2}),
    ("Wie warm ist es im Frühling?", {3, 4, 5}),
    ("La piscine est chauffée en automne.", {9, 10, 11}),
    ("¿Qué tiempo hace en verano?", {6, 7, 8}),
    ("Is the hotel full at Christmas?", {12}),
    ("Was kostet es über Silvester?", {12, 1}),
    ("Dinner on New Year's Eve costs 90 EUR.", {12, 1}),
]
SPANS = [
    ("open from June to September", {6, 7, 8, 9}),
    ("open June–September", {6, 7, 8, 9}),
    ("open June-September", {6, 7, 8, 9}),
    ("May to October: 120 EUR", {5, 6, 7, 8, 9, 10}),
    ("June 15th to September 10th", {6, 7, 8, 9}),
    ("Breakfast 7 to 10, June to August", {6, 7, 8}),
    ("Closed on Mondays and June to September", {6, 7, 8, 9}),
    ("from 15 June to 10 September", {6, 7, 8, 9}),
    ("from mid June to late August 2026", {6, 7, 8}),
    ("closed from November to February", {11, 12, 1, 2}),
    ("vom 1. Mai bis 31. Juli", {5, 6, 7}),
    ("Juni bis Mitte September", {6, 7, 8, 9}),
    ("du 1er juin au 31 août", {6, 7, 8}),
    ("desde junio hasta agosto", {6, 7, 8}),
    ("between June and September", {6, 7, 8, 9}),
    ("zwischen Juni und September", {6, 7, 8, 9}),
]
ALWAYS = ["open all year round", "ganzjährig geöffnet", "ouvert toute l'année", "todo el año"]


@pytest.mark.parametrize(("text", "months"), MONTHS)
def test_a_month_is_read_in_its_language(text: str, months: set[int]) -> None:
    assert months_of(text) == months


@pytest.mark.parametrize(("text", "months"), TIMES_OF_YEAR)
def test_a_time_of_the_year_means_its_months(text: str, months: set[int]) -> None:
    assert months_of(text) == months


@pytest.mark.parametrize(("text", "months"), SPANS)
def test_a_span_means_the_months_within_it_too(text: str, months: set[int]) -> None:
    assert months_of(text) == months


def test_two_months_named_side_by_side_are_no_span() -> None:
    assert months_of("It rains in June and September.") == {6, 9}


@pytest.mark.parametrize("text", ALWAYS)
def test_all_year_means_every_month(text: str) -> None:
    assert months_of(text) == ALL_YEAR


def test_may_is_a_month_with_its_capital_within_a_sentence() -> None:
    assert months_of("Is the beach warm in May?") == {5}


@pytest.mark.parametrize("text", ["May I bring a dog?", "Guests may cook.", "Nice. May we come?"])
def test_may_that_asks_or_allows_is_no_month(text: str) -> None:
    assert months_of(text) == set()


def test_a_month_word_is_a_month_or_a_time_of_the_year() -> None:
    words = ("dezember", "julio", "hiver", "room")
    assert [names_month(word, word) for word in words] == [True, True, True, False]


KINDS = [
    ("How much is breakfast?", "amount"),
    ("Was kostet das Zimmer?", "amount"),
    ("Combien coûte la chambre ?", "amount"),
    ("¿Cuánto cuesta la habitación?", "amount"),
    ("What time is breakfast?", "clock"),
    ("Um wie viel Uhr gibt es Frühstück?", "clock"),
    ("À quelle heure est le dîner ?", "clock"),
    ("¿A qué hora abre la piscina?", "clock"),
    ("How long is the flight?", "duration"),
    ("How many nights must I stay?", "duration"),
    ("Wie lange dauert die Wanderung?", "duration"),
    ("Combien de temps dure le transfert ?", "duration"),
    ("¿Cuánto tiempo dura el vuelo?", "duration"),
    ("How far is the beach?", "distance"),
    ("Wie weit ist der Strand?", "distance"),
    ("À quelle distance est la plage ?", "distance"),
    ("¿A qué distancia está la playa?", "distance"),
    ("How many rooms are there?", "number"),
    ("How old must a child be?", "number"),
    ("Wie viele Zimmer gibt es?", "number"),
    ("Combien de chambres y a-t-il ?", "number"),
    ("¿Cuántas habitaciones hay?", "number"),
]


@pytest.mark.parametrize(("question", "kind"), KINDS)
def test_a_question_asks_for_a_kind_of_answer(question: str, kind: str) -> None:
    expected = expected_kind(question)
    assert expected is not None
    assert expected.name == kind


@pytest.mark.parametrize("question", ["Is there a pool?", "Gibt es WLAN?", "Where is the office?"])
def test_a_question_that_any_sentence_may_answer_asks_for_no_kind(question: str) -> None:
    assert expected_kind(question) is None


AMOUNT = "How much is it?"
CLOCK = "What time is it?"
DURATION = "How long is it?"
DISTANCE = "How far is it?"
NUMBER = "How old must one be?"
NOTHING_OF_A_KIND = "The pool is heated."
GIVEN = [
    (AMOUNT, "Breakfast costs 14 EUR."),
    (AMOUNT, "Children stay free."),
    (AMOUNT, "Das Frühstück ist inbegriffen."),
    (AMOUNT, "C'est gratuit."),
    (AMOUNT, "El desayuno está incluido."),
    (AMOUNT, "A deposit of 10% is due."),
    (CLOCK, "Breakfast is served from 07:30."),
    (CLOCK, "The bar closes at midnight."),
    (CLOCK, "Ab 8 Uhr."),
    (CLOCK, "À partir de 8 heures."),
    (CLOCK, "Abierto hasta mediodía."),
    (DURATION, "The transfer takes two hours."),
    (DURATION, "Die Wanderung dauert drei Stunden."),
    (DURATION, "Le séjour dure trois nuits."),
    (DURATION, "Son tres días."),
    (DISTANCE, "The beach is 200 m away."),
    (DISTANCE, "Der Strand ist fünf Kilometer entfernt."),
    (DISTANCE, "À dix minutes."),
    (NUMBER, "Children from 12 are welcome."),
    (NUMBER, "Vierzig Zimmer."),
    (NUMBER, "Douze chambres."),
]


def kind_asked_by(question: str) -> AnswerKind:
    kind = expected_kind(question)
    assert kind is not None
    return kind


@pytest.mark.parametrize(("question", "sentence"), GIVEN)
def test_a_sentence_gives_the_kind_that_is_asked_for(question: str, sentence: str) -> None:
    assert gives(sentence, kind_asked_by(question))


@pytest.mark.parametrize("question", [AMOUNT, CLOCK, DURATION, DISTANCE, NUMBER])
def test_a_sentence_without_anything_of_the_kind_does_not_give_it(question: str) -> None:
    assert not gives(NOTHING_OF_A_KIND, kind_asked_by(question))


def test_a_figure_alone_is_no_amount() -> None:
    assert not gives("There are 40 rooms.", kind_asked_by(AMOUNT))


def test_a_price_is_no_time_of_day() -> None:
    assert not gives("Breakfast costs 14 EUR.", kind_asked_by(CLOCK))


def test_a_word_that_only_contains_a_free_one_is_no_amount() -> None:
    assert not gives("Guests move freely.", kind_asked_by(AMOUNT))
