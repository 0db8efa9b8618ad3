#!/usr/bin/env python3
"""tests/services/run_copy.py - `tapedeck log copy` from a folder to a real broker and back: there transactions leave holes
between records, and what comes back is what went, places that records name among it. A run goes on in all three of them
alike; copies that are killed go on.
"""
import os
import pathlib
import random
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import admin  # noqa: E402
import confluent_kafka  # noqa: E402
import consuming  # noqa: E402
import copying  # noqa: E402
import tapedeck as td  # noqa: E402
from broker import one_broker  # noqa: E402

SEED = int(os.environ.get("SEED") or random.randrange(1 << 30))
cases = td.Cases()
broker = None


def to(prefix):
    return ["--to-kafka", broker.address, "--to-prefix", prefix]


def at(prefix):
    return ["--kafka", broker.address, "--prefix", prefix]


def run_on_kafka(home, name, prefix, length):
    sets = [word for text in (f"log.kafka={broker.address}", f"log.prefix={prefix}") for word in ("--set", text)]
    return td.run(copying.market(home, name, length=length), *sets)


def equal_on_kafka(prefix, wanted):
    """By the broker's own consumer. Of a tape whose records name places, and so others there, only how many there are."""
    different = {}
    for name, digest in wanted.items():
        topic, partition = name.rsplit("-", 1)
        got = consuming.digest(broker.address, prefix + topic, int(partition))
        if got != digest and (topic != "tape" or got[0] != digest[0]):
            different[name] = (got, digest)
    assert not different, dict(list(different.items())[:4])
    return sum(count for count, _ in wanted.values())


@cases.add
def there_and_back(home):
    log, back = copying.history(home), f"{home}/back"
    there = copying.copy("--data", log, *to("back."))
    shifted = sum(record["offset"] != other["offset"] for record, other in zip(
        copying.records("tape", *at("back.")), copying.records("tape", "--data", log)))
    assert there["whole"] and there["waiting"] == 0 and shifted > 0, (there, shifted)
    returned = copying.copy(*at("back."), "--to", back)
    assert returned["copied"] == there["copied"], (there, returned)
    count = copying.same(["--data", log], ["--data", back], without=["timestamp"])  # which the brokers set
    assert copying.copy("--data", log, *to("back."))["copied"] == 0
    warmed, released = copying.named_places(copying.records("tape", *at("back.")))
    assert warmed >= 2 and released >= 3, (warmed, released)

    copying.day(home, 4)
    wanted = td.run(copying.market(home, "log", length=5))
    digests = td.digests(log)
    for run in (run_on_kafka(home, "elsewhere", "back.", 5), td.run(copying.market(home, "back", length=5))):
        for key in ("events", "bars", "signals", "quarantined"):
            assert run[key] == wanted[key] > 0, (key, run, wanted)
        assert run["diverged"] == 0, run
    assert td.digests(back) == digests
    equal_on_kafka("back.", digests)
    copying.day(home, 5)
    td.run(copying.market(home, "log", length=6))
    run_on_kafka(home, "elsewhere", "back.", 7)  # another program
    assert "holds something else" in copying.copy("--data", log, *to("back."), check=copying.EXIT_CONFIG)
    return f"{count} records there and back, {shifted} of the tape's at other offsets; {wanted['events']} events in each"


@cases.add
def killed_within_its_first_transaction(home):
    """What that leaves is a marker of the broker's, and no record."""
    log = copying.history(home)
    admin.make_topic(broker.address, "aborted.tape", copying.PARTITIONS, **{"message.timestamp.type": "LogAppendTime"})
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address, "transactional.id": "aborted.copy"})
    producer.init_transactions(30)
    producer.begin_transaction()
    for p in range(copying.PARTITIONS):
        producer.produce("aborted.tape", b"x", partition=p)
    assert producer.flush(30) == 0
    producer.abort_transaction(30)
    counted = copying.copy("--data", log, *to("aborted."))
    assert counted["whole"] and counted["found"] == 0, counted
    gone_on = run_on_kafka(home, "elsewhere", "aborted.", 6)
    assert gone_on["events"] == gone_on["bars"] == gone_on["diverged"] == 0, gone_on
    return f"{equal_on_kafka('aborted.', td.digests(log))} records"


@cases.add
def killed_and_gone_on(home):
    log = copying.history(home)
    rng = random.Random(SEED)
    killed = sum(copying.copy_killed(rng, 2.5, "--data", log, *to("killed.")) for _ in range(8))
    last = copying.copy("--data", log, *to("killed."))
    equal_on_kafka("killed.", td.digests(log))
    copying.copy(*at("killed."), "--to", f"{home}/back")
    copying.same(["--data", log], ["--data", f"{home}/back"], without=["timestamp"])
    assert killed >= 2 and last["whole"], (SEED, killed, last)
    gone_on = run_on_kafka(home, "elsewhere", "killed.", 6)
    assert gone_on["events"] == gone_on["bars"] == gone_on["diverged"] == 0, gone_on
    return f"killed {killed} times (seed {SEED}), {last['found']} records found at last"


@cases.add
def follows_a_run_on_kafka(home):
    """The mirror in a folder of a log on Kafka that a run writes."""
    copying.day(home, 2)
    file, mirror = copying.market(home, "elsewhere"), f"{home}/mirror"
    words = [word for text in (f"log.kafka={broker.address}", "log.prefix=live.", "speed=300x") for word in ("--set", text)]
    run = td.start(file, "--quiet", *words)
    td.wait_for(lambda: subprocess.run([td.PROGRAM, "log", "cat", "tape", "--limit", "1", *at("live.")], stderr=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, check=False).stdout, "a tape", 240)
    follower = subprocess.Popen([td.PROGRAM, "log", "copy", *at("live."), "--to", mirror, "--follow"], cwd=td.ROOT,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while run.poll() is None:
        time.sleep(0.2)
    assert run.returncode == 0 and follower.poll() is None, (run.communicate(), follower.poll())
    run.communicate()
    time.sleep(1)
    follower.terminate()
    said = follower.communicate(timeout=30)
    assert follower.returncode == 0, said
    return f"{equal_on_kafka('live.', td.digests(mirror))} records"


@cases.add
def another_count_of_partitions(home):
    log = copying.history(home)
    fewer = td.config(f"{home}/fewer.yaml", f"{home}/fewer", ["simulated: { seed: 1, ticks: 10 }"], partitions=2)
    td.run(fewer, "--set", f"log.kafka={broker.address}", "--set", "log.prefix=fewer.")
    said = copying.copy("--data", log, *to("fewer."), check=copying.EXIT_CONFIG)
    assert "has 2 partitions" in said and "a prefix that is not used" in said, said
    return said.strip()


def main():
    global broker
    with one_broker() as broker:
        return cases.run_at_once()


if __name__ == "__main__":
    sys.exit(main())
