#!/usr/bin/env python3
"""tests/services/run_foreign_topic.py - a topic of somebody else's on a real broker as a feed: whatever is killed, each of
its records is in the log once and makes the bars that a file of the same trades makes; what cannot be mapped is told, and
who is away is waited for. The worked example of docs/kafka.md runs as it stands there.
"""
import concurrent.futures
import decimal
import json
import os
import pathlib
import random
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
import warnings

warnings.simplefilter("ignore")  # of what the client's own libraries say of each other

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import admin  # noqa: E402
import apicurio  # noqa: E402
import confluent_kafka  # noqa: E402
import confluent_kafka.admin  # noqa: E402
import fetch  # noqa: E402
import tapedeck as td  # noqa: E402
from broker import Broker, one_broker  # noqa: E402
from confluent_kafka.schema_registry import SchemaRegistryClient  # noqa: E402
from confluent_kafka.schema_registry.avro import AvroSerializer  # noqa: E402
from confluent_kafka.serialization import MessageField, SerializationContext  # noqa: E402

SEED = int(os.environ.get("SEED") or random.randrange(1 << 30))
PARTITIONS, SECONDS, KILLS = 3, 12, 3
FIELDS = "fields: { instrument: sym, price: d.px, size: d.qty, side: d.side, trade_id: id, time: ts }"
BARS = "instrument, width_ns, start_ns, open, high, low, close, volume, trade_count"
POISON = [b"poison", b"[]", b'{"sym":"A","d":{"qty":1},"id":1,"ts":1}', b'{"sym":"A","d":{"px":"x","qty":1},"id":1,"ts":1700000000}',
          b'{"sym":"A B","d":{"px":1,"qty":1},"id":1,"ts":1700000000}', b"\xff\xfe"]
cases = td.Cases()
broker = None


def feed(topic, *more):
    parts = ", ".join([f'brokers: "{broker.address}"', f"topic: {topic}", "venue: X", "name: desk", FIELDS, *more])
    return f"kafka: {{ {parts} }}"


def config(home, name, *feeds, extra=""):
    """Runs of the same feeds, each in a folder of its own, of which `name` is one."""
    pathlib.Path(f"{home}/{name}").mkdir(parents=True, exist_ok=True)
    return td.config(f"{home}/{name}.yaml", f"{home}/{name}", feeds, bars="[1s]", partitions=2, extra=extra)


