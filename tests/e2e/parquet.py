#!/usr/bin/env python3
"""tests/e2e/parquet.py - the archive: what pyarrow, polars and DuckDB read of its files is the log, row by row and field by
field; days close by the tape's own time, what comes late is in a further file, and whoever is killed or stopped leaves the same
files, byte for byte.
"""
import collections
import contextlib
import datetime
import decimal
import hashlib
import json
import os
import pathlib
import random
import re
import sqlite3
import subprocess
import sys
import time
import urllib.parse

import duckdb
import polars
import pyarrow.dataset
import pyarrow.parquet
import tapedeck as td

DATA = td.ROOT / "examples" / "data"
DEMO = [f"file: {{ format: lean, path: {DATA}/lean/*.zip, from: \"09:30\", to: \"09:32\" }}",
        f"file: {{ format: binance-collector, path: {DATA}/binance/*.gz, to: \"23:55:30\" }}",
        f"file: {{ format: alphavantage, path: {DATA}/alphavantage/MSFT_1min_2* }}"]
TABLES = ("bars", "signals", "fills", "gaps", "vendor_bars", "trades", "quotes")
STRATEGIES = [td.ROOT / "strategies/momentum.td", td.ROOT / "strategies/golden_cross.td"]
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
SEED = int(os.environ.get("SEED") or random.randrange(1 << 30))
EXIT_USAGE, EXIT_CONFIG = 2, 3
HOUR = 3600
OPEN_DAYS = {"parquet": ".open.db", "avro": ".open.avro.db"}
cases = td.Cases()
# Names of the log that have another one in tables, and those that tables do not have.
RENAMED = {"vendor_bars": {"known_at_ns": "receive_ns", "end_ns": "event_ns"}, "gaps": {"from_ns": "event_ns"}}
IN_PLACE = {"day", "src_partition", "src_epoch", "src_offset", "ord"}


def config(home, feeds, of=TABLES, more="", kind="parquet"):
    archive = f"sinks:\n  - {kind}: {{ dir: {home}/archive, of: [{', '.join(of)}]{more} }}\n"
    file = td.config(f"{home}/run.yaml", f"{home}/data", feeds, bars="[1s, 1m]", strategies=STRATEGIES, partitions=3, sink=False,
                     extra=archive)
    file.write_text(file.read_text(encoding="utf-8").replace("partitions: 3", "partitions: 3, publish: [trades, quotes]"),
                    encoding="utf-8")
    return file


