"""The provisioner: carries out a tenant's operations, one at a time, surviving every crash.

A message says which tenant has something to do. What there is to do, and who does it, is in SQL:

- somebody else holds the operation, or nothing is due: the message has done its work;
- a step fails in passing: the operation is given back and the message refused, so that it comes
  again; later tries wait longer, and the sweep nudges them;
- a step fails for good, or too often: the operation is parked as failed, with the reason;
- the process dies: the lease ends, and the next worker goes on after the last finished step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import ValidationError

from frontdesk.platform.context import Context
from frontdesk.platform.errors import FrontdeskError, NotConfigured, UpstreamUnavailable
from frontdesk.platform.events import CloudEvent
from frontdesk.platform.logging import get_logger
from frontdesk.tenants.models import OperationState, StepState
from frontdesk.tenants.operations import LeasedOperation, LeaseLost, Ledger
from frontdesk.tenants.steps import STEPS, CreateRequest, Step, Task
from frontdesk.tenants.users import UserDirectory, user_directory

log = get_logger(__name__)

MAX_ATTEMPTS = 25
"""Tries of one operation before it is parked; with the waits below about three hours."""
PROMPT_ATTEMPTS = 5
"""Tries that follow at the pace of the messages; each later one waits twice as long."""
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=15), timedelta(minutes=10)


class OperationGivenBack(UpstreamUnavailable):
    """A step failed in passing; the message should come again."""


class _StepFailed(Exception):
    """A step ended with an error."""

    def __init__(self, step: str, error: Exception) -> None:
        super().__init__(f"{step}: {_sentence(error)}")
        self.error = error

    @property
    def passing(self) -> bool:
        """Whether trying again may help: also when a deployment lacks a setting, or has a bug."""
        if isinstance(self.error, FrontdeskError):
            return self.error.retryable or isinstance(self.error, NotConfigured)
        return not isinstance(self.error, ValidationError)


def provision(context: Context, event: CloudEvent) -> None:
    """Carry out what is open for the tenant that the event names.

    Raises:
        OperationGivenBack: so that the message comes again.
    """
    provision_tenant(context, event, users=user_directory(context.services))


def provision_tenant(
    context: Context,
    event: CloudEvent,
    *,
    users: UserDirectory,
    steps: Mapping[str, Sequence[Step]] = STEPS,
) -> None:
    """``provision`` with a given directory of users and given steps of each kind of operation."""
    worker = f"{context.function}-{context.request_id}"
    ledger = Ledger(context.database, worker, context.services.clock)
    while operation := ledger.lease(event.tenant_id):
        try:
            _carry_out(context, ledger, operation, users, steps)
        except LeaseLost:
            log.warning(
                "Another worker took the operation over",
                tenant_id=operation.tenant_id,
                operation_id=operation.id,
            )
            return


def _carry_out(
    context: Context,
    ledger: Ledger,
    operation: LeasedOperation,
    users: UserDirectory,
    steps: Mapping[str, Sequence[Step]],
) -> None:
    try:
        todo = _steps_of(operation, steps)
        task = _task(context, operation, users)
        for step in todo:
            if step.name not in operation.done:
                _run(ledger, operation, step, task)
    except _StepFailed as failed:
        _after_failure(context, ledger, operation, failed)
        return
    ledger.finish(operation, OperationState.SUCCEEDED)
    # Who was refused while the tenant was not active may come in now.
    context.services.cache.bump_access(operation.tenant_id)
    log.info(
        "An operation is finished",
        tenant_id=operation.tenant_id,
        operation_id=operation.id,
        kind=operation.kind,
        attempts=operation.attempts,
    )


def _steps_of(operation: LeasedOperation, steps: Mapping[str, Sequence[Step]]) -> Sequence[Step]:
    """The steps of that kind of operation.

    Raises:
        _StepFailed: we know of none; a newer version of us, which does, is on its way.
    """
    if operation.kind not in steps:
        raise _StepFailed("start", LookupError(operation.kind))
    return steps[operation.kind]


def _task(context: Context, operation: LeasedOperation, users: UserDirectory) -> Task:
    """What the steps work on.

    Raises:
        _StepFailed: the payload cannot be read.
    """
    try:
        request = CreateRequest.model_validate(operation.payload)
    except ValidationError as error:
        raise _StepFailed("start", error) from error
    return Task(
        tenant_id=operation.tenant_id,
        operation_id=operation.id,
        request=request,
        services=context.services,
        database=context.database,
        users=users,
        deadline=context.deadline,
    )


def _run(ledger: Ledger, operation: LeasedOperation, step: Step, task: Task) -> None:
    ledger.record(operation, step.name, StepState.RUNNING)
    try:
        step.run(task)
    except Exception as error:
        if not isinstance(error, FrontdeskError):
            log.exception("A step has a bug", step=step.name, tenant_id=operation.tenant_id)
        failed = _StepFailed(step.name, error)
        ledger.record(operation, step.name, StepState.FAILED, _sentence(error))
        raise failed from error
    ledger.record(operation, step.name, StepState.SUCCEEDED)


def _after_failure(
    context: Context, ledger: Ledger, operation: LeasedOperation, failed: _StepFailed
) -> None:
    facts = {
        "tenant_id": operation.tenant_id,
        "operation_id": operation.id,
        "kind": operation.kind,
        "attempts": operation.attempts,
        "reason": str(failed),
    }
    if failed.passing and operation.attempts < MAX_ATTEMPTS:
        retry_at = next_try(operation.attempts, context.services.clock.now())
        ledger.give_back(operation, str(failed), retry_at)
        log.warning("An operation is given back to be tried again", **facts)
        raise OperationGivenBack from failed
    ledger.finish(operation, OperationState.FAILED, str(failed))
    log.error("An operation is parked", **facts)


def next_try(attempts: int, now: datetime) -> datetime | None:
    """When an operation that failed for the ``attempts``-th time is due again; None is at once."""
    if attempts < PROMPT_ATTEMPTS:
        return None
    doublings: int = attempts - PROMPT_ATTEMPTS
    return now + min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def _sentence(error: Exception) -> str:
    """What may be stored and shown of an error: ours in full, others by their kind."""
    if isinstance(error, FrontdeskError):
        return f"{error.code}: {error.message}"
    if isinstance(error, ValidationError):
        fields = ", ".join(".".join(map(str, entry["loc"])) for entry in error.errors())
        return f"the payload cannot be read: {fields}"
    return f"unexpected {type(error).__name__}"
