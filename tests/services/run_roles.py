#!/usr/bin/env python3
"""tests/services/run_roles.py - the roles of a run as processes of their own on a cluster of three brokers: one records,
three process, one delivers, one serves. They start in any order; brokers and workers are killed while records are written to
all partitions, and partitions, leaders and coordinators move. What must hold in the end: the same sequences of (key, value)
and the same rows as one process with the embedded log makes (design wall 5). And what people are told where a role has
nothing to do or a process is too much.

TAPEDECK_SOAK is how many deaths there are, ten without it, and as many more of workers as it takes until one dies within a
transaction. A run that did not see three rebalances (30 of 100 deaths) and one transaction that was aborted (10) proves
nothing, and fails.
"""
import contextlib
import decimal
import io
import json
import os
import pathlib
import random
import re
import signal
import statistics
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import confluent_kafka  # noqa: E402
import consuming  # noqa: E402
import fastavro  # noqa: E402
import tapedeck as td  # noqa: E402
from broker import Cluster  # noqa: E402

KILLS = int(os.environ.get("TAPEDECK_SOAK", "10"))
PACED_S = 60 * (KILLS + 2)  # more than the deaths last; what is left of it then is recorded at full speed
RATE = 300
DATA = td.ROOT / "examples" / "data"
FEEDS = [f"simulated: {{ seed: 7, instruments: 48, ticks: {RATE * PACED_S}, duration: {PACED_S}s }}",
         f"file: {{ format: lean, path: {DATA}/lean/*.zip, from: \"09:30\", to: \"09:45\" }}"]
