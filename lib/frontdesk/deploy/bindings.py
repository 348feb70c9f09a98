"""Who may do what: every IAM binding that the functions need, on single resources.

`frontdesk deploy` adds them, `frontdesk doctor` looks for them; Terraform makes the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from frontdesk.deploy.target import (
    BUILDER,
    dead_letter,
    is_platform,
    mounted_secrets,
    subscription,
    topics,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from frontdesk.deploy.target import Target
    from frontdesk.platform.manifest import Manifest

_GROUPS: Final = {
    "bucket": ("storage", "buckets"),
    "project": ("projects",),
    "secret": ("secrets",),
    "service": ("run", "services"),
    "service account": ("iam", "service-accounts"),
    "subscription": ("pubsub", "subscriptions"),
    "topic": ("pubsub", "topics"),
}
"""gcloud's command group of each kind of resource."""

_BUCKET_ROLES: Final = {"read": "roles/storage.objectViewer", "write": "roles/storage.objectUser"}
_PUBLISHER: Final = "roles/pubsub.publisher"
_SOURCES_OF_FUNCTIONS: Final = 'resource.name.startsWith("projects/_/buckets/gcf-v2-")'
"""Cloud Functions copies a package into a bucket of its own before it builds; that bucket alone may
be read, and not clients' documents."""
SIGNS_AS_US: Final = "roles/iam.serviceAccountTokenCreator"
"""What Pub/Sub needs in projects from before April 2021, and has without a grant in newer ones."""


@dataclass(frozen=True, slots=True, order=True)
class Resource:
    """Something that has a policy; ``kind`` is a key of gcloud's command groups."""

    kind: str
    name: str

    def policy_line(self, verb: str, target: Target, *flags: str) -> list[str]:
        """gcloud's arguments for reading or changing this resource's policy."""
        name = f"gs://{self.name}" if self.kind == "bucket" else self.name
        line = [*_GROUPS[self.kind], f"{verb}-iam-policy{'-binding' if flags else ''}", name]
        if self.kind == "service":
            line.append(f"--region={target.region}")
        line += flags
        return line if self.kind == "project" else [*line, f"--project={target.project}"]


@dataclass(frozen=True, slots=True, order=True)
class Binding:
    """One member's role on one resource, such as ``serviceAccount:fn-quotes@…``.

    Attributes:
        condition: an expression that narrows it, only on a project.
    """

    resource: Resource
    member: str
    role: str
    condition: str = ""

    def add(self, target: Target) -> list[str]:
        """gcloud's arguments for granting it; granting it again changes nothing."""
        return self.resource.policy_line("add", target, *self._flags)

    def remove(self, target: Target) -> list[str]:
        """gcloud's arguments for taking it away."""
        return self.resource.policy_line("remove", target, *self._flags)

    @property
    def _flags(self) -> tuple[str, ...]:
        flags = f"--member={self.member}", f"--role={self.role}"
        if self.condition:
            return (*flags, f"--condition=expression={self.condition},title=Narrowed")
        # A policy with conditions in it makes gcloud ask which one is meant.
        return (*flags, "--condition=None") if self.resource.kind == "project" else flags


def before_deploying(
    manifest: Manifest, manifests: Sequence[Manifest], target: Target
) -> Iterator[Binding]:
    """What a function's own service account may do."""
    account = f"serviceAccount:{target.function_account(manifest.name)}"
    for name in mounted_secrets(manifest, target):
        role = "roles/secretmanager.secretAccessor"
        yield Binding(Resource("secret", name), account, role)
    for granted in manifest.roles:
        subject, _, action = granted.partition(".")
        if subject == "topics":
            for topic in topics(manifests):
                yield Binding(Resource("topic", topic), account, _PUBLISHER)
        else:
            bucket = Resource("bucket", target.bucket(subject))
            yield Binding(bucket, account, _BUCKET_ROLES[action])


def after_deploying(manifest: Manifest, target: Target) -> Iterator[Binding]:
    """Who may call a platform function, and what Pub/Sub needs to give up on a message."""
    if is_platform(manifest):
        caller = f"serviceAccount:{target.push_invoker}"
        yield Binding(Resource("service", manifest.name), caller, "roles/run.invoker")
    if manifest.pubsub:
        agent = f"serviceAccount:{target.pubsub_agent}"
        topic = manifest.pubsub.topic
        yield Binding(Resource("topic", dead_letter(topic)), agent, _PUBLISHER)
        pushed = Resource("subscription", subscription(topic, manifest.name))
        yield Binding(pushed, agent, "roles/pubsub.subscriber")


def of_the_project(manifests: Sequence[Manifest], target: Target) -> Iterator[Binding]:
    """What is granted once: to the account that builds functions, and to Pub/Sub as the caller."""
    project = Resource("project", target.project)
    builder = f"serviceAccount:{target.account(BUILDER)}"
    yield Binding(project, builder, "roles/artifactregistry.writer")
    yield Binding(project, builder, "roles/logging.logWriter")
    yield Binding(project, builder, "roles/storage.objectViewer", _SOURCES_OF_FUNCTIONS)
    if any(manifest.pubsub for manifest in manifests):
        agent = f"serviceAccount:{target.pubsub_agent}"
        yield Binding(Resource("service account", target.push_invoker), agent, SIGNS_AS_US)
