"""docs/capacity.md: computed from the manifests, the pools in the code and the limits of others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from frontdesk.deploy.capacity import (
    BEGIN,
    END,
    api_connections,
    index_bytes,
    main,
    redis_connections,
    tables,
)
from frontdesk.deploy.paths import REPOSITORY
from frontdesk.knowledge.vectorfile import HALF_PRECISION_LIMIT, vector_kind
from frontdesk.platform.database import POOL
from frontdesk.platform.manifest import Manifest, all_manifests
from frontdesk.platform.redis import POOL_SIZE

if TYPE_CHECKING:
    from pathlib import Path

SEARCH = next(m for m in all_manifests(REPOSITORY) if m.name == "crm-search")


def scaled(instances: int, concurrency: int, **changes: object) -> Manifest:
    resources = replace(SEARCH.resources, max_instances=instances, concurrency=concurrency)
    return replace(SEARCH, resources=resources, **changes)  # type: ignore[arg-type]


def test_a_function_calls_the_database_as_often_at_once_as_it_has_threads() -> None:
    assert api_connections(scaled(20, 40)) == 800


def test_the_pool_of_a_process_is_the_limit_where_it_has_more_threads() -> None:
    assert api_connections(scaled(2, 1000)) == 2 * (POOL.max_connections or 0)
    assert redis_connections(scaled(2, 1000)) == 2 * POOL_SIZE


def test_a_function_without_redis_opens_no_connection_to_it() -> None:
    assert redis_connections(scaled(20, 40, secrets=())) == 0


def test_an_index_is_counted_with_its_texts_and_grows_with_its_vectors() -> None:
    small, large = index_bytes(1_000, 384), index_bytes(1_000, 768)
    assert large - small == 1_000 * 384 * 2
    assert vector_kind(HALF_PRECISION_LIMIT) != vector_kind(HALF_PRECISION_LIMIT + 1)
    assert index_bytes(HALF_PRECISION_LIMIT + 1, 384) < index_bytes(HALF_PRECISION_LIMIT, 384)


def test_every_function_has_its_row_and_the_sum_is_theirs() -> None:
    manifests = all_manifests(REPOSITORY)
    text = tables(manifests)
    assert all(f"\n| {manifest.name} |" in text for manifest in manifests)
    assert f"**{sum(map(api_connections, manifests)):,}**" in text


def test_a_page_that_is_out_of_date_is_found_and_mended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "capacity.md"
    page.write_text(f"Before.\n\n{BEGIN}\nold\n{END}\n\nAfter.\n", encoding="utf-8")
    assert main(["--check"], page) == 1
    assert "out of date" in capsys.readouterr().err
    assert main(["--write"], page) == 0
    assert main(["--check"], page) == 0
    assert page.read_text(encoding="utf-8").startswith("Before.\n\n<!--")
    assert page.read_text(encoding="utf-8").endswith("-->\n\nAfter.\n")
