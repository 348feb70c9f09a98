"""What a function's archive holds of the package: what its main.py reaches, and nothing else."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import grimp
import pytest

from frontdesk.deploy.closure import ImportRefused, Library
from frontdesk.platform.manifest import Manifest, all_manifests

REPOSITORY = Path(__file__).resolve().parents[3]
LIBRARY = Library(REPOSITORY / "lib")
MANIFESTS = all_manifests(REPOSITORY)


class Sources:
    """A package ``frontdesk`` and a main.py, made of the texts that a test gives."""

    def __init__(self, folder: Path) -> None:
        self.lib = folder / "lib"
        self.main = folder / "functions" / "toy" / "main.py"
        self.write("frontdesk/__init__.py", "")

    def write(self, path: str, text: str) -> None:
        file = self.lib / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")

    def reached(self, main: str) -> set[str]:
        self.main.parent.mkdir(parents=True, exist_ok=True)
        self.main.write_text(textwrap.dedent(main), encoding="utf-8")
        files = Library(self.lib).reached_from(self.main)
        assert files == sorted(set(files))
        return {file.relative_to(self.lib / "frontdesk").as_posix() for file in files}


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    sources = Sources(tmp_path)
    for package in ("crm", "http", "local"):
        sources.write(f"frontdesk/{package}/__init__.py", "")
    sources.write("frontdesk/crm/search.py", "")
    sources.write("frontdesk/crm/clients.py", "")
    return sources


def test_a_module_brings_the_packages_it_lies_in_and_no_neighbour(sources: Sources) -> None:
    assert sources.reached("import frontdesk.crm.search") == {
        "__init__.py",
        "crm/__init__.py",
        "crm/search.py",
    }


@pytest.mark.parametrize(
    "statement",
    [
        "from frontdesk.crm.search import find",
        "from frontdesk.crm import search",
        "from . import search",
        "from .search import find",
        "from ..crm.search import find",
        "import frontdesk.crm.search as s",
        "def late():\n    from frontdesk.crm.search import find",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import frontdesk.crm.search",
        "import importlib\nimportlib.import_module('frontdesk.crm.search')",
        "__import__('frontdesk.crm.search')",
    ],
)
def test_every_way_to_import_is_followed(sources: Sources, statement: str) -> None:
    sources.write("frontdesk/crm/clients.py", statement)
    assert "crm/search.py" in sources.reached("from frontdesk.crm.clients import create")


def test_what_a_package_imports_for_its_users_is_followed(sources: Sources) -> None:
    sources.write("frontdesk/http/__init__.py", "from frontdesk.crm.clients import create")
    assert "crm/clients.py" in sources.reached("from frontdesk.http import create")


def test_modules_that_import_each_other_end(sources: Sources) -> None:
    sources.write("frontdesk/crm/search.py", "import frontdesk.crm.clients")
    sources.write("frontdesk/crm/clients.py", "import frontdesk.crm.search")
    assert len(sources.reached("import frontdesk.crm.search")) == 4


def test_names_of_a_module_and_of_other_packages_are_no_modules(sources: Sources) -> None:
    sources.write("frontdesk/crm/search.py", "import json, frontdeskish\nfrom flask import request")
    assert "crm/search.py" in sources.reached("from frontdesk.crm.search import find, json")


def test_data_files_come_with_the_package_they_lie_in(sources: Sources) -> None:
    sources.write("frontdesk/crm/words.txt", "hello")
    sources.write("frontdesk/crm/calibration/model.json", "{}")
    sources.write("frontdesk/crm/inner/__init__.py", "")
    sources.write("frontdesk/crm/inner/other.txt", "not reached")
    sources.write("frontdesk/http/page.html", "not reached")
    sources.write("frontdesk/crm/.words.txt.swp", "an editor's")
    sources.write("frontdesk/crm/__pycache__/search.cpython-312.pyc", "bytecode")
    reached = sources.reached("import frontdesk.crm.search")
    assert {path for path in reached if not path.endswith(".py")} == {
        "crm/words.txt",
        "crm/calibration/model.json",
    }


@pytest.mark.parametrize("name", ["local", "local.stack", "deploy", "deploy.package", "cli"])
def test_what_is_for_laptops_and_pipelines_is_refused_with_the_way_to_it(
    sources: Sources, name: str
) -> None:
    for module in ("local/stack.py", "deploy/__init__.py", "deploy/package.py", "cli.py"):
        sources.write(f"frontdesk/{module}", "")
    sources.write("frontdesk/crm/search.py", f"def late():\n    import frontdesk.{name}")
    with pytest.raises(ImportRefused) as refused:
        sources.reached("from frontdesk.crm.search import find")
    assert str(refused.value).startswith("toy/main.py → frontdesk.crm.search → frontdesk.")
    assert str(refused.value).endswith("is never deployed with a function.")


def test_a_name_that_only_begins_like_a_refused_one_is_fine(sources: Sources) -> None:
    sources.write("frontdesk/localisation.py", "")
    assert "localisation.py" in sources.reached("import frontdesk.localisation")


@pytest.mark.parametrize(
    ("main", "sentence"),
    [
        ("import frontdesk.nothing", "toy/main.py imports frontdesk.nothing, which does not exist"),
        ("from frontdesk.crm.sarch import x", "imports frontdesk.crm.sarch, which does not exist"),
        ("import frontdesk.crm.broken", "frontdesk.crm.broken imports frontdesk.gone, which does"),
        ("from . import helper", "toy/main.py imports from beside itself in line 1"),
        ("import frontdesk.crm.guess", "crm/guess.py imports in line 2 what only a run can tell"),
    ],
)
def test_what_cannot_be_followed_is_refused(sources: Sources, main: str, sentence: str) -> None:
    sources.write("frontdesk/crm/broken.py", "import frontdesk.gone")
    sources.write("frontdesk/crm/guess.py", "import importlib\nimportlib.import_module(name)")
    with pytest.raises(ImportRefused, match=sentence):
        sources.reached(main)


def test_the_functions_reach_what_another_reader_of_imports_says() -> None:
    graph = grimp.build_graph("frontdesk", cache_dir=None)
    for manifest in MANIFESTS:
        files = LIBRARY.reached_from(manifest.main)
        paths = [file.relative_to(REPOSITORY / "lib") for file in files if file.suffix == ".py"]
        modules = {".".join(path.with_suffix("").parts) for path in paths}
        assert {name.removesuffix(".__init__") for name in modules} == _reached(manifest, graph)


def _reached(manifest: Manifest, graph: grimp.ImportGraph) -> set[str]:
    """By the import graph that import-linter uses; an entry point imports names, or modules."""
    source = manifest.main.read_text(encoding="utf-8")
    imports = re.findall(r"^from (frontdesk[\w.]*) import ([\w, ]+)$", source, re.MULTILINE)
    waiting = re.findall(r"^from (frontdesk[\w.]*) import", source, re.MULTILINE)
    waiting += [
        f"{package}.{name}"
        for package, names in imports
        for name in names.split(", ")
        if f"{package}.{name}" in graph.modules
    ]
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += graph.find_modules_directly_imported_by(name)
            waiting += filter(None, [name.rpartition(".")[0]])
    return reached


def test_the_helpdesk_has_its_data_and_other_functions_do_not() -> None:
    reached = {
        manifest.name: {file.name for file in LIBRARY.reached_from(manifest.main)}
        for manifest in MANIFESTS
    }
    data = {"thesaurus.txt", "lexical.json"}
    assert [name for name, files in reached.items() if files & data] == ["helpdesk"]
    assert data <= reached["helpdesk"]
