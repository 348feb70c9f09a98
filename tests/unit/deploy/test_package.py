"""The archives that Cloud Functions builds from: complete, minimal, and the same every time."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from frontdesk.deploy.archive import archive
from frontdesk.deploy.closure import Library
from frontdesk.deploy.package import PACKAGES_NAME, Package, Packager, main, write_packages
from frontdesk.platform.manifest import all_manifests

if TYPE_CHECKING:
    from tests.unit.deploy.conftest import Checkout

REPOSITORY = Path(__file__).resolve().parents[3]
MANIFESTS = {manifest.name: manifest for manifest in all_manifests(REPOSITORY)}
CRM = {name for name in MANIFESTS if name.startswith("crm-")}
LIBRARY = Library(REPOSITORY / "lib")


@pytest.fixture(scope="module")
def packages() -> dict[str, Package]:
    """What this repository's functions become."""
    packager = Packager(REPOSITORY)
    return {name: packager.package(manifest) for name, manifest in MANIFESTS.items()}


def changed_in(checkout: Checkout, before: dict[str, Package]) -> set[str]:
    """The functions that become another archive in the changed checkout, or a new one."""
    packager = Packager(checkout.root)
    after = [packager.package(manifest) for manifest in all_manifests(checkout.root)]
    known = {name: package.archive for name, package in before.items()}
    return {package.name for package in after if package.archive != known.get(package.name)}


def packages_json(out: Path) -> Any:
    return json.loads((out / PACKAGES_NAME).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", MANIFESTS)
def test_an_archive_holds_the_function_what_it_reaches_and_its_requirements(
    packages: dict[str, Package], name: str
) -> None:
    folder, lib = MANIFESTS[name].folder, REPOSITORY / "lib"
    expected = {
        file.relative_to(lib).as_posix(): file
        for file in LIBRARY.reached_from(MANIFESTS[name].main)
    } | {own: folder / own for own in ("main.py", "function.yaml")}
    with zipfile.ZipFile(io.BytesIO(packages[name].archive)) as zipped:
        held = {path: zipped.read(path) for path in zipped.namelist()}
    requirements = held.pop("requirements.txt").decode()
    assert held == {path: file.read_bytes() for path, file in expected.items()}
    assert [line for line in requirements.splitlines() if "==" in line] == [
        f"{each.pin} \\" for each in packages[name].distributions
    ]
    never = (
        "frontdesk/local",
        "frontdesk/deploy",
        "frontdesk/cli",
        "tests",
        "pyproject",
        "uv.lock",
    )
    assert [path for path in held if path.startswith(never)] == []


def test_the_same_sources_elsewhere_give_the_same_bytes(
    packages: dict[str, Package], checkout: Checkout
) -> None:
    assert changed_in(checkout, packages) == set()


@pytest.mark.parametrize(
    ("paths", "changed"),
    [
        (["lib/frontdesk/crm/models.py"], CRM),
        (["lib/frontdesk/helpdesk/thesaurus.txt"], {"helpdesk"}),
        (["lib/frontdesk/local/stack.py", "lib/frontdesk/http/openapi.py"], set()),
    ],
)
def test_a_change_reaches_the_functions_that_use_it_and_no_other(
    packages: dict[str, Package], checkout: Checkout, paths: list[str], changed: set[str]
) -> None:
    for path in paths:
        checkout.append(path, "\n# A change.\n")
    assert changed_in(checkout, packages) == changed


def test_another_pin_changes_the_functions_that_install_it(
    packages: dict[str, Package], checkout: Checkout
) -> None:
    installs = {
        name
        for name, package in packages.items()
        if any(each.name == "faiss-cpu" for each in package.distributions)
    }
    wheels = next(
        each.wheels for each in packages["helpdesk"].distributions if each.name == "faiss-cpu"
    )
    checkout.edit("uv.lock", wheels[0].sha256, "0" * 64)
    assert changed_in(checkout, packages) == installs == {"helpdesk", "indexer"}


def test_a_new_folder_is_packaged_with_no_other_edit(
    packages: dict[str, Package], checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    write_packages(packages.values(), checkout.root / "dist", MANIFESTS)
    checkout.add_toy()
    assert main([], checkout.root) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.endswith("  new")] == ["toy"]
    with zipfile.ZipFile(checkout.root / "dist" / "toy.zip") as zipped:
        assert "frontdesk/crm/search.py" in zipped.namelist()
        assert b"toy = http_function(" in zipped.read("main.py")


def test_packages_json_says_what_the_archives_are(
    packages: dict[str, Package], tmp_path: Path
) -> None:
    write_packages(packages.values(), tmp_path, MANIFESTS)
    document = packages_json(tmp_path)
    assert document["format"] == 1
    assert list(document["functions"]) == sorted(MANIFESTS)
    for name, record in document["functions"].items():
        content = (tmp_path / record["file"]).read_bytes()
        assert record["file"] == f"{name}.zip"
        assert record["sha256"] == hashlib.sha256(content).hexdigest()
        assert record["bytes"] == len(content)
        with zipfile.ZipFile(tmp_path / record["file"]) as zipped:
            assert record["files"] == len(zipped.namelist())
            assert record["unpacked_bytes"] == sum(each.file_size for each in zipped.infolist())
        assert record["distributions"] == [each.pin for each in packages[name].distributions]
        assert record["download_bytes"] > 1_000_000


def test_what_has_not_changed_is_not_written_again(
    packages: dict[str, Package], tmp_path: Path
) -> None:
    assert set(write_packages(packages.values(), tmp_path, MANIFESTS)) == set(MANIFESTS)
    before = {file.name: file.stat() for file in tmp_path.iterdir()}
    assert len(before) == len(MANIFESTS) + 1
    assert write_packages(packages.values(), tmp_path, MANIFESTS) == []
    assert {file.name: file.stat() for file in tmp_path.iterdir()} == before


def test_building_one_function_leaves_the_others_as_they_are(
    packages: dict[str, Package], tmp_path: Path
) -> None:
    write_packages(packages.values(), tmp_path, MANIFESTS)
    files = dict(packages["tenants"].files) | {"main.py": b"# another\n"}
    other = Package("tenants", files, packages["tenants"].distributions)
    before = packages_json(tmp_path)["functions"]
    assert write_packages([other], tmp_path, MANIFESTS) == ["tenants"]
    after = packages_json(tmp_path)["functions"]
    assert {name for name in MANIFESTS if before[name] != after[name]} == {"tenants"}


def test_the_archive_of_a_function_that_is_gone_goes_too(
    packages: dict[str, Package], tmp_path: Path
) -> None:
    write_packages(packages.values(), tmp_path, MANIFESTS)
    (tmp_path / "somebody-elses.zip").touch()
    write_packages([], tmp_path, set(MANIFESTS) - {"tenants"})
    assert not (tmp_path / "tenants.zip").exists()
    assert (tmp_path / "somebody-elses.zip").exists()
    assert "tenants" not in packages_json(tmp_path)["functions"]


@pytest.mark.parametrize("before", ['{"format": 0, "functions": {"crm-search": {}}}', '{"for'])
def test_a_packages_json_of_another_format_is_not_continued(
    packages: dict[str, Package], tmp_path: Path, before: str
) -> None:
    (tmp_path / PACKAGES_NAME).write_text(before)
    write_packages([packages["tenants"]], tmp_path, MANIFESTS)
    assert list(packages_json(tmp_path)["functions"]) == ["tenants"]


Spoil = Callable[["Checkout"], None]


def imports_local(checkout: Checkout) -> None:
    checkout.append("lib/frontdesk/crm/search.py", "\ndef late():\n    import frontdesk.local\n")


def has_a_helper(checkout: Checkout) -> None:
    (checkout.root / "functions" / "crm-search" / "helper.py").touch()


def names_no_extra(checkout: Checkout) -> None:
    checkout.edit("functions/crm-search/function.yaml", "extra: crm-search", "extra: nothing")


def has_no_entry_point(checkout: Checkout) -> None:
    (checkout.root / "functions" / "crm-search" / "main.py").unlink()


def is_no_python(checkout: Checkout) -> None:
    checkout.append("functions/crm-search/main.py", "def (:\n")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (imports_local, "crm-search/main.py → frontdesk.crm.search → frontdesk.local"),
        (has_a_helper, "crm-search/helper.py would not be deployed"),
        (names_no_extra, "uv cannot export the extra nothing"),
        (has_no_entry_point, "crm-search has no main.py."),
        (is_no_python, "crm-search/main.py is no Python, see line 11: "),
    ],
)
def test_a_function_that_would_not_work_is_refused_in_a_sentence_and_nothing_is_written(
    checkout: Checkout, capsys: pytest.CaptureFixture[str], spoil: Spoil, sentence: str
) -> None:
    spoil(checkout)
    assert main(["crm-search"], checkout.root) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("package: Nothing was built. ")
    assert sentence in said.err
    assert not (checkout.root / "dist").exists()


