#!/usr/bin/env python3
"""tests/services/run_postgres.py - results as tables of PostgreSQL: number for number what the SQLite sink of the same run has,
each row once, whoever dies: the run or a rebuild by kill -9, the server in mid-write (each TAPEDECK_KILLS times), or what it had
since a copy of it was made. While it is away for TAPEDECK_AWAY_S, nobody else knows. What it is refused is told, and goes on when
that is mended.
"""
import collections
import contextlib
import decimal
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import certificates  # noqa: E402
import feeds  # noqa: E402
import refused  # noqa: E402
import tapedeck as td  # noqa: E402
from kills import KILLS, slowed  # noqa: E402
from postgres import GUARDED, SOMEBODY, cluster  # noqa: E402

LEAN = f"file: {{ {feeds.LEAN}, to: \"16:00\" }}"
HOUR = LEAN.replace("16:00", "10:30")
BINANCE = f"file: {{ {feeds.BINANCE}, to: \"23:55:30\" }}"
VENDOR = f'file: {{ format: alphavantage, path: "{feeds.DATA}/alphavantage/MSFT_1min_2*" }}'
LAST = ("2026-03-02T14:33:00Z,DESK:A,9000000000.000000001,90000000000,5,",  # numbers that need all of their digits
        "2026-03-02T14:35:00Z,DESK:A,11,1,6,")
STRATEGIES = [td.ROOT / "strategies/momentum.td", td.ROOT / "strategies/golden_cross.td", td.ROOT / "tests/data/filled.td"]
TABLES = ("bars", "signals", "gaps", "vendor_bars", "fills", "quarantine", "rejected", "latest", "instruments")
TICKS = ("trades", "quotes")
FIRSTS = {"bars": "start_ns", "vendor_bars": "start_ns", "trades": "event_ns", "quotes": "event_ns"}
STANDS = {"bars": "start", "gaps": "from", "vendor_bars": "start", "rejected": "receive"}  # instants; others have an event's
SEED = int(os.environ.get("SEED") or random.randrange(1 << 30))
AWAY_S = int(os.environ.get("TAPEDECK_AWAY_S") or 20)
EXIT_CONFIG = 3
SECRET = "open-sesame"
BAD = r"\\377 a line \\000"  # of a line that is none, as people see it
cases = td.Cases()
server = None


def config(home, schema, of_feeds=(HOUR, BINANCE), url=None, more="", ticks=False):
    """With both sinks, which take trades and quotes, too, with `ticks`."""
    of = f", of: [bars, signals, gaps, vendor_bars, fills, {', '.join(TICKS)}]" if ticks else ""
    sinks = (f"sinks:\n  - sqlite: {{ file: {home}/data/market.db{of} }}\n"
             f"  - postgres: {{ url: \"{url or server.uri}\", schema: {schema}{more}{of} }}\n")
    file = td.config(f"{home}/run.yaml", f"{home}/data", of_feeds, bars="[1s, 1m]", strategies=STRATEGIES, partitions=4, sink=False,
                     extra=sinks)
    if ticks:
        file.write_text(file.read_text().replace("partitions: 4", f"partitions: 4, publish: [{', '.join(TICKS)}]"))
    return file


def columns(home, table):
    with sqlite3.connect(f"file:{home}/data/market.db?mode=ro", uri=True) as db:
        return [c[1] for c in db.execute(f"PRAGMA table_info({table})")]


def stored(home, table, names):
    with sqlite3.connect(f"file:{home}/data/market.db?mode=ro", uri=True) as db:
        rows = db.execute(f"SELECT {', '.join(names)} FROM {table}").fetchall()
    return sorted([text_of(value) for value in row] for row in rows)


def text_of(value):
    """As psql has it."""
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    return "" if value is None else str(value)


def expect_equal(home, schema, tables=TABLES):
    """Row by row, all columns, numbers as texts. Returns how many rows there are."""
    counts = {}
    for table in tables:
        names = columns(home, table)
        picked = ", ".join("adjusted::int" if name == "adjusted" else name for name in names)
        wanted, got = stored(home, table, names), sorted(server.rows(f"select {picked} from {schema}.{table}"))
        different = [pair for pair in zip(got, wanted) if pair[0] != pair[1]]
        assert len(got) == len(wanted) and not different, (SEED, table, len(got), len(wanted), different[:2])
        counts[table] = len(wanted)
    return counts


