"""From process start to the first 200, for each function, in its own environment.

And what its processes hold in memory then; `memory_mb` in the manifest leaves room above it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.harness import Figure
from bench.knowledge_on_disk import knowledge_on_disk
from bench.process import REPOSITORY, compile_packages, own_environment, served
from bench.upstream import environment, member_headers, supabase
from frontdesk.platform.manifest import Manifest, all_manifests

ROUNDS = 7
MEGABYTE = 1e6
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
    """Every function's start, against a main.py that imports it all at the top."""
    compile_packages(Path(sys.executable))
    with (
        tempfile.TemporaryDirectory() as folder,
        supabase() as upstream,
        knowledge_on_disk() as knowledge,
    ):
        source = Path(folder) / "main.py"
        source.write_text(EVERYTHING, encoding="utf-8")
        everything = _Start(source, "everything", FirstRequest("/"), Path(sys.executable))
        starts = {
            manifest.name: _Start(
                manifest.main,
                manifest.entry_point,
                _first_request(manifest, knowledge),
                own_environment(manifest.extra),
            )
            for manifest in all_manifests(REPOSITORY)
        }
        # All in turn, so that a machine whose speed drifts drifts for all.
        rounds = [
            {name: start.measure(upstream) for name, start in starts.items()}
            | {"": everything.measure(upstream)}
            for _ in range(ROUNDS)
        ]
    # Each start does the same work, so what the slower ones took longer was the machine's.
    fastest = {name: min(measured[name][0] for measured in rounds) for name in rounds[0]}
    largest = {name: max(measured[name][1] for measured in rounds) for name in rounds[0]}
    seconds = [
        Figure(
            f"cold start: {name}",
            fastest[name],
            "s",
            budget=BUDGETS.get(name),
            baseline=fastest[""],
            baseline_name="all ten packages imported at the top",
            note=f"{start.request.note}; the fastest of {ROUNDS} starts",
        )
        for name, start in starts.items()
    ]
    memory = [
        Figure(
            f"memory after the first reply: {name}",
            largest[name] / MEGABYTE,
            "MB",
            note=f"{start.request.note}; without the files it maps; the most of {ROUNDS} starts",
        )
        for name, start in starts.items()
    ]
    return seconds + memory


def _first_request(manifest: Manifest, knowledge: Mapping[str, str]) -> FirstRequest:
    """The main route, where everything that it needs can be faked at 0 ms; health elsewhere."""
    match manifest.name:
        case "crm-search":
            return FirstRequest("/v1/crm/search", note="a search")
        case "crm-pipeline":
            return FirstRequest("/v1/crm/pipeline", note="the pipeline")
        case "helpdesk":
            return FirstRequest(
                "/v1/helpdesk/ask",
                json.dumps({"question": "What does the harbour office charge?"}).encode(),
                knowledge,
                "a question; embedder and an index of 98,086 chunks on local disk",
            )
        case name:
            return FirstRequest(f"/v1/health/{name}", note="its health route")


@dataclass(frozen=True, slots=True)
class _Start:
    source: Path
    target: str
    request: FirstRequest
    python: Path

    def measure(self, upstream: str) -> tuple[float, int]:
        """Seconds to the first 200, and bytes of memory then."""
        with served(
            self.source,
            self.target,
            path=self.request.path,
            headers=member_headers(upstream) | {"Content-Type": "application/json"},
            env=environment(upstream) | dict(self.request.env),
            python=self.python,
            body=self.request.body,
        ) as function:
            return function.first_reply_seconds, function.memory_bytes
