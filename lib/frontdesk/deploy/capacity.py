"""docs/capacity.md's tables: what the manifests ask of Redis, Postgres and memory.

``python -m frontdesk.deploy.capacity`` prints them, ``--write`` puts them into the page, and
``--check``, a part of ``make check``, says whether the page is up to date.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from frontdesk.deploy.paths import REPOSITORY
from frontdesk.knowledge.vectorfile import EIGHT_BIT_LIMIT, vector_kind
from frontdesk.platform.database import POOL
from frontdesk.platform.manifest import all_manifests
from frontdesk.platform.redis import POOL_SIZE
from frontdesk.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from frontdesk.platform.manifest import Manifest

PAGE: Final = REPOSITORY / "docs" / "capacity.md"
BEGIN, END = "<!-- Made by `python -m frontdesk.deploy.capacity --write`. -->", "<!-- End. -->"

# Limits of others, as their documentation had them on 2026-11-25.
REDIS_CLIENTS: Final = 65_000
"""Memorystore for Redis 7, every tier and size; with TLS and Redis 6, 1,000 up to 4 GB."""
POSTGRES: Final = (
    ("Micro", 2, 1, 60),
    ("Small", 2, 2, 90),
    ("Medium", 2, 4, 120),
    ("Large", 2, 8, 160),
    ("XL", 4, 16, 240),
    ("2XL", 8, 32, 380),
    ("4XL", 16, 64, 480),
    ("8XL", 32, 128, 490),
)
"""Supabase's compute sizes: name, cores, GB of memory, direct connections."""

SEARCH_SECONDS: Final = 0.025
"""The budget of a CRM search among 100,000 clients, p95: ``python -m bench crm``."""
PASSAGE_BYTES: Final = 635
"""Of chunks.sqlite, text and full-text index, for each passage; ``python -m bench retrieval``."""
PROCESS_MB: Final = 200
"""Of a helpdesk process after an answer, without indexes: 160 that it holds, printed by ``python -m
bench cold_start``, and the model's files, which lie on a disk that is memory."""
DIMENSIONS: Final = (("MiniLM", 384), ("text-embedding-3-small", 1536))
PASSAGES: Final = (1_000, 10_000, EIGHT_BIT_LIMIT, 98_086, 250_000)
_MIB: Final = 1024 * 1024


def api_connections(manifest: Manifest) -> int:
    """How many calls to the Supabase API the function has under way at most, over all instances."""
    each = min(manifest.resources.concurrency, POOL.max_connections or math.inf)
    return int(manifest.resources.max_instances * each)


def redis_connections(manifest: Manifest) -> int:
    """How many connections to Redis the function opens at most; none without REDIS_URL."""
    each = min(manifest.resources.concurrency, POOL_SIZE)
    return manifest.resources.max_instances * each if "REDIS_URL" in manifest.secrets else 0


def index_bytes(passages: int, dimensions: int) -> int:
    """Bytes that an index of so many passages keeps mapped, by FAISS's own size of a code."""
    import faiss

    kind = vector_kind(passages)
    code = faiss.index_factory(dimensions, kind, faiss.METRIC_INNER_PRODUCT).sa_code_size()
    return passages * (int(code) + PASSAGE_BYTES)


def tables(manifests: Sequence[Manifest]) -> str:
    """All tables, with what each is about."""
    helpdesk = next(manifest for manifest in manifests if manifest.name == "helpdesk")
    return "\n\n".join(
        [
            "## Connections at most",
            _connections(manifests),
            "## What a Postgres carries",
            _postgres(manifests),
            "## Where an instance's memory ends",
            _memory(helpdesk),
        ]
    )


def _connections(manifests: Sequence[Manifest]) -> str:
    rows = [
        [
            manifest.name,
            manifest.resources.max_instances,
            manifest.resources.concurrency,
            api_connections(manifest),
            redis_connections(manifest) or "–",
        ]
        for manifest in manifests
    ]
    api, redis = (sum(map(count, manifests)) for count in (api_connections, redis_connections))
    rows.append(["**together**", "", "", f"**{api:,}**", f"**{redis:,}**"])
    head = ["Function", "Instances", "Requests each", "To the Supabase API", "To Redis"]
    return (
        f"{_table(head, rows)}\n\nRedis takes {REDIS_CLIENTS:,} clients,"
        f" {REDIS_CLIENTS // redis} times as many. To Postgres itself the functions open none: the"
        f" {api:,} calls meet in PostgREST, which has a pool and lets the rest wait."
    )


