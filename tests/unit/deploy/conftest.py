"""A copy of what the packager reads, for tests that change it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
READ = ("functions", "lib/frontdesk", "pyproject.toml", "uv.lock")

TOY_MAIN = '''"""toy: shows that a folder is all that a function takes."""

from frontdesk.crm.search import search_clients
from frontdesk.http import get, http_function
from frontdesk.platform.context import Role

toy = http_function("toy", get("/v1/toys", search_clients, allow=Role.VIEWER))
'''
TOY_MANIFEST = """format: 1
name: toy
description: Shows that a folder is all that a function takes.
entry_point: toy
extra: crm-search
trigger:
  routes:
    - { path: /v1/toys, methods: [GET] }
resources: { memory_mb: 256, cpu: 1, concurrency: 8, timeout_seconds: 10, max_instances: 1 }
secrets: [SUPABASE_ANON_KEY]
roles: []
environment: {}
"""


@dataclass(frozen=True)
class Checkout:
    """A repository with the packager's input and nothing else."""

    root: Path

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    def append(self, path: str, text: str) -> None:
        with (self.root / path).open("a", encoding="utf-8") as file:
            file.write(text)

    def add_toy(self) -> None:
        folder = self.root / "functions" / "toy"
        folder.mkdir()
        (folder / "main.py").write_text(TOY_MAIN, encoding="utf-8")
        (folder / "function.yaml").write_text(TOY_MANIFEST, encoding="utf-8")


@pytest.fixture
def make_checkout(tmp_path: Path) -> Callable[[str], Checkout]:
    """``make_checkout("a")``: a fresh copy in a folder of that name."""

    def make(name: str) -> Checkout:
        root = tmp_path / name
        for path in READ:
            source, target = REPOSITORY / path, root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                # Without the files' times: they are not part of the input.
                shutil.copytree(source, target, copy_function=shutil.copyfile)
            else:
                shutil.copyfile(source, target)
        return Checkout(root)

    return make


@pytest.fixture
def checkout(make_checkout: Callable[[str], Checkout]) -> Checkout:
    return make_checkout("checkout")