def test_a_function_that_does_not_exist_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["crm-search", "crm-sarch"]) == 2
    assert capsys.readouterr().err.startswith("package: There is no function 'crm-sarch', but crm-")


def test_a_manifest_that_cannot_be_read_is_misuse(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.edit("functions/crm-search/function.yaml", "extra: crm-search\n", "")
    assert main([], checkout.root) == 2
    assert "function.yaml cannot be read (KeyError('extra'))" in capsys.readouterr().err


def test_an_output_folder_that_is_a_file_is_misuse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dist").touch()
    assert main(["--out", str(tmp_path / "dist"), "crm-search"]) == 2
    said = capsys.readouterr().err
    assert said == f"package: {tmp_path / 'dist'} cannot be written to: File exists.\n"


def test_the_command_prints_a_table_or_packages_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--out", str(tmp_path), "crm-search"]
    assert main(arguments) == 0
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split()[:5] == ["function", "files", "archive", "wheels", "download"]
    assert line.startswith("crm-search ")
    assert line.endswith("new")
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == packages_json(tmp_path)


def test_an_archive_depends_on_names_and_bytes_alone(tmp_path: Path) -> None:
    files = {"main.py": b"x = 1\n", "frontdesk/__init__.py": b""}
    assert archive(files) == archive(dict(reversed(files.items())))
    with zipfile.ZipFile(io.BytesIO(archive(files))) as zipped:
        assert zipped.namelist() == ["frontdesk/__init__.py", "main.py"]
        for entry in zipped.infolist():
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert entry.external_attr >> 16 == 0o100644
            assert entry.compress_type == zipfile.ZIP_STORED
    # The format's bytes are pinned: another Python that writes them otherwise redeploys everything.
    digest = "76aba4115c811b26b714890eb144ca2a6fc52e5f42afb76f2cc2685635927e13"
    assert hashlib.sha256(archive(files)).hexdigest() == digest
