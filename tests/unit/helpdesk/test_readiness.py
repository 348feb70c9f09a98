"""Readiness tells which index versions are loaded, how old they are, and when they were checked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from frontdesk.helpdesk.readiness import knowledge
from frontdesk.knowledge.manifest import SHARED_TENANT
from frontdesk.knowledge.minilm import EMBEDDER_ID
from frontdesk.knowledge.serving import knowledge_of, shelf_of
from frontdesk.platform.context import Anonymous, Context
from frontdesk.platform.services import Services
from frontdesk.platform.settings import load_settings
from tests.support.clock import ManualClock
from tests.unit.knowledge.builders import CREATED, TENANT, a_deadline, build, document
from tests.unit.knowledge.fakes import MemoryStore, WordEmbedder

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID


@pytest.fixture
def context(tmp_path: Path) -> Context:
    settings = load_settings({"INDEX_CACHE_DIR": str(tmp_path / "cache")})
    services = Services(settings, clock=ManualClock(), storage=MemoryStore())  # type: ignore[arg-type]
    for tenant, version in ((TENANT, "v1"), (SHARED_TENANT, "s1")):
        publish(services, tmp_path / version, tenant, version)
    return Context("test", "helpdesk", Anonymous(), a_deadline(), None, services)


def publish(services: Services, folder: Path, tenant: UUID, version: str) -> None:
    manifest = build(
        folder,
        [document(1, "# Dogs\nDogs sleep.")],
        WordEmbedder(),
        version=version,
        knowledge_version=4,
        tenant_id=tenant,
    )
    shelf_of(services).publish(folder, manifest, expected_generation=0, deadline=a_deadline())


def test_nothing_is_loaded_before_it_is_asked(context: Context) -> None:
    assert knowledge(context) == {
        "indexes": {},
        "embedder": EMBEDDER_ID,
        "language_model": False,
    }


def test_each_loaded_version_is_described_and_the_shared_one_by_its_name(context: Context) -> None:
    clock = context.services.clock
    assert isinstance(clock, ManualClock)
    knowledge_of(context.services).indexes.get(TENANT, deadline=a_deadline())
    clock.advance(5)
    described = knowledge(context)["indexes"]
    assert set(described) == {str(TENANT), "shared"}
    own = described[str(TENANT)]
    assert (own["version"], own["knowledge_version"], own["embedder"]) == ("v1", 4, "words")
    assert timedelta(seconds=own["age_seconds"]) == clock.now() - CREATED
    assert own["checked_seconds_ago"] == 5
    assert own["bytes"] > 0
    assert described["shared"]["version"] == "s1"
