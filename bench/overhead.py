"""What Frontdesk itself adds to a warm request, every upstream answering at once."""

from __future__ import annotations

import http.client
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from bench.harness import Figure, percentile
from bench.process import REPOSITORY, send, served
from bench.upstream import environment, member_headers, supabase

REQUESTS = 600
WARMUP = 60
MILLISECONDS = 1e3
EMPTY = "def empty(request):\n    return 'ok'\n"


def run() -> list[Figure]:
    """One search through the whole door, against an empty functions-framework function."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "main.py"
        empty.write_text(EMPTY, encoding="utf-8")
        with served(empty, "empty", path="/", headers={}, env={}) as bare:
            baseline = _latencies(bare.port, "/", {})
    with supabase() as upstream:
        headers, path = member_headers(upstream), "/v1/crm/search?q=nothing"
        source = REPOSITORY / "functions/crm-search/main.py"
        with served(
            source, "crm_search", path=path, headers=headers, env=environment(upstream)
        ) as ours:
            latencies = _latencies(ours.port, path, headers)
    return [
        Figure(
            f"overhead: warm request, p{round(share * 100)}",
            percentile(latencies, share) * MILLISECONDS,
            "ms",
            budget=budget,
            baseline=percentile(baseline, share) * MILLISECONDS,
            baseline_name="an empty functions-framework function",
        )
        for share, budget in ((0.50, 3.0), (0.99, 15.0))
    ]


def _latencies(port: int, path: str, headers: Mapping[str, str]) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    seconds = []
    for _ in range(WARMUP + REQUESTS):
        start = time.perf_counter()
        status = send(connection, path, headers)
        seconds.append(time.perf_counter() - start)
        assert status == http.client.OK
    return seconds[WARMUP:]
