"""Two agencies with look-alike documents: is anybody ever answered from the other's?"""

from __future__ import annotations

import json
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from frontdesk.helpdesk.answering import AnswerMode
from frontdesk.helpdesk.ask import AnswerReply, Ask, answer
from frontdesk.platform.context import Context
from frontdesk.platform.database import Rpc
from frontdesk.platform.errors import NotFound
from frontdesk.platform.logging import bind, get_logger
from frontdesk.platform.services import Services
from tests.support.contexts import member_context
from tests.support.hammer import Report, strike
from tests.support.look_alike_desks import EVERYBODY, PAGES, Agency

log = get_logger("helpdesk_hammer")

Handler = Callable[[Context, Ask], AnswerReply]
"""The ask handler, or one that a test built over something broken."""

QUESTIONS = tuple((page.visibility, question) for page in PAGES for question in page.questions)


@dataclass(frozen=True)
class Asker:
    """Somebody of an agency, who should never hear of the other one."""

    role: str
    agency: Agency
    other: Agency
    context: Context

    @property
    def user_id(self) -> UUID:
        """Who it is."""
        return self.context.member.user_id


@dataclass(frozen=True)
class Asked:
    """A question that was answered, and by whom it was asked."""

    asker: Asker
    question: str
    reply: AnswerReply


class Hammer:
    """Asks as members and visitors of both agencies at once, and looks at every answer.

    Everybody asks the same questions. An answer may rest on the asker's own agency's documents,
    a visitor's on the public ones among them.

    Args:
        services: of the one process that serves both.
        agencies: the two.
        seed: of what is asked; a failure is repeated with the same one.
        handler: answers.
    """

    def __init__(
        self,
        services: Services,
        agencies: Sequence[Agency],
        *,
        seed: int,
        handler: Handler = answer,
    ) -> None:
        self._services = services
        self._agencies = agencies
        self._seed = seed
        self._handler = handler
        self._lock = threading.Lock()
        self._conversations: dict[UUID, list[UUID]] = defaultdict(list)  # by user
        self._answered: list[Asked] = []
        self._requests: dict[str, str] = {}  # whose tenant id made each, by request id

    def strike(self, *, threads: int, requests: int) -> Report:
        """Make so many requests in so many threads."""
        return strike(self._request, seed=self._seed, threads=threads, requests=requests)

    def _request(self, chance: random.Random, seen: Report) -> None:
        mine, other = chance.sample(self._agencies, 2)
        role = chance.choice(EVERYBODY)
        context = member_context(self._services, mine.tenant, role, seconds=60)
        asker = Asker(role, mine, other, context)
        with self._lock:
            self._requests[context.request_id] = str(mine.tenant.id)
        with bind(tenant_id=mine.tenant.id, request_id=context.request_id):
            match chance.choices(("ask", "go on", "stranger", "change"), (70, 15, 10, 5))[0]:
                case "ask":
                    self._ask(chance, asker, None, seen)
                case "go on":
                    self._ask(chance, asker, self._conversation(chance, asker.user_id), seen)
                case "stranger":
                    self._read_a_strangers_conversation(chance, asker, seen)
                case "change":
                    self._services.cache.bump_access(mine.tenant.id)
            log.info("Asked", asked_by=mine.tenant.slug, seen=seen.own)

    def _ask(
        self, chance: random.Random, asker: Asker, conversation_id: UUID | None, seen: Report
    ) -> None:
        visibility, question = chance.choice(QUESTIONS)
        body = Ask(question=question, conversation_id=conversation_id)
        reply = self._handler(asker.context, body)
        _look(asker, reply, seen)
        expected = visibility in asker.agency.visible_to(asker.role)
        if expected and reply.mode is AnswerMode.NO_ANSWER:
            seen.failures.append(f"no answer for {asker.role}: {question}")
        if reply.degraded:
            seen.failures.append(f"degraded: {reply.degraded_reason}")
        with self._lock:
            self._answered.append(Asked(asker, question, reply))
            self._conversations[asker.user_id].append(reply.conversation_id)

    def _conversation(self, chance: random.Random, user_id: UUID) -> UUID | None:
        """One of the user's earlier ones; None when there is none yet."""
        with self._lock:
            earlier = self._conversations[user_id]
            return chance.choice(earlier) if earlier else None

    def _read_a_strangers_conversation(
        self, chance: random.Random, asker: Asker, seen: Report
    ) -> None:
        stranger = asker.other.tenant.users[chance.choice(EVERYBODY)]
        conversation_id = self._conversation(chance, stranger)
        if conversation_id is None:
            return
        try:
            asker.context.database.call(
                Rpc.READ_CONVERSATION,
                {"p_id": str(conversation_id)},
                deadline=asker.context.deadline,
                idempotent=True,
            )
        except NotFound:
            return
        seen.foreign.append("a conversation of the other by its id")

    # -- afterwards --

    def stored(self, sql: psycopg.Connection) -> Report:
        """Whether each answer that is said to be stored stands where only its asker finds it.

        Args:
            sql: the superuser's connection, which sees everybody's.
        """
        with sql.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(
                "select a.id, a.text, a.citations, a.tenant_id, a.conversation_id, c.user_id,"
                " q.text as question"
                " from app.messages as a"
                " join app.conversations as c"
                " on c.tenant_id = a.tenant_id and c.id = a.conversation_id"
                " left join app.messages as q on q.tenant_id = a.tenant_id"
                " and q.conversation_id = a.conversation_id and q.position = a.position - 1"
                " where a.id = any(%s)",
                [[asked.reply.answer_id for asked in self._answered]],
            ).fetchall()
        found = {row["id"]: row for row in rows}
        report = Report(requests=len(self._answered))
        for asked in self._answered:
            row = found.get(asked.reply.answer_id)
            if row is None:
                report.failures.append(f"not stored: {asked.question}")
            elif row == _as_stored(asked, row["id"]):
                report.own += 1
            else:
                report.foreign.append(f"an answer is stored as {row}")
        return report

    def logged(self, printed: str) -> Report:
        """Whether each line is filed under who caused it, and none quotes anybody.

        Lines of our own count as requests, indexes that were loaded as things of one's own.
        """
        report = Report()
        traces = {*(question for _, question in QUESTIONS)}
        traces |= {trace for agency in self._agencies for trace in agency.traces}
        versions = {a.index_version: str(a.tenant.id) for a in self._agencies}
        slugs = {a.tenant.slug: str(a.tenant.id) for a in self._agencies}
        for line, fields in _lines(printed):
            report.foreign += [f"logged {trace!r}" for trace in traces if trace in line]
            if "tenant_id" not in fields:
                continue
            tenant_id = fields["tenant_id"]
            callers = {self._requests.get(fields.get("request_id", ""))}
            if "asked_by" in fields:
                report.requests += 1
                callers.add(slugs[fields["asked_by"]])
            if "index_version" in fields:
                report.own += 1
                callers.add(versions.get(fields["index_version"]))
            if callers != {tenant_id}:
                report.foreign.append(f"filed under {tenant_id}: {line}")
        return report


