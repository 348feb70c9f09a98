"""Two agencies whose documents differ in nothing but their figures and a canary word."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace

from frontdesk.knowledge.documents import DocumentForm, upload_document
from frontdesk.knowledge.indexing import handle_knowledge_changed
from frontdesk.knowledge.serving import shelf_of
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.events import CloudEvent
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.services import Services
from frontdesk.platform.upload import Upload
from tests.support.contexts import member_context, platform_context
from tests.support.tenants import ROLES, Tenant, TenantFactory

VISITOR = "visitor"
EVERYBODY = (*ROLES, VISITOR)


@dataclass(frozen=True)
class Page:
    """A document that both have.

    Attributes:
        body: Markdown; every sentence of it holds ``{word}``, the canary, and one a ``{figure}``.
        questions: that it answers.
    """

    title: str
    visibility: str
    body: str
    questions: tuple[str, ...]


PAGES = (
    Page(
        "Baggage on Halcyon Air",
        "public",
        "On the {word} tariff each passenger of Halcyon Air may check one suitcase of {figure} "
        "kilograms.\n\n## Sports equipment\n\n"
        "On the {word} tariff skis and bicycles cost 40 EUR each way on Halcyon Air.\n",
        (
            "How heavy may my suitcase be on Halcyon Air?",
            "What do skis cost on Halcyon Air?",
        ),
    ),
    Page(
        "Cancelling a tour",
        "public",
        "A tour on the {word} tariff may be cancelled free of charge until {figure} days before "
        "departure. After that the {word} tariff keeps half of the price.\n",
        ("Until when may I cancel a tour free of charge?",),
    ),
    Page(
        "Breakfast at Hotel Sirocco",
        "public",
        "Hotel Sirocco serves breakfast to guests on the {word} tariff from 7 to {figure} "
        "o'clock.\n",
        ("When is breakfast served at Hotel Sirocco?",),
    ),
    Page(
        "Commission on safaris",
        "internal",
        "Partner agencies on the {word} contract earn a commission of {figure} percent on every "
        "safari to Kenya.\n",
        ("What commission do partner agencies earn on a safari to Kenya?",),
    ),
    Page(
        "Baggage on Halcyon Air for regular clients",
        "internal",
        "On the {word} contract regular clients of Halcyon Air may check a suitcase of {figure}0 "
        "kilograms.\n",
        ("How heavy may the suitcase of a regular client be on Halcyon Air?",),
    ),
)


@dataclass(frozen=True)
class Agency:
    """One of the two.

    Attributes:
        tenant: has a visitor too.
        canaries: the word in every sentence of the documents of a visibility.
        documents: the visibility of each document by its id.
        index_version: that is published.
        traces: of what no log line may hold: its canaries, and how its sentences begin.
    """

    tenant: Tenant
    canaries: Mapping[str, str]
    documents: Mapping[str, str]
    index_version: str
    traces: tuple[str, ...]

    def visible_to(self, role: str) -> frozenset[str]:
        """The visibilities of the documents that may answer a role."""
        return frozenset({"public"} if role == VISITOR else self.canaries)


def look_alike_desks(make_tenant: TenantFactory, services: Services) -> tuple[Agency, Agency]:
    """The two, indexed by the embedder of these services."""
    return (
        _agency(make_tenant, services, {"public": "goldcrest", "internal": "goldfinch"}, 6),
        _agency(make_tenant, services, {"public": "firecrest", "internal": "greenfinch"}, 9),
    )


def _agency(
    make_tenant: TenantFactory, services: Services, canaries: Mapping[str, str], figure: int
) -> Agency:
    tenant = with_visitor(make_tenant(), make_tenant)
    bodies = [page.body.format(word=canaries[page.visibility], figure=figure) for page in PAGES]
    documents: dict[str, str] = {}
    for page, body in zip(PAGES, bodies, strict=True):
        data = f"# {page.title}\n\n{body}".encode()
        form = DocumentForm.model_validate({"title": page.title, "visibility": page.visibility})
        document = upload_document(
            member_context(services, tenant, "agent"),
            form,
            Upload("page.md", "text/markdown", io.BytesIO(data), len(data)),
        ).value
        documents[str(document.id)] = page.visibility
    event = CloudEvent(
        id=str(uuid.uuid4()),
        type="frontdesk.knowledge.changed.v1",
        source="tests",
        time=SystemClock().now(),
        tenant_id=tenant.id,
    )
    handle_knowledge_changed(platform_context(services), event)
    deadline = Deadline.after(20, services.clock)
    pointer = shelf_of(services).current(tenant.id, deadline=deadline).pointer
    assert pointer is not None, "the index was not published"
    beginnings = (line[:24] for body in bodies for line in body.splitlines() if line)
    return Agency(tenant, canaries, documents, pointer.version, (*canaries.values(), *beginnings))


def with_visitor(tenant: Tenant, make_tenant: TenantFactory) -> Tenant:
    """The agency, and somebody who came to its website."""
    user = uuid.uuid4()
    make_tenant.call(
        "platform_upsert_member", p_tenant=str(tenant.id), p_user=str(user), p_role=VISITOR
    )
    return replace(tenant, users={**tenant.users, VISITOR: user})
