"""What a finished build leaves to be removed: old versions, objects that nothing refers to.

Deleted is deleted: a version that may hold text which was removed since is not kept, and the bytes
of files that were deleted, replaced, or stored for a command that never came go too.
"""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from frontdesk.knowledge.index_source import read_source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from frontdesk.knowledge.index_source import Source
    from frontdesk.knowledge.publish import IndexShelf
    from frontdesk.platform.resilience import Deadline
    from frontdesk.platform.services import Services
    from frontdesk.platform.storage import ObjectInfo

BUILDING_PREFIX: Final = ".building-"
# An upload's command comes within its request; a day also covers clocks that disagree.
_NEVER_CAME: Final = timedelta(days=1)
_CRASHED: Final = timedelta(hours=6)  # longer than any build


def documents_prefix(tenant_id: UUID) -> str:
    """Everything of a tenant's documents lies below this."""
    return f"tenants/{tenant_id}/documents/"


def tidy(services: Services, shelf: IndexShelf, source: Source, deadline: Deadline) -> None:
    """Remove what the published index and the documents have no more use for.

    Raises:
        UpstreamUnavailable: storage or the database failed; calling it again removes the rest.
        DeadlineExceeded: the deadline passed; the same.
    """
    tenant_id = source.tenant_id
    shelf.drop_progress(tenant_id, deadline=deadline)
    shelf.collect(
        tenant_id,
        erased_before=source.erased_version,
        now=services.clock.now(),
        deadline=deadline,
    )
    _remove_objects(services, source, deadline)
    _remove_scratch(services)


def _remove_objects(services: Services, source: Source, deadline: Deadline) -> None:
    bucket, storage = services.settings.documents_bucket_name, services.storage
    prefix = documents_prefix(source.tenant_id)
    stored = list(storage.list(bucket, prefix, deadline=deadline))
    oldest = services.clock.now() - _NEVER_CAME
    if not _unused(stored, source, oldest):
        return
    # A build takes a while; whoever put a file back meanwhile keeps it.
    latest = read_source(services, source.tenant_id, deadline)
    for name in _unused(stored, latest, oldest):
        storage.delete(bucket, name, deadline=deadline)


def _unused(stored: Sequence[ObjectInfo], source: Source, oldest: datetime) -> list[str]:
    wanted = {document.object_name for document in source.documents}
    deleted = set(source.deleted)
    return [
        item.name
        for item in stored
        if item.name not in wanted and (item.name in deleted or item.updated < oldest)
    ]


def _remove_scratch(services: Services) -> None:
    """Folders of builds that crashed, on disks that outlive a process."""
    oldest = (services.clock.now() - _CRASHED).timestamp()
    for folder in Path(services.settings.index_cache_dir).glob(f"{BUILDING_PREFIX}*"):
        if folder.stat().st_mtime < oldest:
            shutil.rmtree(folder, ignore_errors=True)
