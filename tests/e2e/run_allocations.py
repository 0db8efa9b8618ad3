#!/usr/bin/env python3
"""tests/e2e/run_allocations.py - counts allocations over the demo's files and over a simulated day: run_allocations.py
PROGRAM. Each must go over at least a million events after its warm-up.
"""
import subprocess
import sys

import tapedeck as td

FEEDS = {
    "the demo's files": [f"file: {{ format: lean, path: {td.ROOT}/examples/data/lean/*.zip }}",
                         f"file: {{ format: binance-collector, path: {td.ROOT}/examples/data/binance/*.gz }}"],
    "800 simulated instruments": ["simulated: { instruments: 800, ticks: 1500000, seed: 7 }"],
}


def main():
    failed = 0
    for name, feeds in FEEDS.items():
        with td.folder() as home:
            file = td.config(f"{home}/c.yaml", f"{home}/data", feeds, bars="[1m, 5m, 1h]",
                             strategies=sorted((td.ROOT / "strategies").glob("*.td")))
            done = subprocess.run([sys.argv[1], file], stdout=subprocess.PIPE, text=True, check=False, cwd=td.ROOT)
            print(f"{name}: {done.stdout.strip()}")
            failed += done.returncode != 0
    print(f"{len(FEEDS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
