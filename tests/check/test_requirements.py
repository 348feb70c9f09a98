"""docs/requirements.md: every promise names a test that exists and runs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TABLE = REPOSITORY / "docs" / "requirements.md"
EXPECTED = [f"PROD-{number:02}" for number in range(1, 25)] + [
    "FLOW-HELPDESK",
    "FLOW-CRM",
    "FLOW-TENANT",
]
ROW = re.compile(
    r"^\| (?P<id>[A-Z]+-[A-Z0-9]+) \| (?P<text>[^|]+) \| (?P<proof>[^|]+) \|$", re.MULTILINE
)
TEST = re.compile(r"`(?P<file>tests/[\w/]+\.py)::(?P<name>\w+)`")


def _rows() -> dict[str, str]:
    return {row["id"]: row["proof"] for row in ROW.finditer(TABLE.read_text(encoding="utf-8"))}


def _disabled(decorator: ast.expr) -> bool:
    return bool(re.search(r"\b(skip|skipif|xfail)\b", ast.unparse(decorator)))


def test_every_promise_has_exactly_one_row() -> None:
    listed = [row["id"] for row in ROW.finditer(TABLE.read_text(encoding="utf-8"))]
    assert sorted(listed) == sorted(EXPECTED)


@pytest.mark.parametrize("promise", EXPECTED)
def test_a_promise_names_a_test_that_exists_and_is_not_disabled(promise: str) -> None:
    proof = _rows()[promise]
    if proof.startswith("**open**"):
        assert len(proof) > len("**open**: "), "an open row says what it waits for"
        return
    named = list(TEST.finditer(proof))
    assert named, f"{promise} names no test"
    for match in named:
        tree = ast.parse((REPOSITORY / match["file"]).read_text(encoding="utf-8"))
        tests = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert match["name"] in tests, f"{match['file']} has no test {match['name']}"
        disabled = [d for d in tests[match["name"]].decorator_list if _disabled(d)]
        assert not disabled, f"{match['name']} is disabled"
