"""Two things a sentence must fit besides its subject: the month asked about, the kind of answer.

"What is a double in December?" is not answered by prices for May to October, however similar the
words; "what does it cost?" is not answered by a sentence without an amount. English, German,
French and Spanish.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from frontdesk.helpdesk.classify import fold
from frontdesk.knowledge import language

_MONTH_NAMES: Final = """
january jan januar janner janvier enero
february feb februar fevrier febrero
march marz mars marzo
april apr avril abril
may mai mayo
june jun juni juin junio
july jul juli juillet julio
august aug aout agosto
september sept septembre septiembre
october oct oktober octobre octubre
november nov novembre noviembre
december dec dezember dez decembre diciembre
"""
_MONTHS: Final = {
    name: number
    for number, line in enumerate(_MONTH_NAMES.strip().splitlines(), start=1)
    for name in line.split()
}
_TIMES_OF_YEAR: Final = {
    name: months
    for names, months in (
        ("spring fruhling fruhjahr printemps primavera", (3, 4, 5)),
        ("summer sommer ete verano", (6, 7, 8)),
        ("autumn herbst automne otono", (9, 10, 11)),
        ("winter wintertime hiver invierno", (12, 1, 2)),
        ("easter ostern paques", (3, 4)),
        ("christmas xmas weihnachten noel navidad", (12,)),
        ("newyear silvester neujahr nochevieja nouvelan", (12, 1)),
    )
    for name in names.split()
}
_NEW_YEAR: Final = re.compile(r"\b(new year(?: s eve)?|nouvel an|ano nuevo)\b")
_ALL_YEAR: Final = re.compile(
    r"\b(all year|year round|throughout the year|every month|any time|in every season|every season"
    r"|ganzjahrig|das ganze jahr|in jedem monat|toute l annee|todo el ano)\b"
)
_DAY: Final = r"\d{1,2}(?:st|nd|rd|th|er)?"
# The second month stays unread, so that it may open a span of its own.
_RANGE: Final = re.compile(
    rf"\b(?P<first>[a-z]+)(?= (?:{_DAY} |\d{{4}} )?"
    r"(?P<joint>to|until|till|through|bis(?: zum| mitte| ende| anfang)?|a|au|jusqu en|jusqu au"
    r"|hasta|and|und|et|y)"
    r" (?:the |mid |late |early |end of |mitte |ende |anfang |mi |fin |el |finales de )*"
    rf"(?:{_DAY} )?(?:de )?(?P<last>[a-z]+)\b)"
)
_PAIRS: Final = frozenset({"and", "und", "et", "y"})
_BETWEEN: Final = re.compile(r"\b(between|zwischen|entre|from|von|vom|du|de|desde|del)\b")
_NAMED: Final = "|".join(sorted((*_MONTHS, *_TIMES_OF_YEAR), key=len, reverse=True))
_DASH: Final = re.compile(rf"\s*[–—]\s*|(?<=[a-z\d.])\s*-\s*(?=(?:{_NAMED})\b)", re.IGNORECASE)
# Words of their own, which as months are written with a capital: "May I …?", "pour sept nuits".
_AMBIGUOUS: Final = frozenset({"may", "mars", "sept"})
_ETE: Final = re.compile(r"\b(?:en|l|d|cet|un|bel|plein) ete\b")  # else it is "has been"


@lru_cache(maxsize=20_000)
def months_of(text: str) -> frozenset[int]:
    """The months (1 to 12) that a text speaks of; "June to September" means four of them."""
    folded = _NEW_YEAR.sub("newyear", fold(_DASH.sub(" to ", text)))
    if _ALL_YEAR.search(folded):
        return frozenset(range(1, 13))
    found = set().union(*(_named(word, text) for word in folded.split()))
    for match in _RANGE.finditer(folded):
        first, last = (_MONTHS.get(match[name], 0) for name in ("first", "last"))
        pair = match["joint"] in _PAIRS
        if {first, last} <= found and (not pair or _BETWEEN.search(folded[: match.start()])):
            found.update(_span(first, last))
    return frozenset(found)


def names_month(folded: str, text: str) -> bool:
    """Whether a folded word of a text names a month or a time of the year."""
    return bool(_named(folded, text))


def _named(word: str, text: str) -> tuple[int, ...]:
    """The months that a folded word of a text stands for."""
    if word in _AMBIGUOUS and not _written_as_month(word, text):
        return ()
    if word == "ete" and not _ETE.search(fold(text)):
        return ()
    if word in _MONTHS:
        return (_MONTHS[word],)
    return _TIMES_OF_YEAR.get(word, ())


def _written_as_month(word: str, text: str) -> bool:
    if word == "mars" and language.detect(text) == "fr":
        return True
    # At the head of a sentence every word has a capital: there a month goes on like one.
    month = word.title()
    within = rf"(?<![.?!] )(?<!^)\b{month}\b"
    leading = (
        rf"\b{month}\b(?=,|:| (?:to|until|till|through|and|or|is|prices?|rates?|\d)\b| ?[–—-])"
    )
    return re.search(f"{within}|{leading}", text) is not None


def _span(first: int, last: int) -> list[int]:
    return [(first - 1 + step) % 12 + 1 for step in range((last - first) % 12 + 1)]


class AnswerKind(NamedTuple):
    """What a question asks for, and how a sentence shows that it has one."""

    name: str
    asked: re.Pattern[str]
    given: re.Pattern[str]


_AMOUNT: Final = (
    r"€|\$|£|%|\b(eur|chf|usd|gbp|euros?|pounds?|franken|francs?|francos?|dollars?|free|no charge"
    r"|no cost|without charge|nothing|included|extra cost|gratis|kostenlos\w*|kostenfrei\w*"
    r"|inbegriffen|inklusive|gratuit\w*|compris\w*|inclus\w*|incluid\w*|per cent|percent|prozent"
    r"|pour cent|por ciento)(?!\w)"
)
_NUMBER: Final = (
    r"\d|\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen"
    r"|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty"
    r"|ninety|hundred|half|no|ein|eine|zwei|drei|vier|funf|sechs|sieben|acht|neun|zehn|elf|zwolf"
    r"|zwanzig|dreissig|vierzig|funfzig|un|une|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|douze"
    r"|quinze|vingt|trente|quarante|cinquante|uno|una|dos|tres|cuatro|cinco|seis|siete|ocho|nueve"
    r"|diez|doce|quince|veinte|treinta|cuarenta|cincuenta)\b"
)
_CLOCK: Final = (
    r"\d{1,2}[:.h]\d\d|\d{1,2} ?(uhr|h|am|pm|heures|o clock)\b|\b(noon|midday|midnight|morning"
    r"|evening|afternoon|sunset|sunrise|around the clock|mittag\w*|mitternacht|morgens?|abends?"
    r"|rund um die uhr|midi|minuit|matin|soir|mediodia|medianoche|manana|tarde)\b"
)
_DURATION: Final = (
    r"\b(minutes?|hours?|days?|weeks?|months?|years?|nights?|minuten?|stunden?|tagen?|tage|wochen?"
    r"|monaten?|monate|jahren?|jahre|nachten?|nachte|heures?|jours?|semaines?|mois|ans?|annees?"
    r"|nuits?|minutos?|horas?|dias?|semanas?|mes|meses|anos?|noches?|once|soon|immediately)\b"
)
_DISTANCE: Final = (
    r"\b(kilomet\w+|km|m|met(er|re|ro)s?|metern|miles?|minutes?|minuten|minutos?|hours?|stunden?"
    r"|heures?|horas?)\b"
)
_KINDS: Final = (
    AnswerKind(
        "amount",
        re.compile(
            r"\b(how much(?! (?:hand )?(?:luggage|baggage|weight|time|snow|space|notice|water|wine"
            r"|cash|experience|room|sugar|alcohol)\b)|cost|costs|price|prices|rate|rates|fee|fees|charge|charged|expensive"
            r"|what do (i|we|you) pay|was kostet|kosten|kostet|preis|preise|teuer|combien coute"
            r"|combien coutent|prix|tarif|tarifs|cuanto cuesta|cuanto cuestan|cuanto vale|precio"
            r"|precios|tarifa|cuanto cobra)\b"
        ),
        re.compile(_AMOUNT),
    ),
    AnswerKind(
        "clock",
        re.compile(
            r"\b(what time|which time|at what hour|until what|opening hours|um wie viel uhr"
            r"|um wieviel uhr|wann (gibt|offnet|schliesst)|a quelle heure|jusqu a quelle heure"
            r"|a que hora|hasta que hora)\b"
        ),
        re.compile(_CLOCK),
    ),
    AnswerKind(
        "duration",
        re.compile(
            r"\b(how long|how many (minutes|hours|days|nights|weeks|months|years)|how soon"
            r"|how (early|late)|wie lange|wie viele (tage|nachte|stunden|wochen)|combien de temps"
            r"|combien de (jours|nuits|heures)|cuanto tiempo|cuanto (dura|tarda)"
            r"|cuant[oa]s (dias|noches|horas))\b"
        ),
        re.compile(f"{_DURATION}|{_CLOCK}"),
    ),
    AnswerKind(
        "distance",
        re.compile(r"\b(how far|wie weit|a quelle distance|a que distancia|que tan lejos)\b"),
        re.compile(_DISTANCE),
    ),
    AnswerKind(
        "number",
        re.compile(
            r"\b(how (many|much|old|big|large|heavy|deep|high|tall|fast|wide|warm)|what age"
            r"|which age|wie (viele|viel|alt|gross|schwer|tief|hoch|schnell|warm)|welches alter"
            r"|welchem alter|combien|quel age|cuant[oa]s?|que edad)\b"
        ),
        re.compile(f"{_NUMBER}|{_AMOUNT}"),
    ),
)


def expected_kind(question: str) -> AnswerKind | None:
    """The kind of answer that a question asks for; None when any sentence may answer it."""
    folded = fold(question)
    return next((kind for kind in _KINDS if kind.asked.search(folded)), None)


@lru_cache(maxsize=20_000)
def gives(sentence: str, kind: AnswerKind) -> bool:
    """Whether a sentence holds something of that kind."""
    plain = " ".join(sentence.casefold().split())
    return bool(kind.given.search(plain) or kind.given.search(fold(sentence)))
