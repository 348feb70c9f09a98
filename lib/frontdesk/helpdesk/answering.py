"""From a question to an answer: generated when there is a model, extractive otherwise, or none.

Nothing outside can take the answer away: without the language model, the embedder or a fresh index
the reply is poorer, says so in ``degraded``, and comes in time.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from frontdesk.helpdesk.classify import QueryType, classify
from frontdesk.helpdesk.extractive import best_quotes, extract
from frontdesk.helpdesk.findings import Finder, Findings
from frontdesk.helpdesk.generate import RESERVED_SECONDS, generate
from frontdesk.helpdesk.passages import Answer, Citation, Passage, citation_of
from frontdesk.helpdesk.scripted import SCRIPTED, no_answer, scripted_answer
from frontdesk.helpdesk.terms import NO_TERMS, Terms
from frontdesk.knowledge.serving import knowledge_of
from frontdesk.platform.errors import DeadlineExceeded, NotFound, UpstreamUnavailable
from frontdesk.platform.llm_failures import Reason
from frontdesk.platform.logging import get_logger
from frontdesk.platform.resilience import Deadline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from frontdesk.helpdesk.generate import Generation, Listener
    from frontdesk.helpdesk.prompt import Turn
    from frontdesk.knowledge.index import Filters
    from frontdesk.platform.clock import Clock
    from frontdesk.platform.llm import LanguageModel, Usage
    from frontdesk.platform.services import Services

log = get_logger(__name__)

INDEX_UNAVAILABLE: Final = "index_unavailable"
BUDGET_SPENT: Final = Reason.QUOTA
"""The agency's tokens of the day are used up; the same to its reader as a provider's own quota."""


class AnswerMode(StrEnum):
    """Where an answer's words come from."""

    GENERATED = "generated"
    EXTRACTIVE = "extractive"
    NO_ANSWER = "no_answer"
    SCRIPTED = "scripted"


@dataclass(frozen=True, slots=True)
class Response:
    """An answer before it is stored.

    Attributes:
        text: with markers ``[n]`` that count the citations from 1.
        reasons: why it is less than it could be; empty when it is not.
        passages: all that was retrieved; each citation is of one of them.
        timings: milliseconds by stage.
        shortfall: why the language model, which was asked, gave nothing to show; None when it did.
        usage: tokens that the language model billed, also for words that were not shown.
        removed_markers: of the language model, that did not hold.
        findings: how it came about; None when nothing was searched.
    """

    text: str
    mode: AnswerMode
    query_type: QueryType
    citations: tuple[Citation, ...] = ()
    reasons: tuple[str, ...] = ()
    passages: tuple[Passage, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)
    shortfall: str | None = None
    usage: Usage | None = None
    removed_markers: int = 0
    findings: Findings | None = None


class Responder:
    """Answers questions from one process's knowledge. Safe to share between threads."""

    def __init__(self, finder: Finder, model: LanguageModel, *, clock: Clock) -> None:
        self._finder = finder
        self._model = model
        self._clock = clock

    @property
    def generates(self) -> bool:
        """Whether there is a language model to ask."""
        return self._model.configured

    def respond(
        self,
        question: str,
        tenant_id: UUID,
        filters: Filters,
        *,
        request_id: str,
        deadline: Deadline,
        history: Sequence[Turn] = (),
        terms: Terms = NO_TERMS,
        within_budget: bool = True,
        listener: Listener | None = None,
    ) -> Response:
        """The answer to a question.

        Args:
            filters: what the asker may see.
            history: the conversation so far.
            terms: the agency's own words by query type.
            within_budget: False when the agency may spend no more tokens today.
            listener: is shown a generated answer's sentences as they come. Should they leave, the
                answer says nothing more of interest than its usage.
        """
        query_type = classify(question, terms)
        if query_type in SCRIPTED:
            return Response(scripted_answer(query_type, question), AnswerMode.SCRIPTED, query_type)
        until = Deadline.after(max(0.0, deadline.remaining() - RESERVED_SECONDS), self._clock)
        try:
            findings = self._finder.find(question, tenant_id, filters, terms=terms, deadline=until)
        except (UpstreamUnavailable, DeadlineExceeded, NotFound) as failure:
            log.warning("The knowledge could not be searched.", error=type(failure).__name__)
            return Response(
                no_answer(question),
                AnswerMode.NO_ANSWER,
                query_type,
                reasons=(INDEX_UNAVAILABLE,),
            )
        reasons = [findings.degraded] if findings.degraded else []
        if not findings.known:
            return _response(question, findings, None, AnswerMode.NO_ANSWER, reasons)
        generation = None
        if self._model.configured and not within_budget:
            reasons.append(BUDGET_SPENT)
        elif self._model.configured:
            started = self._clock.monotonic()
            generation = generate(
                self._model,
                question,
                [findings.passages[number] for number in findings.order],
                findings.parameters,
                request_id=request_id,
                history=history,
                deadline=deadline,
                clock=self._clock,
                listener=listener,
            )
            findings.timings["generate"] = round((self._clock.monotonic() - started) * 1_000, 3)
            if generation.shortfall is None:
                mode = AnswerMode.GENERATED if generation.answer else AnswerMode.NO_ANSWER
                return _response(
                    question, findings, generation.answer, mode, reasons, generation=generation
                )
            reasons.append(generation.shortfall)
        answer = _extracted(question, findings)
        return _response(
            question, findings, answer, AnswerMode.EXTRACTIVE, reasons, generation=generation
        )


def _response(
    question: str,
    findings: Findings,
    answer: Answer | None,
    mode: AnswerMode,
    reasons: Sequence[str],
    *,
    generation: Generation | None = None,
) -> Response:
    return Response(
        text=no_answer(question) if answer is None else answer.text,
        mode=mode,
        query_type=findings.query_type,
        citations=() if answer is None else answer.citations,
        reasons=tuple(dict.fromkeys(reasons)),
        passages=findings.passages,
        timings=findings.timings,
        shortfall=generation.shortfall if generation else None,
        usage=generation.usage if generation else None,
        removed_markers=generation.removed_markers if generation else 0,
        findings=findings,
    )


def _extracted(question: str, findings: Findings) -> Answer:
    """The extractive answer, and after its own citations the other documents that stand by."""
    if findings.evidence is None or findings.scores is None:
        raise ValueError("nothing was found to extract from")
    answer = extract(question, findings.evidence, findings.scores, findings.passages)
    quotes = best_quotes(findings.evidence, findings.scores)
    cited = {citation.document_id for citation in answer.citations}
    further: list[Citation] = []
    for number in findings.order:
        passage = findings.passages[number]
        if passage.document_id not in cited:
            cited.add(passage.document_id)
            further.append(citation_of(passage, quotes.get(number, passage.text)))
    return Answer(answer.text, (*answer.citations, *further))


_made: WeakKeyDictionary[Services, Responder] = WeakKeyDictionary()
_lock = threading.Lock()


def responder_of(services: Services) -> Responder:
    """The one `Responder` that goes with these services, built at the first call."""
    with _lock:
        responder = _made.get(services)
        if responder is None:
            knowledge = knowledge_of(services)
            finder = Finder(knowledge.retriever, knowledge.embedders, clock=services.clock)
            responder = _made[services] = Responder(finder, services.llm, clock=services.clock)
    return responder
