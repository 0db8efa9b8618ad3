#!/usr/bin/env python3
"""bench/run.py - measures what Tapedeck promises, beside others on the same bytes, in alternating runs.

BENCH_TICKS (default 10000000; 40000000 is the full day) sizes the seeded market: the first part of a day, so that the
rates stay those of the day. BENCH_RUNS (default 5) is the number of runs of each side. BENCH_ONLY=json,latency measures
some sections alone. All inputs are in page cache. Prints tables, and writes results.json and results.html into
build/bench, beside the previous results there.
"""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import report  # noqa: E402
import sections  # noqa: E402
from harness import Bench  # noqa: E402


def main():
    bench = Bench(ticks=int(os.environ.get("BENCH_TICKS", 10_000_000)), runs=int(os.environ.get("BENCH_RUNS", 5)))
    wanted = os.environ.get("BENCH_ONLY", "").split(",") if os.environ.get("BENCH_ONLY") else list(sections.ALL)
    unknown = set(wanted) - set(sections.ALL)
    if unknown:
        sys.exit(f"BENCH_ONLY: no such section: {', '.join(unknown)}; there are {', '.join(sections.ALL)}")
    for name, measure in sections.ALL.items():
        if name not in wanted:
            continue
        print(f"{name} ...", file=sys.stderr, flush=True)
        measure(bench)
    report.write(bench)


if __name__ == "__main__":
    main()
