"""function.yaml: the one manifest of a Cloud Function.

Terraform, the deploy command, the packager, the local gateway, the endpoint layer (its time-out)
and OpenAPI all read it. ``functions/function.schema.json`` is the full contract, checked by
``make check``; this module is the part that runs with the function and stays cheap to import.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFEST_FORMAT = 1
MANIFEST_NAME = "function.yaml"


@dataclass(frozen=True, slots=True)
class ManifestRoute:
    """One path template and the methods it answers, such as ``/v1/crm/clients/{client_id}``."""

    path: str
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PubSubTrigger:
    """A push subscription: what is published on ``topic`` is posted to ``path``."""

    topic: str
    path: str
    ack_deadline: int
    max_delivery_attempts: int


@dataclass(frozen=True, slots=True)
class ScheduleTrigger:
    """A Cloud Scheduler job that posts to ``path`` at ``cron`` (UTC)."""

    cron: str
    path: str


@dataclass(frozen=True, slots=True)
class Resources:
    """What one instance gets. ``concurrency`` is also its number of threads."""

    memory_mb: int
    cpu: float
    concurrency: int
    timeout_seconds: int
    max_instances: int
    min_instances: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """One ``functions/<name>/function.yaml``."""

    folder: Path
    name: str
    description: str
    entry_point: str
    extra: str
    routes: tuple[ManifestRoute, ...]
    pubsub: PubSubTrigger | None
    schedule: ScheduleTrigger | None
    resources: Resources
    secrets: tuple[str, ...]
    roles: tuple[str, ...]
    environment: dict[str, str]

    @property
    def main(self) -> Path:
        """The file that functions-framework loads."""
        return self.folder / "main.py"


def load_manifest(folder: Path) -> Manifest:
    """Read the manifest in a function's folder.

    Raises:
        ValueError: it is of a format this code does not know, or its name is not the folder's.
        OSError, KeyError, TypeError: it is missing or misses a field (``make check`` names which).
    """
    document = _read(folder / MANIFEST_NAME)
    if document["format"] != MANIFEST_FORMAT:
        raise ValueError(f"{folder}: unknown manifest format {document['format']!r}")
    trigger = document["trigger"]
    return Manifest(
        folder=folder,
        name=document["name"],
        description=document["description"],
        entry_point=document["entry_point"],
        extra=document["extra"],
        routes=tuple(
            ManifestRoute(route["path"], tuple(route["methods"])) for route in trigger["routes"]
        ),
        pubsub=PubSubTrigger(**trigger["pubsub"]) if "pubsub" in trigger else None,
        schedule=ScheduleTrigger(**trigger["schedule"]) if "schedule" in trigger else None,
        resources=Resources(**document["resources"]),
        secrets=tuple(document["secrets"]),
        roles=tuple(document["roles"]),
        environment=dict(document["environment"]),
    )


def all_manifests(repository: Path) -> list[Manifest]:
    """Every function of the repository, by name."""
    return [
        load_manifest(file.parent)
        for file in sorted((repository / "functions").glob(f"*/{MANIFEST_NAME}"))
    ]


def _read(file: Path) -> dict[str, Any]:
    import yaml

    # libyaml parses about ten times faster than the pure loader; wheels always bring it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = yaml.load(file.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506
    if not isinstance(document, dict):
        raise TypeError(f"{file} is not a mapping")
    return document
