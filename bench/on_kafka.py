"""bench/on_kafka.py - what is measured on real brokers: the log beside a loop over librdkafka, and a whole day's floor beside
that loop and beside Kafka Streams."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.request

from harness import BUILD, MARKET, PROGRAM, ROOT, Bench, new_folder, run, start, stop, tool

sys.path.insert(0, str(ROOT / "tests/services"))
import apicurio  # noqa: E402
import broker as kafka  # noqa: E402
import fetch  # noqa: E402

KAFKA_RECORDS = 1_000_000
BROKER = f"Kafka {kafka.Broker.VERSION}"
STREAMS = [("org.apache.kafka", "kafka-streams", kafka.Broker.VERSION), ("org.apache.avro", "avro", "1.12.0"),
           ("org.slf4j", "slf4j-nop", "1.7.36")]
ROUNDS_S = 2
PROCESSED_TICKS, PROCESSED_S = 10_000_000, 900  # by workers alone; enough for a rate


def log_on_kafka(bench):
    """Into a partition and back, with and without the log between; a pair of runs on each topic's first records."""
    records = max(100_000, min(KAFKA_RECORDS, bench.ticks))
    with new_folder() as home, broker(bench, home, "kafka", "ours") as address:
        if not address:
            return
        answers = {"log": [], "bare": []}
        for i in range(bench.runs):
            for side, runs in answers.items():
                runs.append(run([tool("kafka_bench"), side, address, f"{side}-{i}.", records], set(bench.cores)))
    settings = "transactions of 16,384 records, acks=all, lz4, linger 5 ms; broker and client on all processors"
    for what, key in (("appended", "append_s"), ("read back", "read_s")):
        rates = {side: bench.row("kafka", f"{name}, {what}", [r["records"] / r[key] / 1e6 for r in answers[side]], "M records/s",
                                 f"{BROKER}, {answers[side][0]['version']}: {settings}")
                 for side, name in (("log", "ours"), ("bare", "a loop over librdkafka"))}
        ratio = rates["log"] / rates["bare"]
        bench.bound(f"records of {answers['log'][0]['record_bytes']:.0f} B through the log on Kafka, {what}",
                    f"{ratio:.2f} of the bare loop", ratio >= 0.8, "0.8 of it")


@contextlib.contextmanager
def broker(bench, home, section, row):
    """Yields the address of a broker on the other processors, or None with a row that says why not."""
    if not tool("rdkafka_append").exists():
        bench.missing(section, row, "the build found no librdkafka")
        yield None
        return
    one = kafka.Broker(pathlib.Path(home) / "broker")
    one.JVM = []  # as a server runs, and not a test
    with one.running() as process:
        for thread in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), set(bench.cores) - bench.one_core() or set(bench.cores))
        yield one.address


# ---- the floor: a day of 800 instruments, and what others would make of it ----

def peer(name, jars):
    """The command that runs bench/peers/NAME.java."""
    classes = BUILD / "bench/peers"
    classes.mkdir(parents=True, exist_ok=True)
    subprocess.run(["javac", "-Xlint:all", "-Werror", "-d", classes, "-cp", f"{jars}/*", ROOT / f"bench/peers/{name}.java"], check=True)
    return ["java", "-Xmx2g", "-cp", f"{classes}:{jars}/*", name]


