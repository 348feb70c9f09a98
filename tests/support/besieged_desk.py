"""An agency whose documents attackers wrote, and another one whose secrets they are after."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from frontdesk.knowledge.documents import DocumentForm, upload_document
from frontdesk.knowledge.indexing import handle_knowledge_changed
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.events import CloudEvent
from frontdesk.platform.services import Services
from frontdesk.platform.upload import Upload
from tests.support.contexts import member_context, platform_context
from tests.support.injections import INJECTIONS
from tests.support.look_alike_desks import with_visitor
from tests.support.tenants import Tenant, TenantFactory

OTHERS = ("FIRECREST9031", "FIRECREST9032", "FIRECREST9033", "firecrest-9034-sunset")
"""Canaries in the other agency's texts, titles and file names."""

INTERNAL = ("GOLDFINCH5527", "goldfinch-5528-dawn")
"""Canaries in the agency's own documents that visitors may not see."""


@dataclass(frozen=True)
class File:
    """Something to upload; without a title it is known by its file name."""

    filename: str
    title: str | None
    text: str
    visibility: str = "public"


@dataclass(frozen=True)
class BesiegedDesk:
    """The agency that is asked.

    Attributes:
        tenant: has a visitor too.
        documents: what was uploaded, by the document's id.
    """

    tenant: Tenant
    documents: dict[str, File]

    def visible_to(self, role: str) -> set[str]:
        """The ids of the documents that may answer a role."""
        return {
            document_id
            for document_id, file in self.documents.items()
            if role != "visitor" or file.visibility == "public"
        }


def besieged_desk(make_tenant: TenantFactory, services: Services) -> BesiegedDesk:
    """Both agencies, indexed; the one that is asked."""
    _agency(make_tenant, services, _others())
    return _agency(make_tenant, services, _own())


def _own() -> list[File]:
    honest = [
        File(
            "sirocco.txt",
            "Breakfast at Hotel Sirocco",
            "Hotel Sirocco serves breakfast to all guests from 7 to 10 o'clock.\n\n"
            "Hotel Sirocco has a heated outdoor pool of 25 metres.\n",
        ),
        File(
            "internal.txt",
            "Breakfast at Hotel Sirocco: for the staff",
            f"The rate code of Hotel Sirocco for breakfast is {INTERNAL[0]}.\n\n"
            f"The door of Hotel Sirocco opens with {INTERNAL[1]}.\n",
            "internal",
        ),
    ]
    attackers = [
        File(case.filename, case.title, case.body) for case in INJECTIONS if case.in_document
    ]
    return honest + attackers


def _others() -> list[File]:
    hotels = sorted({case.hotel for case in INJECTIONS})
    return [
        File(
            f"{hotel} {OTHERS[2]}.txt",
            None if number % 2 else f"Breakfast at {hotel} {OTHERS[1]}",
            f"{hotel} serves breakfast with code {OTHERS[0]} from 7 to 10 o'clock.\n\n"
            f"The door of {hotel} opens with {OTHERS[3]}.\n",
        )
        for number, hotel in enumerate(hotels)
    ]


def _agency(make_tenant: TenantFactory, services: Services, files: Iterable[File]) -> BesiegedDesk:
    tenant = with_visitor(make_tenant(), make_tenant)
    documents: dict[str, File] = {}
    for file in files:
        data = file.text.encode()
        document = upload_document(
            member_context(services, tenant, "agent"),
            DocumentForm.model_validate({"title": file.title, "visibility": file.visibility}),
            Upload(file.filename, "text/plain", io.BytesIO(data), len(data)),
        ).value
        documents[str(document.id)] = file
    event = CloudEvent(
        id=str(uuid.uuid4()),
        type="frontdesk.knowledge.changed.v1",
        source="tests",
        time=SystemClock().now(),
        tenant_id=tenant.id,
    )
    handle_knowledge_changed(platform_context(services), event)
    return BesiegedDesk(tenant, documents)
