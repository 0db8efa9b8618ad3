#!/usr/bin/env python3
"""tests/services/run_registry.py - a log on a real broker whose schemas are in a real registry: the same results as in a
folder, read by Confluent's own client with that registry's ids; a registry that is away, wrong, full of something else or
behind a login is told as such, and nothing is written where it refuses.
"""
import json
import os
import pathlib
import random
import signal
import struct
import subprocess
import sys
import threading
import time
import warnings

warnings.simplefilter("ignore")  # of what the client's own libraries say of each other

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e"), str(pathlib.Path(__file__).resolve().parents[1] / "fault")]
import admin  # noqa: E402
import apicurio  # noqa: E402
import confluent_kafka  # noqa: E402
import consuming  # noqa: E402
import copying  # noqa: E402
import serving  # noqa: E402
import tapedeck as td  # noqa: E402
from broker import Broker  # noqa: E402
from confluent_kafka.schema_registry import SchemaRegistryClient  # noqa: E402
from confluent_kafka.schema_registry.avro import AvroDeserializer  # noqa: E402
from confluent_kafka.serialization import MessageField, SerializationContext  # noqa: E402

DATA = td.ROOT / "examples" / "data"
FEEDS = [f"file: {{ format: lean, path: {DATA}/lean/*.zip, ratio: 60, from: \"09:30\", to: \"09:40\" }}",
         f"file: {{ format: binance-collector, path: {DATA}/binance/*.gz }}"]
STRATEGIES = [td.ROOT / "strategies/momentum.td", td.ROOT / "tests/data/rules.td"]
PARTITIONS = 2
PUBLISHED = "log.publish=[trades, quotes, news]"  # as on Kafka
TABLES = ("bars", "signals", "fills")
OURS = 21  # schemas
SEED = int(os.environ.get("SEED") or random.randrange(1 << 30))
EXIT_CORRUPT, EXIT_USAGE, EXIT_CONFIG, EXIT_FAILED, TAKEN = 1, 2, 3, 4, 200
cases = td.Cases()
broker = registry = None


def file_for(home, feeds=None, **more):
    pathlib.Path(home).mkdir(exist_ok=True)
    return td.config(f"{home}/run.yaml", f"{home}/data", feeds or FEEDS, bars="[1s, 1m]",
                     strategies=() if feeds else STRATEGIES, partitions=PARTITIONS, **more)


def small(home, ticks=1000, **more):
    return file_for(home, [f"simulated: {{ seed: 1, ticks: {ticks} }}"], **more)


def on(prefix, *more, at=None):
    texts = (f"log.kafka={broker.address}", f"log.prefix={prefix}", f"log.registry={at or registry.url}", *more)
    return [word for text in texts for word in ("--set", text)]


def told(*words, code=0):
    done = subprocess.run([td.PROGRAM, *map(str, words)], cwd=td.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False, timeout=120)
    assert done.returncode == code, (words, done.returncode, done.stdout[-500:], done.stderr)
    return done.stdout if code == 0 else done.stderr


class Running:
    """A run in the background; what it says is there at once. Whatever comes of a case, none outlives this program."""

    all = []

    def __init__(self, file, *options):
        self.process = td.start(file, "--log", "json", *options)
        self.all.append(self.process)
        self.lines = []
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stderr), daemon=True)
        self.reader.start()

    def says(self, event, count=1):
        """Waits until it has said that so often."""
        td.wait_for(lambda: self.said(event) >= count or self.process.poll() is not None, lambda: (event, self.lines), 60)
        assert self.said(event) >= count, (event, self.lines)
        return next(line for line in reversed(self.lines) if f'"event":"{event}"' in line)

    def said(self, event):
        return sum(f'"event":"{event}"' in line for line in self.lines)

    def end(self):
        code = self.process.wait(120)
        self.reader.join(10)
        assert code == 0, (code, self.lines)
        return json.loads(self.process.stdout.read().splitlines()[-1])


def results(home):
    return {table: td.rows(f"{home}/data", table) for table in TABLES}


def values(topic, *where):
    """What a topic holds, by the log's own reader: ids and offsets aside."""
    lines = [json.loads(line) for line in told("log", "cat", topic, *where).splitlines()]
    return sorted((line["partition"], line["key"] or "", json.dumps(line["value"], sort_keys=True)) for line in lines)


