"""An agency's people at the helpdesk's door, on the real stack; what they asked is stored."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from frontdesk.platform.services import Services
from frontdesk.platform.settings import load_settings
from tests.support import door
from tests.support.callers import user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from frontdesk.http.function import HttpFunction
    from frontdesk.local.stack import Stack
    from tests.support.tenants import Tenant, TenantFactory

CITATION = {"document_id": "d1", "title": "Baggage", "quote": "23 kilograms", "score": 0.9}


@dataclass(frozen=True)
class Caller:
    """Somebody with a token, at the door of the function."""

    client: FlaskClient
    id: UUID
    token: str

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> TestResponse:
        """The reply, whatever it is; the path is within /v1/helpdesk."""
        headers = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        return self.client.open(f"/v1/helpdesk{path}", method=method, headers=headers, **options)

    def do(self, method: str, path: str, json: Any = None, *, status: int = 200) -> Any:
        """The data of a success."""
        reply = self.send(method, path, json=json)
        assert reply.status_code == status, reply.text
        return reply.get_json()["data"]

    def get(self, path: str, **query: Any) -> Any:
        """The data of what is read; of a list, its first page."""
        return self.page(path, **query)["data"]

    def page(self, path: str, **query: Any) -> dict[str, Any]:
        """A page of a list, with its envelope."""
        reply = self.send("GET", path, query_string=query)
        assert reply.status_code == 200, reply.text
        document: dict[str, Any] = reply.get_json()
        return document

    def pages(self, path: str, **query: Any) -> Iterator[list[dict[str, Any]]]:
        """Each page of a list, asked for when the one before was looked at."""
        page = self.page(path, **query)
        yield page["data"]
        while page["next_cursor"]:
            page = self.page(path, **query, cursor=page["next_cursor"])
            yield page["data"]


@dataclass(frozen=True)
class Talk:
    """A stored conversation."""

    id: str
    answers: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Office:
    """An agency: its people by role, and a colleague of the agent."""

    tenant: Tenant
    people: dict[str, Caller]
    sql: psycopg.Connection

    def __getitem__(self, who: str) -> Caller:
        return self.people[who]

    def talk(self, who: str, *questions: str, query_type: str = "pricing") -> Talk:
        """Store a conversation of somebody, an answer to each question."""
        talk = Talk(str(uuid.uuid4()))
        for question in questions or ("May I bring skis?",):
            self.ask(who, talk, question, query_type=query_type)
        return talk

    def ask(self, who: str, talk: Talk, question: str, *, query_type: str = "pricing") -> None:
        """Go on with it."""
        talk.answers.append(str(uuid.uuid4()))
        talk.questions.append(str(uuid.uuid4()))
        record = user(self.sql, self.people[who].id, self.tenant.id)
        record(
            "record_answer",
            p_answer={
                "conversation_id": talk.id,
                "question_id": talk.questions[-1],
                "answer_id": talk.answers[-1],
                "question": question,
                "answer": f"About {question} [1]",
                "mode": "extractive",
                "query_type": query_type,
                "citations": [CITATION],
            },
        )

    def audited(self, action: str) -> list[dict[str, Any]]:
        """Details of what the audit log says was done."""
        rows = self.sql.execute(
            "select details from app.audit_log where tenant_id = %s and action = %s order by id",
            [self.tenant.id, action],
        ).fetchall()
        return [row[0] for row in rows]

    def count(self, table: str) -> int:
        """How many rows of a table are the agency's."""
        row = self.sql.execute(
            f"select count(*) from app.{table} where tenant_id = %s",  # type: ignore[arg-type]
            [self.tenant.id],
        ).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture(scope="module")
def client(stack: Stack, helpdesk: HttpFunction) -> Iterator[FlaskClient]:
    services = Services(load_settings(stack.environment | {"RATE_LIMIT_PER_USER": "100000"}))
    yield door.client(helpdesk.over(lambda: services))
    services.close()


@pytest.fixture
def open_office(
    client: FlaskClient, make_tenant: TenantFactory, sql: psycopg.Connection, stack: Stack
) -> Callable[..., Office]:
    """``open_office(**fields)``: a new agency with all its people."""

    def open_office(**fields: Any) -> Office:
        tenant = make_tenant(**fields)
        ids = dict(tenant.users)
        for who, role in (("visitor", "visitor"), ("stranger", "visitor"), ("colleague", "agent")):
            ids[who] = uuid.uuid4()
            make_tenant.call(
                "platform_upsert_member",
                p_tenant=str(tenant.id),
                p_user=str(ids[who]),
                p_role=role,
                p_email=f"{who}@{tenant.slug}.example",
            )
        people = {
            who: Caller(client, user_id, stack.mint_token(user_id, tenant.id))
            for who, user_id in ids.items()
        }
        return Office(tenant, people, sql)

    return open_office


@pytest.fixture
def office(open_office: Callable[..., Office]) -> Office:
    return open_office()


@pytest.fixture
def other_office(open_office: Callable[..., Office]) -> Office:
    return open_office()
