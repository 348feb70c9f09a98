"""The scheduler's call publishes what was promised and wakes what waits."""

from __future__ import annotations

import psycopg
import pytest
from google.api_core.exceptions import ServiceUnavailable

from frontdesk.platform.services import Services
from frontdesk.tenants.admin import TenantPath, create_tenant, read_tenant
from frontdesk.tenants.maintenance import maintain
from frontdesk.tenants.models import TenantStatus
from frontdesk.tenants.operations import Ledger
from frontdesk.tenants.provisioning import provision
from tests.integration.tenants.conftest import ContextMaker, new_tenant
from tests.support.clock import ManualClock
from tests.support.pubsub import FakePubSub


@pytest.fixture(autouse=True)
def nothing_else_waits(sql: psycopg.Connection) -> None:
    """Other tests leave operations and events behind on purpose."""
    sql.execute("delete from app.outbox")
    sql.execute(
        "update app.operations set state = 'cancelled', finished_at = now()"
        " where state in ('pending', 'running')"
    )


def test_an_agency_whose_nudge_was_lost_is_provisioned_after_the_next_sweep(
    admin: ContextMaker,
    platform: ContextMaker,
    pubsub: FakePubSub,
    pubsub_clock: ManualClock,
    sql: psycopg.Connection,
) -> None:
    pubsub.down = ServiceUnavailable("down")
    tenant = create_tenant(admin(), new_tenant()).value
    maintain(platform())
    assert pubsub.sent == []

    pubsub.down = None
    pubsub_clock.advance(61)  # the circuit breaker tries Pub/Sub again
    sql.execute("update app.outbox set claimed_until = now()")  # the last sweep's claim is over
    maintain(platform())

    for push in pubsub.pushes("tenant-operations"):
        provision(platform(), push.event)
    read = read_tenant(admin(), TenantPath(tenant_id=tenant.id))
    assert read.status is TenantStatus.ACTIVE


def test_more_than_one_batch_is_published(
    admin: ContextMaker, platform: ContextMaker, pubsub: FakePubSub, sql: psycopg.Connection
) -> None:
    tenant = create_tenant(admin(), new_tenant()).value
    pubsub.sent.clear()
    sql.execute(
        "insert into app.outbox (tenant_id, id, topic, event)"
        " select tenant_id, gen_random_uuid(), topic, event from app.outbox,"
        " generate_series(1, 250) where tenant_id = %s",
        (tenant.id,),
    )

    maintain(platform())

    assert len(pubsub.sent) == 250
    maintain(platform())
    assert len(pubsub.sent) == 250


def test_an_event_that_cannot_be_read_does_not_stop_the_others(
    admin: ContextMaker, platform: ContextMaker, pubsub: FakePubSub, sql: psycopg.Connection
) -> None:
    tenant = create_tenant(admin(), new_tenant()).value
    pubsub.sent.clear()
    sql.execute(
        "insert into app.outbox (tenant_id, topic, event, created_at)"
        " select tenant_id, topic, '{}', now() - interval '1 day' from app.outbox"
        " where tenant_id = %s",
        (tenant.id,),
    )
    sql.execute("update app.outbox set published_at = null where event <> '{}'")

    maintain(platform())

    assert len(pubsub.sent) == 1


def test_an_operation_whose_worker_died_is_nudged_again(
    admin: ContextMaker,
    platform: ContextMaker,
    services: Services,
    pubsub: FakePubSub,
    sql: psycopg.Connection,
) -> None:
    tenant = create_tenant(admin(), new_tenant()).value
    Ledger(platform().database, "the-dead", services.clock).lease(tenant.id)
    pubsub.sent.clear()
    maintain(platform())
    assert pubsub.sent == []  # its lease lives

    sql.execute(
        "update app.operations set leased_until = now(), nudged_at = now() - interval '2 minutes'"
        " where tenant_id = %s",
        (tenant.id,),
    )
    maintain(platform())

    [push] = pubsub.pushes("tenant-operations")
    assert push.event.tenant_id == tenant.id
    maintain(platform())
    assert len(pubsub.sent) == 1  # one nudge a minute