def decoded(topic, count, partitions=PARTITIONS):
    """So many values by Confluent's client."""
    reader = AvroDeserializer(SchemaRegistryClient({"url": registry.url}))
    consumer = confluent_kafka.Consumer({"bootstrap.servers": broker.address, "group.id": f"reader-{topic}",
                                         "isolation.level": "read_committed", "enable.partition.eof": True})
    places = [confluent_kafka.TopicPartition(topic, p, consuming.first_offset(consumer, topic, p)) for p in range(partitions)]
    consumer.assign(places)
    got, ended = [], set()
    while len(ended) < partitions and len(got) < count:
        message = consumer.poll(10)
        assert message is not None, (topic, len(got))
        if message.error() is None:
            got.append(((message.key() or b"").decode(), reader(message.value(), SerializationContext(topic, MessageField.VALUE))))
        else:
            ended.add(message.partition())
    consumer.close()
    return got


@cases.add
def a_whole_run(home):
    """As in a folder; the schemas are in the registry alone."""
    td.run(file_for(f"{home}/embedded"), "--set", PUBLISHED)
    file = file_for(home)
    summary = td.run(file, *on("whole."))
    assert summary["diverged"] == 0 and summary["bars"] > 1000, summary
    assert results(home) == results(f"{home}/embedded")
    assert "_schemas" not in admin.topics(broker.address, "whole.") and "tape" in admin.topics(broker.address, "whole.")
    there = ["--kafka", broker.address, "--prefix", "whole.", "--registry", registry.url]
    for topic in ("bars", "gaps", "fills", "trades", "quotes"):
        assert values(topic, *there) == values(topic, "--data", f"{home}/embedded/data"), topic
    for words in ("bars LEAN:IBM 1m --json", "gaps --json", "explain --all --json"):
        assert told(*words.split(), *there) == told(*words.split(), "--data", f"{home}/embedded/data"), words
    assert "log.registry" in told("bars", "LEAN:IBM", "1m", *there[:4], code=EXIT_CONFIG)

    status, subjects = registry.client().ask("GET", "/subjects")
    mine = sorted(s for s in subjects if s.startswith("whole."))
    assert status == TAKEN and len(mine) == OURS and "whole.bars-value" in mine and "whole.tape-tapedeck.Trade" in mine, mine
    bars = [(key, value) for key, value in decoded("whole.bars", 1 << 30) if key == "LEAN:IBM"]
    shown = [line for line in values("bars", *there) if line[1] == "LEAN:IBM"]
    assert len(bars) == len(shown) > 100, (len(bars), len(shown))
    trades = [value for _, value in decoded("whole.tape", 2000) if "trade_id" in value]
    assert len(trades) > 100, len(trades)

    again = td.run(file, *on("whole."))
    assert again["events"] == 0 and again["diverged"] == 0, again
    return f"{summary['events']} events, {summary['bars']} bars as in a folder; {len(bars)} of them read by Confluent's client"


@cases.add
def away_at_the_start(home):
    """Told once, with the address; then it goes on."""
    other = apicurio.Server(home)
    run = Running(small(home), *on("away.", at=other.url))
    said = run.says("backing_off")
    assert other.url in said and "connect" in said and "started" in said, said
    time.sleep(2)
    assert run.said("backing_off") == 1 and not admin.topics(broker.address, "away."), run.lines
    with other.running():
        run.says("goes_on")
        summary = run.end()
    assert summary["events"] == 1000 and summary["diverged"] == 0, summary
    assert "gives no answer" in told("bars", "SIM:AAA", "1s", "--kafka", broker.address, "--prefix", "away.", "--registry",
                                     other.url, code=EXIT_FAILED)
    run = Running(small(home), *on("away.", at=other.url))
    run.says("backing_off")
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(20) == 0, run.lines
    return f"{summary['events']} events once it was there; told to end while it was away"


@cases.add
def away_while_it_runs(home):
    """What is known is enough; the next start waits, and makes nothing again."""
    td.run(file_for(f"{home}/embedded"))
    other, file = apicurio.Server(home), file_for(home)
    with other.running() as server:
        run = Running(file, *on("cut.", "speed=60x", at=other.url))
        td.wait_for(lambda: "tape" in admin.topics(broker.address, "cut."), "the tape", 60)
        time.sleep(2)
        assert run.process.poll() is None, run.lines
        td.kill(server)
        time.sleep(2)
        assert run.process.poll() is None, "the run has ended before the registry was killed"
        td.kill(run.process)
    run = Running(file, *on("cut.", at=other.url))
    run.says("backing_off")
    with other.running():
        summary = run.end()
    assert summary["diverged"] == 0 and summary["events"] > 1000, summary
    assert results(home) == results(f"{home}/embedded")
    return f"killed with the run, and {summary['events']} events behind the restart: as in a folder"


