#!/usr/bin/env python3
"""tests/services/run_segments.py - a real broker serves our segment folders: recorded data with rolled segments, an epoch
begun by a kill -9 and a hole left by a repair, put in place of the broker's own while it is stopped; every record that
its consumer gets is the one that our reader gives.
"""
import pathlib
import shutil
import subprocess
import sys
import time

import confluent_kafka.admin

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import consuming  # noqa: E402
import tapedeck as td  # noqa: E402
from broker import Broker  # noqa: E402

FEED = f"file: {{ format: binance-collector, path: {td.ROOT}/examples/data/binance/*.gz }}"
TOPICS = ["tape", "bars", "signals"]
PARTITIONS = 2
RECORDS_LEAST = 10000
OURS = ["*.log", "*.index", "*.timeindex", "leader-epoch-checkpoint"]


def record(home, codec):
    """Killed, gone on, damaged in the middle of a tape, repaired."""
    data = pathlib.Path(home) / codec
    file = td.config(f"{home}/{codec}.yaml", data, [FEED], strategies=[td.ROOT / "strategies/momentum.td"],
                     partitions=PARTITIONS)
    options = ("--set", f"log.codec={codec}", "--set", "log.segment=256KB")
    first = td.start(file, *options, "--set", "speed=200x")
    time.sleep(0.7)
    td.kill(first)
    td.run(file, *options)
    victim = max(data.glob("tape-*/*.log"), key=lambda p: p.stat().st_size)
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 0x40
    victim.write_bytes(content)
    subprocess.run([td.PROGRAM, "log", "repair", "--data", data], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return data


def put_in_place(data, broker):
    """The partition's metadata stays the broker's: it knows it by an id of its own."""
    for topic in TOPICS:
        for partition in range(PARTITIONS):
            theirs = broker.log_dir / f"{topic}-{partition}"
            assert theirs.is_dir(), theirs
            for path in theirs.iterdir():
                if path.name != "partition.metadata":
                    path.unlink()
            for pattern in OURS:
                for path in (data / theirs.name).glob(pattern):
                    shutil.copy(path, theirs)


def check(home, codec):
    data = record(home, codec)
    broker = Broker(f"{home}/broker-{codec}")
    with broker.running():
        admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": broker.address})
        made = admin.create_topics([confluent_kafka.admin.NewTopic(topic, PARTITIONS, 1) for topic in TOPICS])
        for future in made.values():
            future.result(30)
    assert (broker.log_dir / ".kafka_cleanshutdown").exists(), "the broker was not stopped but killed"
    put_in_place(data, broker)
    wanted = td.digests(data, TOPICS)
    with broker.running():
        got = {f"{t}-{p}": consuming.digest(broker.address, t, p) for t in TOPICS for p in range(PARTITIONS)}
    assert got == wanted, (got, wanted)
    total = sum(count for count, _ in got.values())
    assert total >= RECORDS_LEAST, f"{total} records are too few to say anything"
    segments = len(list(data.glob("*-[0-9]/*.log")))
    print(f"{codec}: {total} records in {segments} segments served by the broker as they are read by us")


def main():
    with td.folder() as home:
        check(home, "lz4")
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
