"""bench/stores.py - what a store costs: trades of the seeded market from the log into each, beside the bare means on the same rows;
and the newest bars of a year out of the API."""
import datetime
import http.client
import itertools
import json
import os
import pathlib
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time

from harness import MARKET, PROGRAM, ROOT, new_folder, run, start, stop, tool

sys.path.insert(0, str(ROOT / "tests/services"))
import cassandra_node  # noqa: E402
import fetch  # noqa: E402
import on_kafka  # noqa: E402
import postgres as pg  # noqa: E402

TICKS, CASSANDRA_TICKS = 1_000_000, 200_000  # half of them are trades
FILES = 64  # of the archive: a day of so many instruments
IN_FLIGHT, WARM_UP = 256, 1
PYTHON = ROOT / "scripts/python.sh"
JAVA_DRIVER = "4.19.0"
JARS = [("org.apache.cassandra", "java-driver-core", JAVA_DRIVER), ("org.slf4j", "slf4j-nop", "1.7.36")]
MINUTES, BARS, ASKED = 365 * 24 * 60, 500, 200


def recorded(bench, home, ticks, *changes):
    """A log with the market's trades in it."""
    data = home / f"data-{len(list(home.glob('data-*')))}"
    settings = bench.settings(data, f"feeds.0.simulated.ticks={ticks}", "bars=1m", "strategies=[]", "log.publish=trades", *changes)
    subprocess.run([PROGRAM, "run", "--until-end", "--quiet", *settings, MARKET], cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    return data


def configured(home, data, sink):
    """A configuration with that sink, called `store`."""
    file = home / "store.yaml"
    file.write_text(f"feeds:\n  - simulated: {{ seed: 1 }}\nbars: [1m]\nlog: {{ dir: {data}, publish: [trades] }}\n"
                    f"sinks:\n  - {sink}\n", encoding="utf-8")
    return file


def in_turns(bench, sides):
    """{side: [answer, …]} of {side: a function that answers}."""
    answers = {side: [] for side in sides}
    for _ in range(bench.runs):
        for side, once in sides.items():
            answers[side].append(once())
    counts = {answer["rows"] for runs in answers.values() for answer in runs}
    if len(counts) != 1:
        sys.exit(f"stores: not the same rows: {counts}")
    return answers


def rates(bench, answers, names, notes):
    return {side: bench.row("stores", names[side], [r["rows"] / r["seconds"] / 1e3 for r in runs], "k rows/s", notes[side])
            for side, runs in answers.items()}


def beside(bench, what, ratio, least):
    bench.bound(what, f"{ratio:.2f} of it", ratio >= least, f"{least:g} of it")


# ---- SQLite ----

def sqlite(bench, home, data):
    def once(how):
        for path in home.glob("market.db*"):
            path.unlink()
        file = configured(home, data, f"sqlite: {{ name: store, file: {home}/market.db, of: [trades] }}")
        return run([tool("store_bench"), how, file, "store", "trades"], bench.one_core())

    answers = in_turns(bench, {"ours": lambda: once("deliver"), "bare": lambda: once("insert")})
    rate = rates(bench, answers, {"ours": "SQLite, ours", "bare": "SQLite, prepared inserts"},
                 {"ours": f"{answers['ours'][0]['rows']} trades, read from the log; the newest of each instrument; positions",
                  "bare": "what is bound at hand; as many rows a transaction, the same table and settings"})
    beside(bench, "SQLite beside a prepared-insert loop", rate["ours"] / rate["bare"], 0.7)


# ---- PostgreSQL ----

def postgres(bench, home, data):
    if not tool("store_copy").exists():
        bench.missing("stores", "PostgreSQL", "the build found no libpq")
        return
    with pg.postgres(fsync=True) as server:
        def once(command):
            server.ask("drop schema if exists store cascade")
            server.ask("checkpoint")
            file = configured(home, data, f"postgres: {{ name: store, url: \"{server.uri}\", schema: store, of: [trades] }}")
            return run([*command, file, "store", "trades"], set(bench.cores))

        answers = in_turns(bench, {"ours": lambda: once([tool("store_bench"), "deliver"]), "bare": lambda: once([tool("store_copy")])})
        version = server.rows("select split_part(version(), ' ', 2)")[0][0]
    rate = rates(bench, answers, {"ours": "PostgreSQL, ours", "bare": "PostgreSQL, one binary COPY"},
                 {"ours": f"{version}, it syncs: {answers['ours'][0]['rows']} trades, as above; up to 16,384 rows a transaction",
                  "bare": "the same bytes at hand, the same table, one transaction"})
    beside(bench, "PostgreSQL beside a bare binary COPY", rate["ours"] / rate["bare"], 0.7)


# ---- Cassandra ----

def cassandra(bench, home, data):
    """Both drivers write what is read of our table; the Java one keeps its bytes as they come."""
    os.environ["REQUIREMENTS"] = str(ROOT / "tests/services/cassandra_requirements.txt")
    java = [*on_kafka.peer("CassandraRows", fetch.jars(f"bench-cassandra-{JAVA_DRIVER}", JARS))]
    node = cassandra_node.Cassandra()
    turn = itertools.count()
    with node.alive():
        def ours():
            keyspace = f"ours{next(turn)}"
            file = configured(home, data, f"cassandra: {{ name: store, nodes: [\"{node.address}\"], keyspace: {keyspace}, "
                                          f"in_flight: {IN_FLIGHT}, of: [trades] }}")
            return run([tool("store_bench"), "deliver", file, "store", "trades"], set(bench.cores))

        def peer(command, made=False):
            table = f"peer{next(turn)}.ticks"
            words = ["127.0.0.1", node.port, "ours0.ticks", table]
            if made:
                subprocess.run([PYTHON, ROOT / "bench/cassandra_rows.py", *map(str, words), "0"], check=True)
            return run([*command, *words, IN_FLIGHT], set(bench.cores))

        sides = {"ours": ours, "python": lambda: peer([PYTHON, ROOT / "bench/cassandra_rows.py"]), "java": lambda: peer(java, True)}
        for _ in range(WARM_UP):  # the node's own code is compiled as it runs
            for once in sides.values():
                once()
        answers = in_turns(bench, sides)
    rate = rates(bench, answers, {"ours": "Cassandra, ours", "python": "Cassandra, Python driver", "java": "Cassandra, Java driver"},
                 {"ours": f"{cassandra_node.VERSION}: {answers['ours'][0]['rows']} trades from the log, what is newest, positions",
                  "python": f"{answers['python'][0]['version']}: execute_concurrent, {IN_FLIGHT} at a time, rows at hand",
                  "java": f"{JAVA_DRIVER}: executeAsync, {IN_FLIGHT} at a time, their bytes at hand"})
    for side, name in (("python", "the Python driver"), ("java", "a Java driver program")):
        beside(bench, f"Cassandra beside {name}", rate["ours"] / rate[side], 1)


# ---- Parquet ----

def parquet(bench, home):
    data = recorded(bench, home, min(bench.ticks, TICKS), f"feeds.0.simulated.instruments={FILES}")
    os.environ["REQUIREMENTS"] = str(ROOT / "tests/e2e/parquet_requirements.txt")
    archive, theirs = home / "archive", home / "theirs"

    def ours():
        shutil.rmtree(archive, ignore_errors=True)
        file = configured(home, data, f"parquet: {{ name: store, dir: {archive}, of: [trades] }}")
        return run([tool("store_bench"), "deliver", file, "store", "trades"], bench.one_core())

    def pyarrow():
        shutil.rmtree(theirs, ignore_errors=True)
        return run([PYTHON, ROOT / "bench/pyarrow_write.py", archive, theirs], bench.one_core())

    answers = in_turns(bench, {"ours": ours, "pyarrow": pyarrow})
    said = answers["pyarrow"][0]
    rate = rates(bench, answers, {"ours": "Parquet, ours", "pyarrow": "Parquet, pyarrow"},
                 {"ours": f"{said['rows']} trades from the log into {said['files']} files, each synced",
                  "pyarrow": f"{said['version']}: the same rows at hand into as many files, zstd"})
    beside(bench, "Parquet beside pyarrow, speed", rate["ours"] / rate["pyarrow"], 0.5)
    times = said["of_bytes"] / said["bytes"]
    bench.bound("Parquet beside pyarrow, size", f"{times:.2f} times", times <= 1.1, "1.1 times")


# ---- the newest bars of a year ----

YEAR = """feeds:
  - file: {{ format: csv, path: {home}/year.csv }}
bars: [1m]
log: {{ dir: {home}/year, partitions: 1 }}
sinks:
  - sqlite: {{ file: {home}/year.db }}
serve: {{ listen: "127.0.0.1:0" }}
"""
QUERY = (f"SELECT * FROM bars WHERE instrument = 'DESK:A' AND width_ns = 60000000000 ORDER BY start_ns DESC, revision DESC LIMIT {BARS}")


def write_year(path):
    """A trade a minute, and one behind them that closes the last."""
    with path.open("w", encoding="utf-8") as file:
        file.write("time,instrument,price,size\n")
        for i in range(MINUTES + 1):
            at = datetime.datetime(2025, 1, 1) + datetime.timedelta(minutes=i)
            file.write(f"{at.isoformat()}Z,DESK:A,{100 + i % 997 / 100},1\n")


def timed(ask):
    """Milliseconds of the one in the middle, and what the last one gave."""
    took = []
    for _ in range(ASKED):
        began = time.monotonic()
        answer = ask()
        took.append((time.monotonic() - began) * 1e3)
    return statistics.median(took), answer


def newest_bars(bench, home):
    write_year(home / "year.csv")
    file = home / "year.yaml"
    file.write_text(YEAR.format(home=home), encoding="utf-8")
    subprocess.run([PROGRAM, "run", "--until-end", "--quiet", file], check=True, stderr=subprocess.DEVNULL)
    program = start([PROGRAM, "run", "--quiet", file], stderr=subprocess.DEVNULL)
    try:
        while not (home / "year/SERVE").exists():
            if program.poll() is not None:
                sys.exit(f"newest_bars: the run ended with {program.returncode}")
            time.sleep(0.05)
        address = (home / "year/SERVE").read_text(encoding="utf-8").strip().removeprefix("http://")
        client, db = http.client.HTTPConnection(address), sqlite3.connect(home / "year.db")

        def ours():
            client.request("GET", f"/api/v1/bars?instrument=DESK:A&width=1m&limit={BARS}")
            return client.getresponse().read()

        sides = {"ours": lambda: timed(ours), "scan": lambda: timed(lambda: db.execute(QUERY).fetchall())}
        answers = {side: [] for side in sides}
        for _ in range(bench.runs):
            for side, once in sides.items():
                took, answer = once()
                rows = json.loads(answer)["bars"] if side == "ours" else answer
                if len(rows) != BARS:
                    sys.exit(f"stores: {side} gave {len(rows)} bars: {rows[:1]}")
                answers[side].append(took)
    finally:
        stop(program)
    ms = {side: bench.row("stores", name, answers[side], "ms", note, False)
          for side, name, note in (("ours", f"{BARS} newest bars, API", f"of {MINUTES}: HTTP, JSON; each run the median of {ASKED}"),
                                   ("scan", f"{BARS} newest bars, SQLite", "by the primary key, by Python's sqlite3"))}
    bench.bound(f"the newest {BARS} bars of a year", f"{ms['ours'] / ms['scan']:.2f} times", ms["ours"] <= 3 * ms["scan"], "3 times a scan")


def stores(bench):
    with new_folder() as folder:
        home = pathlib.Path(folder)
        data = recorded(bench, home, min(bench.ticks, TICKS))
        sqlite(bench, home, data)
        postgres(bench, home, data)
        cassandra(bench, home, recorded(bench, home, min(bench.ticks, CASSANDRA_TICKS)))
        parquet(bench, home)
        newest_bars(bench, home)
