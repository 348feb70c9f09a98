"""Two agencies with look-alike clients: does anybody ever see the other's rows?"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from frontdesk.crm.queries import ask
from frontdesk.platform.context import Context
from frontdesk.platform.database import Rpc
from frontdesk.platform.errors import NotFound
from frontdesk.platform.logging import bind, get_logger
from frontdesk.platform.services import Services
from tests.support.contexts import member_context
from tests.support.hammer import Report, strike
from tests.support.tenants import ROLES, Tenant, TenantFactory

log = get_logger("crm_hammer")

NAMES = ("Łukasz Nowak", "李雷", "Ελένη Παππά", "محمد علي", "Ada Lovelace", "Ada Lovelace-Byron")
STAGES = ("QUOTED", "NEGOTIATING", "BOOKED")
WORDS = ("", "ada", "lukasz", "李", "παππα", "canary", "look-alike")


@dataclass(frozen=True)
class Agency:
    """One of the two: its clients are named as the other's are, and carry its canary."""

    tenant: Tenant
    client_ids: tuple[str, ...]
    canary: str


def look_alike_agencies(make_tenant: TenantFactory, services: Services) -> tuple[Agency, Agency]:
    """Two agencies whose clients differ in nothing but their canary, and in how many they are."""
    return _agency(make_tenant(), services, 24), _agency(make_tenant(), services, 30)


def _agency(tenant: Tenant, services: Services, size: int) -> Agency:
    canary = f"canary-{tenant.id.hex}"
    rows = [
        {
            "id": str(uuid.uuid4()),
            "name": NAMES[number % len(NAMES)],
            "email": f"look-alike-{number}@example.com",
            "company": canary,
            "stage": STAGES[number % len(STAGES)],
        }
        for number in range(size)
    ]
    context = member_context(services, tenant, "agent")
    assert context.command is not None
    reply = context.database.call(
        Rpc.IMPORT_CLIENTS,
        {"p_rows": rows, "p_options": {}, "p_command": context.command.as_json()},
        deadline=context.deadline,
        idempotent=False,
    )
    assert reply["data"]["created"] == size, reply
    return Agency(tenant, tuple(str(row["id"]) for row in rows), canary)


class Hammer:
    """Asks as members of both agencies at once, and looks at every answer for the other's things.

    Args:
        services: of the one process that serves both.
        agencies: the two.
        seed: of what is asked; a failure is repeated with the same one.
    """

    def __init__(self, services: Services, agencies: Sequence[Agency], *, seed: int) -> None:
        self._services = services
        self._agencies = agencies
        self._seed = seed

    def strike(self, *, threads: int, requests: int) -> Report:
        """Make so many requests in so many threads."""
        return strike(self._request, seed=self._seed, threads=threads, requests=requests)

    def _request(self, chance: random.Random, seen: Report) -> None:
        mine, other = chance.sample(self._agencies, 2)
        context = member_context(self._services, mine.tenant, chance.choice(ROLES))
        with bind(tenant_id=mine.tenant.id, request_id=context.request_id):
            match chance.choices(("search", "pipeline", "stranger", "change"), (60, 20, 10, 10))[0]:
                case "search":
                    self._search(chance, context, mine, other, seen)
                case "pipeline":
                    reply = ask(context, Rpc.PIPELINE, {"p_filter": {}})
                    self._look(reply, mine, other, seen)
                    if reply["total"] != len(mine.client_ids):
                        seen.foreign.append(f"counted {reply['total']} clients")
                case "stranger":
                    self._ask_for_a_stranger(chance, context, other, seen)
                case "change":
                    self._services.cache.bump_data(mine.tenant.id)
            log.info("Asked", asked_by=mine.tenant.slug, rows=seen.own)

    def _search(
        self, chance: random.Random, context: Context, mine: Agency, other: Agency, seen: Report
    ) -> None:
        params: dict[str, Any] = {
            "p_query": chance.choice(WORDS),
            "p_filter": {},
            "p_sort": chance.choice(("name", "created", "last_activity")),
            "p_limit": chance.choice((5, 100)),
            "p_after": None,
        }
        reply = ask(context, Rpc.SEARCH_CLIENTS, params)
        self._look(reply, mine, other, seen)
        for row in reply["rows"]:
            if row["id"] in mine.client_ids:
                seen.own += 1
            else:
                seen.foreign.append(f"row {row['id']}")

    def _look(self, reply: dict[str, Any], mine: Agency, other: Agency, seen: Report) -> None:
        if reply["access"]["tenant_slug"] != mine.tenant.slug:
            seen.foreign.append(f"access of {reply['access']['tenant_slug']}")
        if other.canary in json.dumps(reply, default=str):
            seen.foreign.append("the other's canary")

    def _ask_for_a_stranger(
        self, chance: random.Random, context: Context, other: Agency, seen: Report
    ) -> None:
        try:
            context.database.call(
                Rpc.READ_CLIENT,
                {"p_id": chance.choice(other.client_ids)},
                deadline=context.deadline,
                idempotent=True,
            )
        except NotFound:
            return
        seen.foreign.append("a client of the other by its id")
