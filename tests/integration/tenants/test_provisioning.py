"""A new agency's resources are made in steps, whatever happens in between."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest
from google.api_core.exceptions import NotFound as TopicMissing
from google.api_core.exceptions import ServiceUnavailable

from frontdesk.local.storage.faults import Fault
from frontdesk.local.storage.server import StorageServer
from frontdesk.platform.events import CloudEvent, EventType
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.services import Services
from frontdesk.tenants.admin import TenantPath, read_tenant
from frontdesk.tenants.models import CreatedTenant, OperationState, TenantFile, TenantStatus
from frontdesk.tenants.operations import Ledger
from frontdesk.tenants.provisioning import (
    MAX_ATTEMPTS,
    OperationGivenBack,
    provision_tenant,
)
from frontdesk.tenants.steps import STEPS, Step, Task
from frontdesk.tenants.users import (
    DirectoryUnavailable,
    LocalUsers,
    UserDirectory,
    UserRefused,
    local_user_id,
)
from tests.integration.tenants.conftest import ContextMaker
from tests.support.pubsub import FakePubSub

NAMES = ["settings", "storage_prefix", "first_index", "owner"]


class Directory:
    """A directory of users that fails as told before it works."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.asked = 0

    def ensure_user(self, email: str, *, deadline: Deadline) -> UUID:
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)
        return local_user_id(email)

    def delete_user(self, user_id: UUID, *, deadline: Deadline) -> None:
        raise NotImplementedError


class Crash(BaseException):
    """The process dies here."""


@dataclass(frozen=True)
class Scene:
    """A tenant that waits to be provisioned, and all that it takes."""

    tenant: CreatedTenant
    services: Services
    storage: StorageServer
    pubsub: FakePubSub
    sql: psycopg.Connection
    admin: ContextMaker
    platform: ContextMaker

    def provision(
        self,
        users: UserDirectory | None = None,
        *,
        steps: Mapping[str, Sequence[Step]] = STEPS,
        tenant_id: UUID | None = None,
    ) -> None:
        """What the provisioner does with one nudge."""
        event = CloudEvent(
            id="nudge",
            type=EventType.TENANT_OPERATION,
            source="tests",
            time=self.services.clock.now(),
            tenant_id=tenant_id or self.tenant.id,
        )
        provision_tenant(self.platform(), event, users=users or LocalUsers(), steps=steps)

    def read(self) -> TenantFile:
        """The tenant as an admin sees it now."""
        return read_tenant(self.admin(), TenantPath(tenant_id=self.tenant.id))

    def steps(self) -> list[tuple[str, str, int]]:
        """Name, state and attempts of each step so far."""
        return [(step.step, step.state, step.attempts) for step in self.read().operations[0].steps]

    def ledger(self, worker: str) -> Ledger:
        """Another worker's view."""
        return Ledger(self.platform().database, worker, self.services.clock)

    def change_operation(self, assignments: LiteralString) -> None:
        """Let something happen behind everybody's back."""
        update: LiteralString = f"update app.operations set {assignments} where tenant_id = %s"
        self.sql.execute(update, (self.tenant.id,))

    def expire_lease(self) -> None:
        """Let the time of a lease pass."""
        self.change_operation("leased_until = now()")


@pytest.fixture
def scene(request: pytest.FixtureRequest, created: CreatedTenant) -> Scene:
    parts = ("services", "storage", "pubsub", "sql", "admin", "platform")
    return Scene(created, **{part: request.getfixturevalue(part) for part in parts})


def test_a_nudge_makes_an_agency_with_all_it_needs(scene: Scene) -> None:
    scene.provision()

    tenant = scene.read()
    assert tenant.status is TenantStatus.ACTIVE
    assert tenant.operations[0].state is OperationState.SUCCEEDED
    assert scene.steps() == [(name, "succeeded", 1) for name in NAMES]
    assert tenant.settings is not None
    assert tenant.settings["currency"] == "CHF"
    assert tenant.settings["time_zone"] == "Europe/Zurich"
    assert tenant.settings["branding"] == {"primary_colour": "#0a5c8f"}
    assert tenant.settings["quotas"]["max_users"] == 20
    marker = scene.services.storage.read(
        scene.services.settings.documents_bucket_name,
        f"{scene.tenant.id}/.tenant.json",
        deadline=scene.platform().deadline,
    )
    assert json.loads(marker.data)["slug"] == scene.tenant.slug
    [knowledge] = scene.pubsub.pushes("knowledge")
    assert (knowledge.event.type, knowledge.event.tenant_id) == (
        "frontdesk.knowledge.changed.v1",
        scene.tenant.id,
    )
    members = scene.sql.execute(
        "select user_id, role from app.tenant_members where tenant_id = %s", (scene.tenant.id,)
    ).fetchall()
    assert members == [(local_user_id(f"owner@{scene.tenant.slug}.example"), "owner")]


