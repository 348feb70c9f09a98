"""One real request to each function's main route, and what must come of it.

Each call gets a client of one running function and the stack behind it; whatever the request needs
to be there is made first, in this process.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from frontdesk.local.minilm_model import build_model, publish_model
from frontdesk.local.paths import CACHE
from frontdesk.platform.context import Admin, Command, Context
from frontdesk.platform.events import CloudEvent, EventType
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.services import Services
from frontdesk.tenants.admin import TenantPath, create_tenant, read_tenant
from frontdesk.tenants.models import NewTenant, TenantStatus
from tests.integration.knowledge.conftest import Agency
from tests.support.pubsub import push_body

if TYPE_CHECKING:
    from frontdesk.local.stack import Stack
    from tests.support.tenants import Tenant, TenantFactory

BAGGAGE = b"# Baggage\n\nEach passenger may check one bag of 23 kg on every flight."
QUESTION = "How heavy may a checked bag be on a flight?"


@dataclass(frozen=True)
class World:
    """The stack, and this process's own way into it."""

    stack: Stack
    services: Services
    make_tenant: TenantFactory

    def agency(self) -> Agency:
        """One that can learn: the embedder's model is published."""
        settings = self.services.settings
        publish_model(
            self.services.storage,
            settings.faiss_bucket_name,
            settings.models_prefix,
            build_model(CACHE / "models"),
            Deadline.after(60, self.services.clock),
        )
        return Agency(self.make_tenant(), self.services, self.stack.storage)

    def admin(self) -> Context:
        request_id = f"tests-{uuid.uuid4()}"
        return Context(
            request_id=request_id,
            function="tenants",
            caller=Admin("tests"),
            deadline=Deadline.after(20, self.services.clock),
            command=Command(None, "f" * 64, "POST /v1/tenants", request_id),
            services=self.services,
        )

    def push(self, event_type: EventType, tenant_id: uuid.UUID) -> dict[str, Any]:
        """What Pub/Sub posts, signed by Google as far as the stack knows."""
        event = CloudEvent(
            id=str(uuid.uuid4()),
            type=event_type,
            source="tests",
            time=self.services.clock.now(),
            tenant_id=tenant_id,
        )
        return {"content": push_body(b"{}", event.attributes()), "headers": self.google()}

    def google(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.stack.identity.oidc_token()}"}


def crm_clients(client: httpx.Client, world: World) -> None:
    reply = client.post(
        "/v1/crm/clients", json={"name": "Łukasz"}, headers=_as("agent", world.make_tenant())
    )
    assert _data(reply, 201)["name"] == "Łukasz"


def crm_pipeline(client: httpx.Client, world: World) -> None:
    reply = client.get("/v1/crm/pipeline", headers=_as("viewer", world.make_tenant()))
    assert _data(reply, 200)["total"] == 0


def crm_search(client: httpx.Client, world: World) -> None:
    viewer = _as("viewer", world.make_tenant())
    reply = client.get("/v1/crm/search", params={"q": "nobody"}, headers=viewer)
    assert _data(reply, 200) == []


def helpdesk(client: httpx.Client, world: World) -> None:
    agency = world.agency()
    document = agency.upload(BAGGAGE, "baggage.md", visibility="public")
    agency.index()
    reply = client.post(
        "/v1/helpdesk/ask", json={"question": QUESTION}, headers=_as("viewer", agency.tenant)
    )
    answer = _data(reply, 200)
    # Not degraded: the index was searched with the model of the function's own environment.
    assert (answer["mode"], answer["degraded"]) == ("extractive", False), answer
    assert answer["citations"][0]["document_id"] == str(document.id)


def indexer(client: httpx.Client, world: World) -> None:
    agency = world.agency()
    agency.upload(BAGGAGE, "baggage.md", visibility="public")
    message = world.push(EventType.KNOWLEDGE_CHANGED, agency.tenant.id)
    reply = client.post("/v1/events/indexer", **message)
    assert reply.status_code == 204, reply.text
    assert agency.ask(QUESTION).degraded is None


def knowledge(client: httpx.Client, world: World) -> None:
    reply = client.post(
        "/v1/knowledge/documents",
        files={"file": ("baggage.md", io.BytesIO(BAGGAGE), "text/markdown")},
        headers=_as("agent", world.make_tenant()),
    )
    assert _data(reply, 201)["status"] == "pending"


def maintenance(client: httpx.Client, world: World) -> None:
    reply = client.post("/v1/events/maintenance", headers=world.google())
    assert reply.status_code == 204, reply.text


def provisioner(client: httpx.Client, world: World) -> None:
    created = create_tenant(world.admin(), NewTenant.model_validate(_new_tenant())).value
    reply = client.post(
        "/v1/events/provisioner", **world.push(EventType.TENANT_OPERATION, created.id)
    )
    assert reply.status_code == 204, reply.text
    tenant = read_tenant(world.admin(), TenantPath(tenant_id=created.id))
    assert tenant.status is TenantStatus.ACTIVE


def tenants(client: httpx.Client, world: World) -> None:
    token = world.stack.identity.admin_token
    reply = client.post("/v1/tenants", json=_new_tenant(), headers={"X-Admin-Token": token})
    assert _data(reply, 201)["status"] == "provisioning"


MAIN_ROUTES: Mapping[str, Callable[[httpx.Client, World], None]] = {
    "crm-clients": crm_clients,
    "crm-pipeline": crm_pipeline,
    "crm-search": crm_search,
    "helpdesk": helpdesk,
    "indexer": indexer,
    "knowledge": knowledge,
    "maintenance": maintenance,
    "provisioner": provisioner,
    "tenants": tenants,
}
"""By function: each of them, or a test fails."""


def _data(reply: httpx.Response, status: int) -> Any:
    assert reply.status_code == status, reply.text
    return reply.json()["data"]


def _as(role: str, tenant: Tenant) -> dict[str, str]:
    return {"Authorization": f"Bearer {tenant.token(role)}"}


def _new_tenant() -> dict[str, str]:
    slug = f"agency-{uuid.uuid4().hex[:12]}"
    return {
        "slug": slug,
        "name": "An Agency",
        "currency": "CHF",
        "time_zone": "Europe/Zurich",
        "owner_email": f"owner@{slug}.example",
    }