def expect_latest(schema):
    """It is what the rows say. Returns how many there are."""
    wanted = [f"(select distinct on (instrument) instrument, '{kind}' as kind, {ns}, {place}, {price} as price from {schema}.{table}"
              f" order by instrument, {ns} desc, {place} desc)"
              for kind, table, ns, place, price in (("trade", "trades", "event_ns", "ord", "price"),
                                                  ("quote", "quotes", "event_ns", "ord", "null::numeric"),
                                                  ("bar", "bars", "end_ns", "src_offset", "close"))]
    got = sorted(server.rows(f"select instrument, kind, event_ns, ord, price from {schema}.latest"))
    assert got == sorted(server.rows(" union all ".join(wanted))), got
    return len(got)


def expect_instruments(schema):
    """They are there since what the tables have of them. Returns how many there are."""
    rows = " union all ".join(f"select instrument, {name} as ns from {schema}.{table}" for table, name in FIRSTS.items())
    wanted = server.rows(f"select instrument, split_part(instrument, ':', 1), min(ns) from ({rows}) as r group by 1, 2 order by 1")
    got = server.rows(f"select instrument, venue, first_ns from {schema}.instruments order by 1")
    assert got == wanted, [pair for pair in zip(got, wanted) if pair[0] != pair[1]][:3]
    wrong = server.rows(f"select count(*) from {schema}.instruments where instrument <> venue || ':' || symbol"
                        " or first_time <> timestamptz 'epoch' + first_ns / 1000 * interval '1 us'")
    assert wrong == [["0"]], wrong
    return len(got)


def wanted_orders(home):
    """{signal: (side, quantity, state)} as signals and fills of SQLite tell it, one after the other."""
    fills = {row[0]: row[1:] for row in stored(home, "fills", ["signal", "side", "quantity", "position"])}
    orders, held, last = {}, {}, {}
    signals = stored(home, "signals WHERE status = 'fresh' AND action NOT IN ('alert', 'emit')",
                     ["src_partition", "src_offset", "id", "instrument", "action", "target"])
    for _, _, order, instrument, action, target in sorted(signals, key=lambda row: (int(row[0]), int(row[1]))):
        desk = (order.rsplit("/", 1)[0], instrument)
        away = decimal.Decimal(target) - held.get(desk, 0)
        if order in fills:
            side, quantity, position = fills.pop(order)
            orders[order], held[desk] = (side, decimal.Decimal(quantity), "filled"), decimal.Decimal(position)
        else:
            buys = action in ("buy", "cover") or (action == "exit" and held.get(desk, 0) < 0)
            orders[order] = ("buy" if buys else "sell", abs(away), "waiting" if away else "needless")
        before = last.get(desk)
        if before and orders[before][2] == "waiting":
            orders[before] = (*orders[before][:2], "overtaken")
        last[desk] = order
    assert not fills, fills
    return orders


def expect_orders(home, schema):
    """In both stores, and as the signals and fills have it. Returns how many there are of each state."""
    expect_equal(home, schema, ("orders",))
    got = stored(home, "orders", ["signal", "side", "quantity", "state"])
    assert {row[0]: (row[1], decimal.Decimal(row[2]), row[3]) for row in got} == wanted_orders(home)
    wrong = server.rows(f"select count(*) from {schema}.orders left join {schema}.fills on fills.signal = orders.signal where"
                        " ordered_time <> timestamptz 'epoch' + ordered_ns / 1000 * interval '1 us' or"
                        " (filled_time, orders.price, fill) is distinct from (fills.event_time, fills.price, fills.kind)")
    assert wrong == [["0"]], wrong
    views = stored(home, "orders_view", ["count(*)"]), server.rows(f"select count(*) from {schema}.orders_view")
    assert views[0] == views[1], views
    return dict(collections.Counter(row[3] for row in got))


def expect_months(schema):
    """Each row is in the part of its month."""
    for table in TICKS:
        wrong = server.rows(f"select tableoid::regclass, event_time from {schema}.{table} where tableoid::regclass::text not like"
                            f" '%{table}_' || to_char(event_time at time zone 'UTC', 'YYYY_MM') limit 3")
        assert not wrong, wrong


def expect_times_and_views(home, schema, tables):
    for table in tables:
        if table == "instruments":
            continue
        at = STANDS.get(table, "event")
        known = "receive_time" if table in (*TICKS, "rejected") else "known_at"
        apart = " or ".join(f"{time} <> timestamptz 'epoch' + {stem}_ns / 1000 * interval '1 us'"
                            for time, stem in ((f"{at}_time", at), (known, known.removesuffix("_time"))))
        wrong = server.rows(f"select count(*) from {schema}.{table} where {apart}")
        assert wrong == [["0"]], (table, wrong)
        views = stored(home, f"{table}_view", ["count(*)"]), server.rows(f"select count(*) from {schema}.{table}_view")
        assert views[0] == views[1], (table, views)


