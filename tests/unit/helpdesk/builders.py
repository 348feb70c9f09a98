"""A small agency's index, and questions asked of it the way the helpdesk asks them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from frontdesk.helpdesk.evidence import Evidence, weigh_up
from frontdesk.helpdesk.passages import Passage
from frontdesk.helpdesk.question import Question, Term, take_apart
from frontdesk.helpdesk.vectors import QuestionVectors
from frontdesk.knowledge import sentences
from frontdesk.knowledge.embedders import Embedders
from frontdesk.knowledge.index import IndexedDocument, LoadedIndex, StoredChunk
from frontdesk.knowledge.retrieve import Candidate, Retrieval, Retriever
from frontdesk.platform.clock import SystemClock
from tests.unit.knowledge.builders import TENANT, a_deadline, build, document
from tests.unit.knowledge.fakes import WordEmbedder

if TYPE_CHECKING:
    from pathlib import Path

    from frontdesk.helpdesk.vectors import TextVectors
    from frontdesk.platform.resilience import Deadline

DOCUMENTS = (
    document(
        1,
        "# Crete hotels: Asterias Bay and Libyan Sea Inn\n\n"
        "## Asterias Bay\n\n"
        "The Asterias Bay has an outdoor pool, heated from April to October. "
        "Breakfast at the Asterias Bay costs 14 EUR.\n\n"
        "## Libyan Sea Inn\n\n"
        "The Libyan Sea Inn has a fitness room. "
        "Dogs sleep at the Libyan Sea Inn for 8 EUR a night.",
    ),
    document(
        2,
        "# Baggage on Halcyon Air\n\n"
        "Each passenger of Halcyon Air may check one suitcase of 23 kilograms. "
        "A cabin bag of Halcyon Air weighs 8 kilograms at most, says the Cabin Crew.",
    ),
    document(
        3,
        "# Berghaus Tannegg\n\n"
        "Im Berghaus Tannegg kostet das Zimmer im Juni 90 Franken und im Juli 110 Franken. "
        "Die Hunde der Gäste schlafen im Berghaus Tannegg auf einer Decke.",
    ),
)
"""Titles and their languages: Crete hotels (en), Baggage (en), Berghaus Tannegg (de)."""


@dataclass(frozen=True)
class Library:
    """An index and its embedder of words."""

    index: LoadedIndex

    @classmethod
    def of_documents(cls, folder: Path) -> Library:
        """`DOCUMENTS`, indexed in that folder."""
        return cls(LoadedIndex(folder, build(folder, DOCUMENTS, WordEmbedder())))

    def get(self, tenant_id: UUID, *, deadline: Deadline) -> LoadedIndex:
        """The same index for everybody."""
        return self.index

    def retrieve(self, question: str) -> Retrieval:
        """All that is found for a question."""
        retriever = Retriever(self, Embedders(WordEmbedder()), clock=SystemClock())
        return retriever.retrieve(question, TENANT, deadline=a_deadline())

    def take_apart(self, question: str) -> Question:
        """The question as it is read in the light of what was found."""
        found = self.retrieve(question)
        return take_apart(question, found.terms, found.candidates, self.index)

    def weigh_up(self, question: str, vectors: TextVectors | None = None) -> Evidence:
        """The sentences found, measured; by their words alone when there are no vectors."""
        found = self.retrieve(question)
        asked = take_apart(question, found.terms, found.candidates, self.index)
        query_vector, compared = None, None
        if vectors is not None:
            query_vector, compared = found.query_vector, QuestionVectors(vectors, self.index, {})
        return weigh_up(asked, found.candidates, query_vector, compared, deadline=a_deadline())


def term(question: Question, word: str) -> Term:
    """The term of a question that is that word."""
    (found,) = (term for term in question.terms if term.word == word)
    return found


def candidate(title: str, text: str, number: int = 1) -> Candidate:
    """A passage as if it had been found by its words, of a document of its own."""
    document = IndexedDocument(UUID(int=number), title, "en", "public", frozenset(), number, 1)
    chunk = StoredChunk(number, document, title, text, tuple(sentences.split(text)))
    return Candidate(chunk, None, None, number, 1.0, 1.0, 0.5)


def passage_of(candidate: Candidate) -> Passage:
    """What an answer may cite of a candidate."""
    document = candidate.document
    return Passage(
        str(document.document_id), document.title, candidate.text, document.language, 0.5
    )
