"""``frontdesk doctor --project``: what of a deployment is not as it has to be, and what helps."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from frontdesk.deploy import project_access, project_resources, project_trust
from frontdesk.deploy.facts import Facts, Project
from frontdesk.deploy.findings import Finding, Verdict
from frontdesk.deploy.gcloud import shell
from frontdesk.deploy.model import PREFIX
from frontdesk.deploy.project_trust import enabled_versions, secret_users
from frontdesk.deploy.runner import GcloudFailed
from frontdesk.deploy.target import OPTIONAL_SECRETS
from frontdesk.knowledge.manifest import POINTER_FILE
from frontdesk.knowledge.minilm import model_pointer_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from frontdesk.deploy.runner import Gcloud
    from frontdesk.deploy.target import Target
    from frontdesk.platform.manifest import Manifest

_CHECKS: Final = (
    project_resources.check_apis,
    project_access.check_identities,
    project_access.check_pubsub,
    project_access.check_excess,
    project_access.check_callers,
    project_trust.check_keys,
    project_trust.check_workload_identity,
    project_trust.check_secrets,
    project_resources.check_buckets,
    project_resources.check_topics,
    project_resources.check_triggers,
    project_resources.check_functions,
)


def examine(
    target: Target,
    manifests: Sequence[Manifest],
    gcloud: Gcloud,
    *,
    migrations: Path,
    database: str | None,
) -> Iterator[Finding]:
    """Run every check, each with one finding or one for each thing it looks at.

    Args:
        target: the project and region; the rest is found out.
        manifests: what should be there.
        migrations: the folder of the migrations that should be applied.
        database: the connection string of the project's database; None leaves it out.
    """
    with Facts(gcloud) as facts:
        try:
            described = facts.read(["projects", "describe", target.project])
        except GcloudFailed as failure:
            yield _unreadable("Project", failure, "gcloud auth login")
            return
        number = described["projectNumber"]
        yield Finding("Project", Verdict.OK, f"{target.project}, number {number}")
        every_secret = dict.fromkeys(secret_users(Project(target, manifests, facts)), "1")
        target = replace(target, number=number, secret_versions=every_secret)
        project = Project(target, manifests, facts)
        for module in (project_resources, project_access, project_trust):
            facts.ask(module.lines(project))
        facts.ask([_model(project), _indexes(project)])
        yield from _of_the_project(project)
    yield check_migrations(migrations, database)


def _of_the_project(project: Project) -> Iterator[Finding]:
    try:
        versions = enabled_versions(project)
    except GcloudFailed as failure:
        yield _unreadable("Secrets", failure)
        versions = {}
    # What is optional and not there is not asked of anybody; what is needed has its own finding.
    mounted = {
        name: str(next(iter(versions.get(name, [])), 1))
        for name in project.target.secret_versions
        if versions.get(name) or name not in OPTIONAL_SECRETS
    }
    target = replace(project.target, secret_versions=mounted)
    project = Project(target, project.manifests, project.facts)
    for check in (*_CHECKS, _check_model, _check_indexes):
        try:
            yield from check(project)
        except GcloudFailed as failure:
            subject = check.__name__.rpartition("check_")[2].replace("_", " ").capitalize()
            yield _unreadable(subject, failure)


def _unreadable(subject: str, failure: GcloudFailed, remedy: str = "") -> Finding:
    """A check that could not look: the account that asks may not, for example."""
    said = failure.result.errors.strip().splitlines()
    message = f"not looked at: {said[0] if said else 'gcloud failed'}"
    return Finding(
        subject.title(), Verdict.PROBLEM, message, remedy or shell(failure.result.arguments)
    )


def _model(project: Project) -> list[str]:
    pointer = f"gs://{project.target.bucket('indexes')}/{model_pointer_object(PREFIX)}"
    return project.line("storage", "objects", "describe", pointer)


def _check_model(project: Project) -> Iterator[Finding]:
    """That the model which makes vectors is published, where functions use it."""
    needing = [
        manifest.name
        for manifest in project.manifests
        if any(role.startswith("indexes.") for role in manifest.roles)
        and manifest.environment.get("EMBEDDER", "minilm") == "minilm"
    ]
    if not needing:
        return
    if project.facts.find(_model(project)) is None:
        publish = f"frontdesk publish-model --project {project.target.project}"
        message = f"none is published; {', '.join(needing)} cannot embed"
        yield Finding("Model", Verdict.PROBLEM, message, publish)
    else:
        yield Finding("Model", Verdict.OK, f"published, for {', '.join(needing)}")


def _indexes(project: Project) -> list[str]:
    pointers = f"gs://{project.target.bucket('indexes')}/indexes/*/{POINTER_FILE}"
    return project.line("storage", "objects", "list", pointers)


def _check_indexes(project: Project) -> Iterator[Finding]:
    """How many agencies have an index that questions are answered from."""
    pointers = project.facts.find(_indexes(project)) or []
    if pointers:
        yield Finding("Indexes", Verdict.OK, f"{len(pointers)} agencies have one")
    else:
        message = "no agency has one: every question is declined"
        yield Finding("Indexes", Verdict.WARNING, message, "Upload a document of an agency's.")


def check_migrations(folder: Path, database: str | None) -> Finding:
    """That the database at the connection string has seen every file of the folder."""
    subject = "Migrations"
    if database is None:
        message = "not looked at: DATABASE_URL is not set"
        return Finding(subject, Verdict.WARNING, message, "Set it to the database's address.")
    if find_spec("psycopg") is None:
        message = "not looked at: psycopg is not installed"
        return Finding(subject, Verdict.WARNING, message, "uv sync")
    import psycopg

    from frontdesk.deploy.migration_files import MigrationFailed
    from frontdesk.deploy.migrations import State, standing

    try:
        states = standing(database, folder)
    except (MigrationFailed, psycopg.Error) as error:
        said = str(error).strip().splitlines()[0]
        return Finding(subject, Verdict.PROBLEM, f"the database: {said}", "Check DATABASE_URL.")
    pending = [each for each in states if each.state is State.PENDING]
    if pending:
        message = f"{len(pending)} pending, the first is {pending[0].version}_{pending[0].name}.sql"
        return Finding(subject, Verdict.PROBLEM, message, "frontdesk migrate")
    applied = sum(each.state is not State.FOREIGN for each in states)
    return Finding(subject, Verdict.OK, f"all {applied} are applied")