@cases.add
def a_day(home):
    """And what is beside the numbers: instants, views; run again it changes nothing."""
    late = feeds.late(pathlib.Path(home) / "late.csv", *LAST)
    file = config(home, "day", (LEAN, BINANCE, VENDOR, late))
    td.run(file)
    td.put_gaps(f"{home}/data", [("DESK:A", "desk", 1, "open", "session", 5, -1, -1, 0),
                                 ("DESK:A", "desk", 1, "filled", "ids", 5, 9, 3, 2)])
    td.run(file)
    counts = expect_equal(home, "day")
    assert all(counts[table] >= least for table, least in {"bars": 30000, "signals": 200, "vendor_bars": 10000, "gaps": 2}.items()), counts
    assert server.rows("select max(revision) from day.bars") != [["0"]], "no bar was revised"
    expect_times_and_views(home, "day", TABLES)
    assert expect_instruments("day") == counts["instruments"] >= 8, counts
    last = [text for (text,) in server.rows("select extract(epoch from last_time) from day.instruments_view where last_time is not null")]
    assert len(last) == len(server.rows("select distinct instrument from day.latest")), last
    widths = stored(home, "bars_view", ["instrument", "width", "revision", "trade_count"])
    shown = sorted(server.rows("select instrument, width, revision, trade_count from day.bars_view"))
    assert shown == widths, [pair for pair in zip(shown, widths) if pair[0] != pair[1]][:3]
    assert server.rows("select distinct close from day.bars_view where volume > 1e10") == [["9000000000"]], "not a double"
    orders = expect_orders(home, "day")
    assert orders["filled"] == counts["fills"] > 100 and len(orders) > 1, orders
    return counts | orders


def rows_in(schema, table="bars"):
    return int(server.rows(f"select count(*) from {schema}.{table}")[0][0]) if server.has(f"{schema}.{table}") else 0


@contextlib.contextmanager
def watched(file, *options, **variables):
    """A run that ends with the block at the latest; its lines are kept in `said`."""
    command = [td.PROGRAM, "run", "--quiet", *options, file]
    with subprocess.Popen(command, cwd=td.ROOT, env=os.environ | variables, stderr=subprocess.PIPE, text=True) as process:
        process.said = []
        process.reader = threading.Thread(target=lambda: process.said.extend(process.stderr), daemon=True)
        process.reader.start()
        try:
            yield process
        finally:
            td.kill(process)
            process.reader.join()


def paced(file, speed="400x"):
    """A run that goes on for some seconds."""
    return watched(file, "--until-end", "--set", f"speed={speed}")


def kill_often(file, schema, table, speed):
    """Where it writes into that table; then it runs to its end. Returns how often it was killed."""
    rng, alive = random.Random(SEED), 0
    for _ in range(KILLS):
        before = rows_in(schema, table)
        with paced(file, slowed(speed)) as process:
            td.wait_for(lambda seen=before, run=process: rows_in(schema, table) > seen or run.poll() is not None, "rows", 60)
            time.sleep(rng.uniform(0, 0.3))
            alive += process.poll() is None
            td.kill(process)
    td.run(file)
    assert alive == KILLS, (SEED, alive)
    return f"killed {alive} times (seed {SEED})"


@cases.add
def killed_and_gone_on(home):
    said = kill_often(config(home, "killed"), "killed", "bars", 25)
    return f"{said}: {expect_equal(home, 'killed')}"


@cases.add
def what_was_refused(home):
    file = config(home, "refused", refused.files(home, 20000))
    said = kill_often(file, "refused", "rejected", 10)
    counts = expect_equal(home, "refused")
    told = refused.expect_tables(home, 500)  # and SQLite's are what the log tells
    assert told == {table: counts[table] for table in told}, (told, counts)
    expect_times_and_views(home, "refused", refused.TOPICS)
    places = sorted(f"{row['src_partition']}/{row['src_offset']}" for row in refused.stored(home, "quarantine"))
    assert sorted(row[0] for row in server.rows("select place from refused.quarantine_view")) == places
    assert server.rows(f"select count(*) from refused.rejected_view where bytes like '{BAD}%'") > [["100"]]
    return f"{said}: {told}"


@cases.add
def ticks(home):
    """Trades and quotes, too, by months, and what is latest, in spite of kills; and read anew they are the same rows."""
    late = feeds.late(pathlib.Path(home) / "late.csv", "2026-02-28T23:59:59.999999999Z,DESK:A,10,1,7,", *LAST)
    file = config(home, "ticks", (LEAN.replace("16:00", "09:35"), BINANCE, late), ticks=True)
    said = kill_often(file, "ticks", "trades", 5)
    counts = expect_equal(home, "ticks", TABLES + TICKS) | {"newest": expect_latest("ticks")}
    least = {"trades": 3000, "quotes": 10000, "newest": 9, "instruments": 4}
    assert expect_instruments("ticks") == counts["instruments"]
    assert all(counts[table] >= count for table, count in least.items()), counts
    expect_months("ticks")
    expect_times_and_views(home, "ticks", ("latest", *TICKS))
    server.ask("delete from ticks.positions")
    td.run(file)
    assert expect_equal(home, "ticks", TABLES + TICKS) | {"newest": expect_latest("ticks")} == counts
    return f"{said}: {counts}"


