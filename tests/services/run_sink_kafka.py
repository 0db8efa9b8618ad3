#!/usr/bin/env python3
"""tests/services/run_sink_kafka.py - results as JSON in topics that others name: one for each symbol, or some partitions by
instrument. Each row is there once, in the log's order, whoever dies: the run by kill -9, or the broker.
"""
import collections
import json
import os
import pathlib
import random
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import admin  # noqa: E402
import consuming  # noqa: E402
import tapedeck as td  # noqa: E402
from broker import Broker, one_broker  # noqa: E402

DATA = td.ROOT / "examples" / "data"
FEEDS = [f'file: {{ format: lean, path: {DATA}/lean/*.zip, ratio: 60, from: "09:30", to: "09:45" }}',
         f"file: {{ format: binance-collector, path: {DATA}/binance/*.gz }}"]
PARTITIONS = 3
SEED = int(os.environ.get("SEED") or random.randrange(1 << 30))
EXIT_USAGE, EXIT_CONFIG = 2, 3
cases = td.Cases()
broker = None


def config(home, sink, feeds=tuple(FEEDS), log=""):
    pathlib.Path(home).mkdir(exist_ok=True)
    text = td.config(f"{home}/run.yaml", f"{home}/data", feeds, bars="[1s, 1m]", strategies=[td.ROOT / "strategies/momentum.td"],
                     partitions=PARTITIONS, sink=False, extra=f"sinks:\n  - kafka: {{ brokers: \"{broker.address}\", {sink} }}\n")
    text.write_text(text.read_text().replace("log: { ", f"log: {{ publish: [trades, quotes], {log}"))
    return text


def logged(data, topic):
    """{instrument: the JSON of each of its records, in order}"""
    found = collections.defaultdict(list)
    done = subprocess.run([td.PROGRAM, "log", "cat", topic, "--data", data], check=True, stdout=subprocess.PIPE, text=True)
    for line in map(json.loads, done.stdout.splitlines()):
        found[line["key"]].append({name: value for name, value in line["value"].items() if name != "schema"})
    return found


def sent(topic, partition=0):
    """{instrument: …} of one partition, and where each record came from, once."""
    found, sources = collections.defaultdict(list), collections.Counter()
    for message in consuming.committed(broker.address, topic, partition):
        found[message.key().decode()].append(json.loads(message.value()))
        sources[dict(message.headers())["source"]] += 1
    assert all(n == 1 for n in sources.values()), sources.most_common(3)
    return found


def topics(prefix):
    return {name for name in admin.topics(broker.address, prefix) if not name.startswith("_")}


def expect_sent(prefix, data, of, name):
    """Each instrument's records in its topic, and no other topic."""
    wanted = logged(data, of)
    names = {name(instrument): instrument for instrument in wanted}
    assert topics(prefix) == set(names), (topics(prefix), names)
    for topic, instrument in names.items():
        got = sent(prefix + topic)
        assert list(got) == [instrument] and got[instrument] == wanted[instrument], (topic, len(got[instrument]))
    return sum(map(len, wanted.values())), len(names)


def by_symbol(instrument):
    return instrument.split(":")[1] + "_topic"


@cases.add
def one_for_each_symbol(home):
    file = config(home, 'of: [trades], topic: "{symbol}_topic", prefix: "each."')
    td.run(file)
    count, names = expect_sent("each.", f"{home}/data", "trades", by_symbol)
    settings = admin.settings(broker.address, "each.IBM_topic")
    assert settings["message.timestamp.type"] == "LogAppendTime" and settings["retention.ms"] == str(7 * 86400 * 1000), settings
    assert admin.settings(broker.address, "each._sink.kafka")["cleanup.policy"] == "compact"
    again = td.run(file)
    assert again["events"] == 0 and expect_sent("each.", f"{home}/data", "trades", by_symbol) == (count, names)
    return f"{count} trades in {names} topics"


@cases.add
def some_partitions_by_instrument(home):
    """As Kafka's own clients choose them, in a topic that somebody else has made."""
    admin.make_topic(broker.address, "some.bars-for-all", 4, **{"message.timestamp.type": "CreateTime"})
    td.run(config(home, 'of: [bars, bars], topic: "{topic}-for-all", prefix: "some."'))
    wanted, got = logged(f"{home}/data", "bars"), {}
    for p in range(4):
        there = sent("some.bars-for-all", p)
        assert not got.keys() & there.keys(), p
        got |= there
    assert got == wanted and len(wanted) > 5
    stamps = [message.timestamp()[1] for p in range(4) for message in consuming.committed(broker.address, "some.bars-for-all", p)]
    assert all(abs(ms / 1000 - time.time()) < 600 for ms in stamps), stamps[:3]  # when they were appended: retention goes by that
    return f"{sum(map(len, wanted.values()))} bars"


