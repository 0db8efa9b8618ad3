#!/usr/bin/env python3
"""tests/services/run_roles.py - the roles of a run as processes of their own on a real broker: one records, three
process, one delivers, one serves. They start in any order; workers are killed and stopped in the middle, and their
partitions move. What must hold in the end: the same sequences of (key, value) and the same rows as one process with the
embedded log makes (design wall 5). And what people are told where a role has nothing to do or a process is too much.

TAPEDECK_SOAK is how many times a worker is killed, three without it, and as many more as it takes until one dies within a
transaction. A run that did not see three rebalances (30 of 100 deaths) and one transaction that was aborted (10) proves
nothing, and fails.
"""
import contextlib
import json
import os
import pathlib
import random
import re
import signal
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import confluent_kafka  # noqa: E402
import consuming  # noqa: E402
import tapedeck as td  # noqa: E402
from broker import Broker  # noqa: E402

DATA = td.ROOT / "examples" / "data"
FEEDS = [f"file: {{ format: lean, path: {DATA}/lean/*.zip, from: \"09:30\", to: \"09:45\" }}",
         f"file: {{ format: binance-collector, path: {DATA}/binance/*.gz }}"]
STRATEGIES = [td.ROOT / "strategies/momentum.td", td.ROOT / "tests/data/rules.td"]
PARTITIONS = 6
TABLES = ("bars", "signals", "fills")
KILLS = int(os.environ.get("TAPEDECK_SOAK", "3"))
SPEED = 900 / (35 * (KILLS + 2))  # both recordings are of a quarter of an hour: it is to last longer than the deaths
SEED = int(os.environ.get("SEED") or random.randrange(1 << 30))
REBALANCES_LEAST, ABORTED_LEAST = max(3, KILLS * 3 // 10), max(1, KILLS // 10)
SESSION_S = 6  # the least that a broker allows
EXIT_USAGE, EXIT_CONFIG = 2, 3
cases = td.Cases()
broker = None


class Process:
    """One of a run; what it says is in a file beside its folder."""

    def __init__(self, home, prefix, name, role, *sets):
        self.home, self.prefix, self.name, self.role, self.sets = home, prefix, name, role, sets
        self.starts = 0
        self.process = None

    def start(self, *options):
        sets = [f"log.kafka={broker.address}", f"log.prefix={self.prefix}", f"log.dir={self.home}/{self.name}",
                f"log.properties.session.timeout.ms={SESSION_S * 1000}", *self.sets]
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
        told = self.notices("partitions")
        return [int(p) for p in re.findall(r" (\d+)", told[-1].split(":")[1].split("(")[0])] if told else []

    def kill(self):
        td.kill(self.process)

    def stop(self):
        """Told to end; what it counted."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, (self.name, self.process.returncode, self.said.read_text()[-2000:])
        return json.loads(pathlib.Path(f"{self.home}/{self.name}.out").read_text().splitlines()[-1])


@contextlib.contextmanager
def ended(processes):
    try:
        yield
    finally:
        for p in processes:
            if p.process is not None and p.process.poll() is None:
                p.kill()


def config(home):
    pathlib.Path(home).mkdir(exist_ok=True)
    return td.config(f"{home}/run.yaml", f"{home}/data", FEEDS, bars="[1s, 1m, 100 trades]", strategies=STRATEGIES,
                     partitions=PARTITIONS, extra="serve: { listen: 127.0.0.1:0, edit: true }\n")


# ---- what the broker knows ----

def ends(prefix, topic):
    consumer = confluent_kafka.Consumer({"bootstrap.servers": broker.address, "group.id": "looks",
                                         "isolation.level": "read_committed"})
    try:
        return [consumer.get_watermark_offsets(confluent_kafka.TopicPartition(prefix + topic, p), timeout=10)[1]
                for p in range(PARTITIONS)]
    finally:
        consumer.close()


def aborted(prefix):
    """Markers of aborted transactions in the partitions of the outputs, as they lie on the broker's disk: control
    batches of Kafka's format v2 with a key of type 0."""
    count = 0
    for segment in broker.log_dir.glob(f"{prefix}*/*.log"):
        data, at = segment.read_bytes(), 0
        while at + 61 <= len(data):
            size, attributes = struct.unpack_from(">i", data, at + 8)[0], struct.unpack_from(">h", data, at + 21)[0]
            if attributes & 0x20 and at + 12 + size <= len(data):
                record = data[at + 61:at + 12 + size]  # length, attributes, time, offset: a byte each; key length
                count += struct.unpack_from(">h", record, 7)[0] == 0
            at += 12 + size
    return count


def generations(prefix):
    """Of the group, as its coordinator counts them."""
    said = (broker.folder / "out.log").read_text(errors="replace")
    return max((int(n) for n in re.findall(rf"Stabilized group {re.escape(prefix)}work generation (\d+)", said)), default=0)


def differences(prefix, wanted, folder, wanted_rows):
    names = [name.rsplit("-", 1) for name in wanted]
    got = {f"{topic}-{p}": consuming.digest(broker.address, prefix + topic, int(p)) for topic, p in names}
    different = {name: (got[name], wanted[name]) for name in wanted if got[name] != wanted[name]}
    if not different:
        different = {table: "rows" for table in TABLES if td.rows(folder, table) != wanted_rows[table]}
    return different, sum(count for count, _ in got.values())


# ---- a day with deaths ----

def resumed_s(prefix, partitions, timeout_s=120):
    """Until some output of each of those partitions has grown."""
    before, began = ends(prefix, "bars"), time.monotonic()
    while True:
        now = ends(prefix, "bars")
        if all(now[p] > before[p] for p in partitions):
            return time.monotonic() - began
        assert time.monotonic() - began < timeout_s, f"{partitions} stand still"
        time.sleep(0.2)


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
    told = subprocess.run([td.PROGRAM, "status", "--url", url_of(worker), "--json"], stdout=subprocess.PIPE, check=True).stdout
    told = json.loads(told)["run"]
    assert told["partitions_owned"] == len(worker.partitions()) and told["transactions_committed"] > 0, told
    status, text = ask(url_of(worker), "/api/v1/status")
    run = json.loads(text)["run"]
    assert run["sharing"]["owned"] == len(worker.partitions()) and run["transactions"]["committed"] > 0, run


def disturb(rng, prefix, workers, record, busy):
    """Kills, and one process that stands still for longer than its session lasts and does not know it. How long it took
    each time until there were new bars of all partitions that have many."""
    times = []
    while len(times) < KILLS or (aborted(prefix) < ABORTED_LEAST and record.process.poll() is None):
        time.sleep(rng.uniform(1, 3))
        victim = rng.choice([w for w in workers if busy & set(w.partitions())])
        lost = busy & set(victim.partitions())
        if len(times) == 1:
            victim.process.send_signal(signal.SIGSTOP)
            times.append(resumed_s(prefix, lost))
            victim.process.send_signal(signal.SIGCONT)
        else:
            victim.kill()
            times.append(resumed_s(prefix, lost))
            victim.start()
    return times


@cases.add
def six_processes_and_deaths(home):
    file = config(f"{home}/embedded")
    summary = td.run(file, "--set", "serve=off")
    wanted, wanted_rows = td.digests(f"{home}/embedded/data"), {t: td.rows(f"{home}/embedded/data", t) for t in TABLES}
    busy = {p for p in range(PARTITIONS) if wanted[f"bars-{p}"][0] > 100}
    assert summary["bars"] > 3000 and summary["signals"] > 500 and len(busy) > 2, (summary, busy)

    apart, prefix, rng = f"{home}/apart", "apart.", random.Random(SEED)
    config(apart)
    deliver, server = Process(apart, prefix, "deliver", "deliver"), Process(apart, prefix, "server", "serve")
    workers = [Process(apart, prefix, f"worker{n}", "process,serve" if n == 0 else "process") for n in range(3)]
    record = Process(apart, prefix, "record", "record", f"speed={SPEED:.3f}x")
    everybody = [deliver, server, *workers, record]
    pathlib.Path(f"{apart}/data").mkdir()  # of the sink's file
    with ended(everybody):
        for p in everybody[:-1]:
            p.start()
        td.wait_for(lambda: all(p.notices("awaiting") for p in everybody[:-1]), "who waits for the log to begin", 60)
        record.start("--until-end")
        td.wait_for(lambda: sorted(p for w in workers for p in w.partitions()) == list(range(PARTITIONS)),
                    lambda: [w.partitions() for w in workers], 300)
        td.wait_for(lambda: all(ends(prefix, "bars")[p] for p in busy), "the first bars", 120)
        check_server(server, workers[0])
        times = disturb(rng, prefix, workers, record, busy)
        alive = record.process.poll() is None
        assert record.process.wait(200) == 0, record.said.read_text()[-2000:]
        assert alive, "all was recorded before the last one died: SPEED is too high for this machine"
        began, left = time.monotonic(), {"": ""}
        while left and time.monotonic() - began < 90:
            left, count = differences(prefix, wanted, f"{apart}/data", wanted_rows)
        assert not left, list(left.items())[:5]
        counts = [p.stop() for p in (*workers, deliver, server)]
    assert all(c["diverged"] == 0 for c in counts), counts
    seen, voids = generations(prefix), aborted(prefix)
    assert seen >= REBALANCES_LEAST and voids >= ABORTED_LEAST, f"{seen} rebalances, {voids} transactions aborted"
    return (f"{count} records and all rows equal; {len(times)} deaths (seed {SEED}), {seen} rebalances, {voids} transactions "
            f"aborted, {sum(c['fenced'] for c in counts)} partitions fenced; resumed after "
            + ", ".join(f"{t:.1f}" for t in times) + f" s (sessions of {SESSION_S} s)")


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
    kafka = [f"log.kafka={broker.address}", "log.prefix=roles."]
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


def main():
    global broker
    with td.folder() as home:
        broker = Broker(f"{home}/broker")
        with broker.running():
            return cases.run()


if __name__ == "__main__":
    sys.exit(main())
