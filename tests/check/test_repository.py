"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [REPOSITORY / name for name in listed if (REPOSITORY / name).is_file()]


LIBRARY = _tracked("lib/**/*.py", "functions/**/*.py")


def test_every_dependency_is_justified_in_one_line() -> None:
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)
    wanted = list(project["project"]["dependencies"])
    for extra, lines in project["project"]["optional-dependencies"].items():
        if extra in {"storage", "events", "search-index", "extraction"}:
            wanted += lines
    wanted += [line for line in project["dependency-groups"]["local"] if "frontdesk[" not in line]
    justified = re.findall(r'^\s*"([^"]+)",\s+# \S', text, re.MULTILINE)
    assert [name for name in wanted if name not in justified and "google" not in name] == []


@pytest.mark.parametrize("file", LIBRARY, ids=lambda f: str(f.relative_to(REPOSITORY)))
def test_no_function_is_a_coroutine(file: Path) -> None:
    """Functions are served by threads: one blocking call in a coroutine would stop them all."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]


@pytest.mark.parametrize("file", LIBRARY, ids=lambda f: str(f.relative_to(REPOSITORY)))
def test_no_exception_is_swallowed(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ExceptHandler):
            continue
        assert node.type is not None, f"bare except in line {node.lineno}"
        too_wide = ast.unparse(node.type) in {"Exception", "BaseException"}
        silent = all(isinstance(step, ast.Pass | ast.Continue) for step in node.body)
        assert not (too_wide and silent), f"line {node.lineno} hides every error"


def test_nothing_is_pickled() -> None:
    unsafe = re.compile(
        r"^\s*(import|from) (pickle|cPickle|dill|joblib|shelve|marshal)\b", re.MULTILINE
    )
    found = [f.name for f in LIBRARY if unsafe.search(f.read_text(encoding="utf-8"))]
    assert found == []


def test_no_file_names_a_place_on_one_machine() -> None:
    place = re.compile(r"(?<![\w.-])/(work|root|home/\w+)/")
    exempt = {REPOSITORY / "uv.lock"}
    texts = set(_tracked("*.py", "*.md", "*.yaml", "*.yml", "*.sql", "*.toml", "*.mjs", "Makefile"))
    found = [
        str(file.relative_to(REPOSITORY))
        for file in sorted(texts - exempt)
        if file.name != "test_repository.py" and place.search(file.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_types_are_checked_strictly() -> None:
    mypy = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "mypy"
    ]
    assert mypy["strict"] is True
    assert "ignore_errors" not in str(mypy)
    loose = [f.name for f in LIBRARY if re.search(r"#\s*mypy:", f.read_text(encoding="utf-8"))]
    assert loose == [], "no file switches the checker off for itself"