@cases.add
def old_months_go(home):
    """Of ticks, where a bound is set: whole months in PostgreSQL, days in SQLite; and come again by a rebuild, and go again."""
    days = ["2025-11-30", "2025-12-31", "2026-01-15", "2026-03-10", "2026-03-12"]
    rows = pathlib.Path(home) / "days.csv"
    rows.write_text("time,instrument,price,size\n" + "".join(f"{day}T12:00:00Z,DESK:A,10,1\n" for day in days), encoding="utf-8")
    file = config(home, "kept", [f"file: {{ format: csv, path: {rows} }}"], more=", retain_time: 60d", ticks=True)
    file.write_text(file.read_text().replace("market.db,", "market.db, retain_time: 60d,"))
    for _ in range(2):
        td.run(file)
        found = [str(day) for (day,) in server.rows("select event_time::date from kept.trades order by event_ns")]
        parts = [name for (name,) in server.rows("select relname from pg_class c join pg_inherits on inhrelid = c.oid where inhparent ="
                                                 " 'kept.trades'::regclass order by 1")]
        assert found == days[2:] and parts == ["trades_2026_01", "trades_2026_03"], (found, parts)
        with sqlite3.connect(f"file:{home}/data/market.db?mode=ro", uri=True) as db:
            assert [day for (day,) in db.execute("select substr(time, 1, 10) from trades_view order by time")] == days[2:]
        server.ask("delete from kept.positions")
    return f"{len(days)} days, of which {len(found)} stay, in {', '.join(parts)}"


@cases.add
def a_rebuild_that_is_killed(home):
    """In its middle, and killed again; the next one, or the next run, leaves what was there before."""
    file, rng, cut, tries = config(home, "rebuilt"), random.Random(SEED), 0, 0
    td.run(file)
    before = expect_equal(home, "rebuilt")
    while cut < KILLS:
        tries += 1
        assert tries <= 3 * KILLS, (SEED, cut)  # the rest had ended before
        stood = rows_in("rebuilt")
        with subprocess.Popen([td.PROGRAM, "rebuild", "postgres", "--config", file], cwd=td.ROOT, stdout=subprocess.DEVNULL) as process:
            td.wait_for(lambda then=stood, run=process: rows_in("rebuilt") != then or run.poll() is not None, "another table", 60)
            time.sleep(rng.uniform(0, 0.05))
            cut += process.poll() is None
            td.kill(process)
        if tries % 2 == 0:  # the others are killed one after the other
            td.run(file)
            assert expect_equal(home, "rebuilt") == before
    code, text = command("rebuild", "postgres", "--config", file)
    assert code == 0 and expect_equal(home, "rebuilt") == before, (code, text)
    return f"killed {cut} times in {tries} (seed {SEED}): {before}"


def ended(process, seconds=90):
    process.wait(seconds)
    process.reader.join()
    text = "".join(process.said)
    assert process.returncode == 0, (process.returncode, text)
    return text


def said_by(process, word, since=0):
    td.wait_for(lambda: any(word in line for line in process.said[since:]), lambda: f"\"{word}\" in {process.said}", 60)


@cases.add
def the_server_dies(home):
    """In order, and as in a crash; and at the start it is not there yet."""
    file, rng = config(home, "dies"), random.Random(SEED)
    server.stop()
    with watched(file, "--set", f"speed={slowed(25)}") as process:  # it does not end by itself
        said_by(process, "cannot connect")
        assert process.poll() is None, process.said
        server.start()
        for n in range(KILLS):
            before = rows_in("dies")
            td.wait_for(lambda seen=before: rows_in("dies") > seen or process.poll() is not None,
                        f"rows before stop {n}: {process.said}", 60)
            time.sleep(rng.uniform(0, 0.5))
            server.stop(signal.SIGQUIT if n % 2 else signal.SIGINT)
            assert process.poll() is None, (n, process.said)
            time.sleep(rng.uniform(0, 0.3))
            server.start()
        process.terminate()
        ended(process)
    return f"{expect_equal(home, 'dies')}, stopped {KILLS} times (seed {SEED})"


