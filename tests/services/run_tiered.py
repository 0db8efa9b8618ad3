#!/usr/bin/env python3
"""tests/services/run_tiered.py - a log on a broker with tiered storage (KIP-405), whose older segments are only there: the
tape is read from its start, whole; a run goes on; and states of another machine are made of it. A folder stands for the
storage of objects: LocalTieredStorage, of Kafka's own tests.
"""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import admin  # noqa: E402
import consuming  # noqa: E402
import fetch  # noqa: E402
import tapedeck as td  # noqa: E402
from broker import Broker  # noqa: E402

TICKS = 200_000
PREFIX = "tiered."
SMALL = {"remote.storage.enable": "true", "segment.bytes": str(1 << 20), "local.retention.bytes": str(1 << 20),
         "retention.bytes": "-1", "retention.ms": "-1", "message.timestamp.type": "LogAppendTime"}
TOPICS = ("tape", "bars")
SEGMENTS_LEAST = 5


def storage(folder):
    """Lines of server.properties."""
    package = f"org.apache.kafka:kafka-storage:{Broker.VERSION}:jar:test"
    jars = fetch.unpacked(package, f"kafka-storage-{Broker.VERSION}")
    return ["remote.log.storage.system.enable=true",
            "remote.log.storage.manager.class.name=org.apache.kafka.server.log.remote.storage.LocalTieredStorage",
            f"remote.log.storage.manager.class.path={jars}/*", "remote.log.metadata.manager.listener.name=PLAINTEXT",
            "rlmm.config.remote.log.metadata.topic.replication.factor=1", "rlmm.config.remote.log.metadata.topic.num.partitions=1",
            f"rsm.config.dir={folder}", "remote.log.manager.task.interval.ms=500", "log.retention.check.interval.ms=500",
            "log.initial.task.delay.ms=500"]


def segments(broker, remote, topic):
    """How many a broker has itself, and how many are in its storage."""
    return (len(list((broker.log_dir / f"{PREFIX}{topic}-0").glob("*.log"))),
            len([path for path in remote.rglob("*.log") if f"{PREFIX}{topic}-0" in str(path)]))


def told(*words):
    return subprocess.run([td.PROGRAM, *words], stdout=subprocess.PIPE, text=True, check=True, timeout=120).stdout


def check(home, broker, remote):
    for topic in TOPICS:
        admin.make_topic(broker.address, PREFIX + topic, 1, **SMALL)
    feeds = [f"simulated: {{ seed: 1, ticks: {TICKS} }}"]
    on = [word for text in (f"log.kafka={broker.address}", f"log.prefix={PREFIX}", "log.codec=none") for word in ("--set", text)]
    at_home = td.config(f"{home}/folder.yaml", f"{home}/folder", feeds, partitions=1, sink=False)
    td.run(at_home, "--set", "log.publish=[trades, quotes, news]")
    there = td.config(f"{home}/run.yaml", f"{home}/data", feeds, partitions=1, sink=False)
    summary = td.run(there, *on)
    assert summary["events"] == TICKS and summary["diverged"] == 0, summary

    td.wait_for(lambda: segments(broker, remote, "tape")[0] <= 2, lambda: segments(broker, remote, "tape"), 60)
    here, away = segments(broker, remote, "tape")
    assert away >= SEGMENTS_LEAST, (here, away)
    wanted = td.digests(f"{home}/folder", TOPICS)
    got = {f"{topic}-0": consuming.digest(broker.address, PREFIX + topic, 0) for topic in TOPICS}
    assert got == wanted, (got, wanted)

    where = ["--kafka", broker.address, "--prefix", PREFIX]
    told("log", "verify", *where)
    told("replay", *where, "--out", f"{home}/again")
    assert td.digests(f"{home}/again") == td.digests(f"{home}/folder"), "a replay differs"
    again = td.run(there, *on)
    assert again["events"] == 0 and again["diverged"] == 0, again
    elsewhere = td.config(f"{home}/elsewhere.yaml", f"{home}/elsewhere", feeds, partitions=1, sink=False)
    again = td.run(elsewhere, *on)
    assert again["events"] == 0 and again["diverged"] == 0, again
    return f"{wanted['tape-0'][0]} records of a tape of {away} segments, the last {here} on the broker: read, replayed, gone on with"


def main():
    with td.folder() as home:
        remote = pathlib.Path(home) / "remote"
        broker = Broker(f"{home}/broker", storage(remote))
        with broker.running():
            print(check(home, broker, remote))
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