@cases.add
def refused_before_anything_is_written(home):
    """An older version that ours cannot follow."""
    client = registry.client()
    subject = "refused.bars-value"
    older = {"type": "record", "name": "Bar", "namespace": "tapedeck", "fields": [{"name": "open", "type": "string"}]}
    assert client.ask("POST", f"/subjects/{subject}/versions", {"schema": json.dumps(older)})[0] == TAKEN
    client.level(subject, "FULL")
    done = subprocess.run([td.PROGRAM, "run", "--until-end", *on("refused."), small(home)], stderr=subprocess.PIPE, text=True,
                          check=False, timeout=60)
    assert done.returncode == EXIT_CONFIG and subject in done.stderr and registry.url in done.stderr, done.stderr
    assert not admin.topics(broker.address, "refused.")
    assert [s for s in client.ask("GET", "/subjects")[1] if s.startswith("refused.")] == [subject]
    found = json.loads(subprocess.run([td.PROGRAM, "check", "--connect", "--json", *on("refused."), small(home)],
                                      stdout=subprocess.PIPE, text=True, check=False, timeout=60).stdout)
    assert found["errors"] == 1 and subject in found["findings"][0]["message"], found
    return done.stderr.splitlines()[-1]


@cases.add
def where_the_schemas_are(home):
    """A log whose ids are of one registry is not read by those of another."""
    file = small(home)
    own = [word for text in (f"log.kafka={broker.address}", "log.prefix=own.") for word in ("--set", text)]
    td.run(file, *own)
    assert "_schemas" in told("run", "--until-end", *on("own."), file, code=EXIT_CONFIG)
    assert "_schemas" in told("bars", "SIM:AAA", "1s", "--kafka", broker.address, "--prefix", "own.", "--registry",
                              registry.url, code=EXIT_CONFIG)
    other = small(f"{home}/other")
    td.run(other, *on("theirs."))
    without = ["--set", f"log.kafka={broker.address}", "--set", "log.prefix=theirs."]
    said = told("run", "--until-end", *without, other, code=EXIT_CONFIG)
    assert "log.registry" in said and "_schemas" not in admin.topics(broker.address, "theirs."), said
    told("run", "--until-end", "--set", f"log.registry={registry.url}", other, code=EXIT_USAGE)
    return said.splitlines()[-1]


@cases.add
def behind_a_login(home):
    """Another run's registry, over TLS: the token is the password."""
    serving.make_certificates(home)
    pathlib.Path(f"{home}/wrong").write_text("not-the-token-that-it-wants\n", encoding="utf-8")
    file = small(f"{home}/reader")
    serve = "listen: localhost:0, cert: {home}/server.pem, key: {home}/server.key, token_file: {home}/token"
    with serving.Server(home, serve) as server:
        at = f"https://localhost:{server.port}/registry"
        login = ["log.registry_user=tape", f"log.registry_ca={home}/ca.pem"]
        good = [*login, f"log.registry_password_file={home}/token"]
        said = [told("run", "--until-end", *on("login.", *more, at=at), file, code=EXIT_CONFIG)
                for more in ([f"log.registry_ca={home}/ca.pem"], [*login, f"log.registry_password_file={home}/wrong"])]
        assert all("code 401" in text and "log.registry_password" in text for text in said), said
        assert serving.TOKEN not in "".join(said) and "not-the-token" not in "".join(said), said
        assert not admin.topics(broker.address, "login.")
        findings = told("check", "--connect", *on("login.", *good, at=at), file)
        assert f"has 0 of {OURS} schemas" in findings, findings
        summary = td.run(file, *on("login.", *good, at=at))
        assert summary["events"] == 1000, summary
        findings = told("check", "--connect", *on("login.", *good, at=at), file)
        assert f"has {OURS} of {OURS} schemas" in findings, findings
        run = Running(file, *on("login.", "log.registry_user=tape", at=at))  # nobody vouches for it
        said = run.says("backing_off")
        td.kill(run.process)
        assert "certificate" in said, said
    return findings.splitlines()[-2]


