"""From process start to the first 200, for each function that answers people."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.harness import Figure, median
from bench.process import REPOSITORY, own_environment, served
from bench.upstream import environment, member_headers, supabase

ROUNDS = 3
# A main route each; the functions that need storage or Pub/Sub for theirs are measured by health.
MAIN_ROUTES = {"crm-search": "/v1/crm/search", "crm-pipeline": "/v1/crm/pipeline"}
BUDGETS = {"crm-search": 0.6, "quotes": 0.6, "helpdesk": 1.0}
EVERYTHING = """\
import backoff, faiss, functions_framework, openai, pybreaker, redis, reportlab, supabase
from google.cloud import secretmanager, storage


def everything(request):
    return "ok"
"""


def run() -> list[Figure]:
    """Every function's median of three starts, against a main.py that imports it all at the top."""
    from frontdesk.platform.manifest import all_manifests

    with tempfile.TemporaryDirectory() as folder, supabase() as upstream:
        source = Path(folder) / "main.py"
        source.write_text(EVERYTHING, encoding="utf-8")
        baseline = _seconds(source, "everything", "/", upstream)
        return [
            Figure(
                f"cold start: {manifest.name}",
                _seconds(
                    manifest.main,
                    manifest.entry_point,
                    MAIN_ROUTES.get(manifest.name, f"/v1/health/{manifest.name}"),
                    upstream,
                    own_environment(manifest.extra),
                ),
                "s",
                budget=BUDGETS.get(manifest.name),
                baseline=baseline,
                baseline_name="all ten packages imported at the top",
                note="" if manifest.name in MAIN_ROUTES else "first 200 of its health route",
            )
            for manifest in all_manifests(REPOSITORY)
        ]


def _seconds(
    source: Path, target: str, path: str, upstream: str, python: Path = Path(sys.executable)
) -> float:
    headers, env = member_headers(upstream), environment(upstream)
    starts = []
    for _ in range(ROUNDS):
        with served(source, target, path=path, headers=headers, env=env, python=python) as function:
            starts.append(function.first_reply_seconds)
    return median(starts)
