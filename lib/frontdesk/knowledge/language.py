"""Which language a text is in: its script, or a vote of stop words for those that share one."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

DEFAULT = "en"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# The function words that carry a vote; the commonest of each language, accents kept.
STOP_WORDS: dict[str, frozenset[str]] = {
    "en": _words(
        """
        a about after again all also am an and any are as at be because been before being below
        between both but by can could did do does doing don't down during each few for from
        further get had has have having he her here hers him his how i i'd i'm if in into is isn't
        it it's its just know me more most my no nor not of off on once only or other our ours out
        over own please same she should so some such tell than that the their theirs them then
        there there's these they this those through to too under until up us very was we were what
        when where which while who whom why will with would you your yours
        """
    ),
    "de": _words(
        """
        aber alle als also am an auch auf aus bei beim bin bis bitte da damit dann das dass dem
        den denn der des die dies diese diesem diesen dieser dieses doch dort du durch ein eine
        einem einen einer eines er es euch euer für gegen gibt habe haben hat hatte hier ich ihr
        ihre ihrem ihren ihrer im in ist ja jede jedem jeden jeder jedes kann kein keine keinen
        können könnte man mein meine meinem meinen meiner mich mir mit muss müssen nach nicht noch
        nur ob oder ohne sein seine sich sie sind so soll sollte um und uns unser unsere unter vom
        von vor wann war waren warum was weil welche welchem welchen welcher welches wenn wer
        werden wie wieviel wir wird wo wurde zu zum zur über
        """
    ),
    "fr": _words(
        """
        ai alors as au aucun aussi autre aux avant avec avez avoir avons bien c car ce cela ces
        cet cette ceux chaque comme comment d dans de des du elle elles en encore entre est et eux
        faire fait faut il ils j je l la le les leur leurs lors lui là ma mais me mes moi mon même
        n ne ni nos notre nous on ont ou où par pas peut peuvent peux plus pour pouvez puis qu
        quand que quel quelle quelles quels qui quoi s sa sans se ses si son sont sous sur ta te
        tes toi ton tous tout toute toutes tu un une vers vos votre vous y à étaient était être
        """
    ),
    "es": _words(
        """
        a al algo alguna algunas alguno algunos ante antes aquí así aunque cada como con cual
        cuales cuando cuál cuáles cuándo cuánta cuántas cuánto cuántos cómo de del desde donde
        durante dónde e el ella ellas ellos en entre era eres es esa esas ese eso esos estas este
        esto estos está están fue fueron ha hace han hasta hay la las le les lo los me mi mis
        mucho muy más nada ni no nos nosotros nuestra nuestro o os otra otro para pero por porque
        puede pueden puedo que quién qué se sea ser si sin sobre son su sus sí también te tengo
        tiene tienen todo todos tu tus un una unas uno unos usted ustedes y ya yo él
        """
    ),
}

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
# Letters that few other Latin languages here use: worth more than one stop word.
_TELLING_LETTERS = {"de": "äöüß", "fr": "çèêëîôœù", "es": "ñ¿¡"}
_TELLING_WEIGHT = 0.5
_SAMPLE = 20_000  # characters looked at

# First and last code point, language; a script that one language dominates stands for it.
_SCRIPTS: tuple[tuple[int, int, str], ...] = (
    (0x0370, 0x03FF, "el"),
    (0x1F00, 0x1FFF, "el"),
    (0x0400, 0x052F, "ru"),
    (0x0590, 0x05FF, "he"),
    (0x0600, 0x06FF, "ar"),
    (0x0750, 0x077F, "ar"),
    (0x0900, 0x097F, "hi"),
    (0x0E00, 0x0E7F, "th"),
    (0x3040, 0x30FF, "ja"),
    (0x3400, 0x4DBF, "zh"),
    (0x4E00, 0x9FFF, "zh"),
    (0xAC00, 0xD7AF, "ko"),
)


@lru_cache(maxsize=4096)
def script_of(character: str) -> str | None:
    """The language that the character's script stands for; None for Latin and the rest."""
    point = ord(character)
    for first, last, language in _SCRIPTS:
        if first <= point <= last:
            return language
    return None


def detect(text: str, default: str = DEFAULT) -> str:
    """ISO 639-1 code of the text's main language.

    Latin scripts are told apart by stop words among en, de, fr and es; a text without any vote
    (a name, a price) gets the default.
    """
    sample = text[:_SAMPLE]
    letters = Counter(script_of(character) for character in sample if character.isalpha())
    if not letters:
        return default
    scripts = Counter({script: count for script, count in letters.items() if script})
    if scripts:
        script, count = scripts.most_common(1)[0]
        if "ja" in scripts and scripts["ja"] * 5 > count:
            script = "ja"  # Japanese mixes kana with many Han characters
        # A Han character says as much as two or three letters.
        if script and sum(scripts.values()) * 2 > letters[None]:
            return script
    votes = latin_votes(sample)
    language, best = max(votes.items(), key=lambda vote: vote[1])
    return language if best > 0 else default


def latin_votes(text: str) -> dict[str, float]:
    """Votes for each language of `STOP_WORDS`; shared words split their vote."""
    lowered = text.lower().replace("’", "'")
    votes = dict.fromkeys(STOP_WORDS, 0.0)
    for word in _WORD.findall(lowered):
        speakers = [language for language, words in STOP_WORDS.items() if word in words]
        if not speakers and "'" in word:
            head = word.split("'", 1)[0]  # l'hôtel, d'avion
            speakers = ["fr"] if head in STOP_WORDS["fr"] else []
        for language in speakers:
            votes[language] += 1 / len(speakers)
    for language, telling in _TELLING_LETTERS.items():
        votes[language] += _TELLING_WEIGHT * sum(lowered.count(letter) for letter in telling)
    return votes
