"""Operations in SQL: lease one, record its steps, finish it or give it back.

Messages only say where to look. Who works is decided by the lease, and a worker that lost it cannot
write any more: SQL refuses, which is ``LeaseLost`` here.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from frontdesk.platform.clock import Clock
from frontdesk.platform.database import CallerDatabase, Rpc
from frontdesk.platform.errors import Conflict
from frontdesk.platform.resilience import Deadline
from frontdesk.tenants.models import OperationState, OperationStep, StepState, Tenant

LEASE_SECONDS = 120
"""How long a silent worker keeps an operation; each recorded step starts it anew."""
BOOKKEEPING = 5.0
"""Seconds for telling SQL how things stand, also when the request's own time is over."""


class LeaseLost(Exception):
    """Another worker has taken this operation over."""


class LeasedOperation(BaseModel):
    """An operation that this worker holds."""

    id: UUID
    tenant_id: UUID
    kind: str
    payload: dict[str, Any]
    attempts: int
    steps: list[OperationStep]
    tenant: Tenant

    @property
    def done(self) -> frozenset[str]:
        """Names of the steps that need not be repeated."""
        return frozenset(step.step for step in self.steps if step.state is StepState.SUCCEEDED)


class Ledger:
    """The operations of all tenants, as one worker sees and writes them."""

    def __init__(self, database: CallerDatabase, worker: str, clock: Clock) -> None:
        self._database = database
        self._worker = worker
        self._clock = clock

    def lease(self, tenant_id: UUID) -> LeasedOperation | None:
        """The tenant's oldest open operation, if it is due and nobody holds it."""
        leased = self._call(
            Rpc.PLATFORM_LEASE_OPERATION,
            {"p_tenant": str(tenant_id), "p_lease_seconds": LEASE_SECONDS},
        )
        return None if leased is None else LeasedOperation.model_validate(leased)

    def record(
        self, operation: LeasedOperation, step: str, state: StepState, error: str | None = None
    ) -> None:
        """Write down how far a step is, which also renews the lease.

        Raises:
            LeaseLost: the operation is not ours any more.
        """
        with _lease_lost():
            self._call(
                Rpc.PLATFORM_RECORD_STEP,
                {
                    "p_operation": str(operation.id),
                    "p_step": step,
                    "p_state": state,
                    "p_error": error,
                },
            )

    def finish(
        self, operation: LeasedOperation, state: OperationState, reason: str | None = None
    ) -> None:
        """End the operation. A ``create`` that succeeds makes its tenant active.

        Raises:
            LeaseLost: the operation is not ours any more.
        """
        with _lease_lost():
            self._call(
                Rpc.PLATFORM_FINISH_OPERATION,
                {"p_operation": str(operation.id), "p_state": state, "p_reason": reason},
            )

    def give_back(
        self, operation: LeasedOperation, error: str, retry_at: datetime | None = None
    ) -> None:
        """Let it be tried again: now, or not before ``retry_at``.

        Raises:
            LeaseLost: the operation is not ours any more.
        """
        with _lease_lost():
            self._call(
                Rpc.PLATFORM_RELEASE_OPERATION,
                {
                    "p_operation": str(operation.id),
                    "p_error": error,
                    "p_retry_at": retry_at.isoformat() if retry_at else None,
                },
            )

    def _call(self, rpc: Rpc, params: dict[str, Any]) -> Any:
        # Not repeated when a reply is lost: the second try of a lease or a finish would meet the
        # first. The message comes again, or the sweep finds the operation.
        return self._database.call(
            rpc,
            {"p_worker": self._worker, **params},
            deadline=Deadline.after(BOOKKEEPING, self._clock),
            idempotent=False,
        )


@contextmanager
def _lease_lost() -> Generator[None]:
    try:
        yield
    except Conflict as error:
        raise LeaseLost from error
