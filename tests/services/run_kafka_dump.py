#!/usr/bin/env python3
"""tests/services/run_kafka_dump.py - Kafka's own dump tool reads what we write: logs of recorded data, uncompressed,
lz4 and zstd, with rolled segments and an epoch begun by a kill -9; every batch, record, index and time index.
"""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import tapedeck as td  # noqa: E402

FEED = f"file: {{ format: binance-collector, path: {td.ROOT}/examples/data/binance/*.gz }}"


def record(home, codec):
    file = td.config(f"{home}/{codec}.yaml", f"{home}/{codec}", [FEED], strategies=[td.ROOT / "strategies/momentum.td"])
    options = ("--set", f"log.codec={codec}", "--set", "log.segment=1MB")
    first = td.start(file, *options, "--set", "speed=200x")
    time.sleep(0.7)
    td.kill(first)
    summary = td.run(file, *options)
    assert summary["diverged"] == 0, summary
    return f"{home}/{codec}"


def main():
    with td.folder() as home:
        folders = [record(home, codec) for codec in ("none", "lz4", "zstd")]
        done = subprocess.run([td.ROOT / "tests/services/kafka_dump.sh", *folders], check=False,
                              env=os.environ | {"TAPEDECK_BINARY": str(td.PROGRAM), "TAPEDECK": str(td.PROGRAM)})
    print(f"{int(done.returncode == 0)} passed, {int(done.returncode != 0)} failed")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