@cases.add
def its_own_api_names_the_other(home):
    """What is asked of /registry there is in the other one."""
    file = small(home, ticks=0, extra="serve: { listen: 127.0.0.1:0 }\n")
    process = td.start(file, "--quiet", *on("served."))
    told_at = pathlib.Path(f"{home}/data/SERVE")
    try:
        td.wait_for(lambda: told_at.exists() or process.poll() is not None, "the server listens", 60)
        client = apicurio.Registry(int(told_at.read_text(encoding="utf-8").strip().rsplit(":", 1)[1]), "/registry")
        asked = [("GET", "/subjects", None), ("POST", "/subjects/x/versions", {"schema": "\"int\""})]
        answers = [client.ask(*one) for one in asked]
    finally:
        process.terminate()
        process.communicate(timeout=60)
    assert all(status == 500 and answer["error_code"] == 50004 and registry.url in answer["message"]
               for status, answer in answers), answers
    return answers[0][1]["message"]


@cases.add
def by_roles(home):
    """Who does not record waits until the schemas are there; all read by the same ids."""
    file = file_for(home)
    rest = Running(file_for(f"{home}/rest"), *on("roles.", "sinks.0.sqlite.file=" + f"{home}/rest/market.db"))
    summary = rest.end()
    assert summary["diverged"] == 0, summary
    command = [td.PROGRAM, "run", "--json", "--log", "json", "--role", "process", *on("apart."), file]
    worker = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=td.ROOT)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(worker.stderr), daemon=True)
    reader.start()
    try:
        td.wait_for(lambda: any('"awaiting"' in line for line in lines) or worker.poll() is not None, lambda: lines, 60)
        recorded = td.run(file_for(f"{home}/record"), "--role", "record", *on("apart."))
        td.wait_for(lambda: len(decoded_count("apart.signals")) >= summary["signals"] or worker.poll() is not None,
                    lambda: (lines, summary["signals"]), 120)
    finally:
        worker.terminate()
        worker.wait(60)
    assert worker.returncode == 0, lines
    assert values_of("apart.") == values_of("roles."), "results differ"
    return f"{recorded['events']} events recorded, {summary['signals']} signals by another process"


def tagged(number, body=b"\x02\x04"):
    """A value in Confluent's framing."""
    return b"\0" + struct.pack(">I", number) + body


def produce(topic, values_by_partition, key=b"LEAN:IBM"):
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address})
    for p, value in values_by_partition:
        producer.produce(topic, value, key=key, partition=p)
    assert producer.flush(30) == 0


def rejected(*where):
    """What was put there of the tape: (partition, offset, detail), and the bytes."""
    lines = [json.loads(line) for line in told("log", "cat", "rejected", *where).splitlines()]
    return sorted((line["value"]["source"], line["value"]["line"], line["value"]["detail"], line["value"]["bytes"])
                  for line in lines if line["value"]["source"].startswith("tape-"))


@cases.add
def strangers_on_the_tape(home):
    """What is nobody's of ours goes to `rejected`, once, whatever dies; all else is as if it were not there."""
    td.run(file_for(f"{home}/embedded"), "--set", PUBLISHED)
    client, file = registry.client(), file_for(home)
    foo = {"type": "record", "name": "Foo", "namespace": "acme", "fields": [{"name": "x", "type": "int"}]}
    number = client.ask("POST", "/subjects/acme.Foo/versions", {"schema": json.dumps(foo)})[1]["id"]
    run = Running(file, *on("poison.", "speed=30x"))
    run.says("progress")
    bar = client.ask("GET", "/subjects/poison.bars-value/versions/1")[1]["id"]
    words = {b"hello": "no schema id", b"": "no schema id", tagged(4711): "does not know its schema id 4711",
             tagged(number): f"id {number}, is acme.Foo", tagged(bar): f"has schema id {bar}, tapedeck.Bar"}
    strangers = [(p, value) for p in range(PARTITIONS) for value in words]
    time.sleep(2)
    produce("poison.tape", strangers)
    time.sleep(2)
    assert run.process.poll() is None, run.lines
    td.kill(run.process)
    produce("poison.tape", strangers)
    produce("poison.tape", [(0, tagged(4711) + bytes(1 << 16))], key=bytes(930_000))  # both together fit into no record
    summary = td.run(file, *on("poison."))
    assert summary["diverged"] == 0 and summary["rejected"] >= len(strangers), summary
    assert results(home) == results(f"{home}/embedded")
    kept = rejected(*there("poison."))
    assert len(kept) == len({line[:2] for line in kept}) == 2 * len(strangers) + 1, len(kept)
    for word in words.values():
        assert sum(word in line[2] for line in kept) >= 2 * PARTITIONS, (word, kept)
    admin.forget_positions(broker.address, "poison.work-")
    again = td.run(file_for(f"{home}/elsewhere"), *on("poison."))
    assert again["rejected"] == 0 and again["diverged"] == 0 and rejected(*there("poison.")) == kept, again
    assert told("explain", "--all", "--json", *there("poison.")) == told("explain", "--all", "--json", "--data",
                                                                         f"{home}/embedded/data")
    told("replay", *there("poison."), "--out", f"{home}/again")
    assert values("bars", "--data", f"{home}/again") == values("bars", "--data", f"{home}/embedded/data")
    return f"{len(kept)} records of {len(words)} kinds rejected once, with a kill between"


