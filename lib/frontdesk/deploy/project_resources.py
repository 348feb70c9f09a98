"""Checks of what the functions work with: APIs, buckets, Pub/Sub, the schedule, themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from frontdesk.deploy.findings import Finding, Verdict
from frontdesk.deploy.gcloud import (
    bucket_step,
    schedule_step,
    services,
    shell,
    subscription_step,
    topic_steps,
)
from frontdesk.deploy.project_trust import enabled_versions
from frontdesk.deploy.target import buckets, dead_letter, is_platform, subscription, topics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from frontdesk.deploy.facts import Project
    from frontdesk.deploy.gcloud import Step
    from frontdesk.platform.manifest import Manifest, PubSubTrigger, ScheduleTrigger

    Entry = Mapping[str, Any]

_FORGETS: Final = ("documents", "indexes", "exports")
"""Buckets whose contents are gone when they are deleted; ``source`` may keep some."""


def lines(project: Project) -> Iterator[list[str]]:
    """What these checks will ask."""
    yield _apis(project)
    yield _buckets(project)
    yield _topics(project)
    yield _subscriptions(project)
    yield _jobs(project)
    yield _functions(project)


def check_apis(project: Project) -> Iterator[Finding]:
    """That the Google APIs are switched on."""
    enabled = {entry["config"]["name"] for entry in project.facts.find(_apis(project)) or []}
    wanted = services(project.manifests, project.target)
    missing = [name for name in wanted if name not in enabled]
    if missing:
        enable = project.line("services", "enable", *missing)
        yield Finding("APIs", Verdict.PROBLEM, f"off: {', '.join(missing)}", shell(enable))
    else:
        yield Finding("APIs", Verdict.OK, f"all {len(wanted)} are on")


def check_buckets(project: Project) -> Iterator[Finding]:
    """That buckets are closed to the public, and forget what is deleted."""
    existing = {entry["name"]: entry for entry in project.facts.find(_buckets(project)) or []}
    needed = buckets(project.manifests)
    for role in dict.fromkeys([*needed, "exports", "source"]):
        name = project.target.bucket(role)
        entry = existing.get(name)
        step = bucket_step(role, project.target)
        if entry is not None:
            yield _judged(f"Bucket {name}", list(_bucket_problems(role, entry)), step)
        elif role in needed:
            yield Finding(f"Bucket {name}", Verdict.PROBLEM, "there is none", shell(step.line))


def _bucket_problems(role: str, entry: Entry) -> Iterator[str]:
    if not entry.get("uniform_bucket_level_access"):
        yield "single objects may have access lists of their own"
    if entry.get("public_access_prevention") != "enforced":
        yield "public access is not prevented"
    if role in _FORGETS:
        kept = int(entry.get("soft_delete_policy", {}).get("retentionDurationSeconds", 0))
        if kept:
            yield f"deleted objects are kept for {kept // 86_400} days"
        if entry.get("versioning_enabled"):
            yield "deleted objects are kept as versions"


def check_topics(project: Project) -> Iterator[Finding]:
    """That each topic exists, and its undeliverable messages are kept."""
    existing = project.by_name(_topics(project))
    subscriptions = project.by_name(_subscriptions(project))
    for topic in topics(project.manifests):
        dead = dead_letter(topic)
        of_topic, of_dead, of_kept = topic_steps(topic, project.target)
        missing = [
            (what, step)
            for what, there, step in (
                (f"topic {topic}", topic in existing, of_topic),
                (f"topic {dead}", dead in existing, of_dead),
                (f"subscription {dead}", dead in subscriptions, of_kept),
            )
            if not there
        ]
        if missing:
            message = "there is no " + ", no ".join(what for what, _ in missing)
            remedy = "\n".join(shell(step.line) for _, step in missing)
            yield Finding(f"Topic {topic}", Verdict.PROBLEM, message, remedy)
        else:
            yield Finding(f"Topic {topic}", Verdict.OK, f"dead letters are kept in {dead}")


def check_triggers(project: Project) -> Iterator[Finding]:
    """That what wakes functions says what their manifests say."""
    subscriptions = project.by_name(_subscriptions(project))
    jobs = project.by_name(_jobs(project))
    for manifest in project.manifests:
        if manifest.pubsub:
            name = subscription(manifest.pubsub.topic, manifest.name)
            step = subscription_step(manifest, manifest.pubsub, project.target)
            pushed = subscriptions.get(name)
            if pushed is None:
                lacking = Finding(f"Subscription {name}", Verdict.PROBLEM, "there is none")
                yield _with(lacking, shell(step.line))
            else:
                problems = list(_push_problems(project, manifest, manifest.pubsub, pushed))
                yield _judged(f"Subscription {name}", problems, step)
        if manifest.schedule:
            step = schedule_step(manifest, manifest.schedule, project.target)
            job = jobs.get(manifest.name)
            subject = f"Schedule {manifest.name}"
            if job is None:
                yield Finding(subject, Verdict.PROBLEM, "there is none", shell(step.line))
            elif job.get("state") != "ENABLED":
                resume = project.line(
                    "scheduler", "jobs", "resume", manifest.name, located="location"
                )
                yield Finding(subject, Verdict.PROBLEM, f"it is {job['state']}", shell(resume))
            else:
                problems = list(_job_problems(project, manifest, manifest.schedule, job))
                yield _judged(subject, problems, step)


def _push_problems(
    project: Project, manifest: Manifest, trigger: PubSubTrigger, entry: Entry
) -> Iterator[str]:
    url = project.target.url(manifest.name)
    push = entry.get("pushConfig", {})
    token = push.get("oidcToken", {})
    dead = entry.get("deadLetterPolicy", {})
    yield from _differences(
        ("pushes to", push.get("pushEndpoint"), f"{url}{trigger.path}"),
        ("is signed as", token.get("serviceAccountEmail"), project.target.push_invoker),
        ("has the audience", token.get("audience"), url),
        ("waits seconds:", entry.get("ackDeadlineSeconds"), trigger.ack_deadline),
        (
            "gives up to",
            dead.get("deadLetterTopic", "").rpartition("/")[2],
            dead_letter(trigger.topic),
        ),
        ("gives up after", dead.get("maxDeliveryAttempts"), trigger.max_delivery_attempts),
    )
    if "ttl" in entry.get("expirationPolicy", {"ttl": "31 days"}):
        yield "it disappears when nobody uses it"


def _job_problems(
    project: Project, manifest: Manifest, trigger: ScheduleTrigger, entry: Entry
) -> Iterator[str]:
    url = project.target.url(manifest.name)
    http = entry.get("httpTarget", {})
    token = http.get("oidcToken", {})
    yield from _differences(
        ("runs at", entry.get("schedule"), trigger.cron),
        ("calls", http.get("uri"), f"{url}{trigger.path}"),
        ("is signed as", token.get("serviceAccountEmail"), project.target.push_invoker),
        ("has the audience", token.get("audience"), url),
    )


def _differences(*compared: tuple[str, object, object]) -> Iterator[str]:
    for what, found, wanted in compared:
        if found != wanted:
            yield f"it {what} {found or 'nothing'} instead of {wanted}"


def check_functions(project: Project) -> Iterator[Finding]:
    """That each function runs as what its manifest says, with secrets that it can read."""
    deployed = project.by_name(_functions(project))
    versions = enabled_versions(project)
    for manifest in project.manifests:
        subject = f"Function {manifest.name}"
        deploy = f"frontdesk deploy {manifest.name} --project {project.target.project} …"
        entry = deployed.get(manifest.name)
        if entry is None:
            yield Finding(subject, Verdict.PROBLEM, "it is not deployed", deploy)
            continue
        labels = entry.get("labels", {})
        if labels.get("managed-by") == "terraform":
            deploy = "terraform apply"
        problems = list(_function_problems(project, manifest, entry, versions))
        stale = _stale_secrets(entry, versions)
        if problems:
            yield Finding(subject, Verdict.PROBLEM, "; ".join(problems), deploy)
        elif stale:
            yield Finding(subject, Verdict.WARNING, "; ".join(stale), deploy)
        else:
            release = f", release {labels['release']}" if "release" in labels else ""
            managed = labels.get("managed-by", "nobody")
            yield Finding(subject, Verdict.OK, f"ACTIVE, managed by {managed}{release}")


def _function_problems(
    project: Project, manifest: Manifest, entry: Entry, versions: Mapping[str, list[int]]
) -> Iterator[str]:
    if entry.get("state") != "ACTIVE":
        said = "; ".join(message["message"] for message in entry.get("stateMessages", []))
        yield f"it is {entry.get('state')}" + (f": {said}" if said else "")
    config = entry.get("serviceConfig", {})
    account = config.get("serviceAccountEmail")
    if account != project.target.function_account(manifest.name):
        yield f"it runs as {account}"
    if is_platform(manifest) and config.get("ingressSettings") != "ALLOW_INTERNAL_ONLY":
        yield "it accepts requests from outside"
    for mount in config.get("secretEnvironmentVariables", []):
        secret, version = mount["secret"], mount["version"]
        if secret not in manifest.secrets:
            yield f"it gets {secret}, which its manifest does not list"
        elif version == "latest":
            yield f"it gets the latest {secret}, whichever that is when an instance starts"
        elif int(version) not in versions.get(secret, []):
            yield f"it gets version {version} of {secret}, which is not enabled"


def _stale_secrets(entry: Entry, versions: Mapping[str, list[int]]) -> list[str]:
    return [
        f"it gets version {mount['version']} of {mount['secret']}, the newest is {newest[0]}"
        for mount in entry.get("serviceConfig", {}).get("secretEnvironmentVariables", [])
        if (newest := versions.get(mount["secret"])) and mount["version"] != str(newest[0])
    ]


def _judged(subject: str, problems: list[str], step: Step) -> Finding:
    if problems:
        remedy = shell(step.update or step.line)
        return Finding(subject, Verdict.PROBLEM, "; ".join(problems), remedy)
    return Finding(subject, Verdict.OK, "as it should be")


def _with(finding: Finding, remedy: str) -> Finding:
    return Finding(finding.subject, finding.verdict, finding.message, remedy)


def _apis(project: Project) -> list[str]:
    return project.line("services", "list", "--enabled")


def _buckets(project: Project) -> list[str]:
    return project.line("storage", "buckets", "list")


def _topics(project: Project) -> list[str]:
    return project.line("pubsub", "topics", "list")


def _subscriptions(project: Project) -> list[str]:
    return project.line("pubsub", "subscriptions", "list")


def _jobs(project: Project) -> list[str]:
    return project.line("scheduler", "jobs", "list", located="location")


def _functions(project: Project) -> list[str]:
    return project.line("functions", "list", "--v2", located="regions")
