"""``python -m bench [NAME …] [--json]``: run all benchmarks, or the named ones."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path

from bench import harness

# As in the functions: one thread a request. BLAS threads that wait for each other measure the
# machine's other work.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Run in this order: the cheap and quiet ones first, the ones that fill the page cache last.
BENCHMARKS = ("mmr", "breaker", "overhead", "cold_start", "crm", "retrieval")
RESULTS = Path(__file__).parent / "results.json"


def main() -> int:
    """Run, print, keep; exit 1 when a budget is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", nargs="*", help=f"one of {', '.join(BENCHMARKS)}; default: all")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.name if name not in BENCHMARKS]:
        parser.error(f"no benchmark named {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    figures: list[harness.Figure] = []
    for name in arguments.name or BENCHMARKS:
        print(f"… {name}", file=sys.stderr, flush=True)
        figures += importlib.import_module(f"bench.{name}").run()
    print(harness.as_json(figures) if arguments.json else harness.table(figures))
    if not arguments.name:
        harness.write(figures, RESULTS)
    return 1 if any(figure.verdict == "MISSED" for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