@cases.add
def of_another_version(home):
    """Nothing of ours is passed over: its partition stands."""
    client, file = registry.client(), small(home)
    td.run(file, *on("newer."))
    newer = {"type": "record", "name": "Trade", "namespace": "tapedeck", "fields": [{"name": "x", "type": "int"}]}
    number = client.ask("POST", "/subjects/newer.next/versions", {"schema": json.dumps(newer)})[1]["id"]
    produce("newer.tape", [(0, tagged(number))])
    said = told("run", "--until-end", *on("newer."), file, code=EXIT_CORRUPT)
    assert f"id {number}, is tapedeck.Trade of another version" in said and not rejected(*there("newer.")), said
    return next(line for line in said.splitlines() if "another version" in line)


@cases.add
def a_stranger_while_it_is_away(home):
    """Its partition waits for who can say whose it is; the others go on."""
    other, file = apicurio.Server(home), small(home, ticks=0)
    where = ["--kafka", broker.address, "--prefix", "waits.", "--registry", other.url]
    with other.running() as server:
        run = Running(file, *on("waits.", "speed=1x", at=other.url))
        run.says("progress")
        td.kill(server)
    produce("waits.tape", [(0, tagged(4711))])
    said = run.says("backing_off")
    assert "4711" in said and other.url in said, said
    with other.running():
        run.says("goes_on")
        run.process.send_signal(signal.SIGTERM)
        run.process.wait(60)
        kept = rejected(*where)
    assert len(kept) == 1 and "4711" in kept[0][2], kept
    return kept[0][2]


@cases.add
def copied_to_where_schemas_have_other_ids(home):
    """From a folder to the registry, to a prefix of another one, and from there back: records are the same but for the ids that
    schemas have there, a run goes on in each, and Confluent's client reads what was copied."""
    log, back = copying.history(home), f"{home}/back"
    to = configured(f"{home}/to.yaml", "copied.")
    first = copying.copy("--data", log, "--to", to)
    assert first["whole"] and copying.copy("--data", log, "--to", to)["copied"] == 0, first
    with serving.Server(home, "listen: 127.0.0.1:0") as other:
        at = f"http://127.0.0.1:{other.port}/registry"
        elsewhere = ["--kafka", broker.address, "--prefix", "again.", "--registry", at]
        second = copying.copy(*there("copied."), "--to-kafka", broker.address, "--to-prefix", "again.", "--to-registry", at)
        returned = copying.copy(*elsewhere, "--to", back)
        places = [["--data", log], there("copied."), elsewhere, ["--data", back]]
        for name in (name for name in copying.topics("--data", log) if not name.startswith("_")):
            one, *others = [values(name, *place) for place in places]
            assert all(len(found) == len(one) for found in others), name
            assert one or name not in ("tape", "bars", "signals"), name
            assert name == "tape" or all(found == one for found in others), name  # there places differ
    schemas = len(copying.records("_schemas", "--data", log))
    assert returned["copied"] == second["copied"] == first["copied"] and schemas >= OURS, (first, second, returned)
    assert not any("_schemas" in admin.topics(broker.address, prefix) for prefix in ("copied.", "again.")), "the registries have them"
    ids = [schema_ids(f"{prefix}tape", f"{prefix}bars") for prefix in ("copied.", "again.")]
    assert min(map(len, ids)) >= 3 and ids[0] != ids[1], ids
    copying.same(["--data", log], ["--data", back], without=["timestamp"], but=["_schemas"])
    read = [value for _, value in decoded("copied.bars", 1 << 30, copying.PARTITIONS)]
    assert len(read) == len(copying.records("bars", "--data", log)), len(read)

    copying.day(home, 4)
    runs = [td.run(copying.market(home, "log", length=6)), td.run(copying.market(home, "back", length=6)),
            td.run(copying.market(home, "elsewhere", length=6), *on("copied."))]
    for run in runs:
        assert run["diverged"] == 0 and all(run[key] == runs[0][key] > 0 for key in ("events", "bars", "signals")), runs
    return f"{first['copied']} records, ids {sorted(ids[0])} and {sorted(ids[1])}; {runs[0]['events']} events more in each of three"


