"""functions/: one folder a function, its manifest and an entry point that only names things."""

from __future__ import annotations

import ast
import json
import tomllib
from collections import Counter
from pathlib import Path

import jsonschema
import pytest
import yaml

from frontdesk.platform.manifest import Manifest, all_manifests

REPOSITORY = Path(__file__).resolve().parents[2]
FUNCTIONS = REPOSITORY / "functions"
SCHEMA = json.loads((FUNCTIONS / "function.schema.json").read_text(encoding="utf-8"))
MANIFESTS = all_manifests(REPOSITORY)
KEEPS_THE_SERVICE_KEY = {"tenants", "provisioner", "indexer", "maintenance"}

each_function = pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda m: m.name)


@each_function
def test_a_manifest_fits_its_schema(manifest: Manifest) -> None:
    document = yaml.safe_load((manifest.folder / "function.yaml").read_text(encoding="utf-8"))
    jsonschema.validate(document, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert manifest.name == manifest.folder.name


@each_function
def test_a_function_has_its_own_extra(manifest: Manifest) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert manifest.extra in project["optional-dependencies"]


@each_function
def test_an_entry_point_is_a_table_of_contents(manifest: Manifest) -> None:
    source = manifest.main.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 40
    body = ast.parse(source).body
    assert isinstance(body[0], ast.Expr), "it opens with one docstring"
    allowed = (ast.Import, ast.ImportFrom, ast.Assign)
    assert all(isinstance(node, allowed) for node in body[1:]), "no logic in an entry point"


@each_function
def test_only_platform_functions_get_the_service_key(manifest: Manifest) -> None:
    mounted = "SUPABASE_SERVICE_KEY" in manifest.secrets
    assert mounted == (manifest.name in KEEPS_THE_SERVICE_KEY)


@each_function
def test_event_paths_are_routes_of_the_function(manifest: Manifest) -> None:
    posted = {route.path for route in manifest.routes if "POST" in route.methods}
    for trigger in (manifest.pubsub, manifest.schedule):
        assert trigger is None or trigger.path in posted


def test_every_folder_is_a_function() -> None:
    folders = {f.name for f in FUNCTIONS.iterdir() if f.is_dir() and f.name != "__pycache__"}
    assert folders == {manifest.name for manifest in MANIFESTS}


def test_no_two_functions_share_a_path() -> None:
    shapes = Counter(
        "/".join("{}" if part.startswith("{") else part for part in route.path.split("/"))
        for manifest in MANIFESTS
        for route in manifest.routes
    )
    assert [shape for shape, count in shapes.items() if count > 1] == []
