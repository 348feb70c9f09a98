"""Frontdesk's own words, in the question's language: where nothing is searched or nothing found."""

from __future__ import annotations

from typing import Final

from frontdesk.helpdesk.classify import QueryType
from frontdesk.helpdesk.cues import fold
from frontdesk.knowledge import language

SCRIPTED: Final = frozenset({QueryType.GREETING, QueryType.HAND_OFF})
"""The types that get these words instead of a search."""

_GREETING: Final = {
    "en": "Glad to help! Ask me anything about your trip: places, hotels, prices or bookings.",
    "de": "Ich helfe gern! Fragen Sie mich alles zu Ihrer Reise: Orte, Hotels, Preise, Buchungen.",
    "fr": "Avec plaisir ! Posez-moi toutes vos questions sur votre voyage : lieux, hôtels, prix ou "
    "réservations.",
    "es": "¡Con mucho gusto! Pregúnteme lo que quiera sobre su viaje: lugares, hoteles, precios o "
    "reservas.",
}
_HAND_OFF: Final = {
    "en": "I will gladly pass you on to a colleague. Open a ticket, and somebody from the team "
    "will get back to you.",
    "de": "Gern gebe ich Sie an jemanden aus dem Team weiter. Eröffnen Sie ein Ticket, dann meldet "
    "sich jemand bei Ihnen.",
    "fr": "Je vous mets volontiers en relation avec un membre de l'équipe. Ouvrez un ticket et "
    "quelqu'un reviendra vers vous.",
    "es": "Con gusto le paso con una persona del equipo. Abra un ticket y alguien se pondrá en "
    "contacto con usted.",
}
_UNKNOWN: Final = {
    "en": "I could not find an answer to this in the agency's documents. "
    "A colleague will be glad to help you.",
    "de": "Dazu habe ich in den Unterlagen der Agentur keine Antwort gefunden. "
    "Jemand aus dem Team hilft Ihnen gern weiter.",
    "fr": "Je n'ai pas trouvé de réponse à cette question dans les documents de l'agence. "
    "Un membre de l'équipe vous aidera volontiers.",
    "es": "No he encontrado una respuesta a esto en los documentos de la agencia. "
    "Una persona del equipo le ayudará con gusto.",
}
_TELLING: Final = {
    "de": "hallo guten tag morgen abend nacht moin servus gruezi danke dankeschon vielen dank "
    "tschuss auf wiedersehen bitte mensch menschen mitarbeiter berater ruckruf rufen",
    "fr": "bonjour bonsoir salut coucou merci au revoir bientot journee conseiller rappeler "
    "rappelez personne humain",
    "es": "hola buenos buenas dias tardes noches gracias adios luego pronto saludos persona agente "
    "humano llamar hablar",
}
"""Words of greetings and requests, which are too short for a vote of function words."""


def scripted_answer(query_type: QueryType, question: str) -> str:
    """What is said to a greeting or to a request for somebody of the agency.

    Raises:
        KeyError: the type is not one of `SCRIPTED`.
    """
    words = {QueryType.GREETING: _GREETING, QueryType.HAND_OFF: _HAND_OFF}[query_type]
    return words.get(_spoken(question), words["en"])


def no_answer(question: str) -> str:
    """What is said when nothing answers, in the question's language."""
    return _UNKNOWN.get(language.detect(question), _UNKNOWN["en"])


def _spoken(question: str) -> str:
    """The language with most telling words, else what the function words say."""
    said = set(fold(question).split())
    votes = {spoken: len(said & set(words.split())) for spoken, words in _TELLING.items()}
    most = max(votes, key=votes.__getitem__)
    return most if votes[most] else language.detect(question)
