#!/usr/bin/env python3
"""tests/services/run_kafka.py - `tapedeck run` with its log on a real broker: recorded data give the same sequences of
(key, value) and the same rows as on the embedded log (design wall 5), killed and gone on with, too; read by another
consumer than ours. And what people are told where the cluster is not as it should be.
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import time
import urllib.request

import confluent_kafka

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import admin  # noqa: E402
import consuming  # noqa: E402
import tapedeck as td  # noqa: E402
from broker import one_broker  # noqa: E402
from fetch import free_port  # noqa: E402

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
    summary = td.run(file_for(home), "--set", "log.publish=[trades, quotes, news]")  # as on Kafka
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
    settings = admin.settings(broker.address, "once._snapshots")
    assert settings["cleanup.policy"] == "compact" and settings["message.timestamp.type"] == "LogAppendTime", settings

    killed = f"{home}/killed"
    rng, alive, forgotten = random.Random(SEED), 0, 0
    for _ in range(2):
        process = td.start(file_for(killed), *on_kafka("killed.", "speed=40x"))
        td.wait_for(lambda run=process: admin.groups(broker.address, "killed.work-") or run.poll() is not None, "a commit", 120)
        time.sleep(rng.uniform(0, 3))
        alive += process.poll() is None
        td.kill(process)
        forgotten += admin.forget_positions(broker.address, "killed.work-")  # as after weeks: nothing rests on them
    last = td.run(file_for(killed), *on_kafka("killed."))
    assert last["diverged"] == 0 and alive == 2 and forgotten >= 2, (alive, forgotten, last)
    return f"{said}; killed {alive} times (seed {SEED}): {compare(killed, 'killed.', wanted, wanted_rows)}"


def told(*words, code=0):
    """What a command says."""
    done = subprocess.run([td.PROGRAM, *words], cwd=td.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, timeout=120)
    assert done.returncode == code, (words, done.returncode, done.stdout[-500:], done.stderr)
    return done.stdout if code == 0 else done.stderr


def lines_of(text, *without):
    """Objects, a line each; where and when a record was appended is not as in another log."""
    return [{key: value for key, value in json.loads(line).items() if key not in without} for line in text.splitlines()]


ALIKE = ["bars LEAN:IBM 1m --json", "bars BINANCE:BTCUSDT 1s --as-of 2021-01-01T00:00:05Z --json", "gaps --json",
         "quarantine ls --json", "explain --all --json", "explain window LEAN:IBM 1m 2013-10-07T13:41Z --json", "feeds --json"]


def same_as_embedded(home, here, there):
    for words in ALIKE:
        assert told(*words.split(), *here) == told(*words.split(), *there), words
    for words in ("fills --instrument LEAN:IBM --json", "log cat signals --key LEAN:IBM"):
        place = ["appended_ms", "offset", "epoch", "timestamp", "cause", "time"]
        got, wanted = (lines_of(told(*words.split(), *which), *place) for which in (here, there))
        assert got == wanted and len(got) > 20, (words, len(got), len(wanted), got[:1], wanted[:1])
    signal = lines_of(told("log", "cat", "signals", "--key", "LEAN:IBM", *there))[0]["value"]["id"]
    assert "made again, the same byte for byte" in told("explain", signal, *here), signal
    counts = [{(one["topic"], one["partition"]): one["records"] for one in lines_of(told("log", "verify", "--json", *which))
               if one.get("topic") in td.TOPICS} for which in (here, there)]
    assert counts[0] == counts[1] and sum(counts[0].values()) > 100000, counts
    told("replay", *here, "--out", f"{home}/again")
    assert td.digests(f"{home}/again") == td.digests(f"{home}/embedded/data")
    return f"{len(ALIKE) + 5} commands say what they say of a folder, {sum(counts[0].values())} records"


@cases.add
def read_while_it_runs(home):
    """By who may read alone, and takes nothing from who writes."""
    embedded(f"{home}/embedded")
    login = ["security.protocol: sasl_plaintext", "sasl.mechanism: PLAIN", f"sasl.username: {broker.GUEST}"]
    by_login = pathlib.Path(f"{home}/guest.yaml")
    by_login.write_text(f"log: {{ dir: {home}/data, kafka: \"{broker.login_address}\", prefix: read., "
                        f"properties: {{ {', '.join(login)} }}, password_file: {home}/word }}\n", encoding="utf-8")
    pathlib.Path(f"{home}/word").write_text(broker.GUEST_PASSWORD, encoding="utf-8")
    admin.allow(broker.address, broker.GUEST, "read.", "READ", "DESCRIBE")
    by_address = ["--kafka", broker.address, "--prefix", "read."]
    file = file_for(home)
    process = td.start(file, "--quiet", *on_kafka("read.", "speed=10x"))
    asked = 0
    td.wait_for(lambda: subprocess.run([td.PROGRAM, "bars", "LEAN:IBM", "1m", *by_address], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, check=False).returncode == 0, "a log with bars", 60)
    while process.poll() is None:
        for words in ("log ls", "log verify", "bars LEAN:IBM 1m", "gaps", "fills", "positions ls", "status", "log cat bars --limit 9"):
            told(*words.split(), *(by_address if asked % 2 else ["--config", by_login]))
            asked += 1
    out, said = process.communicate(timeout=60)
    summary = json.loads(out.splitlines()[-1])
    assert asked > 8 and process.returncode == 0 and summary["diverged"] == 0 and "fenced" not in said, (summary, said)
    here, there = ["--config", by_login], ["--data", f"{home}/embedded/data"]
    return f"{asked} commands beside a run; " + same_as_embedded(home, here, there)


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


def checked(file, *sets):
    """What `check --connect` finds: (severity, text) of each."""
    done = subprocess.run([td.PROGRAM, "check", "--connect", "--json", *(w for text in sets for w in ("--set", text)), file],
                          cwd=td.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    answer = json.loads(done.stdout)
    assert done.returncode == (EXIT_CONFIG if answer["errors"] else 0), (done.returncode, answer)
    return [(f["severity"], f"{f.get('key', '')}: {f['message']}") for f in answer["findings"]]


def expect_findings(findings, *wanted):
    """Each (severity, words) is one of them, and there are no others."""
    left = list(findings)
    for severity, *words in wanted:
        found = [f for f in left if f[0] == severity and all(word in f[1] for word in words)]
        assert len(found) == 1, (severity, words, left)
        left.remove(found[0])
    assert not left, left


@cases.add
def check_of_a_cluster(home):
    """What a run would trip over, before it does."""
    file = td.config(f"{home}/run.yaml", f"{home}/data", ["simulated: { seed: 1, ticks: 100 }"], bars="[1s]", partitions=2)
    on = [f"log.kafka={broker.address}", "log.prefix=check."]
    expect_findings(checked(file, *on))
    everything = checked(file, on[0])  # without a prefix it looks at the topics of the other cases, too
    assert any(level == "warning" and "Confluent's registry" in text for level, text in everything), everything
    admin.make_topic(broker.address, "check.tape", 2, **{
        "cleanup.policy": "compact", "retention.ms": "1000", "min.insync.replicas": "2", "max.message.bytes": "1000",
        "unclean.leader.election.enable": "true"})
    admin.make_topic(broker.address, "check.bars", 5, **{"message.timestamp.type": "LogAppendTime"})
    admin.make_topic(broker.address, "check._programs", 1,
                     **{"retention.ms": "1000", "message.timestamp.type": "LogAppendTime"})
    expect_findings(
        checked(file, *on, "log.replicas=3", "log.retain_time=3d"),
        ("error", "topic bars has 5 partitions and must have 2"),
        ("error", "check._programs: retention.ms is 1000", "-1"),
        ("error", "check.tape: cleanup.policy is compact", "delete"), ("error", "check.tape: min.insync.replicas is 2"),
        ("error", "check.tape: unclean.leader.election.enable is true"), ("warning", "check.tape: retention.ms is 1000"),
        ("warning", "check.tape: message.timestamp.type is CreateTime"), ("warning", "check.tape: max.message.bytes is 1000"),
        ("error", "eplication factor", "log.replicas"))
    said = [text for _, text in checked(file, *on, "log.partitions=7") if text.startswith("log.partitions: 7, ")]
    assert len(said) == 1 and "has 2" in said[0], said
    login = [f"log.kafka={broker.login_address}", "log.prefix=rights.", "log.properties.security.protocol=sasl_plaintext",
             "log.properties.sasl.mechanism=PLAIN", f"log.properties.sasl.username={broker.GUEST}",
             f"log.password_file={home}/word"]
    pathlib.Path(f"{home}/word").write_text(broker.GUEST_PASSWORD, encoding="utf-8")
    expect_findings(checked(file, *login), ("error", "uthorization failed", "CREATE"), ("error", "uthorization failed", "WRITE"))
    said = refused(home, EXIT_CONFIG, "uthorization failed", sets=login)
    assert "fenced" not in said.lower(), said
    told("run", "--until-end", "--set", f"log.kafka={broker.address}", "--set", "log.prefix=rights.", file)
    admin.allow(broker.address, broker.GUEST, "rights.", "DESCRIBE", "DESCRIBE_CONFIGS", "CREATE", "WRITE")
    expect_findings(checked(file, *login), ("error", "reading", "uthorization failed", "READ"))
    admin.allow(broker.address, broker.GUEST, "rights.", "READ")
    expect_findings(checked(file, *login))
    return "each finding, and no other"


@cases.add
def what_topics_keep(home):
    feed = "websocket: { name: raw, url: \"ws://127.0.0.1:1\", format: binance, raw: true }"
    file = td.config(f"{home}/run.yaml", f"{home}/data", [feed], partitions=2)
    process = td.start(file, "--quiet", *on_kafka("keep.", "log.retain=1GB", "log.retain_time=3d", "log.raw_retain=16MB"))
    wanted = {"raw.raw": (16 << 20, -1), "bars": (1 << 29, 3 * 86400 * 1000), "_schemas": (-1, -1)}
    td.wait_for(lambda: wanted.keys() <= admin.topics(broker.address, "keep."), "the topics", 60)
    process.terminate()
    process.communicate(timeout=60)
    for topic, (size, ms) in wanted.items():
        got = admin.settings(broker.address, f"keep.{topic}")
        assert (got["retention.bytes"], got["retention.ms"]) == (str(size), str(ms)), (topic, got)
    return f"{len(wanted)} topics"


def answered(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return json.load(answer)


def groups_of_others(port, topic):
    """Those that have committed where they read it, whatever is behind it; not this log's own, nor who reads another topic."""
    def commit(group, **offsets):
        reader = confluent_kafka.Consumer({"bootstrap.servers": broker.address, "group.id": group})
        places = [confluent_kafka.TopicPartition(topic, int(name[1:]), offset) for name, offset in offsets.items()]
        if not places:
            places = [confluent_kafka.TopicPartition("browse.market_data", 0, 1)]
        reader.commit(offsets=places, asynchronous=False)
        reader.close()

    commit("grafana", p0=3, p1=10)
    commit("browse.work-shop", p1=7)  # its name is nearly ours
    commit("elsewhere")
    ends = {row["partition"]: row["end"] for row in answered(port, "/api/v1/topics/bars")["offsets"]}
    wanted = [("browse.work-shop", 1, 7), ("grafana", 0, 3), ("grafana", 1, 10)]
    said = answered(port, "/api/v1/topics/bars/groups")
    told_of = [(row["group"], row["partition"], row["offset"], row["lag"]) for row in said["groups"]]
    assert told_of == [(name, p, at, ends[p] - at) for name, p, at in wanted] and said["complete"] is True, said
    own = answered(port, "/api/v1/topics/tape/groups")
    assert own["groups"] == [], own  # its workers are told as readers
    return [name for name, *_ in wanted]


