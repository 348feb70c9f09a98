"""docs/architecture.md: its drawing is the manifests', and a drawing that Mermaid reads."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from frontdesk.deploy import drawing
from frontdesk.deploy.paths import REPOSITORY
from frontdesk.platform.manifest import PubSubTrigger, all_manifests

MANIFESTS = all_manifests(REPOSITORY)
RESERVED = {"class", "click", "default", "end", "graph", "linkStyle", "style", "subgraph"}
EDGE = re.compile(r"  ([\w &]+) (?:-->|==>|-\.->)(?:\|([^|\"]+)\|)? ([\w &]+)")
NODE = re.compile(r'\s+(\w+)(\[\("|\(\["|\[/"|\{\{"|\[").*?("\)\]|"\]\)|"/\]|"\}\}|"\])')


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The page and the functions, in a place where they may be changed."""
    (tmp_path / "docs").mkdir()
    shutil.copy(REPOSITORY / drawing.PAGE, tmp_path / drawing.PAGE)
    shutil.copytree(REPOSITORY / "functions", tmp_path / "functions")
    return tmp_path


def test_the_drawing_is_what_the_manifests_make() -> None:
    assert drawing.main(["--check"]) == 0, "run make openapi"


def test_a_function_is_named_with_its_routes_its_trigger_and_what_it_uses() -> None:
    drawn = drawing.draw(MANIFESTS)

    for manifest in MANIFESTS:
        assert f"<b>{manifest.name}</b>" in drawn
        for route in manifest.routes:
            assert f"<br/>{route.path}" in drawn
    assert "topic_knowledge -->|signed push| fn_indexer" in drawn
    assert "schedule_maintenance -->|signed call| fn_maintenance" in drawn
    assert "topic_knowledge -.->|after 10 attempts| dead_knowledge" in drawn
    assert "fn_helpdesk & fn_knowledge -->|reads| indexes" in drawn


def test_only_functions_with_the_service_key_go_around_row_level_security() -> None:
    (line,) = [line for line in drawing.draw(MANIFESTS).splitlines() if "service key" in line]

    drawn = set(re.findall(r"fn_(\w+)", line))
    assert drawn == {m.name for m in MANIFESTS if "SUPABASE_SERVICE_KEY" in m.secrets}


def test_mermaid_can_read_it() -> None:
    """Ids are words, labels are quoted, every edge joins nodes that there are."""
    lines = drawing.draw(MANIFESTS).splitlines()
    assert (lines[0], lines[1], lines[-1]) == ("```mermaid", "flowchart LR", "```")
    nodes: set[str] = set()
    ends: set[str] = set()
    depth = 0
    for line in lines[2:-1]:
        if match := re.fullmatch(r'  subgraph (\w+)\["[^"]+"\]', line):
            nodes.add(match[1])
            depth += 1
        elif line == "  end":
            depth -= 1
        elif match := NODE.fullmatch(line):
            assert line.count('"') == 2, line
            nodes.add(match[1])
        elif match := EDGE.fullmatch(line):
            ends |= set(match[1].split(" & ")) | set(match[3].split(" & "))
        else:
            pytest.fail(f"neither node, edge nor subgraph: {line}")
        assert 0 <= depth <= 1
    assert ends <= nodes
    assert not nodes & RESERVED


def test_a_new_function_is_drawn(repository: Path) -> None:
    trigger = PubSubTrigger("toy-things", "/v1/toy", 60, 7)
    toy = replace(MANIFESTS[0], name="toy-box", pubsub=trigger)

    drawn = drawing.draw([*MANIFESTS, toy])

    assert "topic_toy_things -->|signed push| fn_toy_box" in drawn
    assert 'dead_toy_things{{"toy-things-dead-letter' in drawn


def test_a_page_that_is_out_of_date_is_refused_and_then_brought_up_to_date(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(repository / "functions" / "tenants")

    assert drawing.main(["--check"], repository) == 1
    assert "make openapi" in capsys.readouterr().err
    assert drawing.main(["--write"], repository) == 0
    assert drawing.main(["--check"], repository) == 0
    page = (repository / drawing.PAGE).read_text("utf-8")
    assert "fn_tenants" not in page
    assert "**Redis is optional.**" in page, "what people wrote stays"


def test_a_page_without_a_place_for_the_drawing_is_named(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / drawing.PAGE).write_text("# Architecture\n")

    assert drawing.main(["--write"], repository) == 1
    assert drawing.BEGIN in capsys.readouterr().err
