"""A project behind a gcloud that is first on PATH, a repository, and an empty database."""

from __future__ import annotations

import shutil
import uuid
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from frontdesk.deploy.commands import deploy
from frontdesk.deploy.paths import REPOSITORY
from frontdesk.deploy.runner import Gcloud
from frontdesk.deploy.target import Target
from frontdesk.local.stack import Stack
from tests.support.fake_gcloud import PROJECT, FakeGcloud

SECRETS = (
    *("ADMIN_API_TOKENS", "CURSOR_SECRET", "REDIS_URL"),
    *("SUPABASE_ANON_KEY", "SUPABASE_JWT_SECRET", "SUPABASE_SERVICE_KEY"),
)


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGcloud:
    """An empty project but for its secrets' values, which no command may hold."""
    fake = FakeGcloud(tmp_path / "cloud")
    fake.add_secrets(*SECRETS)
    fake.enable("secretmanager.googleapis.com")
    for name, value in fake.environment.items():
        monkeypatch.setenv(name, value)
    return fake


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The functions of the real one, in a place where packages may be written."""
    folder = tmp_path / "repository"
    shutil.copytree(
        REPOSITORY / "functions",
        folder / "functions",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return folder


@pytest.fixture
def target() -> Target:
    """Where everything is deployed, as a command line would say it."""
    return Target(
        project=PROJECT,
        supabase_url="https://project.supabase.co",
        cors_origins=("https://a.example", "https://b.example"),
        secret_versions=dict.fromkeys(SECRETS, "1"),
        release="904a3eb",
    )


def build(repository: Path, names: Sequence[str], out: Path) -> None:
    """Packages as the packager makes them, of main.py alone."""
    out.mkdir(parents=True, exist_ok=True)
    for name in names:
        with zipfile.ZipFile(out / f"{name}.zip", "w") as package:
            package.write(repository / "functions" / name / "main.py", "main.py")


class Deployment:
    """``frontdesk deploy`` from the repository into the project, again and again."""

    def __init__(self, repository: Path, target: Target) -> None:
        self.repository = repository
        self.target = target
        self.said: list[str] = []
        self.waited: list[float] = []

    def __call__(self, *names: str, target: Target | None = None, force: bool = False) -> None:
        deploy(
            names,
            target or self.target,
            repository=self.repository,
            gcloud=Gcloud(self.repository),
            write=self.said.append,
            force=force,
            build=build,
            wait=self.waited.append,
        )


@pytest.fixture
def deployment(cloud: FakeGcloud, repository: Path, target: Target) -> Deployment:
    return Deployment(repository, target)


@pytest.fixture
def database(stack: Stack) -> Iterator[str]:
    """An empty database beside the stack's own."""
    name = f"scratch_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as server:
        server.execute(f"create database {name}".encode())
        yield stack.postgres.dsn(database=name)
        server.execute(f"drop database {name} with (force)".encode())
