"""The labelled questions: their shape, and how far they echo their passage.

`python -m demo.question_set` says what is in demo/questions/dev.jsonl and heldout.jsonl.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path
from typing import Any, Literal

import snowballstemmer
from pydantic import BaseModel, ConfigDict, Field

from demo.agencies import Document, Language, all_agencies
from frontdesk.knowledge.extract import Extracted, extract
from frontdesk.knowledge.language import STOP_WORDS

QUESTIONS = Path(__file__).parent / "questions"
SPLITS = ("dev", "heldout")
MAX_OVERLAP = 0.5

QueryType = Literal[
    "hotel_info", "pricing", "platform_help", "destination", "comparison", "booking", "general"
]
Kind = Literal["answerable", "unanswerable"]

_SNOWBALL = {"en": "english", "de": "german", "fr": "french", "es": "spanish"}
# Words that questions are made of and that say nothing of their subject; without them the
# overlap would be diluted, and every limit on it easy to meet.
_ASKING_WORDS: dict[Language, str] = {
    "en": "ago anything every go got many might much must need one onto per shall since still take "
    "want wants way whether yet",
    "de": "brauche gerne etwas jemand jemanden mehr möchte sehr viel viele wohin woher",
    "fr": "avant beaucoup combien faut-il fois là-bas pendant très veux voudrais",
    "es": "cuantos debo hacer hasta hago quiero sirve soy tan tanto va voy",
}
_WORD = re.compile(r"[^\W_]+(?:['’.,:][^\W_]+)*")


class Question(BaseModel):
    """One labelled question.

    `documents` are file names inside the tenant's knowledge folder, each of which answers the
    question by itself; `answer_spans` are acceptable answers, each an exact part of one sentence
    (or of two that follow each other) of a document's extracted text. Both are empty when
    nothing in the tenant's knowledge answers the question.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    tenant: Literal["coral", "alpine"]
    language: Language
    query_type: QueryType
    question: str = Field(min_length=5)
    documents: tuple[str, ...]
    answer_spans: tuple[str, ...]
    kind: Kind
    note: str


def load(split: str) -> list[Question]:
    """The questions of `dev` or `heldout`, in the file's order."""
    lines = (QUESTIONS / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [Question.model_validate_json(line) for line in lines]


def load_all() -> list[Question]:
    """Both splits, ordered by id."""
    return sorted((q for split in SPLITS for q in load(split)), key=lambda question: question.id)


def content_words(text: str, language: Language) -> set[str]:
    """Stems of the words that carry the meaning, lower case, stop words left out."""
    stops = STOP_WORDS[language] | set(_ASKING_WORDS[language].split())
    words: set[str] = set()
    for match in _WORD.findall(text.lower().replace("’", "'")):
        if match in stops:
            continue
        # l'hôtel, d'août: the article goes; guest's: the ending goes.
        head, _, tail = match.partition("'")
        words.add(tail if language == "fr" and tail else head)
    stemmer = _stemmer(language)
    return {stemmer.stemWord(word) for word in words - stops}


def overlap(question: str, passage: str, language: Language) -> float:
    """The share of the question's content words that the passage holds, 0 to 1."""
    asked = content_words(question, language)
    return len(asked & content_words(passage, language)) / len(asked) if asked else 0.0


def passages(document: Document, span: str) -> list[str]:
    """The paragraphs (list entries, table rows) of the document that contain the span."""
    sections = extracted(document).sections
    return [block.text for part in sections for block in part.blocks if span in block.text]


@cache
def extracted(document: Document) -> Extracted:
    """The document's text as the indexer sees it."""
    return extract(document.path.read_bytes(), document.path.name)


@cache
def _stemmer(language: Language) -> Any:
    return snowballstemmer.stemmer(_SNOWBALL[language])


def echo(question: Question) -> float:
    """The largest overlap of the question with a paragraph that holds its answer."""
    return max(
        overlap(question.question, text, question.language)
        for document in documents_of(question)
        for span in question.answer_spans
        for text in passages(document, span)
    )


def documents_of(question: Question) -> list[Document]:
    """The documents that answer the question."""
    return [_documents()[question.tenant, name] for name in question.documents]


@cache
def _documents() -> dict[tuple[str, str], Document]:
    return {
        (agency.tenant.slug, document.path.name): document
        for agency in all_agencies()
        for document in agency.documents
    }


def main() -> int:
    """Say what is in the splits."""
    for split in SPLITS:
        questions = load(split)
        answerable = [question for question in questions if question.kind == "answerable"]
        foreign = sum(question.language != "en" for question in answerable)
        shared = sum(map(echo, answerable)) / len(answerable)
        print(
            f"{split}: {len(answerable)} answerable ({foreign} not in English; they share "
            f"{shared:.0%} of their content words with the passage on average), "
            f"{len(questions) - len(answerable)} unanswerable"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