class Running:
    """A run in the background, its lines as they come."""

    def __init__(self, file, *sets):
        words = [word for text in sets for word in ("--set", text)]
        self.process = subprocess.Popen([td.PROGRAM, "run", *words, file], cwd=td.ROOT, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        self.lines = []
        threading.Thread(target=lambda: self.lines.extend(self.process.stderr), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            td.kill(self.process)

    def says(self, text, seconds=60):
        td.wait_for(lambda: any(text in line for line in self.lines), lambda: (text, self.lines), seconds)
        return next(line for line in self.lines if text in line).strip()

    def end(self):
        self.process.terminate()
        assert self.process.wait(60) == 0, self.lines


class Desk:
    """Who writes the topic: trades as they happen, with what is none between them."""

    def __init__(self, topic, rng):
        self.topic, self.rng, self.trades, self.poison = topic, rng, [], 0
        self.producer = confluent_kafka.Producer({"bootstrap.servers": broker.address, "linger.ms": 2})

    def trade(self, now=None):
        now = now or time.time_ns()
        n, symbol = len(self.trades) + 1, f"S{self.rng.randrange(8)}"
        price, size, side = f"{self.rng.randrange(1, 10**6)}.{self.rng.randrange(10**4):04}", self.rng.randrange(1, 900), \
            self.rng.choice(["B", "S", None])
        self.trades.append((now // 1000000, symbol, price, size, side, n))
        record = {"sym": symbol, "d": {"px": self.rng.choice([price, float(price)]), "qty": size, "side": side}, "id": n,
                  "ts": now // 1000000}
        self.producer.produce(self.topic, json.dumps(record).encode(), key=symbol.encode())

    def write(self, seconds, per_second=500):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for _ in range(per_second // 100):
                self.trade()
                if self.rng.random() < 0.02:
                    self.producer.produce(self.topic, self.rng.choice(POISON))
                    self.poison += 1
                if self.rng.random() < 0.01:
                    self.producer.produce(self.topic, None, key=b"gone")
            self.producer.flush(10)
            time.sleep(0.01)

    def abort(self):
        """Trades that never were: their transaction is aborted."""
        producer = confluent_kafka.Producer({"bootstrap.servers": broker.address, "transactional.id": f"{self.topic}.desk"})
        producer.init_transactions(30)
        producer.begin_transaction()
        for _ in range(50):
            producer.produce(self.topic, b'{"sym":"S1","d":{"px":1,"qty":1},"id":99999999,"ts":1700000000}', key=b"S1")
        producer.flush(10)
        producer.abort_transaction(30)

    def as_file(self, path):
        lines = ["time,instrument,price,size,side,id"]
        lines += [f"{ms},X:{symbol},{price},{size},{ {'B': 'buy', 'S': 'sell', None: ''}[side] },{n}"
                  for ms, symbol, price, size, side, n in self.trades]
        pathlib.Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


class Recorder:
    """In place of a producer, where trades are only made up."""

    def produce(self, *_, **__):
        pass


def cat(topic, *where):
    done = subprocess.run([td.PROGRAM, "log", "cat", topic, *where], cwd=td.ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()] if done.returncode == 0 else []


def trades(*where):
    return [record["value"] | {"instrument": record["key"]} for record in cat("tape", *where) if record["value"]["schema"] == "Trade"]


def bars(path):
    with sqlite3.connect(f"file:{path}/market.db?mode=ro", uri=True) as db:
        return sorted(db.execute(f"SELECT {BARS} FROM bars WHERE revision = (SELECT max(revision) FROM bars b WHERE "
                                 "b.instrument = bars.instrument AND b.start_ns = bars.start_ns)").fetchall())


def seconds_of(desk):
    """How many bars its trades make."""
    return len({(symbol, ms // 1000) for ms, symbol, *_ in desk.trades})


def killed_and_ended(file, sets, where, desk, writing):
    """Runs it, killed now and then while the topic is written; then until all is there."""
    rng, kills = random.Random(SEED + len(sets)), 0
    while not writing.done():
        with Running(file, *sets) as run:
            time.sleep(rng.uniform(1.5, 4))
            assert run.process.poll() is None, run.lines
            kills += not writing.done()
    writing.result()
    with Running(file, *sets) as run:
        td.wait_for(lambda: len(trades(*where)) >= len(desk.trades) and len(cat("rejected", *where)) >= desk.poison,
                    lambda: (len(trades(*where)), len(desk.trades), len(cat("rejected", *where)), desk.poison, run.lines), 120)
        td.wait_for(lambda: len(bars(file.with_suffix(""))) >= seconds_of(desk), "the last bars, which time closes", 60)
        time.sleep(1)  # what is there twice would come
        run.end()
    return kills


def check_once(where, desk):
    """Each trade once, those of an instrument in their order, and each that is none once."""
    got = trades(*where)
    assert len(got) == len(desk.trades), (len(got), len(desk.trades))
    for symbol in {trade[1] for trade in desk.trades}:
        ids = [trade["trade_id"] for trade in got if trade["instrument"] == f"X:{symbol}"]
        assert ids == [trade[5] for trade in desk.trades if trade[1] == symbol], (symbol, SEED)
    kept = [(line["value"]["source"], line["value"]["line"]) for line in cat("rejected", *where)]
    assert len(kept) == len(set(kept)) == desk.poison > 0, (len(kept), len(set(kept)), desk.poison)
    return {line["value"]["detail"] for line in cat("rejected", *where)}


@cases.add
def once_whatever_is_killed(home):
    """With the log in a folder and on Kafka at once, each killed by itself."""
    admin.make_topic(broker.address, "once", PARTITIONS)
    desk = Desk("once", random.Random(SEED))
    desk.write(1)
    on_kafka = (f"log.kafka={broker.address}", "log.prefix=once.")
    kinds = {"folder": ((), ["--data", f"{home}/folder"]),
             "kafka": (on_kafka, ["--kafka", broker.address, "--prefix", "once."])}
    with concurrent.futures.ThreadPoolExecutor() as threads:
        writing = threads.submit(desk.write, SECONDS)
        running = {name: threads.submit(killed_and_ended, config(home, name, feed("once")), sets, where, desk, writing)
                   for name, (sets, where) in kinds.items()}
        time.sleep(SECONDS / 2)
        desk.abort()
        kills = {name: run.result() for name, run in running.items()}
    details = [check_once(where, desk) for _, where in kinds.values()]
    assert details[0] == details[1] and any("price (theirs: d.px) is missing" in text for text in details[0]), details
    desk.as_file(f"{home}/trades.csv")
    td.run(config(home, "file", f"file: {{ format: csv, path: {home}/trades.csv, name: desk }}"))
    wanted = bars(f"{home}/file")
    for name in kinds:
        assert bars(f"{home}/{name}") == wanted, (name, SEED, set(bars(f"{home}/{name}")) ^ set(wanted))
    assert min(kills.values()) >= KILLS, kills
    return f"{len(desk.trades)} trades once, {desk.poison} rejected once, {kills} kills, {len(wanted)} bars as of a file (seed {SEED})"


TICK = {"type": "record", "name": "Tick", "namespace": "acme.desk", "fields": [
    {"name": "sym", "type": "string"}, {"name": "note", "type": ["null", {"type": "map", "values": "double"}], "default": None},
    {"name": "d", "type": {"type": "record", "name": "Deal", "fields": [
        {"name": "px", "type": {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}},
        {"name": "qty", "type": "int"}, {"name": "side", "type": ["null", {"type": "enum", "name": "Side", "symbols": ["B", "S"]}]}]}},
    {"name": "id", "type": "long"}, {"name": "ts", "type": {"type": "long", "logicalType": "timestamp-millis"}}]}


def write_one(registry, topic):
    """One record of Confluent's serializer."""
    write = AvroSerializer(SchemaRegistryClient({"url": registry.url}), json.dumps(TICK))
    tick = {"sym": "S1", "note": None, "id": 1, "ts": 1700000000000, "d": {"px": decimal.Decimal("1.5"), "qty": 1, "side": "B"}}
    client = confluent_kafka.Producer({"bootstrap.servers": broker.address})
    client.produce(topic, write(tick, SerializationContext(topic, MessageField.VALUE)), key=b"S1")
    assert client.flush(30) == 0


def lag(home, name):
    """As `status` tells it of the feed, which is what /metrics and the page of feeds are told; None: it is not known."""
    done = subprocess.run([td.PROGRAM, "status", "--data", f"{home}/{name}", "--json"], stdout=subprocess.PIPE, check=False)
    told = json.loads(done.stdout)["feeds"] if done.returncode == 0 else []
    url = pathlib.Path(f"{home}/{name}/SERVE").read_text(encoding="utf-8").strip()
    with urllib.request.urlopen(f"{url}/api/v1/status", timeout=10) as answer:
        shown = [feed["run"]["lag_records"] for feed in json.load(answer)["feeds"] if feed["name"] == "desk"]
    heard = next((feed.get("lag_records") for feed in told if feed["name"] == "desk"), None)
    return heard if shown == [heard] else (heard, shown)


@cases.add
def avro_by_their_own_serializer(home):
    """Confluent's serializer and a real registry, which is away for a while: the same bars as of a file."""
    pathlib.Path(f"{home}/registry").mkdir()
    registry = apicurio.Server(f"{home}/registry")
    admin.make_topic(broker.address, "ticks", PARTITIONS)
    desk = Desk("ticks", random.Random(SEED))
    client = confluent_kafka.Producer({"bootstrap.servers": broker.address})
    now = time.time_ns()
    desk.producer = Recorder()
    for i in range(2000):
        desk.trade(now - 30 * 10**9 + i * 10**7)
    file = config(home, "log", feed("ticks", "format: avro", f'registry: "{registry.url}"'), extra="serve: { listen: 127.0.0.1:0 }\n")
    where = ["--data", f"{home}/log"]
    with registry.running():
        write = AvroSerializer(SchemaRegistryClient({"url": registry.url}), json.dumps(TICK))
        for ms, symbol, price, size, side, n in desk.trades:
            tick = {"sym": symbol, "note": {"x": 1.5} if n % 3 else None, "id": n, "ts": ms,
                    "d": {"px": decimal.Decimal(price), "qty": size, "side": side}}
            value = write(tick, SerializationContext("ticks", MessageField.VALUE))
            client.produce("ticks", value, key=symbol.encode())
        for poison in (b"poison", value[:-1], b"\0" + (4711).to_bytes(4, "big") + b"x"):
            client.produce("ticks", poison, key=b"S1")
        assert client.flush(30) == 0
    with Running(file) as run:
        said = run.says("gives no answer")
        assert not trades(*where) and registry.url in said, said
        td.wait_for(lambda: lag(home, "log") == len(desk.trades) + 3, lambda: lag(home, "log"), 30)
        with registry.running():
            td.wait_for(lambda: len(trades(*where)) >= len(desk.trades) and len(cat("rejected", *where)) >= 3,
                        lambda: (len(trades(*where)), run.lines), 90)
            td.wait_for(lambda: lag(home, "log") == 0, lambda: lag(home, "log"), 30)
            time.sleep(4)
            run.end()
    desk.poison = 3
    details = check_once(where, desk)
    assert any("4711" in text for text in details) and any("as its schema says" in text for text in details), details
    desk.as_file(f"{home}/trades.csv")
    td.run(config(home, "file", f"file: {{ format: csv, path: {home}/trades.csv, name: desk }}"))
    assert bars(f"{home}/log") == bars(f"{home}/file")
    return said


@cases.add
def who_is_away_is_waited_for(home):
    """No broker, no topic, then both; the broker goes and comes; the topic gets another partition."""
    other = Broker(f"{home}/broker")
    file = config(home, "log", feed("late").replace(broker.address, other.address))
    where = ["--data", f"{home}/log"]
    client = {"bootstrap.servers": other.address}
    record = b'{"sym":"A","d":{"px":1.5,"qty":1},"id":%d,"ts":1700000000}'
    with Running(file) as run:
        said = run.says("no session", 60)
        assert "desk" in said and "next try" in said, said
        with other.running() as process:
            run.says("late", 60)
            admin.make_topic(other.address, "late", 1)
            producer = confluent_kafka.Producer(client)
            producer.produce("late", record % 1)
            assert producer.flush(30) == 0
            td.wait_for(lambda: len(trades(*where)) == 1, lambda: run.lines, 90)
            del producer  # it would look for the broker on and on
            td.kill(process)
        run.says("session ended", 60)
        with other.running():
            producer = confluent_kafka.Producer(client)
            producer.produce("late", record % 2)
            assert producer.flush(60) == 0
            td.wait_for(lambda: len(trades(*where)) == 2, lambda: run.lines, 90)
            wanted = confluent_kafka.admin.NewPartitions("late", 2)
            operator = confluent_kafka.admin.AdminClient(client)
            operator.create_partitions([wanted])["late"].result(30)
            producer = confluent_kafka.Producer(client | {"topic.metadata.refresh.interval.ms": 500})
            producer.list_topics("late", 30)
            time.sleep(2)
            producer.produce("late", record % 3, partition=1)
            assert producer.flush(60) == 0
            td.wait_for(lambda: len(trades(*where)) == 3, lambda: run.lines, 90)
        run.end()
    assert [trade["trade_id"] for trade in sorted(trades(*where), key=lambda t: t["trade_id"])] == [1, 2, 3]
    gaps = cat("gaps", *where)
    assert not gaps, gaps  # nothing was missed
    return said


@cases.add
def a_refused_login(home):
    (pathlib.Path(home) / "wrong").write_text("not-the-password\n", encoding="utf-8")
    login = ["properties: { security.protocol: sasl_plaintext, sasl.mechanism: PLAIN, sasl.username: tape }",
             f"password_file: {home}/wrong"]
    file = config(home, "log", feed("login", *login).replace(broker.address, broker.login_address))
    with Running(file) as run:
        said = run.says("no session", 60)
        assert "uthentication" in said and "not-the-password" not in "".join(run.lines), run.lines
        run.end()
    return said


def checked(file, code, *sets):
    """What `check --connect` finds and what it tells of the feed."""
    words = [word for text in sets for word in ("--set", text)]
    done = subprocess.run([td.PROGRAM, "check", "--connect", "--json", *words, file], cwd=td.ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, timeout=90)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    answer = json.loads(done.stdout)
    said = [f"{f.get('key', '')}: {f['message']}" for f in answer["findings"] if "never ends" not in f["message"]]
    return said, next(feed for feed in answer["feeds"] if feed["name"] == "desk")


@cases.add
def check_before_a_run(home):
    """Who answers, what there is, and what its first records would become; nothing is left behind."""
    file = config(home, "log", feed("looked"))
    said, _ = checked(file, 3)
    assert len(said) == 1 and "looked" in said[0] and "Unknown topic" in said[0] and "wait" in said[0], said
    said, _ = checked(file, 3, f"feeds.0.kafka.brokers=127.0.0.1:{fetch.free_port()}")
    assert len(said) == 1 and "feeds[0].kafka" in said[0] and "wait" in said[0], said
    admin.make_topic(broker.address, "looked", 3)
    empty = {"name": "desk", "live": True, "partitions": 3, "records": 0, "events": 0, "rejected": 0, "ignored": 0, "all": False}
    assert checked(file, 0) == ([], empty), checked(file, 0)
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address})
    for i in range(40):
        producer.produce("looked", b'{"sym":"A","d":{"px":1.5,"qty":1},"id":%d,"ts":1700000000}' % i, partition=i % 3)
    producer.produce("looked", b"poison", partition=1)
    assert producer.flush(30) == 0
    said, of_it = checked(file, 0)
    assert len(said) == 1 and "looked-1, offset 13" in said[0] and "of its first 41 messages 1 would be rejected" in said[0], said
    assert of_it == empty | {"records": 41, "events": 40, "rejected": 1}, of_it
    said, of_it = checked(file, 0, "feeds.0.kafka.from=end")
    assert not said and of_it == empty, (said, of_it)
    login = [f"feeds.0.kafka.brokers={broker.login_address}", "feeds.0.kafka.properties.security.protocol=sasl_plaintext",
             "feeds.0.kafka.properties.sasl.mechanism=PLAIN", f"feeds.0.kafka.properties.sasl.username={broker.GUEST}",
             f"feeds.0.kafka.password_file={home}/word"]
    pathlib.Path(f"{home}/word").write_text("not-the-password", encoding="utf-8")
    said, _ = checked(file, 3, *login)
    assert len(said) == 1 and "uthentication" in said[0] and "password" in said[0] and "not-the" not in said[0], said
    pathlib.Path(f"{home}/word").write_text(broker.GUEST_PASSWORD, encoding="utf-8")
    said, _ = checked(file, 3, *login)
    assert len(said) == 1 and "uthorization failed" in said[0] and "DESCRIBE" in said[0], said
    admin.allow(broker.address, broker.GUEST, "looked", "DESCRIBE")
    said, _ = checked(file, 3, *login)
    assert "uthorization failed" in said[0], said
    admin.allow(broker.address, broker.GUEST, "looked", "READ")
    assert checked(file, 0, *login)[1]["events"] == 40
    return f"{said[0]}; {of_it}"


@cases.add
def check_of_a_registry(home):
    """It is asked even where no record names a schema yet."""
    pathlib.Path(f"{home}/registry").mkdir()
    registry = apicurio.Server(f"{home}/registry")
    admin.make_topic(broker.address, "none_yet", 1)
    file = config(home, "log", feed("none_yet", "format: avro", f'registry: "{registry.url}"'))
    said, of_it = checked(file, 3)
    assert len(said) == 1 and "feeds[0].kafka.registry" in said[0] and registry.url in said[0], said
    assert of_it["partitions"] == 1, of_it
    with registry.running():
        assert checked(file, 0)[0] == []
        write_one(registry, "none_yet")
        said, of_it = checked(file, 0)
        assert not said and of_it["events"] == 1, (said, of_it)
    said, _ = checked(file, 3)  # now a record names a schema: it is told once all the same
    assert len(said) == 1 and "registry" in said[0], said
    return said[0]


@cases.add
def read_another_way(home):
    """What its fields are called may change between runs: what is on the tape stays, and what comes is read anew."""
    admin.make_topic(broker.address, "renamed", 1)
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address})
    prices = []
    for fields in (FIELDS, FIELDS.replace("d.px", "d.last")):
        file = td.config(f"{home}/log.yaml", f"{home}/log", [feed("renamed").replace(FIELDS, fields)], bars="[1s]", partitions=2)
        for i in range(20):
            record = {"sym": "A", "d": {"px": 1.5, "last": 2.5, "qty": 1}, "id": len(prices) + i, "ts": 1700000000 + len(prices) + i}
            producer.produce("renamed", json.dumps(record).encode())
        assert producer.flush(30) == 0
        prices += [1.5 if fields is FIELDS else 2.5] * 20
        with Running(file) as run:
            td.wait_for(lambda: len(trades("--data", f"{home}/log")) >= len(prices), lambda: run.lines, 60)
            run.end()
        assert [float(trade["price"]) for trade in trades("--data", f"{home}/log")] == prices
    return f"{len(prices)} trades"


@cases.add
def the_worked_example(home):
    """examples/market_data.yaml: JSON in, bars as JSON out."""
    admin.make_topic(broker.address, "market_data", 2)
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address})
    now_ms = time.time_ns() // 1000000 - 60000
    for i in range(600):
        trade = {"type": "T", "symbol": "AAPL", "venue": "XNAS", "data": {"px": f"187.{i % 100:02}", "qty": 100, "side": "B"},
                 "ts": now_ms + i * 10}
        quote = {"type": "Q", "symbol": "AAPL", "venue": "XNAS", "data": {"bid": "187", "ask": 188, "bid_qty": 1, "ask_qty": 2},
                 "ts": now_ms + i * 10}
        for record in (trade, quote, {"type": "heartbeat"}):
            producer.produce("market_data", json.dumps(record).encode(), key=b"AAPL")
    assert producer.flush(30) == 0
    sets = (f"log.kafka={broker.address}", f"log.dir={home}/data", "log.prefix=example.")
    consumer = confluent_kafka.Consumer({"bootstrap.servers": broker.address, "group.id": "classic",
                                         "auto.offset.reset": "earliest", "isolation.level": "read_committed"})
    got = []
    with Running(td.ROOT / "examples/market_data.yaml", *sets) as run:
        td.wait_for(lambda: "bars_json" in admin.topics(broker.address, "example."), lambda: run.lines, 60)
        consumer.subscribe(["example.bars_json"])

        def read():
            got.extend(json.loads(m.value()) for m in consumer.consume(100, 0.2) if m.error() is None)
            return sum(bar["trade_count"] for bar in got if bar["width_ns"] == 10**9 and bar["revision"] == 0) >= 600

        td.wait_for(read, lambda: (got[-3:], run.lines), 90)
        run.end()
    consumer.close()
    second = [bar for bar in got if bar["width_ns"] == 10**9]
    assert {bar["instrument"] for bar in got} == {"XNAS:AAPL"} and all(bar["low"] >= "187" for bar in got), got[:2]
    return f"{len(got)} bars, {len(second)} of a second, of 600 trades"


def main():
    global broker
    with one_broker() as broker:
        return cases.run()


if __name__ == "__main__":
    sys.exit(main())