@cases.add
def killed_and_gone_on(home):
    file = config(home, 'of: [quotes, bars], topic: "{venue}.{symbol}.{topic}", prefix: "killed."')
    rng, alive = random.Random(SEED), 0
    for _ in range(6):
        process = td.start(file, "--set", "speed=15x")  # a minute: it is alive whenever it is killed, on a quick machine, too
        time.sleep(rng.uniform(0.5, 2.5))
        alive += process.poll() is None
        td.kill(process)
    td.run(file)
    for of in ("quotes", "bars"):
        wanted = logged(f"{home}/data", of)
        for instrument, rows in wanted.items():
            got = sent(f"killed.{instrument.replace(':', '.')}.{of}")
            assert got[instrument] == rows and len(got) == 1, (SEED, of, instrument, len(rows), len(got[instrument]))
    assert alive == 6, (SEED, alive)
    return f"killed {alive} times (seed {SEED})"


def run_to_the_end(file, *words):
    """Exit code and what it said."""
    done = subprocess.run([td.PROGRAM, "run", "--until-end", "--quiet", *words, file], cwd=td.ROOT, stderr=subprocess.PIPE, text=True,
                          check=False, timeout=60)
    return done.returncode, done.stderr


@cases.add
def what_cannot_be(home):
    told = []
    for sink, word in (('topic: "{symbal}"', "{symbal} is none of {symbol}"), ('topic: "a b"', "names of topics"),
                       ('topic: t, of: [orders]', 'nothing is called "orders"'), ('topic: t, of: [news]', "log.publish"),
                       ('topic: t, of: [rejected]', 'have no place for rejected')):
        file = config(f"{home}/x", f'{sink}, prefix: "wrong."')
        code, text = run_to_the_end(file)
        assert code == (EXIT_USAGE if "of:" in sink else EXIT_CONFIG) and word in text, (sink, code, text)
        told.append(word)
    return f"{len(told)} mistakes named"


@cases.add
def two_of_one_name(home):
    """Told, and not mixed: the one who came first keeps the name, in later runs, too."""
    for venue, price in (("A", 1), ("B", 2)):
        rows = "".join(f"2024-01-02T10:00:0{n}Z,{venue}:X,{price},1\n" for n in range(5))
        pathlib.Path(f"{home}/{venue}.csv").write_text(f"time,instrument,price,size\n{rows}")

    def feed(venue):
        return f"file: {{ name: {venue}, format: csv, path: {home}/{venue}.csv }}"

    said = []
    for names in ("A", "AB", "AB"):
        file = config(home, 'of: [trades], topic: "{symbol}", prefix: "one."', feeds=[feed(v) for v in names])
        said.append(run_to_the_end(file))
    assert said[0][0] == 0 and all(code != 0 and "A:X and for B:X" in text and "{venue}" in text for code, text in said[1:]), said
    assert list(sent("one.X")) == ["A:X"]
    return said[1][1].splitlines()[-1]


@cases.add
def the_broker_dies(home):
    """Within transactions, some of whose results nobody knows."""
    global broker
    usual, broker = broker, Broker(f"{home}/broker")
    try:
        with broker.running() as process:
            run = td.start(config(home, 'of: [quotes], topic: "{symbol}_topic", prefix: "dies."'), "--set", "speed=60x")
            td.wait_for(lambda: topics("dies."), "the first rows", 60)
            time.sleep(random.Random(SEED).uniform(0.1, 2))
            process.kill()
            process.wait()
        time.sleep(3)
        alive = run.poll() is None
        with broker.running():
            out, err = run.communicate(timeout=200)
            assert run.returncode == 0 and alive, (SEED, out, err)
            count, names = expect_sent("dies.", f"{home}/data", "quotes", by_symbol)
    finally:
        broker = usual
    return f"{count} quotes in {names} topics (seed {SEED})"


@cases.add
def the_cluster_of_the_log(home):
    """Brokers, prefix and properties are those of the log where none are named."""
    file = td.config(f"{home}/run.yaml", f"{home}/data", FEEDS[:1], bars="[1m]", partitions=PARTITIONS, sink=False,
                     extra='sinks:\n  - kafka: { of: [bars], topic: "{symbol}_bars" }\n')
    on_log = ["--set", f"log.kafka={broker.address}", "--set", "log.prefix=same."]
    td.run(file, *on_log)
    code, text = run_to_the_end(td.config(
        f"{home}/wrong.yaml", f"{home}/data", FEEDS[:1], bars="[1m]", partitions=PARTITIONS, sink=False,
        extra='sinks:\n  - kafka: { topic: "{topic}" }\n'), *on_log)
    assert code == EXIT_USAGE and "topics of the log itself" in text, (code, text)
    count = len(list(consuming.committed(broker.address, "same.IBM_bars", 0)))
    assert count == 15, count
    return f"{count} bars"


@cases.add
def another_log(home):
    """Its offsets mean something else there, also where that one has as many."""
    td.run(config(home, 'of: [bars], topic: "{symbol}_topic", prefix: "two."'))
    other = config(f"{home}/other", 'of: [bars], topic: "{symbol}_topic", prefix: "two."', feeds=FEEDS[:1])
    code, text = run_to_the_end(other)
    assert code == EXIT_CONFIG and "was filled from another log, made at" in text, (code, text)
    return text.splitlines()[-1]


def main():
    global broker
    with one_broker() as broker:
        return cases.run()


if __name__ == "__main__":
    sys.exit(main())
