"""Checks of what others know or are trusted with: keys, pipelines, secrets."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from frontdesk.deploy.findings import Finding, Verdict
from frontdesk.deploy.gcloud import shell
from frontdesk.deploy.project_access import our_accounts
from frontdesk.deploy.target import OPTIONAL_SECRETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from frontdesk.deploy.facts import Project

DEPLOYER: Final = "deployer"
"""Who a pipeline deploys as; Terraform makes it."""

# GitHub's claims, GitLab's, and a subject that says both.
_NAMES_REPOSITORY: Final = re.compile(
    r"\b(repository|repository_id|project_path|project_id)\b|repo:"
)
_NAMES_REF: Final = re.compile(r"\bref\b")


def lines(project: Project) -> Iterator[list[str]]:
    """What these checks will ask, but for the providers of the pools that there are."""
    yield _pools(project)
    yield _secrets(project)
    for name in secret_users(project):
        yield _versions(project, name)
    for account in _accounts(project):
        yield _keys(project, account)


def secret_users(project: Project) -> dict[str, list[str]]:
    """Which functions use each secret."""
    users: dict[str, list[str]] = defaultdict(list)
    for manifest in project.manifests:
        for name in manifest.secrets:
            users[name].append(manifest.name)
    return dict(sorted(users.items()))


def enabled_versions(project: Project) -> dict[str, list[int]]:
    """The enabled versions of each secret that exists, the newest first."""
    existing = project.by_name(_secrets(project))
    return {
        name: sorted(
            (
                int(version["name"].rpartition("/")[2])
                for version in project.facts.find(_versions(project, name)) or []
                if version["state"] == "ENABLED"
            ),
            reverse=True,
        )
        for name in secret_users(project)
        if name in existing
    }


def check_keys(project: Project) -> Iterator[Finding]:
    """That no account has a key that could be lost; everything here works without."""
    found = False
    for account in _accounts(project):
        email = project.target.account(account)
        for key in project.facts.find(_keys(project, account)) or []:
            found = True
            name = key["name"].rpartition("/")[2]
            remove = ["iam", "service-accounts", "keys", "delete", name, f"--iam-account={email}"]
            message = f"{account} has the key {name}"
            yield Finding("Keys", Verdict.PROBLEM, message, shell(project.line(*remove)))
    if not found:
        yield Finding("Keys", Verdict.OK, "no service account has one")


def check_workload_identity(project: Project) -> Iterator[Finding]:
    """That pipelines of our repository and branch get in, and no others."""
    subject = "Workload Identity"
    pools = project.by_name(_pools(project))
    if not pools:
        message = "no pool: pipelines outside Google Cloud cannot deploy"
        remedy = "Terraform's identity module makes one, if you want that."
        yield Finding(subject, Verdict.WARNING, message, remedy)
    for pool in pools:
        listing = ["iam", "workload-identity-pools", "providers", "list", "--location=global"]
        line = project.line(*listing, f"--workload-identity-pool={pool}")
        for name, provider in project.by_name(line).items():
            condition = provider.get("attributeCondition", "")
            missing = [
                what
                for what, pattern in (("repository", _NAMES_REPOSITORY), ("ref", _NAMES_REF))
                if not pattern.search(condition)
            ]
            if missing:
                lacking = " and the ".join(missing)
                message = f"provider {name} lets any {missing[0]} in: no condition on the {lacking}"
                remedy = _condition_line(project, pool, name)
                yield Finding(subject, Verdict.PROBLEM, message, remedy)
            else:
                yield Finding(subject, Verdict.OK, f"provider {name} admits {condition}")


def check_secrets(project: Project) -> Iterator[Finding]:
    """That each secret of a manifest exists and has a version that can be mounted."""
    versions = enabled_versions(project)
    for name, users in secret_users(project).items():
        subject = f"Secret {name}"
        if versions.get(name):
            message = f"version {versions[name][0]}, for {', '.join(users)}"
            yield Finding(subject, Verdict.OK, message)
            continue
        add = project.line("secrets", "versions", "add", name, "--data-file=-")
        remedy = f"printf %s VALUE | {shell(add)}"
        message = "it has no enabled version"
        if name not in versions:
            create = project.line("secrets", "create", name, "--replication-policy=automatic")
            remedy, message = f"{shell(create)}\n{remedy}", "it does not exist"
        optional = name in OPTIONAL_SECRETS
        used = f", {', '.join(users)} {'can do' if optional else 'cannot start'} without"
        verdict = Verdict.WARNING if optional else Verdict.PROBLEM
        yield Finding(subject, verdict, message + used, remedy)


def _accounts(project: Project) -> list[str]:
    return [*our_accounts(project), DEPLOYER]


def _condition_line(project: Project, pool: str, provider: str) -> str:
    condition = "assertion.repository == 'OWNER/REPOSITORY' && assertion.ref == 'refs/heads/main'"
    group = ["iam", "workload-identity-pools", "providers", "update-oidc", provider]
    flags = [f"--workload-identity-pool={pool}", f"--attribute-condition={condition}"]
    return shell(project.line(*group, "--location=global", *flags))


def _pools(project: Project) -> list[str]:
    return project.line("iam", "workload-identity-pools", "list", "--location=global")


def _secrets(project: Project) -> list[str]:
    return project.line("secrets", "list")


def _versions(project: Project, secret: str) -> list[str]:
    return project.line("secrets", "versions", "list", secret)


def _keys(project: Project, account: str) -> list[str]:
    email = project.target.account(account)
    listing = ["iam", "service-accounts", "keys", "list", f"--iam-account={email}"]
    return project.line(*listing, "--managed-by=user")