STRATEGIES = [td.ROOT / "strategies/momentum.td", td.ROOT / "tests/data/rules.td"]
PARTITIONS = 6
TABLES = ("bars", "signals", "fills")
SEED = int(os.environ.get("SEED") or random.randrange(1 << 30))
REBALANCES_LEAST, ABORTED_LEAST = max(3, KILLS * 3 // 10), max(1, KILLS // 10)
SESSION_S = 6  # the least that a broker allows
DRAIN_S = 120  # more than a busy machine needs
EXIT_USAGE, EXIT_CONFIG, EXIT_FENCED = 2, 3, 9
cases = td.Cases()
cluster = None


class Process:
    """One of a run; what it says is in a file beside its folder."""

    def __init__(self, home, prefix, name, role, *sets):
        self.home, self.prefix, self.name, self.role, self.sets = home, prefix, name, role, sets
        self.starts = 0
        self.process = None

    def start(self, *options):
        sets = [f"log.kafka={cluster.address}", "log.replicas=3", f"log.prefix={self.prefix}", f"log.dir={self.home}/{self.name}",
                f"log.properties.session.timeout.ms={SESSION_S * 1000}", f"drain={DRAIN_S}s", *self.sets]
        self.starts += 1
        self.said = pathlib.Path(f"{self.home}/{self.name}.{self.starts}.log")
        with open(self.said, "wb") as err, open(f"{self.home}/{self.name}.out", "wb") as out:
            self.process = subprocess.Popen(
                [td.PROGRAM, "run", "--json", "--log", "json", "--role", self.role, *options,
                 *(word for text in sets for word in ("--set", text)), f"{self.home}/run.yaml"],
                cwd=td.ROOT, stdout=out, stderr=err, stdin=subprocess.DEVNULL)
        return self

    def notices(self, event):
        lines = [json.loads(line) for line in self.said.read_text().splitlines() if line.endswith("}")]
        return [line["message"] for line in lines if line.get("event") == event]

    def partitions(self):
        """As it said last: within three seconds of the change."""
        told = self.notices("partitions")
        return [int(p) for p in re.findall(r" (\d+)", told[-1].split(":")[1].split("(")[0])] if told else []

    def kill(self):
        td.kill(self.process)

    def stop(self):
        """Told to end; what it counted."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(2 * DRAIN_S) == 0, (self.name, self.process.returncode, self.said.read_text()[-2000:])
        return json.loads(pathlib.Path(f"{self.home}/{self.name}.out").read_text().splitlines()[-1])


def last_words(processes):
    """What a failure is understood by, since the folder goes with it."""
    said = [(f"{p.name}, start {p.starts}", p.said.read_text()) for p in processes if p.process is not None]
    for name, text in [*said, *((f"broker {i}", broker.said()) for i, broker in enumerate(cluster.brokers))]:
        print(f"---- {name}\n{text[-6000:]}", file=sys.stderr)


@contextlib.contextmanager
def ended(processes):
    try:
        yield
    except AssertionError:
        last_words(processes)
        raise
    finally:
        for p in processes:
            if p.process is not None and p.process.poll() is None:
                p.kill()


def config(home):
    pathlib.Path(home).mkdir(exist_ok=True)
    return td.config(f"{home}/run.yaml", f"{home}/data", FEEDS, bars="[1s, 1m, 100 trades]", strategies=STRATEGIES,
                     partitions=PARTITIONS, extra="serve: { listen: 127.0.0.1:0, edit: true }\n")


# ---- what the brokers know ----

def ends(consumer, prefix, topic):
    """None while a leader is missing."""
    try:
        return [consumer.get_watermark_offsets(confluent_kafka.TopicPartition(prefix + topic, p), timeout=2)[1]
                for p in range(PARTITIONS)]
    except confluent_kafka.KafkaException:
        return None


def aborted(prefix):
    """Markers of aborted transactions, as they lie on some broker's disk: control batches of Kafka's format v2 with a key
    of type 0."""
    return max(sum(aborted_in(segment.read_bytes()) for segment in broker.log_dir.glob(f"{prefix}*/*.log"))
               for broker in cluster.brokers)


def aborted_in(data):
    count, at = 0, 0
    while at + 61 <= len(data):
        size, attributes = struct.unpack_from(">i", data, at + 8)[0], struct.unpack_from(">h", data, at + 21)[0]
        if attributes & 0x20 and at + 12 + size <= len(data):
            record = data[at + 61:at + 12 + size]  # length, attributes, time, offset: a byte each; key length
            count += struct.unpack_from(">h", record, 7)[0] == 0
        at += 12 + size
    return count


def generations(prefix):
    """Of the group, as its coordinators count them."""
    stable = rf"Stabilized group {re.escape(prefix)}work generation (\d+)"
    return max((int(n) for broker in cluster.brokers for n in re.findall(stable, broker.said())), default=0)


def differences(prefix, wanted, folder, wanted_rows):
    names = [name.rsplit("-", 1) for name in wanted]
    got = {f"{topic}-{p}": consuming.digest(cluster.address, prefix + topic, int(p)) for topic, p in names}
    different = {name: (got[name], wanted[name]) for name in wanted if got[name] != wanted[name]}
    if not different:
        different = {table: "rows" for table in TABLES if td.rows(folder, table) != wanted_rows[table]}
    return different, sum(count for count, _ in got.values())


# ---- a day with deaths ----

def looker():
    """Who asks for ends. It asks often who leads, too: it believes that for a quarter of an hour, whoever has died."""
    return confluent_kafka.Consumer({"bootstrap.servers": cluster.address, "group.id": "looks", "log_level": 0,
                                     "isolation.level": "read_committed", "metadata.max.age.ms": 1000})


def resumed_s(consumer, prefix, partitions, timeout_s=300):
    """Until some output of each of those partitions has grown, as a reader of what is committed sees it."""
    began, before = time.monotonic(), None
    while True:
        now = ends(consumer, prefix, "bars")
        before = before or now
        if now and all(now[p] > before[p] for p in partitions):
            return time.monotonic() - began
        assert time.monotonic() - began < timeout_s, f"{partitions} stand still: {before}, {now}"
        time.sleep(0.1)


def ask(url, path, method="GET", body=None):
    request = urllib.request.Request(url + path, method=method, data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def url_of(process):
    return (pathlib.Path(process.home) / process.name / "SERVE").read_text().strip()


def check_server(server, worker):
    """What it has is of the log alone; what is the recorder's it refuses. Beside a worker it tells of that one."""
    url = url_of(server)
    for path, body in (("/api/v1/quarantine/release?reason=outlier", b"{}"), ("/api/v1/strategies/check?file=x", b'{"text":""}')):
        status, text = ask(url, path, "POST", body)
        assert status == 403 and "another_role" in text and "record" in text, (path, status, text)
    shown = "/api/v1/bars?instrument=LEAN:IBM&width=1s&format=csv"
    td.wait_for(lambda: len(ask(url, shown)[1].splitlines()) > 2, lambda: ask(url, shown), 30)
    status, text = ask(url_of(worker), "/metrics")
    metrics = dict(re.findall(r"^(tapedeck_[a-z_]+(?:\{[^}]*\})?) ([0-9.e+]+)$", text, re.MULTILINE))
    assert float(metrics["tapedeck_partitions_owned"]) == len(worker.partitions()), (metrics, worker.partitions())
    assert float(metrics["tapedeck_group_rebalances_total"]) > 0, metrics
    committed = sum(float(v) for k, v in metrics.items() if "transactions_total" in k and "committed" in k)
    assert committed > 0, metrics
    told = []  # what `status` says, once the machine has time to answer it
    command = [td.PROGRAM, "status", "--url", url_of(worker), "--json"]
    td.wait_for(lambda: told.append(subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout) or told[-1], command, 60)
    told = json.loads(told[-1])["run"]
    assert told["partitions_owned"] == len(worker.partitions()) and told["transactions_committed"] > 0, told
    status, text = ask(url_of(worker), "/api/v1/status")
    run = json.loads(text)["run"]
    assert run["sharing"]["owned"] == len(worker.partitions()) and run["transactions"]["committed"] > 0, run


class Deaths:
    """How long it took after each, by what died, until there were new bars of all partitions that it had."""

    def __init__(self, rng, prefix, workers):
        self.rng, self.prefix, self.workers = rng, prefix, workers
        self.times = {"broker": [], "worker": [], "worker that stood still": []}

    def resumed(self, what, partitions):
        with contextlib.closing(looker()) as consumer:
            self.times[what].append(resumed_s(consumer, self.prefix, partitions))
        print(f"{sum(map(len, self.times.values()))}: a {what}, on after {self.times[what][-1]:.1f} s", file=sys.stderr, flush=True)

    def some_worker(self):
        td.wait_for(lambda: any(w.partitions() for w in self.workers), "a worker that has partitions", 60)
        return self.rng.choice([w for w in self.workers if w.partitions()])

    def of_worker(self):
        victim = self.some_worker()
        victim.kill()
        self.resumed("worker", victim.partitions())
        victim.start()

    def of_broker(self):
        """One at a time; workers may die while it comes back."""
        cluster.await_in_sync()
        victim = self.rng.choice(cluster.brokers)
        cluster.kill(victim)
        self.resumed("broker", range(PARTITIONS))
        cluster.start(victim)

    def stand_still(self):
        """Longer than its session lasts, and it does not know it."""
        victim = self.some_worker()
        victim.process.send_signal(signal.SIGSTOP)
        self.resumed("worker that stood still", victim.partitions())
        victim.process.send_signal(signal.SIGCONT)

    def disturb(self, goes_on):
        kinds = [self.of_broker, self.of_worker] * (KILLS // 2) + [self.of_worker] * (KILLS % 2)
        self.rng.shuffle(kinds)
        for kind in [*kinds[:1], self.stand_still, *kinds[1:]]:
            time.sleep(self.rng.uniform(0, 2))
            kind()
        while aborted(self.prefix) < ABORTED_LEAST and goes_on():
            self.of_worker()
        cluster.await_in_sync()

    def __str__(self):
        return "; ".join(f"{len(t)} of a {what}, went on after {statistics.median(t):.1f} s, {max(t):.1f} s at most"
                         for what, t in self.times.items())


@cases.add
def six_processes_and_deaths(home):
    file = config(f"{home}/embedded")
    summary = td.run(file, "--set", "serve=off")
    wanted, wanted_rows = td.digests(f"{home}/embedded/data"), {t: td.rows(f"{home}/embedded/data", t) for t in TABLES}
    bars = [wanted[f"bars-{p}"][0] for p in range(PARTITIONS)]
    assert min(bars) > PACED_S and summary["signals"] > 500, (summary, bars)  # a second without bars is none of the input's

    apart, prefix = f"{home}/apart", "apart."
    config(apart)
    deliver, server = Process(apart, prefix, "deliver", "deliver"), Process(apart, prefix, "server", "serve")
    workers = [Process(apart, prefix, f"worker{n}", "process,serve" if n == 0 else "process") for n in range(3)]
    record = Process(apart, prefix, "record", "record", "speed=1x")
    everybody = [deliver, server, *workers, record]
    pathlib.Path(f"{apart}/data").mkdir()  # of the sink's file
    deaths = Deaths(random.Random(SEED), prefix, workers)
    with ended(everybody):
        for p in everybody[:-1]:
            p.start()
        td.wait_for(lambda: all(p.notices("awaiting") for p in everybody[:-1]), "who waits for the log to begin", 60)
        record.start()
        td.wait_for(lambda: sorted(p for w in workers for p in w.partitions()) == list(range(PARTITIONS)),
                    lambda: [(p.name, p.partitions(), p.process.poll(), p.said.read_text()[-1000:]) for p in everybody], 300)
        with contextlib.closing(looker()) as consumer:
            resumed_s(consumer, prefix, range(PARTITIONS))
        check_server(server, workers[0])
        before = generations(prefix)  # the group has come together
        deaths.disturb(lambda: record.process.poll() is None)
        assert record.process.poll() is None, "all was recorded before the last one died: PACED_S is too short for this machine"
        record.stop()
        record.sets = ["speed=max"]
        record.start("--until-end")
        assert record.process.wait(200) == 0, record.said.read_text()[-2000:]
        began, left = time.monotonic(), {"": ""}
        while left and time.monotonic() - began < 90:
            left, count = differences(prefix, wanted, f"{apart}/data", wanted_rows)
        assert not left, list(left.items())[:5]
        counts = [p.stop() for p in (*workers, deliver, server)]
    assert all(c["diverged"] == 0 for c in counts), counts
    seen, voids = generations(prefix) - before, aborted(prefix)
    assert seen >= REBALANCES_LEAST and voids >= ABORTED_LEAST, f"{seen} rebalances, {voids} transactions aborted"
    return (f"{count} records and all rows equal (seed {SEED}); deaths: {deaths} (sessions of {SESSION_S} s); {seen} rebalances, "
            f"{voids} transactions aborted, {sum(c['fenced'] for c in counts)} partitions fenced")


# ---- what people are told ----

def refused(home, code, word, *options, sets=()):
    file = td.config(f"{home}/refused.yaml", f"{home}/data", ["simulated: { seed: 1, ticks: 100 }"], bars="[1s]",
                     partitions=1, sink=False)
    done = subprocess.run([td.PROGRAM, "run", *options, *(w for text in sets for w in ("--set", text)), file],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert done.returncode == code and word in done.stderr, (done.returncode, done.stderr)
    return done.stderr.splitlines()[-1]


@cases.add
def roles_that_cannot_be(home):
    kafka = [f"log.kafka={cluster.address}", "log.prefix=roles."]
    refused(home, EXIT_USAGE, "did you mean process", "--role", "record,proces")
    refused(home, EXIT_USAGE, "until-end", "--role", "process", "--until-end", sets=kafka)
    refused(home, EXIT_USAGE, "no `sinks:`", "--role", "deliver", sets=kafka)
    refused(home, EXIT_USAGE, "no `serve:`", "--role", "serve,process", sets=kafka)
    return refused(home, EXIT_CONFIG, "log.kafka", "--role", "record")


@cases.add
def two_in_one_folder(home):
    """The folder beside the log is one process's, and says so."""
    home = f"{home}/folder"
    config(home)
    record = Process(home, "folder.", "record", "record", "feeds=[{simulated: {seed: 1, ticks: 100}}]").start("--until-end")
    first, second = (Process(home, "folder.", "one", "process") for _ in range(2))
    with ended([record, first, second]):
        assert record.process.wait(60) == 0, record.said.read_text()
        first.start()
        td.wait_for(first.partitions, "the first one", 30)
        second.starts = 1
        second.start()
        assert second.process.wait(30) == EXIT_CONFIG, second.said.read_text()
        return second.notices("failed")[-1]


def schema_id(prefix, subject):
    """As the log's own registry says, in its topic."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": cluster.address, "group.id": "looks", "isolation.level": "read_committed"})
    with contextlib.closing(consumer):
        consumer.assign([confluent_kafka.TopicPartition(prefix + "_schemas", 0, 0)])
        for _ in range(100):
            for message in consumer.consume(1000, 0.5):
                said = json.loads(message.value() or b"{}") if message.error() is None else {}
                if said.get("subject") == subject:
                    return said["id"]
    raise AssertionError(f"no schema of {subject}")


def produce_trades(prefix, instruments, seconds):
    """As a program of others does that has our schema: now, by Kafka's own partitioner. (instrument, second) that traded."""
    schema = fastavro.schema.load_schema(td.ROOT / "schemas/Trade.avsc")
    tag = b"\0" + struct.pack(">I", schema_id(prefix, "tape-tapedeck.Trade"))
    producer = confluent_kafka.Producer({"bootstrap.servers": cluster.address, "enable.idempotence": True, "partitioner": "murmur2"})
    traded, end = set(), time.monotonic() + seconds
    while time.monotonic() < end:
        for name in instruments:
            now_ns = time.time_ns()
            trade = {"event_ns": now_ns, "receive_ns": now_ns, "price": decimal.Decimal("10.5"), "size": decimal.Decimal(1),
                     "feed": "desk", "trade_id": None, "side": "buy"}
            value = io.BytesIO()
            fastavro.schemaless_writer(value, schema, trade)
            producer.produce(prefix + "tape", key=name, value=tag + value.getvalue())
            traded.add((name, now_ns // 10**9))
        time.sleep(0.1)
    assert producer.flush(30) == 0
    return traded


@cases.add
def what_others_produce(home):
    """Another program puts events on the tape; who records gives them time, so that bars close where nothing trades any more."""
    home, prefix = f"{home}/others", "others."
    config(home)
    feeds = "feeds=[{produced: {name: desk, max_delay: 2s}}]"
    instruments = [f"DESK:S{n}" for n in range(12)]
    record = Process(home, prefix, "record", "record", feeds, "strategies=[]")
    worker = Process(home, prefix, "worker", "process", feeds, "strategies=[]")
    bars = [td.PROGRAM, "log", "cat", "bars", "--kafka", cluster.address, "--prefix", prefix]

    def closed():
        lines = subprocess.run(bars, stdout=subprocess.PIPE, check=False).stdout.decode().splitlines()
        values = [json.loads(line)["value"] for line in lines]
        return {(v["instrument"], v["start_ns"] // 10**9) for v in values if v["width_ns"] == 10**9 and v["quality"] == "complete"}

    with ended([record, worker]):
        record.start()
        worker.start()
        td.wait_for(lambda: sorted(worker.partitions()) == list(range(PARTITIONS)), worker.partitions, 120)
        traded = produce_trades(prefix, instruments, 3)
        began = time.monotonic()
        td.wait_for(lambda: closed() >= traded, lambda: sorted(traded - closed())[:5], 60)
        took_s = time.monotonic() - began
        record.stop()
        late = produce_trades(prefix, instruments[:1], 1)  # whoever produces goes on, and time does when we do
        record.start()
        td.wait_for(lambda: closed() >= late, lambda: sorted(late - closed())[:5], 60)
        assert closed() == traded | late, closed() ^ (traded | late)
        assert worker.stop()["diverged"] == 0
        record.stop()
    return f"{len(traded)} bars of {len(instruments)} instruments closed {took_s:.1f} s after the last trade, {len(late)} behind a stop"


@cases.add
def two_that_record(home):
    """The second fences the first, which ends and says why; the tape is that of one process."""
    home = f"{home}/record"
    config(home)
    feeds = "feeds=[{simulated: {seed: 3, instruments: 12, ticks: 20000, duration: 100s}}]"
    first, second = (Process(home, "two.", name, "record", feeds, "speed=2x") for name in ("first", "second"))
    with ended([first, second]):
        first.start("--until-end")
        with contextlib.closing(looker()) as consumer:
            td.wait_for(lambda: min(ends(consumer, "two.", "tape") or [0]) > 10, "the first ticks", 60)
        second.sets = [feeds, "speed=max"]
        second.start("--until-end")
        assert second.process.wait(60) == 0, second.said.read_text()
        began = time.monotonic()
        assert first.process.wait(20) == EXIT_FENCED, first.said.read_text()
        took_s = time.monotonic() - began
        told = first.notices("fenced")
        assert len(told) == 1 and "another process" in told[0], first.said.read_text()
    embedded = config(f"{home}/embedded")
    td.run(embedded, "--set", feeds, "--set", "serve=off")
    wanted = td.digests(f"{home}/embedded/data")
    tape = {p: consuming.digest(cluster.address, "two.tape", p) for p in range(PARTITIONS)}
    assert tape == {p: wanted[f"tape-{p}"] for p in tape}, (tape, wanted)
    return f"exit {EXIT_FENCED}, {took_s:.1f} s after the other had ended: {told[0]}"


def main():
    global cluster
    with td.folder() as home:
        cluster = Cluster(f"{home}/cluster")
        with cluster.running():
            return cases.run()


if __name__ == "__main__":
    sys.exit(main())