def _look(asker: Asker, reply: AnswerReply, seen: Report) -> None:
    """Report what an answer shows of the asker's own, and what it should not show them."""
    mine, role = asker.agency, asker.role
    visible = mine.visible_to(role)
    canaries = {mine.canaries[visibility] for visibility in visible}
    forbidden = {*mine.canaries.values(), *asker.other.canaries.values()} - canaries
    for citation in reply.citations:
        visibility = mine.documents.get(citation.document_id)
        if visibility is None or visibility not in visible:
            seen.foreign.append(f"{role} is shown document {citation.document_id}")
        elif mine.canaries[visibility] not in citation.quote:
            seen.foreign.append(f"{role} is shown words that are not in the document")
        else:
            seen.own += 1
    said = reply.model_dump_json()
    seen.foreign += [f"{role} reads {canary}" for canary in forbidden if canary in said]
    answered = reply.mode is not AnswerMode.NO_ANSWER
    if answered and not any(canary in reply.answer for canary in canaries):
        seen.foreign.append(f"{role} reads an answer of no document of theirs")


def _as_stored(asked: Asked, answer_id: UUID) -> dict[str, Any]:
    return {
        "id": answer_id,
        "text": asked.reply.answer,
        "citations": [citation.model_dump(mode="json") for citation in asked.reply.citations],
        "tenant_id": asked.asker.agency.tenant.id,
        "conversation_id": asked.reply.conversation_id,
        "user_id": asked.asker.user_id,
        "question": asked.question,
    }


def _lines(printed: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for line in printed.splitlines():
        yield line, json.loads(line)