def _postgres(manifests: Sequence[Manifest]) -> str:
    a_minute = Settings.model_fields["rate_limit_per_tenant"].default
    (search,) = [manifest for manifest in manifests if manifest.name == "crm-search"]
    rows = [
        [
            name,
            cores,
            memory,
            connections,
            f"{cores / SEARCH_SECONDS:,.0f}",
            f"{cores / SEARCH_SECONDS * 60 / a_minute:,.0f}",
        ]
        for name, cores, memory, connections in POSTGRES
    ]
    head = ["Compute", "Cores", "GB", "Connections", "Searches/s", "Agencies at their limit"]
    return (
        f"{_table(head, rows)}\n\nReckoned with the budget: a search keeps a core busy for"
        f" {SEARCH_SECONDS * 1000:.0f} ms, the 95th percentile among 100,000 clients; most take a"
        f" fraction of it, and repeated ones come from Redis. An agency at its rate limit asks"
        f" {a_minute} times a minute. Cores end long before connections do, and `crm-search` at"
        f" full scale ({api_connections(search):,} calls at once) waits for them."
    )


def _memory(helpdesk: Manifest) -> str:
    cache = Settings.model_fields["index_cache_bytes"].default // _MIB
    memory = helpdesk.resources.memory_mb
    left = memory - PROCESS_MB - cache
    rows = []
    for passages in PASSAGES:
        row: list[object] = [f"{passages:,}", vector_kind(passages)]
        for _name, dimensions in DIMENSIONS:
            size = index_bytes(passages, dimensions) / _MIB
            row += [f"{size:,.0f}", f"{cache / size:,.0f}" if size <= cache else "–"]
        rows.append(row)
    head = ["Passages", "Vectors"]
    for name, dimensions in DIMENSIONS:
        head += [f"MB, {name} ({dimensions})", "fit"]
    largest = (memory - PROCESS_MB) / 2
    return (
        f"{_table(head, rows)}\n\n`helpdesk` has {memory} MB: {PROCESS_MB} for the process with its"
        f" embedder, {cache} for indexes (`INDEX_CACHE_BYTES`), {left} for requests. While a new"
        f" version replaces an old one both are there, so one agency's index may have"
        f" {largest:.0f} MB: {_most_passages(largest, 384):,} passages with MiniLM,"
        f" {_most_passages(largest, 1536):,} with text-embedding-3-small."
    )


def _most_passages(megabytes: float, dimensions: int) -> int:
    """The largest number of passages, in thousands, whose index is no larger."""
    each = index_bytes(EIGHT_BIT_LIMIT + 1, dimensions) / (EIGHT_BIT_LIMIT + 1)
    return int(megabytes * _MIB / each) // 1000 * 1000


def _table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    lines = [list(map(str, head)), *([str(cell) for cell in row] for row in rows)]
    rule = ["---", *("---:" for _ in lines[0][1:])]
    return "\n".join(f"| {' | '.join(line)} |" for line in [lines[0], rule, *lines[1:]])


def main(arguments: Sequence[str] | None = None, page: Path = PAGE) -> int:
    """Print the tables, write them into the page, or check the page; 1 when it is out of date."""
    parser = argparse.ArgumentParser(prog="python -m frontdesk.deploy.capacity")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--write", action="store_true", help="put them into docs/capacity.md")
    action.add_argument("--check", action="store_true", help="is docs/capacity.md up to date?")
    options = parser.parse_args(arguments)
    made = tables(all_manifests(REPOSITORY))
    if not (options.write or options.check):
        sys.stdout.write(f"{made}\n")
        return 0
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    fresh = f"{before}{BEGIN}\n\n{made}\n\n{END}{after}"
    if options.write:
        page.write_text(fresh, encoding="utf-8")
    elif fresh != text:
        sys.stderr.write(
            f"{page.name} is out of date: python -m frontdesk.deploy.capacity --write\n"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
