"""POST /v1/crm/imports: a CSV file of clients, in batches of one transaction each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from pydantic import BaseModel, Field

from frontdesk.crm.rows import Row, RowError, read_rows
from frontdesk.platform.context import Context
from frontdesk.platform.database import Rpc
from frontdesk.platform.upload import Upload

BATCH_ROWS = 100  # well under a second of SQL: far from the statement time-out, even on a busy day
MAX_REPORTED_ERRORS = 100


class ImportReport(BaseModel):
    """What became of the file's rows."""

    rows: int = Field(0, description="Rows in the file, the heading not counted.")
    created: int = 0
    updated: int = 0
    skipped: int = Field(0, description="Rows that were there already, unchanged.")
    failed: int = Field(0, description="Rows left out because of an error.")
    errors: list[RowError] = Field(
        default_factory=list, description=f"The first {MAX_REPORTED_ERRORS} of them."
    )


def import_clients(context: Context, file: Upload) -> ImportReport:
    """Import clients from a CSV file, with the quotes and activities they had before.

    A client whose e-mail is known is updated, so the same file can be sent again. Each batch of 100
    rows is one transaction; a wrong row is reported with its number and leaves the others alone.
    """
    report = ImportReport()
    try:
        for number, batch in enumerate(_batches(read_rows(file.stream))):
            _count(report, batch, _send(context, number, batch))
    finally:
        # Also after a batch that failed: those before it are in the database.
        context.services.cache.bump_data(context.member.tenant_id)
    return report


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH_ROWS)):
        yield batch


def _send(context: Context, number: int, batch: list[Row]) -> dict[str, Any]:
    """One command for the batch's good rows; its key is the caller's with the batch number."""
    rows = [
        {
            "id": str(context.services.ids.new_id()),
            "row": row.number,
            **row.client.model_dump(mode="json", exclude_none=True),
        }
        for row in batch
        if row.client is not None
    ]
    if not rows:
        return {"created": 0, "updated": 0, "skipped": 0, "errors": []}
    command = context.command_json
    if key := command["idempotency_key"]:
        command["idempotency_key"] = f"{key}#{number}"
    outcome = context.database.call(
        Rpc.IMPORT_CLIENTS,
        {"p_rows": rows, "p_options": {}, "p_command": command},
        deadline=context.deadline,
        idempotent=False,
    )
    result: dict[str, Any] = outcome["data"]
    return result


def _count(report: ImportReport, batch: list[Row], outcome: dict[str, Any]) -> None:
    errors = [error for row in batch for error in row.errors]
    errors += [RowError.model_validate(error) for error in outcome["errors"]]
    report.rows += len(batch)
    report.created += outcome["created"]
    report.updated += outcome["updated"]
    report.skipped += outcome["skipped"]
    report.failed += len({error.row for error in errors})
    report.errors += sorted(errors, key=lambda error: error.row)[
        : MAX_REPORTED_ERRORS - len(report.errors)
    ]