def cat(home, topic):
    done = subprocess.run([td.PROGRAM, "log", "cat", topic, "--data", f"{home}/data"], stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def number(field):
    return decimal.Decimal(field) if isinstance(field, str) else field


def expect_row(topic, row, record):
    """One row of the archive says what that record of the log says, and nothing else."""
    value = record["value"]
    place = (record["partition"], record["epoch"], record["offset"])
    assert (row["src_partition"], row["src_epoch"], row["src_offset"]) == place, (topic, row, record)
    for name, got in row.items():
        if name in IN_PLACE:
            continue
        if name == "known_at" or name.endswith("_time"):
            exact = row[f"{name.removesuffix('_time')}_ns"]
            wanted = EPOCH + datetime.timedelta(microseconds=exact // 1000) if exact is not None else None
        elif name == "instrument":
            wanted = value.get(name, record["key"])
        else:
            wanted = value[RENAMED.get(topic, {}).get(name, name)]
        if isinstance(got, decimal.Decimal):
            wanted = number(wanted)
        assert got == wanted, (topic, name, got, wanted, record)
    if "ord" in row:
        assert row["ord"] == int(record["cause"].split("/")[3]), (row, record)
    stands = row["start_ns"] if "start_ns" in row else row["event_ns"] if "event_ns" in row else row["from_ns"]
    assert row["day"] == datetime.date(1970, 1, 1) + datetime.timedelta(days=stands // (86400 * 10**9)), row


def by_pyarrow(folder):
    parts = pyarrow.dataset.partitioning(pyarrow.schema([("instrument", pyarrow.string()), ("day", pyarrow.date32())]), flavor="hive")
    return pyarrow.dataset.dataset(folder, format="parquet", partitioning=parts).to_table().to_pylist()


def by_polars(folder):
    frame = polars.scan_parquet(f"{folder}/**/*.parquet", hive_partitioning=True, try_parse_hive_dates=True).collect()
    return frame.to_dicts()


def by_duckdb(folder):
    files = f"read_parquet('{folder}/**/*.parquet', hive_partitioning = true)"
    return duckdb.sql(f"from {files}").to_arrow_table().to_pylist()


def place_of(row):
    return row["src_partition"], row["src_offset"]


def expect_log(home, readers=(by_pyarrow, by_polars, by_duckdb)):
    """All rows of all tables are the log's. Returns how many there are."""
    counts = collections.Counter()
    for topic in TABLES:
        records = sorted(cat(home, topic), key=lambda r: (r["partition"], r["offset"]))
        folder = f"{home}/archive/{topic}"
        if not records:
            assert not os.path.exists(folder), topic
            continue
        for reader in readers:
            rows = sorted(reader(folder), key=place_of)
            assert len(rows) == len(records), (topic, reader.__name__, len(rows), len(records))
            for row, record in zip(rows, records):
                expect_row(topic, row, record)
        counts[topic] = len(records)
    return dict(counts)


def files(home, archive="archive", kind="parquet"):
    """{path: digest} of all files of that kind; there is nothing else but the open days."""
    found = {}
    for path in sorted(pathlib.Path(f"{home}/{archive}").rglob("*")):
        if path.suffix == f".{kind}":
            found[str(path.relative_to(f"{home}/{archive}"))] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            assert path.is_dir() or path.name == ".lock" or path.name.startswith(OPEN_DAYS[kind]), path
    return found


def same(got, wanted, what):
    different = sorted(name for name in got.keys() | wanted.keys() if got.get(name) != wanted.get(name))
    assert not different, (what, len(different), different[:4])


@cases.add
def the_demo(home):
    """Each reader has every row and field; a file is zstd, has statistics, and its row groups are as large as was said."""
    td.run(config(home, DEMO, more=", row_group: 4096"))
    counts = expect_log(home)
    assert counts["quotes"] > 3000 and counts["trades"] > 2000 and counts["vendor_bars"] > 10000 and counts["signals"] >= 3, counts
    largest = max(pathlib.Path(f"{home}/archive/quotes").rglob("*.parquet"), key=lambda path: path.stat().st_size)
    told = pyarrow.parquet.ParquetFile(largest).metadata
    groups = [told.row_group(i) for i in range(told.num_row_groups)]
    assert len(groups) >= 2 and all(g.num_rows <= 4096 for g in groups), [g.num_rows for g in groups]
    for column in (g.column(c) for g in groups for c in range(g.num_columns)):
        bounded = column.statistics.has_min_max or column.statistics.null_count == column.num_values
        assert column.compression == "ZSTD" and bounded, column
    types = {field.name: str(field.type) for field in pyarrow.parquet.read_schema(largest)}
    assert types["src_offset"] == "int64" and types["event_ns"] == "int64" and types["event_time"] == "timestamp[us, tz=UTC]", types
    assert "instrument" not in types and types["bid_price"] == "decimal128(19, 9)" and types["bid_size"] == "decimal128(19, 8)", types
    return counts


def write_days(home, days=4):
    """Trades of two venues over several days, of which some come late: by minutes, and for a day that is closed."""
    rng, lines = random.Random(7), ["time,instrument,price,size,id,side"]
    number_of = 0
    begin = datetime.datetime(2026, 3, 2, tzinfo=datetime.timezone.utc)
    for second in range(0, days * 24 * HOUR, 601):
        for name in ("ONE:A'B", "ONE:B/2", "TWO:C.1"):
            number_of += 1
            late = 3 * HOUR if number_of % 97 == 0 else 26 * HOUR if number_of % 211 == 0 else 0
            stamp = (begin + datetime.timedelta(seconds=second - late + rng.random())).isoformat(timespec="microseconds")
            price = "9000000000.123456789" if number_of % 500 == 0 else f"{100 + rng.random():.9f}"
            lines.append(f"{stamp.replace('+00:00', 'Z')},{name},{price},{rng.choice(['90000000000', '0.00000001', '3'])},{number_of},buy")
    path = pathlib.Path(home) / "days.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [f"file: {{ format: csv, path: {path} }}"]


@cases.add
def several_days(home):
    """A day has a file once its venue is past it; what comes later for it is in another one."""
    td.run(config(home, write_days(home)))
    counts = expect_log(home)
    parts = collections.Counter(os.path.dirname(name) for name in files(home) if name.startswith("trades/"))
    instruments = {urllib.parse.unquote(name.split("/")[1].removeprefix("instrument=")) for name in parts}
    assert instruments == {r["key"] for r in cat(home, "trades")}, instruments
    assert max(parts.values()) > 1 and len(parts) >= 12, parts
    with_days = {r["value"]["start_ns"] // (86400 * 10**9) for r in cat(home, "bars")}
    assert len(with_days) >= 4, with_days
    return f"{counts}, {len(files(home))} files"


def open_days(home):
    """Of what no run holds open."""
    with contextlib.closing(sqlite3.connect(f"{home}/archive/.open.db")) as db:
        first, last, count = db.execute("select min(day), max(day), sum(rows) from packs where topic = 'trades'").fetchone()
    return EPOCH.date() + datetime.timedelta(days=first), EPOCH.date() + datetime.timedelta(days=last), count


@cases.add
def closed_days_leave_the_database(home):
    td.run(config(home, write_days(home)))
    first, last, count = open_days(home)
    total = len(cat(home, "trades"))
    assert last >= datetime.date(2026, 3, 5) and 0 < count < total / 2, (first, last, count, total)
    return f"{count} of {total} rows are of open days"


@cases.add
def stopped_and_gone_on(home):
    """A run that ends within a day leaves that day's rows readable, and the next one puts the whole file in its place."""
    feeds = write_days(f"{home}")
    for name in ("one", "two"):
        pathlib.Path(f"{home}/{name}").mkdir()
    td.run(config(f"{home}/one", feeds))
    wanted = files(f"{home}/one")
    whole = pathlib.Path(f"{home}/days.csv").read_text(encoding="utf-8")
    lines = whole.splitlines(keepends=True)
    file = config(f"{home}/two", feeds)
    stops = 0
    for _ in range(3):
        process = td.start(file, "--set", "speed=200000x")
        time.sleep(0.7)
        process.terminate()
        said, _ = process.communicate(timeout=60)
        stops += not json.loads(said.splitlines()[-1])["finished"]
        expect_log(f"{home}/two", readers=(by_duckdb,))
    td.run(file)
    same(files(f"{home}/two"), wanted, "stopped")
    assert stops >= 2, stops
    return f"{len(wanted)} files, stopped {stops} times of {len(lines)} lines"


def killed(home, feeds, speed, wait_s, kind="parquet", readers=(by_duckdb,), more="", expect=expect_log):
    """The same run once whole, once killed five times while it writes."""
    for name in ("whole", "killed"):
        pathlib.Path(f"{home}/{name}").mkdir()
    td.run(config(f"{home}/whole", feeds, kind=kind, more=more))
    file, rng, alive = config(f"{home}/killed", feeds, kind=kind, more=more), random.Random(SEED), 0
    for _ in range(5):
        process = td.start(file, "--set", f"speed={speed}")
        td.wait_for(lambda run=process: any(pathlib.Path(f"{home}/killed/archive").glob(".open.*")) or run.poll() is not None,
                    "an archive", 60)
        time.sleep(rng.uniform(0.1, wait_s))
        alive += process.poll() is None
        td.kill(process)
    td.run(file)
    assert alive == 5, (SEED, alive)
    counts, got = expect(f"{home}/killed", readers), files(f"{home}/killed", kind=kind)
    names = got.keys() ^ files(f"{home}/whole", kind=kind).keys()  # each row has its epoch, which a death changes
    assert not names, (SEED, sorted(names)[:4])
    td.run(file, "--set", f"sinks.0.{kind}.dir={home}/killed/again")  # from the log, by whom nobody kills
    same(got, files(f"{home}/killed", "again", kind), f"killed, seed {SEED}")
    return f"{counts}, {len(got)} files, seed {SEED}"


@cases.add
def killed_within_a_day(home):
    return killed(home, DEMO[:2], "20x", 1.0)


@cases.add
def killed_as_days_close(home):
    return killed(home, write_days(home, days=8), "100000x", 1.0)


RETAINED = 2  # days


def retained(home, readers):
    """Of each partition stays what no row behind it has let go, to the row; of tables that are not large stays all."""
    counts = collections.Counter()
    for topic in ("trades", "quotes", "bars"):
        stays, newest, seen = collections.defaultdict(list), {}, 0
        for record in sorted(cat(home, topic), key=lambda r: (r["partition"], r["offset"])):
            partition, value = record["partition"], record["value"]
            day = value["start_ns" if topic == "bars" else "event_ns"] // (86400 * 10**9)
            if topic != "bars" and day > newest.get(partition, 0):
                newest[partition] = day
                stays[partition] = [kept for kept in stays[partition] if kept[0] >= day - RETAINED]
            stays[partition].append((day, (partition, record["offset"])))
            seen += 1
        wanted = sorted(place for kept in stays.values() for _, place in kept)
        got = sorted(place_of(row) for row in readers[0](f"{home}/archive/{topic}")) if wanted else []
        assert got == wanted, (topic, len(got), len(wanted), sorted(set(got) ^ set(wanted))[:4])
        assert len(wanted) == seen if topic == "bars" else not seen or len(wanted) < seen / 2, (topic, len(wanted), seen)
        counts[topic] = len(wanted)
    days = {path.name for path in pathlib.Path(f"{home}/archive/trades").rglob("day=*")}
    assert len(days) >= RETAINED + 1, days
    for folder in pathlib.Path(f"{home}/archive/trades").rglob("*"):
        assert not folder.is_dir() or any(folder.iterdir()), folder
    return dict(counts)


@cases.add
def killed_as_days_go(home):
    """An instrument that was traded on the first day alone leaves no folder; whoever is killed lets go the same."""
    feeds = write_days(home, days=8)
    path = pathlib.Path(home) / "days.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines.insert(20, "2026-03-02T01:00:00Z,TWO:GONE,1,1,900000,buy")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    said = killed(home, feeds, "100000x", 1.0, more=f", retain_time: {RETAINED}d", expect=retained)
    retained(f"{home}/whole", (by_duckdb,))
    assert any(r["key"] == "TWO:GONE" for r in cat(f"{home}/whole", "trades"))
    assert not pathlib.Path(f"{home}/whole/archive/trades/instrument=TWO%3AGONE").exists()
    return said


@cases.add
def told_at_the_end(home):
    """Open days that cannot be written as a run ends are told, and so is the run; the next one writes them."""
    file = config(home, write_days(home, days=1))
    td.run(file)
    wanted = files(home)
    os.rename(f"{home}/archive/bars", f"{home}/bars")
    pathlib.Path(f"{home}/archive/bars").touch()
    told = td.run(file, check=EXIT_CONFIG)
    assert not told["finished"] and "days that are open are not all written" in told["stderr"], told
    os.remove(f"{home}/archive/bars")
    assert td.run(file)["finished"]
    same(files(home), wanted, "told")
    return told["stderr"].splitlines()[-1]


@cases.add
def refusals(home):
    """Each is told before anything is written; a library of DuckDB's is for questions, not for writing."""
    feeds = write_days(home, days=1)
    os.environ["TAPEDECK_DUCKDB"] = f"{home}/nowhere.so"
    try:
        pathlib.Path(f"{home}/without").mkdir()
        td.run(config(f"{home}/without", feeds))
        expect_log(f"{home}/without", readers=(by_pyarrow,))
        ask = [td.PROGRAM, "sql", "--archive", f"{home}/without/archive", "select 1"]
        done = subprocess.run(ask, stderr=subprocess.PIPE, text=True, check=False)
        said = done.stderr
        assert done.returncode == EXIT_CONFIG, done
        assert "DuckDB's library is not there" in said and "scripts/fetch_duckdb.sh" in said, said
    finally:
        del os.environ["TAPEDECK_DUCKDB"]
    version = re.search(r"^version=(.*)$", (td.ROOT / "scripts/fetch_duckdb.sh").read_text(encoding="utf-8"), re.MULTILINE)[1]
    torn = pathlib.Path(f"{home}/tapedeck/duckdb-{version}/libduckdb.so")
    torn.parent.mkdir(parents=True)
    torn.write_text("torn", encoding="utf-8")
    done = subprocess.run(ask, env=os.environ | {"XDG_CACHE_HOME": home}, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == EXIT_CONFIG and f"{torn}: file too short" in done.stderr, done.stderr
    said = td.run(config(home, feeds, of=("bars", "news")), "--set", "log.publish=[news]", check=EXIT_CONFIG)["stderr"]
    assert "of: there is no table for news" in said, said
    td.run(config(home, feeds))
    os.remove(f"{home}/archive/.open.db")
    said = td.run(config(home, feeds), check=EXIT_CONFIG)["stderr"]
    assert "which says how far it goes, is not: name another folder" in said, said
    os.rename(f"{home}/archive", f"{home}/before")
    pathlib.Path(f"{home}/archive").mkdir()
    pathlib.Path(f"{home}/archive/.open.duckdb").touch()
    said = td.run(config(home, feeds), check=EXIT_CONFIG)["stderr"]
    assert ".open.duckdb is there, and a folder is of one archive alone" in said, said
    return "5 answers"


if __name__ == "__main__":
    if subprocess.run([td.ROOT / "scripts" / "fetch_duckdb.sh"], check=False).returncode != 0:
        print("DuckDB's library is not to be had here")
        sys.exit(77)
    sys.exit(cases.run())