@cases.add
def topics_are_browsed(home):
    """By a process that but serves: as `log ls` and `log cat` tell them, with what others have written."""
    file = td.config(f"{home}/run.yaml", f"{home}/data", ["simulated: { seed: 1, ticks: 3000 }"], bars="[1s]", partitions=2)
    td.run(file, *on_kafka("browse."))
    port = free_port()
    sets = on_kafka("browse.", f"serve.listen=127.0.0.1:{port}", f"log.dir={home}/server")
    server = subprocess.Popen([td.PROGRAM, "run", "--quiet", "--role", "serve", *sets, file], cwd=td.ROOT,
                              stderr=subprocess.PIPE, text=True)
    try:
        def listed():
            try:
                return {topic["topic"]: topic for topic in answered(port, "/api/v1/topics")["topics"]}
            except OSError:
                assert server.poll() is None, server.communicate()[1]
                return {}
        td.wait_for(lambda: "bars" in listed(), listed, 60)
        here = ["--kafka", broker.address, "--prefix", "browse."]
        wanted = lines_of(told("log", "ls", "--json", *here))
        assert listed().keys() == {row["topic"] for row in wanted}, listed().keys()
        for topic in ("tape", "bars"):
            nothing = answered(port, f"/api/v1/topics/{topic}/records?partition=0&offset={9 * 10**18}")
            assert nothing["records"] == [], nothing  # nor is that taken for the topic's end
            said = answered(port, f"/api/v1/topics/{topic}")
            assert [(row["start"], row["end"], row["synced"], row["bytes"]) for row in said["offsets"]] == [
                (row["start"], row["end"], row["end"], None) for row in wanted if row["topic"] == topic], said
        readers = answered(port, "/api/v1/topics/tape")["readers"]
        assert [(r["reader"], r["partition"], r["lag"] < 5) for r in readers] == [("worker", 0, True), ("worker", 1, True)], readers
        seen = 0
        for partition in (0, 1):
            path, records = f"/api/v1/topics/bars/records?partition={partition}&limit=333", []
            while path:
                page = answered(port, path)
                path, records = page["next"], records + page["records"]
            assert records[::-1] == lines_of(told("log", "cat", "bars", "--partition", str(partition), *here))
            seen += len(records)
        assert seen > 500, seen
        producer = confluent_kafka.Producer({"bootstrap.servers": broker.address})
        admin.make_topic(broker.address, "browse.market_data", 1)
        producer.produce("browse.market_data", key="a", value='{"px": 1.5}', headers={"trace": "7"})
        assert producer.flush(30) == 0
        td.wait_for(lambda: "market_data" in listed(), listed, 60)  # no sooner than 10 s after the look before
        record, = answered(port, "/api/v1/topics/market_data/records")["records"]
        assert (record["key"], record["value"], record["headers"]) == ("a", {"px": 1.5}, [{"name": "trace", "value": "7"}]), record
        seen_by = groups_of_others(port, "browse.bars")
        admin.drop_topic(broker.address, "browse.market_data")
        td.wait_for(lambda: listed().keys() == {row["topic"] for row in wanted}, listed, 60)  # and goes on telling of all others
    finally:
        server.terminate()
        server.communicate(timeout=60)
    return f"{len(wanted)} partitions, {seen} records, a topic of somebody else's, groups {seen_by}"


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
    with one_broker() as broker:
        return cases.run_at_once()


if __name__ == "__main__":
    sys.exit(main())
