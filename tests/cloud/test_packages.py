"""Each archive as Google builds and runs it: alone, on the runtime's Python."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.utils import canonicalize_name

from frontdesk.deploy.archive import archive
from frontdesk.deploy.package import Package, Packager, write_packages
from frontdesk.deploy.requirements import RUNTIME_PYTHON
from frontdesk.platform.manifest import Manifest, all_manifests
from tests.support.buildpack import (
    Build,
    Install,
    Python,
    StepFailed,
    build,
    check,
    install_with_pip,
    install_with_uv,
)
from tests.support.main_routes import MAIN_ROUTES, World

if TYPE_CHECKING:
    from frontdesk.local.stack import Stack
    from frontdesk.platform.services import Services
    from tests.support.tenants import TenantFactory

REPOSITORY = Path(__file__).resolve().parents[2]
MANIFESTS = all_manifests(REPOSITORY)
INSTALLED_BY_PIP = "crm-search"
"""The function whose environment real pip makes; uv makes the others, ten times as fast."""
SEEDED = {"pip", "setuptools"}
"""What a new virtual environment holds."""
SECRETS = json.loads((REPOSITORY / "functions" / "function.schema.json").read_text("utf-8"))[
    "properties"
]["secrets"]["items"]["enum"]

each_function = pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest.name)


class Builds:
    """Every function's build. Functions with the same requirements.txt share an environment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._python = Python.find(RUNTIME_PYTHON)
        packager = Packager(REPOSITORY, self._python.version)
        self.packages = {each.name: packager.package(each) for each in MANIFESTS}
        write_packages(self.packages.values(), folder / "dist", self.packages)
        ordered = sorted(self.packages.values(), key=_requirements)
        # Two at a time: one waits for the disk while the other checks hashes.
        self._pool = ThreadPoolExecutor(2)
        self._builds: dict[str, Future[Mapping[str, Build]]] = {}
        for _, alike in groupby(ordered, key=_requirements):
            group = list(alike)
            built = self._pool.submit(self._build, group)
            self._builds |= dict.fromkeys((package.name for package in group), built)

    def __getitem__(self, name: str) -> Build:
        return self._builds[name].result()[name]

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _build(self, packages: list[Package]) -> Mapping[str, Build]:
        names = {package.name for package in packages}
        install = install_with_pip if INSTALLED_BY_PIP in names else install_with_uv
        environment = self._folder / "environments" / _requirements(packages[0])
        return {
            name: build(
                self._folder / "dist" / f"{name}.zip",
                self._folder / "apps",
                environment,
                self._python,
                install,
            )
            for name in sorted(names)
        }


def _requirements(package: Package) -> str:
    return hashlib.sha256(package.files["requirements.txt"]).hexdigest()[:12]


@pytest.fixture(scope="session")
def builds() -> Iterator[Builds]:
    # Not pytest's own folder: it would keep gigabytes of the last three runs.
    with tempfile.TemporaryDirectory(prefix="frontdesk-packages-") as folder:
        builds = Builds(Path(folder))
        yield builds
        builds.close()


@pytest.fixture(scope="session")
def world(stack: Stack, services: Services, make_tenant: TenantFactory) -> World:
    return World(stack, services, make_tenant)


@pytest.fixture
def built(builds: Builds, manifest: Manifest) -> Build:
    """The manifest's function after all the buildpack's steps; one that fails names itself."""
    return builds[manifest.name]


def settings_in_the_cloud(manifest: Manifest, stack: Stack) -> dict[str, str]:
    """What Terraform sets: of the secrets those that the manifest mounts, and no other."""
    settings = {
        name: value
        for name, value in stack.environment.items()
        if name not in SECRETS or name in manifest.secrets
    }
    token = settings.pop("ADMIN_API_TOKEN")
    if "ADMIN_API_TOKENS" in manifest.secrets:
        digest = hashlib.sha256(token.encode()).hexdigest()
        settings["ADMIN_API_TOKENS"] = json.dumps({"tests": digest})
    if not (manifest.pubsub or manifest.schedule):
        del settings["PUSH_AUDIENCE"], settings["PUSH_SERVICE_ACCOUNT"]
    served = {"THREADS": str(manifest.resources.concurrency), "WORKERS": "1"}
    return settings | served | manifest.environment


@each_function
def test_an_environment_holds_what_the_extra_brings_and_no_more(
    builds: Builds, built: Build, manifest: Manifest
) -> None:
    distributions = builds.packages[manifest.name].distributions
    # A line that keeps a marker is for some patch versions of the runtime only.
    always = {each.pin for each in distributions if not each.marker}
    installed = {
        f"{canonicalize_name(name)}=={version}"
        for name, version in (pin.split("==") for pin in built.installed())
    }
    assert installed >= always
    more = installed - {each.pin for each in distributions}
    assert {pin.partition("==")[0] for pin in more} <= SEEDED


@each_function
def test_nothing_comes_from_this_checkout(built: Build, manifest: Manifest) -> None:
    code = "import sys, main, frontdesk; print(frontdesk.__file__, *sys.path, sep='\\n')"
    package, *path = built.run("python", "-c", code).splitlines()
    assert package == str(built.app / "frontdesk" / "__init__.py")
    assert [place for place in path if Path(place).is_relative_to(REPOSITORY)] == []


@each_function
def test_the_archive_alone_answers_its_health_and_its_main_route(
    built: Build, manifest: Manifest, world: World
) -> None:
    settings = settings_in_the_cloud(manifest, world.stack)
    with built.served(manifest.name, manifest.entry_point, settings) as client:
        reply = client.get(f"/v1/health/{manifest.name}")
        assert (reply.status_code, reply.json()["data"]) == (200, {"status": "ok"})
        MAIN_ROUTES[manifest.name](client, world)


def test_every_function_has_a_call_of_its_main_route() -> None:
    assert set(MAIN_ROUTES) == {manifest.name for manifest in MANIFESTS}


@pytest.fixture(scope="module")
def python() -> Python:
    return Python.find(RUNTIME_PYTHON)


@pytest.mark.parametrize("install", [install_with_pip, install_with_uv])
def test_a_file_whose_hash_is_not_listed_is_not_installed(
    tmp_path: Path, python: Python, install: Install
) -> None:
    (tmp_path / "requirements.txt").write_text(f"backoff==2.2.1 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(StepFailed, match=r"(?i)hash"):
        install(python, tmp_path, tmp_path / "environment")


def test_a_distribution_without_what_it_requires_ends_the_build(
    tmp_path: Path, python: Python
) -> None:
    (tmp_path / "requirements.txt").touch()
    environment = tmp_path / "environment"
    install_with_uv(python, tmp_path, environment)
    check(python, environment)
    info = environment / "lib" / f"python{python.version}" / "site-packages" / "needy-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: needy\nVersion: 1\nRequires-Dist: torch\n")
    with pytest.raises(StepFailed, match="needy 1 requires torch, which is not installed"):
        check(python, environment)


def test_a_file_that_is_no_python_ends_the_build(tmp_path: Path, python: Python) -> None:
    zipped = tmp_path / "broken.zip"
    zipped.write_bytes(archive({"main.py": b"def (:", "requirements.txt": b""}))
    with pytest.raises(StepFailed, match="SyntaxError"):
        build(zipped, tmp_path, tmp_path / "environment", python, install_with_uv)
