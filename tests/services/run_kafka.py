#!/usr/bin/env python3
"""tests/services/run_kafka.py - `tapedeck run` with its log on a real broker: recorded data give the same sequences of
(key, value) and the same rows as on the embedded log (design wall 5), killed and gone on with, too; read by another
consumer than ours. And what people are told where the cluster is not as it should be.
"""
import os
import pathlib
import random
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import consuming  # noqa: E402
import tapedeck as td  # noqa: E402
from broker import Broker  # noqa: E402

DATA = td.ROOT / "examples" / "data"
TO = "16:00" if "TAPEDECK_SOAK" in os.environ else "09:45"  # the whole day, or its first quarter of an hour
FEEDS = [f"file: {{ format: lean, path: {DATA}/lean/*.zip, ratio: 60, from: \"09:30\", to: \"{TO}\" }}",
         f"file: {{ format: binance-collector, path: {DATA}/binance/*.gz }}"]
STRATEGIES = [td.ROOT / "strategies/momentum.td", td.ROOT / "tests/data/rules.td"]
PARTITIONS = 3
TABLES = ("bars", "signals", "fills")
EXIT_USAGE, EXIT_CONFIG, EXIT_FAILED = 2, 3, 4
SEED = int(os.environ.get("SEED") or random.randrange(1 << 30))
cases = td.Cases()
broker = None


def file_for(home, **more):
    pathlib.Path(home).mkdir(exist_ok=True)
    return td.config(f"{home}/run.yaml", f"{home}/data", FEEDS, bars="[1s, 1m, 100 trades]", strategies=STRATEGIES,
                     partitions=PARTITIONS, **more)


def on_kafka(prefix, *more):
    return [word for text in (f"log.kafka={broker.address}", f"log.prefix={prefix}", *more) for word in ("--set", text)]


def embedded(home):
    summary = td.run(file_for(home))
    assert summary["bars"] > 3000 and summary["signals"] > 500, summary
    return td.digests(f"{home}/data"), {table: td.rows(f"{home}/data", table) for table in TABLES}


def compare(home, prefix, wanted, wanted_rows):
    names = [name.rsplit("-", 1) for name in wanted]
    got = {f"{topic}-{p}": consuming.digest(broker.address, prefix + topic, int(p)) for topic, p in names}
    different = sorted(name for name in wanted if got[name] != wanted[name])
    assert not different, {name: (got[name], wanted[name]) for name in different[:5]}
    for table in TABLES:
        assert td.rows(f"{home}/data", table) == wanted_rows[table], f"table {table} differs"
    return f"{len(got)} partitions, {sum(count for count, _ in got.values())} records equal"


@cases.add
def equal_to_the_embedded_log(home):
    wanted, wanted_rows = embedded(f"{home}/embedded")
    began = time.monotonic()
    summary = td.run(file_for(home), *on_kafka("once."))
    assert summary["diverged"] == 0, summary
    said = f"{summary['events']} events in {time.monotonic() - began:.1f} s, " + compare(home, "once.", wanted, wanted_rows)
    again = td.run(file_for(home), *on_kafka("once."))
    assert again["events"] == 0 and again["bars"] == 0 and again["diverged"] == 0, again

    elsewhere = td.run(file_for(f"{home}/elsewhere"), *on_kafka("once."))  # another machine: only the cluster knows
    assert elsewhere["events"] == 0 and elsewhere["bars"] == 0 and elsewhere["diverged"] == 0, elsewhere
    compare(f"{home}/elsewhere", "once.", wanted, wanted_rows)
    assert all(consuming.digest(broker.address, "once._snapshots", p)[0] >= 2 for p in range(PARTITIONS))
    settings = consuming.settings(broker.address, "once._snapshots")
    assert settings["cleanup.policy"] == "compact" and settings["message.timestamp.type"] == "LogAppendTime", settings

    killed = f"{home}/killed"
    rng, alive = random.Random(SEED), 0
    for _ in range(2):
        process = td.start(file_for(killed), *on_kafka("killed.", "speed=40x"))
        time.sleep(rng.uniform(3, 6))
        alive += process.poll() is None
        td.kill(process)
    last = td.run(file_for(killed), *on_kafka("killed."))
    assert last["diverged"] == 0 and alive > 0, (alive, last)
    return f"{said}; killed {alive} times (seed {SEED}): {compare(killed, 'killed.', wanted, wanted_rows)}"


def refused(home, code, *words, sets=(), **env):
    """What the run says when it does not begin."""
    file = td.config(f"{home}/refused.yaml", f"{home}/data", ["simulated: { seed: 1, ticks: 100 }"], bars="[1s]",
                     partitions=1)
    began = time.monotonic()
    done = subprocess.run([td.PROGRAM, "run", "--until-end", *(w for text in sets for w in ("--set", text)), file],
                          env=os.environ | env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          timeout=60)
    took = time.monotonic() - began
    assert done.returncode == code, (done.returncode, done.stderr)
    for word in words:
        assert word in done.stderr, (word, done.stderr)
    return f"exit {code} after {took:.1f} s: {done.stderr.splitlines()[-1]}"


@cases.add
def nobody_is_there(home):
    return refused(home, EXIT_FAILED, "127.0.0.1:1", "Connection refused", "log.kafka", sets=["log.kafka=127.0.0.1:1"])


@cases.add
def a_login(home):
    sets = [f"log.kafka={broker.login_address}", "log.prefix=login.", "log.properties.security.protocol=sasl_plaintext",
            "log.properties.sasl.mechanism=PLAIN", f"log.properties.sasl.username={broker.USER}"]
    said = refused(home, EXIT_CONFIG, "uthentication", sets=[*sets, "log.password=${WORD}"], WORD="wrong-word")
    assert "wrong-word" not in said, said
    refused(home, EXIT_USAGE, "a secret is not written here", sets=[*sets, "log.properties.sasl.password=deck"])
    refused(home, 0, sets=[*sets, "log.password=${WORD}"], WORD=broker.PASSWORD)
    return said


@cases.add
def another_partition_count(home):
    refused(home, 0, sets=[f"log.kafka={broker.address}", "log.prefix=count."])
    return refused(home, EXIT_CONFIG, "count.tape has 1 partitions, not 2", "log.partitions",
                   sets=[f"log.kafka={broker.address}", "log.prefix=count.", "log.partitions=2"])


@cases.add
def a_record_too_large(home):
    return refused(home, EXIT_USAGE, "too large", "message.max.bytes",
                   sets=[f"log.kafka={broker.address}", "log.prefix=large.", "log.properties.message.max.bytes=1000"])


@cases.add
def a_folder_of_another_log(home):
    refused(home, 0, sets=[f"log.kafka={broker.address}", "log.prefix=one."])
    said = refused(home, EXIT_CONFIG, "another log", "log.dir", sets=[f"log.kafka={broker.address}", "log.prefix=two."])
    refused(home, EXIT_CONFIG, "on Kafka", "log.dir")
    return said


def main():
    global broker
    with td.folder() as home:
        broker = Broker(f"{home}/broker")
        with broker.running():
            return cases.run_at_once()


if __name__ == "__main__":
    sys.exit(main())
