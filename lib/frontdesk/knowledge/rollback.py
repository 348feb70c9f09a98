"""Going back to an earlier version of an index, until the documents change again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from frontdesk.knowledge.index_source import read_source
from frontdesk.knowledge.publish import shelf_of
from frontdesk.platform.database import Rpc
from frontdesk.platform.errors import Conflict
from frontdesk.platform.storage import ObjectNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from frontdesk.knowledge.publish import PublishedVersion
    from frontdesk.platform.resilience import Deadline
    from frontdesk.platform.services import Services


class RollbackRefused(Conflict):
    """There is no such version to go back to, or it must not serve again."""


def roll_back(
    services: Services,
    tenant_id: UUID,
    version: str | None = None,
    *,
    actor: str,
    deadline: Deadline,
) -> PublishedVersion:
    """Let an earlier version serve; the next change of the documents builds a new one.

    Args:
        services: with the service key.
        tenant_id: whose index.
        version: which; by default the newest one before the one that serves.
        actor: who does it, for the audit log.
        deadline: for all of it.

    Returns:
        The version that serves now.

    Raises:
        NotFound: there is no such tenant.
        RollbackRefused: the version is gone, serves already, or holds text that was removed since.
        PointerMoved: something was published meanwhile.
    """
    shelf = shelf_of(services)
    # The pointer before everything that the choice rests on: who publishes meanwhile wins.
    generation = shelf.current(tenant_id, deadline=deadline).generation
    source = read_source(services, tenant_id, deadline)
    chosen = _choose(shelf.versions(tenant_id, deadline=deadline), version)
    manifest = chosen.manifest
    if manifest.knowledge_version < source.erased_version:
        raise RollbackRefused(f"Version {manifest.version} holds text that was removed since.")
    try:
        shelf.go_back(
            tenant_id,
            manifest.version,
            stands_for=source.knowledge_version,
            expected_generation=generation,
            deadline=deadline,
        )
    except ObjectNotFound:
        raise RollbackRefused(f"Version {manifest.version} was collected meanwhile.") from None
    # Text that is removed between the look above and this call is refused here; the indexer was
    # told of the removal and publishes without it.
    services.database.as_service().call(
        Rpc.PLATFORM_ROLL_BACK_INDEX,
        {
            "p_tenant": str(tenant_id),
            "p_version": manifest.version,
            "p_built_from": manifest.knowledge_version,
            "p_actor": actor,
        },
        deadline=deadline,
        idempotent=True,
    )
    return chosen


def _choose(versions: Sequence[PublishedVersion], wanted: str | None) -> PublishedVersion:
    if not versions or not versions[0].serves:
        raise RollbackRefused("No version serves, so there is none to go back from.")
    serving, *others = versions
    if wanted is None:
        earlier = [each for each in others if each.manifest.version < serving.manifest.version]
        if not earlier:
            raise RollbackRefused("No earlier version is kept.")
        return earlier[0]
    if wanted == serving.manifest.version:
        raise RollbackRefused(f"Version {wanted} serves already.")
    for each in others:
        if each.manifest.version == wanted:
            return each
    kept = ", ".join(each.manifest.version for each in others) or "none"
    raise RollbackRefused(
        f"Version {wanted} is not kept. Kept besides the one that serves: {kept}."
    )