@cases.add
def a_server_of_yesterday(home):
    """It comes back with less than it had, as from a backup or a standby that was behind."""
    with paced(config(home, "yesterday")) as process:
        td.wait_for(lambda: rows_in("yesterday") > 2000, "rows", 60)
        server.stop()
        shutil.copytree(f"{server.folder}/data", f"{server.folder}/copy", symlinks=True)
        server.start()
        copied = rows_in("yesterday")
        td.wait_for(lambda: rows_in("yesterday") > copied + 5000, "more rows", 60)
        server.stop()
        shutil.rmtree(f"{server.folder}/data")
        os.rename(f"{server.folder}/copy", f"{server.folder}/data")
        if SOMEBODY:
            subprocess.run(["chown", "-R", "postgres:postgres", f"{server.folder}/data"], check=True)
        server.start()
        rows = rows_in("yesterday")
        ended(process)
    assert 2000 < rows <= copied, (rows, copied)  # the run may have gone on before they were counted
    return f"{expect_equal(home, 'yesterday')}, {rows} of which the copy had"


def pass_on(source, target, bytes_per_s):
    """Until either end is gone. None: as it comes."""
    with contextlib.suppress(OSError):
        while data := source.recv(4096):
            target.sendall(data)
            time.sleep(len(data) / bytes_per_s if bytes_per_s else 0)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def meet(listener, bytes_per_s):
    with contextlib.suppress(OSError):
        while True:
            here, there = listener.accept()[0], socket.create_connection(("127.0.0.1", server.port))
            for ends in ((here, there, bytes_per_s), (there, here, None)):
                threading.Thread(target=pass_on, args=ends, daemon=True).start()


@contextlib.contextmanager
def slow_way(bytes_per_s):
    """To the server; what comes back is as fast as ever. Yields its port."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        threading.Thread(target=meet, args=(listener, bytes_per_s), daemon=True).start()
        yield listener.getsockname()[1]


@cases.add
def a_slow_way_there(home):
    """A batch takes far longer than the server may work on one transaction: it goes in smaller ones."""
    minutes = LEAN.replace("16:00", "09:37")
    with slow_way(40_000) as port:
        url = server.uri.replace(str(server.port), str(port))
        summary = td.run(config(home, "far", of_feeds=(minutes,), url=url), "--set", "log.partitions=1")
    assert "tried again" in summary["stderr"], summary
    return f"{expect_equal(home, 'far')}, {summary['seconds']:.0f} s"


def metric(home, name):
    """The sum of what /metrics has of it."""
    url = pathlib.Path(f"{home}/data/SERVE").read_text(encoding="utf-8").strip()
    lines = urllib.request.urlopen(f"{url}/metrics", timeout=10).read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


RATE = 20000  # ticks a second
QUIET_S = 5


def held_mb(process):
    """Of memory, without the pages of files."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    resident, shared = (int(re.search(rf"{name}:\s+(\d+)", status)[1]) / 1024 for name in ("VmRSS", "RssFile"))
    return resident - shared


def measured(home, seconds):
    """Events and rows of SQLite a second."""
    def counts():
        return time.monotonic(), metric(home, "tapedeck_events_total"), metric(home, 'tapedeck_sink_rows_total{sink="sqlite"}')
    before = counts()
    time.sleep(seconds)
    took, events, rows = (b - a for a, b in zip(before, counts()))
    return events / took, rows / took


