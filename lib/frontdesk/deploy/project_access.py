"""Checks of who may do what: each binding of the manifests is there, and no other of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from frontdesk.deploy import bindings
from frontdesk.deploy.bindings import Binding, Resource
from frontdesk.deploy.findings import Finding, Verdict
from frontdesk.deploy.gcloud import account_step, shell
from frontdesk.deploy.target import BUILDER, PUSH_INVOKER, function_account_id, is_platform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from frontdesk.deploy.facts import Project

_EVERYBODY: Final = {"allUsers", "allAuthenticatedUsers"}


def lines(project: Project) -> Iterator[list[str]]:
    """What these checks will ask."""
    yield _accounts(project)
    for resource in _expected(project):
        yield _policy(project, resource)


def check_identities(project: Project) -> Iterator[Finding]:
    """Each function's own account and what it may do."""
    existing = {entry["email"]: entry for entry in project.facts.find(_accounts(project)) or []}
    for account_id in our_accounts(project):
        email = project.target.account(account_id)
        subject = f"Identity {account_id}"
        if email not in existing:
            create = account_step(account_id, "Frontdesk", project.target).line
            yield Finding(subject, Verdict.PROBLEM, "there is no such account", shell(create))
            continue
        if existing[email].get("disabled"):
            enable = project.line("iam", "service-accounts", "enable", email)
            yield Finding(subject, Verdict.PROBLEM, "it is disabled", shell(enable))
            continue
        yield _bound(project, subject, f"serviceAccount:{email}")


def check_pubsub(project: Project) -> Iterator[Finding]:
    """What Pub/Sub itself may do: call functions as our account, and give up on a message."""
    agent = f"serviceAccount:{project.target.pubsub_agent}"
    if any(manifest.pubsub for manifest in project.manifests):
        yield _bound(project, "Pub/Sub's own account", agent)


def check_excess(project: Project) -> Iterator[Finding]:
    """That nobody may do more than the manifests say."""
    ours = {
        f"serviceAccount:{project.target.account(account)}"
        for account in our_accounts(project)
        if account != BUILDER
    }
    open_to_all = {
        Resource("service", manifest.name)
        for manifest in project.manifests
        if not is_platform(manifest)
    }
    found = False
    for resource, expected in _expected(project).items():
        for binding in sorted(_held(project, resource)):
            public = binding.member in _EVERYBODY and resource not in open_to_all
            if public or (binding.member in ours and binding not in expected):
                found = True
                yield Finding(
                    "Nothing beyond the manifests",
                    Verdict.PROBLEM,
                    f"{binding.member} has {binding.role} on the {resource.kind} {resource.name}",
                    shell(binding.remove(project.target)),
                )
    if not found:
        yield Finding("Nothing beyond the manifests", Verdict.OK, "no other binding of ours")


def check_callers(project: Project) -> Iterator[Finding]:
    """That browsers reach the public functions, which authenticate callers themselves."""
    closed = []
    for manifest in project.manifests:
        service = Resource("service", manifest.name)
        open_to_all = Binding(service, "allUsers", "roles/run.invoker")
        held = _held(project, service)
        if not is_platform(manifest) and held and open_to_all not in held:
            closed.append(open_to_all)
    if closed:
        names = ", ".join(binding.resource.name for binding in closed)
        yield _problem("Callers", f"nobody may call {names}", project, closed)
    else:
        yield Finding("Callers", Verdict.OK, "public functions are open, the others are not")


def _expected(project: Project) -> dict[Resource, set[Binding]]:
    """Every binding that should be, by resource; resources that should have none too."""
    target, manifests = project.target, project.manifests
    granted_once = bindings.of_the_project(manifests, target)
    # Newer projects do without this one, and what is older does not work without and shows it.
    wanted = {binding for binding in granted_once if binding.role != bindings.SIGNS_AS_US}
    for manifest in manifests:
        wanted |= set(bindings.before_deploying(manifest, manifests, target))
        wanted |= set(bindings.after_deploying(manifest, target))
    expected: dict[Resource, set[Binding]] = {
        Resource("service", manifest.name): set() for manifest in manifests
    }
    for binding in sorted(wanted):
        expected.setdefault(binding.resource, set()).add(binding)
    return expected


def _held(project: Project, resource: Resource) -> set[Binding]:
    """Every binding on a resource; none when it does not exist."""
    policy: dict[str, Any] = project.facts.find(_policy(project, resource)) or {}
    return {
        Binding(resource, member, entry["role"], entry.get("condition", {}).get("expression", ""))
        for entry in policy.get("bindings", [])
        for member in entry["members"]
    }


def _bound(project: Project, subject: str, member: str) -> Finding:
    """Whether a member has what it should; that a resource is missing is found elsewhere."""
    wanted = sorted(b for of in _expected(project).values() for b in of if b.member == member)
    possible = [b for b in wanted if project.facts.find(_policy(project, b.resource)) is not None]
    missing = [binding for binding in possible if binding not in _held(project, binding.resource)]
    if missing:
        lacking = "; ".join(f"{b.role} on {b.resource.kind} {b.resource.name}" for b in missing)
        return _problem(subject, f"it lacks {lacking}", project, missing)
    if len(possible) < len(wanted):
        absent = sorted({b.resource.name for b in wanted} - {b.resource.name for b in possible})
        return Finding(subject, Verdict.WARNING, f"nothing to bind to yet: {', '.join(absent)}")
    return Finding(subject, Verdict.OK, f"{len(wanted)} of {len(wanted)} bindings")


def _problem(subject: str, message: str, project: Project, missing: list[Binding]) -> Finding:
    remedy = "\n".join(shell(binding.add(project.target)) for binding in missing)
    return Finding(subject, Verdict.PROBLEM, message, remedy)


def our_accounts(project: Project) -> list[str]:
    """The ids of the service accounts that the functions need."""
    functions = [function_account_id(manifest.name) for manifest in project.manifests]
    caller = [PUSH_INVOKER] if any(map(is_platform, project.manifests)) else []
    return [*functions, *caller, BUILDER]


def _accounts(project: Project) -> list[str]:
    return project.line("iam", "service-accounts", "list")


def _policy(project: Project, resource: Resource) -> list[str]:
    return resource.policy_line("get", project.target)
