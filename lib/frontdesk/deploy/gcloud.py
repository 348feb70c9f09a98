"""The gcloud lines that bring functions into a project, made from their manifests.

Nothing here runs anything: a plan is a list of steps. A step that makes something looks for it
first, so a plan may be carried out again at any time: what is there is brought up to date or left
alone, and a step that failed is where the next run goes on. Bindings and deployments need no look,
gcloud's own commands for them set what they say.
"""

from __future__ import annotations

import itertools
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from frontdesk.deploy import bindings
from frontdesk.deploy.target import (
    BUILDER,
    PROJECT_NUMBER,
    PUSH_INVOKER,
    buckets,
    dead_letter,
    environment_of,
    function_account_id,
    is_platform,
    mounted_secrets,
    subscription,
    topics,
    uses_redis,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from frontdesk.deploy.bindings import Binding
    from frontdesk.deploy.target import Target
    from frontdesk.platform.manifest import Manifest, PubSubTrigger, ScheduleTrigger

UNPACKED: Final = "dist/unpacked"
"""Where packages are unpacked for gcloud, which takes a folder and not a zip from this machine."""
LABELS: Final = {"managed-by": "gcloud", "app": "frontdesk"}
RETRY_DELAYS: Final = ("10s", "600s")
"""Least and most that Pub/Sub waits between deliveries; the most it takes is ten minutes."""
RETENTION: Final = "7d"
"""How long Pub/Sub keeps a message that was not taken."""

_SHORTEST_ATTEMPT: Final = 15
"""Seconds; Cloud Scheduler takes no shorter deadline."""
_SERVICES: Final = (
    "artifactregistry",
    "cloudbuild",
    "cloudfunctions",
    "cloudresourcemanager",
    "iam",
    "logging",
    "run",
    "secretmanager",
    "storage",
)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that must be so; each line is gcloud's arguments without the word gcloud.

    Attributes:
        purpose: what it is for, as a sentence.
        line: makes it so.
        look: succeeds when it exists; the line is run when it does not.
        update: brings one that exists up to date; None leaves it as it is.
    """

    purpose: str
    line: Sequence[str]
    look: Sequence[str] | None = None
    update: Sequence[str] | None = None

    @property
    def script(self) -> str:
        """The step as a shell would run it, with its purpose above."""
        line = shell(self.line)
        if self.look is not None:
            look = f"{shell(self.look)} >/dev/null 2>&1"
            if self.update is not None:
                line = f"if {look}; then\n  {shell(self.update)}\nelse\n  {line}\nfi"
            else:
                line = f"{look} ||\n  {line}"
        return f"# {self.purpose}\n{line}"


def shell(arguments: Sequence[str]) -> str:
    """A gcloud line as text for a shell; the project's number is left for the shell to fill in."""
    return " ".join(["gcloud", *map(_quoted, arguments)])


def _quoted(argument: str) -> str:
    """For a shell; a flag's value is quoted and not its name, as people write it."""
    flag, equals, value = argument.partition("=")
    if equals and flag.startswith("--"):
        return f"{flag}={_quoted(value)}" if value else argument
    parts = argument.split(PROJECT_NUMBER)
    return f'"{PROJECT_NUMBER}"'.join(shlex.quote(part) if part else "" for part in parts) or "''"


def services(manifests: Sequence[Manifest], target: Target) -> list[str]:
    """The Google APIs that must be switched on."""
    names = {
        *_SERVICES,
        *(["pubsub"] if topics(manifests) else []),
        *(["cloudscheduler"] if any(manifest.schedule for manifest in manifests) else []),
        *(["vpcaccess"] if target.vpc_connector else []),
    }
    return [f"{name}.googleapis.com" for name in sorted(names)]


def plan(selected: Sequence[Manifest], manifests: Sequence[Manifest], target: Target) -> list[Step]:
    """All steps that bring the selected functions into the project, in order.

    Args:
        selected: the functions to deploy.
        manifests: all functions; a publisher needs the topics of functions deployed later.

    Raises:
        ValueError: a secret's version is missing, or a name is too long.
    """
    steps = list(_project(selected, manifests, target))
    for manifest in selected:
        steps += _function(manifest, manifests, target)
    return steps


def _project(
    selected: Sequence[Manifest], manifests: Sequence[Manifest], target: Target
) -> Iterator[Step]:
    """What the functions share."""
    project = f"--project={target.project}"
    apis = services(manifests, target)
    yield Step("The APIs that are used.", ["services", "enable", *apis, project])
    yield account_step(BUILDER, "Builds functions", target)
    pubsub = any(manifest.pubsub for manifest in selected)
    if pubsub:
        yield Step(
            "Pub/Sub's own account, which a new project does not have yet.",
            ["beta", "services", "identity", "create", "--service=pubsub.googleapis.com", project],
        )
    if any(map(is_platform, selected)):
        yield account_step(PUSH_INVOKER, "Calls functions for Pub/Sub and Scheduler", target)
    for binding in bindings.of_the_project(selected, target):
        yield _grant(binding, target)
    for role in buckets(selected):
        yield bucket_step(role, target)
    publishes = any("topics.publish" in manifest.roles for manifest in selected)
    for topic in topics(manifests if publishes else selected):
        yield from topic_steps(topic, target)


def bucket_step(role: str, target: Target) -> Step:
    """A bucket from which what is deleted is gone at once, and which nobody can make public."""
    name = f"gs://{target.bucket(role)}"
    project = f"--project={target.project}"
    group = ["storage", "buckets"]
    closed = ["--uniform-bucket-level-access", "--public-access-prevention"]
    place = f"--location={target.region}"
    return Step(
        f"The bucket of {role}.",
        [*group, "create", name, project, place, *closed, "--soft-delete-duration=0"],
        look=[*group, "describe", name, project],
        update=[*group, "update", name, project, *closed, "--clear-soft-delete", "--no-versioning"],
    )


def topic_steps(topic: str, target: Target) -> Iterator[Step]:
    """A topic, and where its undeliverable messages are kept for somebody to look at."""
    project = f"--project={target.project}"
    dead = dead_letter(topic)
    for name in (topic, dead):
        yield Step(
            f"The topic {name}.",
            ["pubsub", "topics", "create", name, project],
            look=["pubsub", "topics", "describe", name, project],
        )
    group = ["pubsub", "subscriptions"]
    kept = [f"--message-retention-duration={RETENTION}", "--expiration-period=never"]
    yield Step(
        f"The subscription that keeps what arrives in {dead}.",
        [*group, "create", dead, f"--topic={dead}", project, *kept],
        look=[*group, "describe", dead, project],
    )


def _function(manifest: Manifest, manifests: Sequence[Manifest], target: Target) -> Iterator[Step]:
    name = manifest.name
    yield account_step(function_account_id(name), f"The function {name}", target)
    for binding in bindings.before_deploying(manifest, manifests, target):
        yield _grant(binding, target)
    yield Step(f"The function {name}.", deploy_line(manifest, manifests, target))
    if manifest.pubsub:
        yield subscription_step(manifest, manifest.pubsub, target)
    if manifest.schedule:
        yield schedule_step(manifest, manifest.schedule, target)
    for binding in bindings.after_deploying(manifest, target):
        yield _grant(binding, target)


def deploy_line(manifest: Manifest, manifests: Sequence[Manifest], target: Target) -> list[str]:
    """``gcloud functions deploy`` for one function."""
    resources = manifest.resources
    platform = is_platform(manifest)
    public = "internal-and-gclb" if target.behind_load_balancer else "all"
    labels = LABELS | ({"release": target.release} if target.release else {})
    secrets = {
        name: f"{name}:{version}" for name, version in mounted_secrets(manifest, target).items()
    }
    builder = f"projects/{target.project}/serviceAccounts/{target.account(BUILDER)}"
    line = [
        *("functions", "deploy", manifest.name, "--gen2", f"--project={target.project}"),
        f"--region={target.region}",
        "--runtime=python312",
        f"--source={UNPACKED}/{manifest.name}",
        f"--entry-point={manifest.entry_point}",
        "--trigger-http",
        # Public functions tell callers apart themselves; platform functions have one caller.
        "--no-allow-unauthenticated" if platform else "--allow-unauthenticated",
        f"--ingress-settings={'internal-only' if platform else public}",
        f"--memory={resources.memory_mb}Mi",
        f"--cpu={resources.cpu:g}",
        f"--concurrency={resources.concurrency}",
        f"--timeout={resources.timeout_seconds}s",
        f"--min-instances={resources.min_instances}",
        f"--max-instances={resources.max_instances}",
        f"--service-account={target.function_account(manifest.name)}",
        f"--build-service-account={builder}",
        f"--set-env-vars={_mapping(environment_of(manifest, manifests, target))}",
        f"--set-secrets={_mapping(secrets)}" if secrets else "--clear-secrets",
        f"--update-labels={_mapping(labels)}",
        # After a roll-back an older revision has the traffic, and would keep it.
        "--serve-all-traffic-latest-revision",
    ]
    if uses_redis(manifest, target) and target.vpc_connector:
        line += [f"--vpc-connector={target.vpc_connector}", "--egress-settings=private-ranges-only"]
    return line


def subscription_step(manifest: Manifest, trigger: PubSubTrigger, target: Target) -> Step:
    """The push subscription that wakes a function, signed so that the function knows the caller."""
    name = subscription(trigger.topic, manifest.name)
    project = f"--project={target.project}"
    url = target.url(manifest.name)
    settings = [
        f"--push-endpoint={url}{trigger.path}",
        f"--push-auth-service-account={target.push_invoker}",
        f"--push-auth-token-audience={url}",
        f"--ack-deadline={trigger.ack_deadline}",
        f"--dead-letter-topic={dead_letter(trigger.topic)}",
        f"--max-delivery-attempts={trigger.max_delivery_attempts}",
        f"--min-retry-delay={RETRY_DELAYS[0]}",
        f"--max-retry-delay={RETRY_DELAYS[1]}",
        f"--message-retention-duration={RETENTION}",
        "--expiration-period=never",
    ]
    group = ["pubsub", "subscriptions"]
    return Step(
        f"What wakes {manifest.name}: pushes from {trigger.topic}.",
        [*group, "create", name, f"--topic={trigger.topic}", project, *settings],
        look=[*group, "describe", name, project],
        update=[*group, "update", name, project, *settings],
    )


def schedule_step(manifest: Manifest, trigger: ScheduleTrigger, target: Target) -> Step:
    """The Cloud Scheduler job that wakes a function."""
    place = [f"--location={target.region}", f"--project={target.project}"]
    url = target.url(manifest.name)
    seconds = max(_SHORTEST_ATTEMPT, manifest.resources.timeout_seconds)
    settings = [
        f"--schedule={trigger.cron}",
        "--time-zone=Etc/UTC",
        f"--uri={url}{trigger.path}",
        "--http-method=post",
        f"--oidc-service-account-email={target.push_invoker}",
        f"--oidc-token-audience={url}",
        f"--attempt-deadline={seconds}s",
    ]
    jobs = ["scheduler", "jobs"]
    return Step(
        f"What wakes {manifest.name}: its schedule.",
        [*jobs, "create", "http", manifest.name, *place, *settings],
        look=[*jobs, "describe", manifest.name, *place],
        update=[*jobs, "update", "http", manifest.name, *place, *settings],
    )


def account_step(account_id: str, description: str, target: Target) -> Step:
    """A service account of its own."""
    project = f"--project={target.project}"
    group = ["iam", "service-accounts"]
    return Step(
        f"The service account {account_id}.",
        [*group, "create", account_id, f"--display-name={description}", project],
        look=[*group, "describe", target.account(account_id), project],
    )


def _grant(binding: Binding, target: Target) -> Step:
    account = binding.member.partition(":")[2]
    who = "Pub/Sub itself" if account == target.pubsub_agent else account.partition("@")[0]
    what = f"{binding.resource.kind} {binding.resource.name}"
    return Step(f"{who}: {binding.role} on the {what}.", binding.add(target))


def _mapping(values: dict[str, str]) -> str:
    """``A=1,B=2``, or with another separator where a value has a comma (gcloud topic escaping)."""
    marks = itertools.chain(",;|~", (f"@{number}@" for number in itertools.count()))
    separator = next(mark for mark in marks if not any(mark in text for text in values.values()))
    pairs = separator.join(f"{name}={value}" for name, value in values.items())
    return pairs if separator == "," else f"^{separator}^{pairs}"