def metric(url, name, label=""):
    """Summed over all that have the label."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = re.findall(rf"^{name}(\{{.*\}})? (\S+)$", text, re.M)
    return sum(float(number) for labels, number in found if label in labels)


def lag_of(url):
    """Records of the tape that no worker has applied yet."""
    return metric(url, "tapedeck_reader_lag_records", 'reader="worker"')


def most_memory_mb(process):
    found = re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8"))
    return int(found[1]) / 1024 if found else 0


def on_broker(bench, data, address, registry, prefix, *changes):
    return bench.settings(data, f"log.kafka={address}", f"log.registry={registry}", f"log.prefix={prefix}", "log.codec=lz4",
                          "log.publish=none", "serve.listen=127.0.0.1:0", *changes)


def process_alone(bench, home, address, registry):
    """Workers on a tape that is there, as Kafka Streams. Seconds from their start until all is applied and nobody waits
    for a commit."""
    settings = on_broker(bench, home / "recorded", address, registry, "alone.")
    run([PROGRAM, "run", "--role", "record", "--until-end", "--json", "--quiet", *settings, MARKET], set(bench.cores))
    data, began, applied = home / "processed", time.monotonic(), 0
    settings = on_broker(bench, data, address, registry, "alone.")
    ours = start([PROGRAM, "run", "--role", "process,serve", "--json", "--quiet", *settings, MARKET], stdout=subprocess.PIPE,
                 stderr=subprocess.DEVNULL)
    while applied < bench.ticks and ours.poll() is None and time.monotonic() < began + PROCESSED_S:
        time.sleep(0.2)
        with contextlib.suppress(OSError, http.client.HTTPException):  # it is not there yet
            applied = metric((data / "SERVE").read_text(encoding="utf-8").strip(), "tapedeck_accepted_total")
    stop(ours)
    if ours.returncode != 0 or applied < bench.ticks:
        sys.exit(f"floor: the workers ended with {ours.returncode} and {applied:.0f} of {bench.ticks} ticks")
    return time.monotonic() - began


def record_and_process(bench, home, address, registry):
    """The whole program: its summary, with the most that it lagged and held."""
    data = home / "data"
    settings = on_broker(bench, data, address, registry, "floor.")
    ours = start([PROGRAM, "run", "--until-end", "--json", "--quiet", *settings, MARKET], stdout=subprocess.PIPE,
                 stderr=subprocess.DEVNULL)
    lags, memory, beacon = [0], 0, data / "SERVE"
    while ours.poll() is None:
        time.sleep(ROUNDS_S)
        with contextlib.suppress(OSError, http.client.HTTPException):  # it may end meanwhile
            memory = max(memory, most_memory_mb(ours))
            lags.append(lag_of(beacon.read_text(encoding="utf-8").strip()))
    said = ours.stdout.read()
    if ours.returncode != 0:
        sys.exit(f"floor: the run ended with {ours.returncode}: {said}")
    return json.loads(said.splitlines()[-1]) | {"lag": max(lags), "memory_mb": memory}


def floor(bench):
    """Once, for it is long: feed, log, bars and averages on one broker, with a registry of others."""
    with new_folder() as folder, broker(bench, folder, "floor", "ours") as address:
        if not address:
            return
        home = pathlib.Path(folder)
        registry = apicurio.Server(home)
        part = Bench(min(bench.ticks, PROCESSED_TICKS), 1)
        with registry.running():
            ours = record_and_process(bench, home, address, registry.url)
            alone_s = process_alone(part, home, address, registry.url)
            _, trade = registry.client().ask("GET", "/subjects/floor.tape-tapedeck.Trade/versions/latest")
        loop = run([tool("kafka_bench"), "bare", address, "loop.", bench.ticks], set(bench.cores))
        jars = fetch.jars(f"bench-streams-{kafka.Broker.VERSION}", STREAMS)
        streams = run([*peer("StreamsBars", jars), address, "floor.tape", "streams.bars", home / "state",
                       ROOT / "schemas/Trade.avsc", trade["id"], len(bench.cores)], set(bench.cores))
    if streams["records"] < streams["of"] or streams["of"] < bench.ticks:
        sys.exit(f"floor: Kafka Streams ended with {streams['records']} of {streams['of']} records")
    about = f"{bench.ticks / 1e6:g} M ticks of 800 instruments, {BROKER}, Apicurio {apicurio.VERSION}"
    rate = bench.row("floor", "ours", [ours["events"] / ours["seconds"] / 1e6], "M ticks/s",
                     f"{about}: recorded, bars 1m, 5m, 1h, averages; bars and signals appended; all committed")
    bench.row("floor", "lag, at most", [ours["lag"]], "records", f"of the workers, looked at every {ROUNDS_S} s", False)
    bench.row("floor", "memory, at most", [ours["memory_mb"]], "MB", "resident", False)
    alone = bench.row("floor", "our workers alone", [part.ticks / alone_s / 1e6], "M ticks/s",
                      f"of {part.ticks / 1e6:g} M that lay there, from the start of the process until all was applied and committed")
    bare = bench.row("floor", "a loop over librdkafka", [bench.ticks / (loop["append_s"] + loop["read_s"]) / 1e6], "M records/s",
                     f"{loop['version']}: as many records appended, then read; one partition, nothing made of them")
    theirs = bench.row("floor", "Kafka Streams", [streams["records"] / streams["seconds"] / 1e6], "M ticks/s",
                       f"{streams['version']}, exactly once, {len(bench.cores)} threads: the same tape, of its {streams['trades']} trades "
                       f"bars of 1m and two averages; {streams['bars']} bars")
    bench.bound("the floor beside the bare loop", f"{rate / bare:.2f} of it", rate >= 0.8 * bare, "0.8 of it")
    bench.bound("our workers alone beside Kafka Streams", f"{alone / theirs:.1f} times", alone >= 10 * theirs, "aim: 10 times")
