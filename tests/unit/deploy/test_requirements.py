"""requirements.txt of a function: exactly its extra, pinned, hashed, for the runtime's machine."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from frontdesk.deploy.lockfile import runtime_tags
from frontdesk.deploy.requirements import (
    RUNTIME_PYTHON,
    Locked,
    RequirementsRefused,
    requirements_text,
    runtime_environment,
)
from frontdesk.platform.manifest import all_manifests

if TYPE_CHECKING:
    from tests.unit.deploy.conftest import Checkout

REPOSITORY = Path(__file__).resolve().parents[3]
LOCKED = Locked(REPOSITORY)
EXTRAS = sorted({manifest.extra for manifest in all_manifests(REPOSITORY)})
each_extra = pytest.mark.parametrize("extra", EXTRAS)


def names(extra: str, locked: Locked = LOCKED) -> set[str]:
    return {each.name for each in locked.distributions(extra)}


@each_extra
def test_every_pin_and_hash_is_the_locks(extra: str) -> None:
    lock = tomllib.loads((REPOSITORY / "uv.lock").read_text(encoding="utf-8"))
    wheels = {
        f"{package['name']}=={package['version']}": {
            wheel["hash"] for wheel in package.get("wheels", ())
        }
        for package in lock["package"]
    }
    text = requirements_text(LOCKED.distributions(extra))
    paragraphs = re.split(r"\n(?=\S)", text.strip())
    assert len(paragraphs) == len(LOCKED.distributions(extra))
    for paragraph in paragraphs:
        pin, *hashes = paragraph.split(" \\\n    --hash=")
        assert hashes, f"{pin} has no hash"
        assert set(hashes) <= wheels[pin]


@each_extra
def test_the_buildpack_finds_the_functions_framework_and_adds_no_other(extra: str) -> None:
    # The expression is the buildpack's own, pkg/python/dependencies.go.
    text = requirements_text(LOCKED.distributions(extra))
    assert re.search(r"(?m)^functions-framework\b([^-]|$)", text)


@each_extra
def test_pip_check_will_find_every_requirement_that_a_wheel_names(extra: str) -> None:
    """A wheel whose requirements were overridden away would end the build."""
    brought = {canonicalize_name(name) for name in names(extra)}
    environment = runtime_environment(f"{RUNTIME_PYTHON}.0")
    missing = [
        f"{each.name}: {requirement.name}"
        for each in LOCKED.distributions(extra)
        for line in importlib.metadata.requires(each.name) or ()
        if not (requirement := Requirement(line)).marker or requirement.marker.evaluate(environment)
        if canonicalize_name(requirement.name) not in brought
    ]
    assert missing == []


@each_extra
def test_no_function_installs_what_tests_and_laptops_need(extra: str) -> None:
    groups = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [
        Requirement(line).name
        for name in ("dev", "local")
        for line in groups["dependency-groups"][name]
        if isinstance(line, str)
    ]
    # packaging: gunicorn needs it too.
    assert names(extra) & set(wanted) == set() | (names(extra) & {"packaging"})
    assert "frontdesk" not in names(extra)


def test_a_function_without_storage_or_model_installs_neither() -> None:
    assert {"faiss-cpu", "grpcio", "numpy", "openai", "onnxruntime"} & names("crm-search") == set()
    assert {"faiss-cpu", "openai", "onnxruntime", "google-cloud-storage"} <= names("helpdesk")


def test_the_runtimes_python_decides_between_two_pins() -> None:
    older = Locked(REPOSITORY, "3.11")
    numpy = {
        locked: [each.pin for each in locked.distributions("helpdesk") if each.name == "numpy"]
        for locked in (older, LOCKED)
    }
    assert [len(pins) for pins in numpy.values()] == [1, 1]
    assert numpy[older] != numpy[LOCKED]


def test_what_only_the_patch_version_decides_is_left_to_pip() -> None:
    (line,) = (
        each
        for each in Locked(REPOSITORY, "3.11").distributions("crm-search")
        if each.name == "async-timeout"
    )
    assert line.marker == 'python_full_version < "3.11.3"'
    assert requirements_text((line,)).startswith(f"{line.pin} ; {line.marker} \\\n    --hash=")
    assert "async-timeout" not in names("crm-search")


def test_wheels_of_other_machines_are_not_listed() -> None:
    tags = {str(tag) for tag in runtime_tags("3.12")}
    assert {"cp312-cp312-manylinux_2_17_x86_64", "cp38-abi3-manylinux2014_x86_64"} <= tags
    assert "py3-none-any" in tags
    foreign = re.compile(r"aarch64|arm64|win|musl|macos|i686|cp311-cp311|cp313|pp3|manylinux_2_39")
    assert [tag for tag in tags if foreign.search(tag)] == []
    for each in LOCKED.distributions("indexer"):
        for wheel in each.wheels:
            assert not re.search(r"aarch64|arm64|win32|win_amd64|musl|macosx", wheel.filename)


def test_the_wheel_that_pip_would_pick_comes_first() -> None:
    (numpy,) = (each for each in LOCKED.distributions("helpdesk") if each.name == "numpy")
    assert "cp312-cp312-manylinux" in numpy.wheels[0].filename
    assert numpy.wheels[0].bytes > 10_000_000


def test_an_extra_that_does_not_exist_is_refused() -> None:
    with pytest.raises(RequirementsRefused, match=r"uv cannot export the extra nothing: .*nothing"):
        LOCKED.distributions("nothing")


def test_a_release_that_would_have_to_be_compiled_is_refused(checkout: Checkout) -> None:
    checkout.edit("uv.lock", "backoff-2.2.1-py3-none-any.whl", "backoff-2.2.1-py3-none-win32.whl")
    with pytest.raises(RequirementsRefused, match=r"backoff 2\.2\.1 has no wheel for Python 3\.12"):
        Locked(checkout.root).distributions("crm-search")
