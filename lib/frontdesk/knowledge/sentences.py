"""Where sentences begin and end, well enough for chunks and quotes in the languages we index."""

from __future__ import annotations

import re

Span = tuple[int, int]

# A full stop after these ends no sentence. Single letters never end one either.
_ABBREVIATIONS = frozenset(
    re.split(
        r"\s+",
        """
        approx av bzw ca cf co corp dept dr ed eg eig etc etw evtl exkl fr ggf gmbh hr ie inc incl
        inkl int jr lic ltd mind mio mlle mme mr mrs ms mwst nr num núm pag pers ph prof pág resp
        sr sra srta st std str tel ud uds usw vgl vol vs zzgl
        """.strip(),
    )
)
# Words that are abbreviations only before a number: "No. 5".
_BEFORE_NUMBERS = frozenset({"art", "fig", "max", "min", "no"})
_MONTHS = (
    "januar|jänner|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember"
)
_END = re.compile(r"[.!?…]+[\"'»”’)\]]*(?=\s)|[。！？]+[」』”）]*|\n+")
_LAST_WORD = re.compile(r"([^\W\d_]+|\d+)\.[\"'»”’)\]]*$")
_GERMAN_DATE = re.compile(rf"\s+(?:{_MONTHS})\b", re.IGNORECASE)


def split(text: str) -> list[Span]:
    """Spans (start, end) of the sentences, in order, without the space between them.

    A line break always ends a sentence: whoever joins lines into a paragraph does it before.
    """
    spans: list[Span] = []
    start = 0
    for match in _END.finditer(text):
        end = match.end()
        if not match.group().startswith("\n") and not _ends_here(text, start, end):
            continue
        _append(spans, text, start, end)
        start = end
    _append(spans, text, start, len(text))
    return spans


def _ends_here(text: str, start: int, end: int) -> bool:
    """Whether the marks before ``end`` end the sentence that began at ``start``."""
    if "." not in text[max(start, end - 3) : end]:
        return True  # only full stops have other uses
    following = text[end:].lstrip()
    last = _LAST_WORD.search(text, max(start, end - 40), end)
    if following[:1].islower():
        return False
    if last is None or text[end - 4 : end].lower() in {"a.m.", "p.m."}:
        return True
    word = last.group(1).lower()
    if word.isdigit():
        opens_item = not text[start : last.start()].strip()
        return not (_GERMAN_DATE.match(text, end) or opens_item)
    if word in _BEFORE_NUMBERS:
        return not following[:1].isdigit()
    return len(word) > 1 and word not in _ABBREVIATIONS


def _append(spans: list[Span], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    left = start + len(piece) - len(piece.lstrip())
    right = start + len(piece.rstrip())
    if left < right:
        spans.append((left, right))