def test_duplicates_and_latecomers_change_nothing(scene: Scene) -> None:
    for _ in range(3):
        scene.provision()

    assert scene.steps() == [(name, "succeeded", 1) for name in NAMES]
    assert len(scene.pubsub.pushes("knowledge")) == 1


def test_a_nudge_for_nobody_is_done_at_once(scene: Scene) -> None:
    scene.provision(tenant_id=UUID(int=0))


def test_eight_nudges_at_once_are_worked_on_by_one(scene: Scene) -> None:
    directory = Directory()

    with ThreadPoolExecutor(8) as pool:
        nudges = [pool.submit(scene.provision, directory) for _ in range(8)]
        for one in nudges:
            one.result(30)

    assert directory.asked == 1
    assert scene.steps() == [(name, "succeeded", 1) for name in NAMES]


def test_while_somebody_holds_the_operation_a_nudge_is_done_at_once(scene: Scene) -> None:
    other = scene.ledger("another-worker")
    assert other.lease(scene.tenant.id) is not None

    scene.provision()

    assert scene.read().operations[0].state is OperationState.RUNNING
    assert scene.steps() == []


@pytest.mark.parametrize("step", range(len(NAMES)))
def test_a_crash_in_any_step_is_resumed_after_the_last_finished_one(
    scene: Scene, step: int
) -> None:
    def die(_task: Task) -> None:
        raise Crash

    steps = list(STEPS["create"])
    steps[step] = Step(steps[step].name, die)
    with pytest.raises(Crash):
        scene.provision(steps={"create": steps})
    scene.provision()  # the dead worker's lease still lives
    assert scene.read().status is TenantStatus.PROVISIONING

    scene.expire_lease()
    scene.provision()

    assert scene.read().status is TenantStatus.ACTIVE
    attempts = [attempts for _, _, attempts in scene.steps()]
    assert attempts == [2 if number == step else 1 for number in range(len(NAMES))]


@pytest.mark.parametrize("trouble", ["storage", "pubsub", "directory"])
def test_a_passing_failure_gives_the_operation_back_and_refuses_the_message(
    scene: Scene,
    trouble: str,
) -> None:
    directory = Directory(*[DirectoryUnavailable()] if trouble == "directory" else [])
    if trouble == "storage":
        scene.storage.faults.add(Fault(status=503, times=0))
    if trouble == "pubsub":
        scene.pubsub.down = ServiceUnavailable("down")

    with pytest.raises(OperationGivenBack):
        scene.provision(directory)

    operation = scene.read().operations[0]
    assert operation.state is OperationState.PENDING
    assert "upstream_unavailable" in (operation.last_error or "")
    assert scene.steps()[-1][1] == "failed"

    scene.storage.faults.clear()
    scene.pubsub.down = None
    scene.provision(directory)
    assert scene.read().status is TenantStatus.ACTIVE


def test_a_final_failure_parks_the_operation_with_its_reason(scene: Scene) -> None:
    directory = Directory(UserRefused("The address is blocked."))

    scene.provision(directory)

    tenant = scene.read()
    assert (tenant.status, tenant.operations[0].state) == ("failed", "failed")
    assert tenant.status_reason == "owner: unprocessable: The address is blocked."
    scene.provision(directory)
    assert directory.asked == 1


def test_what_keeps_failing_is_parked_in_the_end(scene: Scene) -> None:
    scene.change_operation(f"attempts = {MAX_ATTEMPTS - 1}")
    scene.pubsub.down = TopicMissing("no such topic")

    scene.provision()

    assert scene.read().status is TenantStatus.FAILED


def test_a_bug_in_a_step_is_tried_again_and_tells_nothing_inside(scene: Scene) -> None:
    directory = Directory(KeyError("secret-detail"))

    with pytest.raises(OperationGivenBack):
        scene.provision(directory)

    assert scene.read().operations[0].last_error == "owner: unexpected KeyError"


def test_an_operation_of_a_newer_version_waits_for_it(scene: Scene) -> None:
    scene.change_operation("kind = 'export'")

    with pytest.raises(OperationGivenBack):
        scene.provision()

    assert scene.read().operations[0].state is OperationState.PENDING


def test_a_worker_that_lost_its_lease_writes_nothing_more(scene: Scene) -> None:
    class SlowDirectory(Directory):
        def ensure_user(self, email: str, *, deadline: Deadline) -> UUID:
            scene.expire_lease()
            successor = scene.ledger("successor")
            assert successor.lease(scene.tenant.id) is not None
            return super().ensure_user(email, deadline=deadline)

    scene.provision(SlowDirectory())

    assert scene.read().operations[0].state is OperationState.RUNNING
    assert scene.steps()[-1][1] == "running"
