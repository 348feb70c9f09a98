"""Documentation is a contract: what exists is documented, what is documented exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from frontdesk.platform.errors import ErrorCode
from frontdesk.platform.manifest import all_manifests
from frontdesk.platform.settings import settings_reference

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def _read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_the_settings_page_is_what_the_settings_class_says() -> None:
    assert _read("settings.md").strip() == settings_reference().strip()


def test_every_error_code_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"^\| `(\w+)` \|", _read("errors.md"), re.MULTILINE))
    assert documented == {str(code) for code in ErrorCode}


@pytest.mark.parametrize("manifest", all_manifests(REPOSITORY), ids=lambda m: m.name)
def test_every_route_is_in_the_route_table(manifest: object) -> None:
    table = _read("routes.md")
    for route in manifest.routes:  # type: ignore[attr-defined]
        for method in route.methods:
            assert f"| `{method} {route.path}` |" in table


def test_the_route_table_lists_nothing_else() -> None:
    real = {
        f"{method} {route.path}"
        for manifest in all_manifests(REPOSITORY)
        for route in manifest.routes
        for method in route.methods
    }
    documented = set(re.findall(r"^\| `([A-Z]+ /v1/[^`]+)` \|", _read("routes.md"), re.MULTILINE))
    assert documented == real


def test_every_make_target_is_in_the_readme() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z][a-z-]*):.*## ", makefile, re.MULTILINE)
    assert targets
    assert [target for target in targets if f"`make {target}" not in README] == []


def test_every_decision_record_has_its_five_parts() -> None:
    index = _read("adr/README.md")
    for record in sorted((DOCS / "adr").glob("[0-9]*.md")):
        text = record.read_text(encoding="utf-8")
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert re.search(r"^Status: \w+, \d{4}-\d{2}-\d{2}$", text, re.MULTILINE), record.name
        assert {"Context", "Decision", "Consequences", "Alternatives"} <= set(headings), record.name
        assert f"({record.name})" in index


def test_links_between_documents_lead_somewhere() -> None:
    for page in [REPOSITORY / "README.md", *DOCS.rglob("*.md")]:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)", text):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_test_that_a_document_names_exists() -> None:
    for page in DOCS.rglob("*.md"):
        for file, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text("utf-8")):
            assert f"def {name}(" in (REPOSITORY / file).read_text("utf-8"), f"{page.name}: {name}"
