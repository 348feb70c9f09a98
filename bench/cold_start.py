"""From process start to the first 200, for each function, in its own environment."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.harness import Figure, median
from bench.knowledge_on_disk import knowledge_on_disk
from bench.process import REPOSITORY, own_environment, served
from bench.upstream import environment, member_headers, supabase
from frontdesk.platform.manifest import Manifest, all_manifests

ROUNDS = 5
BUDGETS = {"crm-search": 0.6, "quotes": 0.6, "helpdesk": 1.0}
EVERYTHING = """\
import backoff, faiss, functions_framework, openai, pybreaker, redis, reportlab, supabase
from google.cloud import secretmanager, storage


def everything(request):
    return "ok"
"""


@dataclass(frozen=True, slots=True)
class FirstRequest:
    """What a function is asked first; a POST when there is a body."""

    path: str
    body: bytes | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


def run() -> list[Figure]:
    """Every function's median start, against a main.py that imports it all at the top."""
    with (
        tempfile.TemporaryDirectory() as folder,
        supabase() as upstream,
        knowledge_on_disk() as knowledge,
    ):
        source = Path(folder) / "main.py"
        source.write_text(EVERYTHING, encoding="utf-8")
        everything = _Start(source, "everything", FirstRequest("/"), Path(sys.executable))
        figures = []
        for manifest in all_manifests(REPOSITORY):
            request = _first_request(manifest, knowledge)
            start = _Start(
                manifest.main, manifest.entry_point, request, own_environment(manifest.extra)
            )
            # In turn, so that a machine whose speed drifts drifts for both.
            pairs = [(start.seconds(upstream), everything.seconds(upstream)) for _ in range(ROUNDS)]
            figures.append(
                Figure(
                    f"cold start: {manifest.name}",
                    median([ours for ours, _ in pairs]),
                    "s",
                    budget=BUDGETS.get(manifest.name),
                    baseline=median([theirs for _, theirs in pairs]),
                    baseline_name="all ten packages imported at the top",
                    note=request.note,
                )
            )
        return figures


def _first_request(manifest: Manifest, knowledge: Mapping[str, str]) -> FirstRequest:
    """The main route, where everything that it needs can be faked at 0 ms; health elsewhere."""
    match manifest.name:
        case "crm-search":
            return FirstRequest("/v1/crm/search")
        case "crm-pipeline":
            return FirstRequest("/v1/crm/pipeline")
        case "helpdesk":
            return FirstRequest(
                "/v1/helpdesk/ask",
                json.dumps({"question": "What does the harbour office charge?"}).encode(),
                knowledge,
                "a question; embedder and an index of 98,086 chunks on local disk",
            )
        case name:
            return FirstRequest(f"/v1/health/{name}", note="first 200 of its health route")


@dataclass(frozen=True, slots=True)
class _Start:
    source: Path
    target: str
    request: FirstRequest
    python: Path

    def seconds(self, upstream: str) -> float:
        with served(
            self.source,
            self.target,
            path=self.request.path,
            headers=member_headers(upstream) | {"Content-Type": "application/json"},
            env=environment(upstream) | dict(self.request.env),
            python=self.python,
            body=self.request.body,
        ) as function:
            return function.first_reply_seconds