def without_postgres(home, file):
    """The same run, that has only the other sink."""
    (alone := pathlib.Path(home) / "alone").mkdir()
    lines = [line for line in file.read_text(encoding="utf-8").replace(home, str(alone)).splitlines() if "postgres:" not in line]
    (alone / "run.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return alone / "run.yaml"


@cases.add
def away_for_long(home):
    """AWAY_S at full rate: the feed and the other sink do not know, memory grows as beside it, where nobody waits for the store; then it
    gets all that it missed."""
    lasts_s = AWAY_S + 4 * QUIET_S
    file = config(home, "away", (f"simulated: {{ instruments: 50, ticks: {RATE * lasts_s}, duration: {lasts_s}s, seed: {SEED} }}",))
    options = "--until-end", "--set", "speed=1x", "--set", "serve.listen=127.0.0.1:0"
    with watched(file, *options) as process, watched(without_postgres(home, file), *options) as beside:
        td.wait_for(lambda: rows_in("away") > 0, "rows", 60)
        before = measured(home, QUIET_S)
        server.stop(signal.SIGQUIT)
        during = measured(home, AWAY_S)
        held = held_mb(process), held_mb(beside)
        assert metric(home, 'tapedeck_sink_retries_total{sink="postgres"}') > 0 and process.poll() is None, process.said
        server.start()
        ended(process, 90 + AWAY_S)
    said = (f"events a second and rows of the other sink: {before[0]:.0f} and {before[1]:.0f} before, {during[0]:.0f} and {during[1]:.0f}"
            f" while away; {held[0]:.1f} MB, {held[1]:.1f} beside")
    assert min(before[0], during[0]) > 0.9 * RATE and during[1] > 0.5 * before[1] > 0 and held[0] < held[1] + 4, said
    return f"{expect_equal(home, 'away')}; {said}"


def retries(home):
    """As /metrics has them, and `status` beside."""
    shown = subprocess.run([td.PROGRAM, "status", "--data", f"{home}/data"], stdout=subprocess.PIPE, text=True, check=False, timeout=30)
    assert "sink   postgres:" in shown.stdout, shown.stdout
    return metric(home, 'tapedeck_sink_retries_total{sink="postgres"}')


def guarded(schema):
    """A user of no rights but to make that schema, with a password; the address to use it by."""
    if not server.rows(f"select 1 from pg_roles where rolname = '{GUARDED}'"):
        server.ask(f"create role {GUARDED} login; grant create on database postgres to {GUARDED}")
    server.ask(f"alter role {GUARDED} password '{SECRET}'")
    server.ask(f"drop schema if exists {schema} cascade")
    return server.uri.replace("tape@", f"{GUARDED}@")


def command(*words, **variables):
    """Exit code and all that it says."""
    done = subprocess.run([td.PROGRAM, *words], cwd=td.ROOT, env=os.environ | variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, timeout=60)
    assert SECRET not in done.stdout, done.stdout
    return done.returncode, done.stdout


MISCHIEF = [  # what somebody does, what is told of it, and what mends it; five lines of one kind are told in 10 s
    (f"revoke insert on mischief.bars from {GUARDED}", "permission denied for table bars",
     f"grant insert on mischief.bars to {GUARDED}"),
    ("alter table mischief.bars rename column evidence to proof", 'column "evidence"',
     "alter table mischief.bars rename column proof to evidence"),
    ("alter table mischief.bars add constraint small check (trade_count < 0) not valid", 'violates check constraint "small"',
     "alter table mischief.bars drop constraint small"),
    (f"alter role {GUARDED} password 'another'; select pg_terminate_backend(pid) from pg_stat_activity where usename = '{GUARDED}'",
     "cannot log in", f"alter role {GUARDED} password '{SECRET}'"),
]


@cases.add
def what_somebody_does_to_it(home):
    """All of it is told and waits until it is mended; then nothing is missing."""
    file = config(home, "mischief", url=guarded("mischief"), more=', password: "${PG_WORD}"')
    os.mkdir(f"{home}/beside")
    beside = config(f"{home}/beside", "mischief", url=server.uri.replace("tape@", f"{GUARDED}@"), more=', password: "${PG_WORD}"')
    code, text = command("check", "--connect", beside, PG_WORD=SECRET)
    assert code == 0, text
    server.ask("alter table mischief.signals alter known_at_ns type integer")
    with watched(file, "--set", "speed=100x", "--set", "serve.listen=127.0.0.1:0", PG_WORD=SECRET) as process:
        said_by(process, "integer out of range")
        assert retries(home) > 0
        server.ask("alter table mischief.signals alter known_at_ns type bigint")
        for done, word, mended in MISCHIEF:
            before, lines = rows_in("mischief"), len(process.said)
            td.wait_for(lambda seen=before: rows_in("mischief") > seen, "rows", 60)
            server.ask(done)
            said_by(process, "cannot" if "log in" in word else word, lines)  # what is told is what was found first
            assert process.poll() is None, process.said
            code, text = command("check", "--connect", beside, PG_WORD=SECRET)  # it does not disturb the run
            assert code == 0 if "constraint" in word else code == EXIT_CONFIG and word in text, (word, code, text)
            server.ask(mended)
        before, tried = rows_in("mischief"), retries(home)
        td.wait_for(lambda: rows_in("mischief") > before, "rows", 60)
        server.ask("drop view mischief.bars_view; alter table mischief.bars drop column evidence")
        td.wait_for(lambda: retries(home) > tried, "a write that fails", 60)
        server.ask("drop schema mischief cascade")  # it is filled anew, from the log
        assert not any(SECRET.encode() in text for text in td.texts_of(process, f"{home}/data"))
        process.terminate()  # and what it has goes to both sinks
        ended(process)
    return f"{len(MISCHIEF) + 2} of them: {expect_equal(home, 'mischief')}"


@cases.add
def what_cannot_be(home):
    """Said before anything runs, and no secret with it."""
    url, told = guarded("refused"), []
    server.ask("create schema theirs; create table theirs.bars(x int);"
               "create schema viewed; create view viewed.bars_view as select 1 as theirs;"
               "create schema newer; create table newer.tapedeck_schema(version int); insert into newer.tapedeck_schema values(99)")
    for schema, more, where, word in (
            ("refused", ', password: "${PG_WORD}"', url, "password authentication failed"),
            ("refused", "", url, "no password supplied"),
            ("refused", "", url.replace(GUARDED, f"{GUARDED}:{SECRET}"), "there is a password in it"),
            ("refused", "", f"host=127.0.0.1 password={SECRET}", "there is a password in it"),
            ("refused", "", f"postgresql://{GUARDED}:{SECRET}@[::1", "url: it is none"),
            ("refused", "", server.uri.replace("/postgres", "/nowhere"), 'database "nowhere" does not exist'),
            ("theirs", "", server.uri, "is in the way: rename, move or drop it"),
            ("viewed", "", server.uri, "is in the way: rename, move or drop it"),
            ("newer", "", server.uri, "written by a newer program")):
        file = config(home, schema, url=where, more=more)
        code, text = command("check", "--connect", file, PG_WORD="not-" + SECRET[:4])
        assert code == EXIT_CONFIG and word in text, (code, text, word)
        told.append(word)
    file = config(home, "refused", url=url, more=', password: "${PG_WORD}"')
    code, text = command("run", "--until-end", "--quiet", file, PG_WORD="not-" + SECRET[:4])
    assert code == EXIT_CONFIG and told[0] in text, (code, text)
    assert server.rows("select theirs from viewed.bars_view") == [["1"]] and not server.has("viewed.bars")
    return f"{len(told)} mistakes named"


@cases.add
def a_right_that_is_missing(home):
    """Found before a row is written, also on what no row goes into."""
    file = config(home, "rights", url=guarded("rights"), more=', password: "${PG_WORD}"')
    code, text = command("check", "--connect", file, PG_WORD=SECRET)
    assert code == 0, text
    for right in ("select", "insert", "update"):
        server.ask(f"revoke {right} on rights.positions from {GUARDED}")
        code, text = command("check", "--connect", file, PG_WORD=SECRET)
        assert code == EXIT_CONFIG and "permission denied for table positions; grant" in text, (right, code, text)
        server.ask(f"grant {right} on rights.positions to {GUARDED}")
    code, text = command("check", "--connect", file, PG_WORD=SECRET)
    assert code == 0, text
    return "select, insert, update"


@cases.add
def made_once_more(home):
    """Emptied and filled; set back, what is there is written again, over what somebody changed."""
    file = config(home, "once_more")
    td.run(file)
    counts = expect_equal(home, "once_more")
    positions = sorted(server.rows("select topic, partition, epoch, next_offset from once_more.positions"))
    server.ask("update once_more.bars set close = 1;"
               "update once_more.bars set instrument = 'X:' || instrument where width_ns = 60000000000;"
               "delete from once_more.bars where width_ns = 1000000000")
    code, text = command("rebuild", "postgres", "--config", file)
    assert code == 0 and expect_equal(home, "once_more") == counts, (code, text)
    server.ask("update once_more.bars set close = 1")
    code, text = command("positions", "reset", "postgres", "--config", file, "--to", "beginning")
    assert code == 0 and f" {sum(counts.values()) - counts['latest'] - counts['instruments']} records" in text, (code, text, counts)
    td.run(file)
    assert expect_equal(home, "once_more") == counts
    assert sorted(server.rows("select topic, partition, epoch, next_offset from once_more.positions")) == positions
    return counts


@cases.add
def no_connection_is_left(home):
    """The password is right, and what the server has against it passes; what does not pass stops a start, also late."""
    file = config(home, "crowded", url=guarded("crowded"), more=', password: "${PG_WORD}"')
    server.ask(f"alter role {GUARDED} connection limit 0")
    with watched(file, "--set", "speed=1x", PG_WORD=SECRET) as process:
        said_by(process, "too many connections for role")
        server.ask(f"alter role {GUARDED} nologin connection limit -1")
        assert process.wait(60) == EXIT_CONFIG, process.said
        said_by(process, "is not permitted to log in; name a user")
    server.ask(f"alter role {GUARDED} login connection limit 0")
    with watched(file, "--until-end", PG_WORD=SECRET) as process:
        said_by(process, "too many connections for role")
        said = next(line for line in process.said if "too many connections" in line)
        assert "LOCATION" not in said and "53300" not in said, said
        assert process.poll() is None, process.said
        server.ask(f"alter role {GUARDED} connection limit -1")
        ended(process)
    server.ask(f"alter role {GUARDED} nologin")
    code, text = command("run", "--until-end", "--quiet", file, PG_WORD=SECRET)
    server.ask(f"alter role {GUARDED} login")
    assert code == EXIT_CONFIG and "is not permitted to log in; name a user" in text, (code, text)
    return expect_equal(home, "crowded")


@cases.add
def encrypted(home):
    """And to the right server: its certificate's name and authority are looked at, and without TLS nothing is said."""
    os.mkdir(f"{home}/else")
    for folder in (home, f"{home}/else"):
        certificates.make_authority(folder)
    certificates.make_certificate(home, "DNS:localhost")

    def config_of(host, authority):
        url = server.uri.replace("127.0.0.1", host)
        return config(home, "encrypted", (LEAN.replace("16:00", "09:35"),), url=f"{url}?sslmode=verify-full&sslrootcert={authority}")

    told = []
    for host, authority, word in (("localhost", f"{home}/ca.pem", "does not support SSL"),
                                  ("127.0.0.1", f"{home}/ca.pem", "does not match host name"),
                                  ("localhost", f"{home}/else/ca.pem", "certificate verify failed")):
        code, text = command("check", "--connect", config_of(host, authority))
        assert code != 0 and word in text and not server.has("encrypted.bars"), (code, text, word)
        told.append(word)
        server.encrypt(f"{home}/server.pem", f"{home}/server.key")
    with paced(config_of("localhost", f"{home}/ca.pem"), "100x") as process:
        td.wait_for(lambda: rows_in("encrypted") > 0, "rows", 60)
        sessions = server.rows("select ssl, version from pg_stat_ssl join pg_stat_activity using(pid)"
                               " where application_name = 'tapedeck'")
        assert len(sessions) == 1 and sessions[0][0] == "t" and sessions[0][1].startswith("TLSv1."), sessions
        ended(process)
    server.encrypt(None, None)
    return f"{sessions[0][1]}, refused: {told}: {expect_equal(home, 'encrypted')}"


@cases.add
def no_room_is_left(home):
    """On the disk, or within what the server allows a session: told, waited for, and nothing is missing."""
    file = config(home, "narrow")
    full = ("create function narrow.refuse() returns trigger language plpgsql as $$ begin"
            " raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$;"
            " create trigger refuse before insert or update on narrow.positions execute function narrow.refuse()")
    merges = "drop view narrow.bars_view; alter table narrow.bars alter trade_count type numeric"  # then a batch is sorted
    little = "alter role tape set {}; select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tapedeck'"
    narrow = "temp_file_limit = 0; alter role tape set work_mem = '64kB'"
    steps = (("No space left on device", full),
             ("temporary file size exceeds temp_file_limit",  # met by what has waited until then: it is too much to be sorted
              f"{merges}; {little.format(narrow)}; drop trigger refuse on narrow.positions"))
    try:
        with watched(file, "--set", "speed=100x", "--set", "serve.listen=127.0.0.1:0") as process:
            before = rows_in("narrow")
            td.wait_for(lambda: rows_in("narrow") > before, "rows", 60)
            for word, done in steps:
                tried = retries(home)
                server.ask(done)
                said_by(process, word)
                td.wait_for(lambda seen=tried: retries(home) > seen, "a write that fails", 60)
                assert process.poll() is None, process.said
                time.sleep(3)
            server.ask("alter role tape reset all")
            before = rows_in("narrow")
            td.wait_for(lambda: rows_in("narrow") > before, "rows", 60)
            process.terminate()
            ended(process)
    finally:
        server.ask("alter role tape reset all")  # the next cases have room, whatever has come of this one
    return expect_equal(home, "narrow")


@cases.add
def a_column_of_another_type(home):
    """As wide as ours and of other bytes: what is written there is the number all the same, before and after."""
    file = config(home, "retyped", (HOUR,))
    with watched(file, "--set", "speed=100x") as process:
        td.wait_for(lambda: rows_in("retyped") > 0, "rows", 60)
        server.ask("drop view retyped.bars_view; alter table retyped.bars alter trade_count type double precision")
        before = rows_in("retyped")
        td.wait_for(lambda: rows_in("retyped") > before + 100, "rows behind that", 60)
        process.terminate()
        ended(process)
    return expect_equal(home, "retyped")


@cases.add
def two_into_one_schema(home):
    """The second one waits, and writes nothing: what it has is not the first one's."""
    os.mkdir(f"{home}/other")
    with paced(config(home, "shared"), "200x") as process:
        td.wait_for(lambda: rows_in("shared") > 0, "rows", 60)
        with paced(config(f"{home}/other", "shared", of_feeds=(VENDOR,))) as other:
            said_by(other, "another session writes into schema shared")
            td.wait_for(lambda: stored(f"{home}/other", "vendor_bars", ["count(*)"]) != [["0"]], "rows of its own", 60)
            assert process.poll() is None and other.poll() is None, (process.said, other.said)
        ended(process)
    return expect_equal(home, "shared")


def main():
    global server
    with cluster() as server, server.running():
        return cases.run()


if __name__ == "__main__":
    sys.exit(main())