@cases.add
def killed_while_ids_change(home):
    """A copy that is killed goes on, and one of something else is refused."""
    rng = random.Random(SEED)
    log = copying.history(home)
    to = configured(f"{home}/to.yaml", "gone_on.")
    killed = sum(copying.copy_killed(rng, 2.5, "--data", log, "--to", to) for _ in range(8))
    last = copying.copy("--data", log, "--to", to)
    back = copying.copy(*there("gone_on."), "--to", f"{home}/back")
    assert killed >= 2 and last["whole"] and back["whole"], (SEED, killed, last, back)
    copying.same(["--data", log], ["--data", f"{home}/back"], without=["timestamp"], but=["_schemas"])
    td.run(copying.market(f"{home}", "other", length=5))
    said = copying.copy("--data", f"{home}/other", "--to", to, check=EXIT_CONFIG)
    assert "holds something else" in said, said
    return f"killed {killed} times (seed {SEED}), {last['found']} records found at last"


@cases.add
def a_strangers_id_that_is_ours_there(home):
    """It would become a record of ours: refused, with its place."""
    td.run(small(f"{home}/own", ticks=10), *on("stranger."))
    produce("stranger.tape", [(0, tagged(1))])  # of-another's
    with serving.Server(home, "listen: 127.0.0.1:0") as other:
        said = told("log", "copy", *there("stranger."), "--to-kafka", broker.address, "--to-prefix", "ours.", "--to-registry",
                    f"http://127.0.0.1:{other.port}/registry", code=EXIT_CONFIG)
    assert "tape-0: offset" in said and "stranger's record of the schema 1" in said, said
    td.run(file_for(f"{home}/else", ["simulated: { seed: 2, ticks: 30 }"]), *on("taken."))
    taken = told("log", "copy", *there("stranger."), "--to-kafka", broker.address, "--to-prefix", "taken.", code=EXIT_CONFIG)
    assert "holds something else" in taken and "_schemas" not in admin.topics(broker.address, "taken."), taken
    return said.strip()


def configured(path, prefix):
    path = pathlib.Path(path)
    path.write_text(f'log: {{ kafka: "{broker.address}", prefix: {prefix}, registry: "{registry.url}", '
                    f"partitions: {copying.PARTITIONS} }}\n", encoding="utf-8")
    return path


def schema_ids(*topics):
    """That records of these name."""
    messages = (message for topic in topics for p in range(copying.PARTITIONS)
                for message in consuming.committed(broker.address, topic, p))
    return {struct.unpack(">I", message.value()[1:5])[0] for message in messages}


def there(prefix):
    return ["--kafka", broker.address, "--prefix", prefix, "--registry", registry.url]


def decoded_count(topic):
    prefix, name = topic.rsplit(".", 1)
    return told("log", "cat", name, *there(f"{prefix}.")).splitlines()


def values_of(prefix):
    return [values(topic, *there(prefix)) for topic in ("bars", "fills", "gaps")]


def main():
    global broker, registry
    only = os.environ.get("ONLY")
    with td.folder() as home:
        broker, registry = Broker(f"{home}/broker"), apicurio.Server(home)
        with broker.running(), registry.running():
            registry.client().register("of-another", '"int"')  # no id of ours is as in a folder
            try:
                return td.Cases([case for case in cases if only in (None, case.__name__)]).run()
            finally:
                for process in Running.all:
                    process.kill()


if __name__ == "__main__":
    sys.exit(main())
