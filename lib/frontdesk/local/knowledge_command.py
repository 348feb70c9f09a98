"""``frontdesk knowledge``: builds indexes, says how far they are, and takes a version back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from frontdesk.knowledge.index_source import read_source
from frontdesk.knowledge.indexer import Indexer
from frontdesk.knowledge.publish import PublishedVersion, shelf_of
from frontdesk.knowledge.rollback import roll_back
from frontdesk.knowledge.serving import embedder_of
from frontdesk.knowledge.shared import build_shared, files_of
from frontdesk.platform.database import Rpc
from frontdesk.platform.errors import NotFound
from frontdesk.platform.resilience import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from frontdesk.knowledge.index_source import Source
    from frontdesk.knowledge.manifest import Manifest
    from frontdesk.knowledge.progress import Progress, Step
    from frontdesk.platform.services import Services

_ACTOR: Final = "frontdesk knowledge"
_BUILD_SECONDS: Final = 6 * 3600.0
_LOOK_SECONDS: Final = 60.0
_THREADS: Final = 2
_FAILED: Final = 1


class Misused(ValueError):
    """The command line asks for something that is not there; the message says what."""


@dataclass(slots=True)
class Output:
    """Where a command's words go.

    Attributes:
        write: takes a line of the result.
        note: takes a line about the work under way.
        redraw: takes a line that replaces the one before; None where lines can't be replaced.
        as_json: the result is one JSON object, and the work under way is not told.
    """

    write: Callable[[str], None]
    note: Callable[[str], None]
    redraw: Callable[[str], None] | None = None
    as_json: bool = False
    _told: set[Step] = field(default_factory=set)

    @property
    def progress(self) -> Progress:
        """Tells how far a build is: redrawn on a terminal, elsewhere a line when a step is done."""
        return self._silent if self.as_json else self._tell

    def _silent(self, _step: Step, _done: int, _total: int) -> None:
        return

    def _tell(self, step: Step, done: int, total: int) -> None:
        if self.redraw is not None and done < total:
            self.redraw(f"{step}: {done} of {total}")
        elif done == total and step not in self._told:
            self._told.add(step)
            self.note(f"{step}: {total}")
        if done == 0 < total:
            self._told.discard(step)  # the next round of the same build

    def result(self, facts: dict[str, Any], lines: list[str]) -> None:
        """Print what came of it, for a program or for a person."""
        if self.as_json:
            self.write(json.dumps(facts, ensure_ascii=False, indent=2))
            return
        for line in lines:
            self.write(line)


class _Tenant(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: UUID
    slug: str


def build(services: Services, tenant: str, *, force: bool, output: Output) -> int:
    """Bring a tenant's index up to its documents; returns the exit status.

    Raises:
        Misused: there is no such tenant.
        FrontdeskError: it did not work.
    """
    found = find_tenant(services, tenant)
    deadline = Deadline.after(_BUILD_SECONDS, services.clock)
    indexer = Indexer(services, deadline, progress=output.progress)
    published = indexer.run(found.id, force=force)
    source = read_source(services, found.id, deadline)
    failed = _failures(source)
    facts = {
        "tenant": found.slug,
        "published": published is not None,
        "version": published.version if published else source.index_version,
        "documents": published.documents if published else None,
        "chunks": published.chunks if published else None,
        "failed": failed,
    }
    said = _published(found.slug, published) if published else _up_to_date(found.slug, source)
    output.result(facts, [said, *_failure_lines(failed)])
    return 0


def build_from(services: Services, folder: Path, *, force: bool, output: Output) -> int:
    """Publish a folder as the shared index; 1 when a file of it could not be read.

    Raises:
        Misused: there is no such folder, or no document in it.
        FrontdeskError: it did not work.
    """
    if not folder.is_dir():
        raise Misused(f"{folder} is no folder.")
    if not files_of(folder):
        raise Misused(f"{folder} holds no Markdown, HTML, PDF, DOCX, CSV or text file.")
    built = build_shared(
        services,
        folder,
        embedder=embedder_of(services, threads=_THREADS),
        deadline=Deadline.after(_BUILD_SECONDS, services.clock),
        force=force,
        progress=output.progress,
    )
    failed = [{"filename": name, "reason": reason} for name, reason in built.unreadable]
    facts = {
        "tenant": "shared",
        "published": built.is_new,
        "version": built.manifest.version,
        "documents": built.manifest.documents,
        "chunks": built.manifest.chunks,
        "failed": failed,
    }
    said = (
        _published("The shared index", built.manifest)
        if built.is_new
        else f"The shared index is up to date: version {built.manifest.version} serves."
    )
    output.result(facts, [said, *_failure_lines(failed)])
    return _FAILED if failed else 0


def status(services: Services, tenant: str, *, output: Output) -> int:
    """Say which versions there are and what they do not hold yet; returns the exit status.

    Raises:
        Misused: there is no such tenant.
        FrontdeskError: it did not work.
    """
    found = find_tenant(services, tenant)
    deadline = Deadline.after(_LOOK_SECONDS, services.clock)
    versions = shelf_of(services).versions(found.id, deadline=deadline)
    source = read_source(services, found.id, deadline)
    failed = _failures(source)
    counts = {
        "indexed": len(source.documents) - source.waiting - len(failed),
        "pending": source.waiting,
        "failed": len(failed),
    }
    facts = {
        "tenant": found.slug,
        "knowledge_version": source.knowledge_version,
        "versions": [_version_facts(each) for each in versions],
        "documents": counts,
        "failed": failed,
    }
    lines = [_version_line(each) for each in versions] or ["no version is published"]
    counted = ", ".join(f"{number} {state}" for state, number in counts.items())
    output.result(facts, [*lines, f"documents  {counted}", *_failure_lines(failed)])
    return 0


def take_back(services: Services, tenant: str, version: str | None, *, output: Output) -> int:
    """Let an earlier version serve; returns the exit status.

    Raises:
        Misused: there is no such tenant.
        FrontdeskError: it did not work.
    """
    found = find_tenant(services, tenant)
    deadline = Deadline.after(_LOOK_SECONDS, services.clock)
    chosen = roll_back(services, found.id, version, actor=_ACTOR, deadline=deadline)
    built = f"{chosen.manifest.created_at:%Y-%m-%d %H:%M} UTC"
    output.result(
        {"tenant": found.slug} | _version_facts(chosen) | {"serving": True},
        [
            f"{found.slug}: version {chosen.manifest.version} of {built} serves again.",
            "The next change of the documents, or build --force, builds a new one.",
        ],
    )
    return 0


def find_tenant(services: Services, wanted: str) -> _Tenant:
    """A tenant by its id or its slug.

    Raises:
        Misused: there is none.
    """
    deadline = Deadline.after(_LOOK_SECONDS, services.clock)
    database = services.database.as_service()
    try:
        tenant_id = UUID(wanted)
    except ValueError:
        found = database.call(
            Rpc.PLATFORM_LIST_TENANTS,
            {"p_filter": {"slug": wanted}, "p_limit": 1},
            deadline=deadline,
            idempotent=True,
        )["rows"]
        if found:
            return _Tenant.model_validate(found[0])
    else:
        try:
            return _Tenant.model_validate(
                database.call(
                    Rpc.PLATFORM_READ_TENANT,
                    {"p_id": str(tenant_id)},
                    deadline=deadline,
                    idempotent=True,
                )
            )
        except NotFound:
            pass
    raise Misused(f"There is no agency {wanted!r}; name its slug or its id.")


def _failures(source: Source) -> list[dict[str, str]]:
    return [
        {"filename": document.filename, "reason": document.reason or "It can't be read."}
        for document in source.documents
        if document.status == "failed"
    ]


def _failure_lines(failed: list[dict[str, str]]) -> list[str]:
    return [f"failed     {each['filename']}: {each['reason']}" for each in failed]


def _published(subject: str, manifest: Manifest) -> str:
    return (
        f"{subject}: version {manifest.version} is published,"
        f" {manifest.documents} documents in {manifest.chunks} passages."
    )


def _up_to_date(slug: str, source: Source) -> str:
    if source.index_version is None:
        return f"{slug}: this agency is being deleted; nothing is built."
    return f"{slug} is up to date: version {source.index_version} serves."


def _version_facts(published: PublishedVersion) -> dict[str, Any]:
    manifest = published.manifest
    return {
        "version": manifest.version,
        "serving": published.serves,
        "created_at": manifest.created_at.isoformat(),
        "knowledge_version": manifest.knowledge_version,
        "documents": manifest.documents,
        "chunks": manifest.chunks,
        "embedder": manifest.embedder_id,
        "size": published.size,
    }


def _version_line(published: PublishedVersion) -> str:
    manifest = published.manifest
    return (
        f"{'serves' if published.serves else 'kept':<10} {manifest.version}"
        f"  {manifest.created_at:%Y-%m-%d %H:%M} UTC"
        f"  {manifest.documents} documents in {manifest.chunks} passages"
        f"  {published.size:,} bytes  {manifest.embedder_id}"
    )
