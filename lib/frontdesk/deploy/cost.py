"""What 1,000 requests of each function cost on Cloud Run, computed from the manifests.

``python -m frontdesk.deploy.cost`` prints the table. It holds two bounds: *alone*, when every
request has an instance to itself, and *full*, when an instance always serves as many as its
manifest allows. Real traffic lies between them.

Left out: Supabase, the language model, network egress, Redis and its connector, Pub/Sub, Scheduler,
storage, logs, builds, the load balancer, and Cloud Run's free tier, which lowers a small bill.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Final

from frontdesk.deploy.paths import REPOSITORY
from frontdesk.platform.manifest import all_manifests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from frontdesk.platform.manifest import Manifest, Resources

PRICES_FROM: Final = "https://cloud.google.com/run/pricing, services with request-based billing"
PRICES_OF: Final = "tier 1 regions (europe-west1 is one), US dollars, noted on 2026-11-25"
VCPU_SECOND: Final = Decimal("0.000024")
GIB_SECOND: Final = Decimal("0.0000025")
MILLION_REQUESTS: Final = Decimal("0.40")
IDLE_VCPU_SECOND: Final = Decimal("0.0000025")
"""Of an instance that ``min_instances`` keeps and that has nothing to do."""
IDLE_GIB_SECOND: Final = Decimal("0.0000025")
BILLED_IN: Final = Decimal("0.1")
"""Seconds to which an instance's busy time is rounded up."""

ASSUMED_SECONDS: Final = {
    "crm-clients": Decimal("0.15"),  # one command; an import of 5,000 rows takes far longer
    "crm-pipeline": Decimal("0.08"),  # mostly from the cache
    "crm-search": Decimal("0.10"),  # one round trip to the database
    "helpdesk": Decimal("2.5"),  # mostly waiting for the language model's answer
    "indexer": Decimal(30),  # an agency's few dozen changed documents
    "knowledge": Decimal("0.6"),  # an upload of a megabyte or two
    "maintenance": Decimal("0.3"),  # a sweep that finds little
    "provisioner": Decimal(1),  # a few steps of one operation
    "tenants": Decimal("0.15"),  # one command
}
"""How long a request keeps its instance busy, on average. Assumptions, not measurements: replace
them with what the `run.googleapis.com/request_latencies` metric of your project says."""
ASSUMED_OF_OTHERS: Final = Decimal("0.2")
"""Seconds of a function that has no assumption of its own."""

_MIB_IN_GIB: Final = 1024
_SECONDS_A_MONTH: Final = 730 * 3600


@dataclass(frozen=True, slots=True)
class Cost:
    """US dollars: per 1,000 requests at two bounds, and a month of instances kept warm."""

    alone: Decimal
    full: Decimal
    standing: Decimal


def assumed_seconds(manifest: Manifest) -> Decimal:
    """How long a request of a function is assumed to take."""
    return ASSUMED_SECONDS.get(manifest.name, ASSUMED_OF_OTHERS)


def cost(resources: Resources, seconds: Decimal) -> Cost:
    """What requests of so many seconds cost on instances of these resources."""
    vcpu = Decimal(str(resources.cpu))
    gib = Decimal(resources.memory_mb) / _MIB_IN_GIB
    busy_second = vcpu * VCPU_SECOND + gib * GIB_SECOND
    idle_second = vcpu * IDLE_VCPU_SECOND + gib * IDLE_GIB_SECOND
    rounded = math.ceil(seconds / BILLED_IN) * BILLED_IN
    fee = MILLION_REQUESTS / 1000
    return Cost(
        alone=1000 * rounded * busy_second + fee,
        full=1000 * seconds * busy_second / resources.concurrency + fee,
        standing=resources.min_instances * _SECONDS_A_MONTH * idle_second,
    )


def table(manifests: Sequence[Manifest]) -> str:
    """The costs of all functions as Markdown, with what they are computed from."""
    lines = [
        f"Prices: {PRICES_FROM}, {PRICES_OF}:",
        f"${VCPU_SECOND} a vCPU-second, ${GIB_SECOND} a GiB-second,",
        f"${MILLION_REQUESTS} a million requests.",
        "",
        "| " + " | ".join(_COLUMNS) + " |",
        "|---" + "|--:" * (len(_COLUMNS) - 1) + "|",
    ]
    for manifest in manifests:
        resources, seconds = manifest.resources, assumed_seconds(manifest)
        of = cost(resources, seconds)
        guessed = "" if manifest.name in ASSUMED_SECONDS else " (default)"
        lines.append(
            f"| {manifest.name} | {resources.cpu:g} | {resources.memory_mb / _MIB_IN_GIB:g}"
            f" | {resources.concurrency} | {seconds}{guessed} | {_dollars(of.alone)}"
            f" | {_dollars(of.full)} | {_dollars(of.standing) if of.standing else '–'} |"
        )
    lines += ["", *_FOOT]
    return "\n".join(lines) + "\n"


_COLUMNS: Final = (
    "Function",
    "vCPU",
    "GiB",
    "At a time",
    "Assumed seconds",
    "Alone, $ per 1,000",
    "Full, $ per 1,000",
    "Kept warm, $ a month",
)
_FOOT: Final = (
    "*Alone*: every request has an instance to itself, its time rounded up to 100 ms. *Full*: an",
    "instance always serves as many at a time as its manifest allows. The seconds are assumptions",
    "(`frontdesk/deploy/cost.py` says why). Not in it: Supabase, the language model, network",
    "egress, Redis and its connector, Pub/Sub, Scheduler, storage, logs, builds, the load",
    "balancer, and the free tier.",
)


def _dollars(amount: Decimal) -> str:
    return str(amount.quantize(Decimal("0.0001"), ROUND_HALF_UP))


def main() -> None:
    """Print the table of this repository's functions."""
    sys.stdout.write(table(all_manifests(REPOSITORY)))


if __name__ == "__main__":
    main()
