"""The cost per 1,000 requests follows from the manifests and Cloud Run's list prices."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from frontdesk.deploy.cost import ASSUMED_OF_OTHERS, ASSUMED_SECONDS, assumed_seconds, cost, table
from frontdesk.deploy.paths import REPOSITORY
from frontdesk.platform.manifest import Resources, all_manifests

MANIFESTS = all_manifests(REPOSITORY)
FEE = Decimal("0.0004")


def resources(**changed: Any) -> Resources:
    return replace(Resources(1024, 1, 10, 60, 5), **changed)


def test_a_request_alone_pays_for_its_instances_processor_and_memory() -> None:
    # 1,000 seconds of one vCPU and one GiB.
    assert cost(resources(), Decimal(1)).alone == Decimal("24e-3") + Decimal("2.5e-3") + FEE


def test_time_is_rounded_up_to_a_tenth_of_a_second() -> None:
    assert cost(resources(), Decimal("0.11")).alone == cost(resources(), Decimal("0.2")).alone


def test_requests_at_a_time_share_an_instance() -> None:
    shared, alone = (cost(resources(concurrency=n), Decimal(1)).full for n in (10, 1))

    assert (shared - FEE) * 10 == alone - FEE


@pytest.mark.parametrize("name", ["memory_mb", "cpu"])
def test_a_larger_instance_costs_more(name: str) -> None:
    larger = replace(resources(), **{name: 2 * getattr(resources(), name)})

    assert cost(larger, Decimal(1)).alone > cost(resources(), Decimal(1)).alone


def test_an_instance_kept_warm_costs_by_the_month() -> None:
    assert cost(resources(), Decimal(1)).standing == 0
    # 2 × 730 hours × (1 vCPU + 1 GiB) at the idle price.
    warm = cost(resources(min_instances=2), Decimal(1)).standing
    assert warm == 2 * 730 * 3600 * Decimal("0.000005")


def test_the_table_has_a_row_for_each_function_and_says_what_it_leaves_out() -> None:
    printed = table(MANIFESTS)

    rows = [line.split("|")[1].strip() for line in printed.splitlines() if line.startswith("| ")]
    assert rows[1:] == [manifest.name for manifest in MANIFESTS]
    for left_out in ("egress", "Supabase", "free tier", "language model"):
        assert left_out in printed
    assert "2026-11-25" in printed
    assert "cloud.google.com/run/pricing" in printed


def test_a_function_without_an_assumption_has_the_default_and_the_table_says_so() -> None:
    toy = replace(MANIFESTS[0], name="toy")

    assert assumed_seconds(toy) == ASSUMED_OF_OTHERS
    assert f"| {ASSUMED_OF_OTHERS} (default) |" in table([toy])


def test_no_assumption_is_about_a_function_that_is_gone() -> None:
    assert set(ASSUMED_SECONDS) <= {manifest.name for manifest in MANIFESTS}
