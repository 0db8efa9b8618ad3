#!/usr/bin/env python3
"""tests/e2e/refused.py - what was refused is in the tables `rejected` and `quarantine`: each record of these topics once and
nothing else, byte for byte, whoever was killed in between; places are those that `tapedeck quarantine` takes, and `rebuild`
makes the same tables again.
"""
import json
import os
import pathlib
import random
import re
import sqlite3
import subprocess
import sys
import time

import tapedeck as td

CASES = td.Cases()
SEED = int(os.environ.get("SEED") or random.randrange(1 << 30))
TOPICS = ("rejected", "quarantine")
BAD = b"\xff a line \x00 that is none"
EXIT_USAGE, EXIT_CONFIG = 2, 3


def files(home, count):
    """Trades and quotes of which many are refused: for their bytes, their prices, their times."""
    at = 1772461800_000_000_000
    trades, quotes = [b"time,instrument,price,size,id,side"], [b"time,instrument,bid,ask,bid_size,ask_size"]
    for n in range(count):
        ns, price = at + n * 20_000_000, 100 + n % 7
        trade = f"{ns},DESK:{n % 5},{price},{n % 3 + 1},{n},{('buy', 'sell', '')[n % 3]}"
        if n % 11 == 3:
            trade = f"{ns},DESK:{n % 5},{('0', '5000', '1e30', 'x')[n % 4]},1,{n},"
        if n % 101 == 100:
            trade = f"{ns - 3_600_000_000_000},DESK:{n % 5},{price},1,{n},"
        trades.append(BAD + str(n).encode() if n % 97 == 50 else trade.encode())
        quotes.append(f"{ns},DESK:{n % 5},{price + (9 if n % 13 == 5 else 0)},{price + 1},1,2".encode())
    for name, lines in (("trades", trades), ("quotes", quotes)):
        (pathlib.Path(home) / f"{name}.csv").write_bytes(b"\n".join(lines) + b"\n")
    return [f"file: {{ format: csv, path: {home}/{name}.csv, name: {name} }}" for name in ("trades", "quotes")]


def logged(data, topic):
    """{(partition, offset): the record's JSON}"""
    done = subprocess.run([td.PROGRAM, "log", "cat", topic, "--data", data], check=True, stdout=subprocess.PIPE, text=True)
    return {(line["partition"], line["offset"]): line for line in map(json.loads, done.stdout.splitlines())}


def plain(text):
    """A decimal as everybody writes it."""
    return text if text is None or "." not in text else text.rstrip("0").rstrip(".")


def width(number):
    """A width of bars by time in whole seconds, as people write it (src/model/width.h)."""
    kinds, ns = divmod(number, 10**17)
    text = f"{ns // 10**9}s" if ns % (60 * 10**9) else f"{ns // (60 * 10**9)}m"
    return text + (" filled" if kinds % 2 else "") + (" extended" if kinds >= 2 else "")


def wanted_row(topic, line):
    """{column: value} as the log tells it; bytes of `rejected` are compared with those of the file."""
    value = dict(line["value"])
    value.pop("schema"), value.pop("event_time", None), value.pop("bytes", None)
    if topic == "quarantine":
        value["missed"] = " ".join(map(width, value.pop("missed_widths_ns")))
        value["ord"] = int(line["cause"].split("/")[3])
        value |= {name: plain(value[name]) for name in value if name.endswith(("price", "_size")) or name == "size"}
    return value | {"src_partition": line["partition"], "src_offset": line["offset"]}


def expect_rows(home, topic, got, leaves=()):
    """`got`: rows as {column: value}, but for the columns that it leaves out. Returns how many there are."""
    wanted = logged(f"{home}/data", topic)
    places = [(row["src_partition"], row["src_offset"]) for row in got]
    assert len(set(places)) == len(places) and set(places) == wanted.keys(), (SEED, topic, len(places), len(wanted))
    for row in got:
        told = wanted_row(topic, wanted[row["src_partition"], row["src_offset"]])
        told = {name: value for name, value in told.items() if name not in leaves}
        assert told == {name: row[name] for name in told}, (SEED, topic, told, row)
        if topic == "rejected":
            line = pathlib.Path(home, row["source"]).read_bytes().split(b"\n")[row["line"] - 1]
            assert bytes(row["bytes"]) == line, (row, line)
    return len(got)


def stored(home, table):
    with sqlite3.connect(f"file:{home}/data/market.db?mode=ro", uri=True) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(f"SELECT * FROM {table}")]


def market(home, count=40_000, extra=""):
    return td.config(f"{home}/run.yaml", f"{home}/data", files(home, count), bars="[1s, 1m]", partitions=3, extra=extra)


def expect_tables(home, least):
    counts = {topic: expect_rows(home, topic, stored(home, topic)) for topic in TOPICS}
    assert all(count >= least for count in counts.values()), counts
    return counts


@CASES.add
def killed_and_gone_on(home):
    file, rng, alive = market(home), random.Random(SEED), 0
    for n in range(5):
        process = td.start(file, "--set", "speed=600x")
        td.wait_for(lambda n=n: rows_in(home) > n or process.poll() is not None, "rows", 30)
        time.sleep(rng.uniform(0, 0.05))
        alive += process.poll() is None
        td.kill(process)
    done = td.run(file)
    counts = expect_tables(home, 1000)
    reasons = {topic: {row["reason"] for row in stored(home, topic)} for topic in TOPICS}
    assert reasons["rejected"] == {"malformed", "range"}, reasons
    assert {"crossed", "late", "non-positive", "outlier"} <= reasons["quarantine"], reasons
    assert alive == 5, (SEED, alive)
    assert td.run(file)["rows"] == 0, done
    return f"killed {alive} times (seed {SEED}), {counts}"


def rows_in(home):
    if not pathlib.Path(home, "data", "market.db").exists():
        return 0
    try:
        return len(stored(home, "rejected"))
    except sqlite3.OperationalError:  # the tables are being made
        return 0


def expect_shown(home, rows):
    """Lines as they stood in the file, those that are no text in hex."""
    lines = {name: pathlib.Path(home, name).read_bytes().split(b"\n") for name, _, _ in rows}
    bad = 0
    for name, number, shown in rows:
        line = lines[name][number - 1]
        bad += line.startswith(BAD)
        assert shown == (line.hex().upper() if line.startswith(BAD) else line.decode("ascii")), (line, shown)
    assert bad > 10 and len(rows) - bad > 10, (bad, len(rows))


@CASES.add
def places_are_those_of_the_command(home):
    td.run(market(home, 2000))
    with sqlite3.connect(f"file:{home}/data/market.db?mode=ro", uri=True) as db:
        shown = dict(db.execute("SELECT place, reason FROM quarantine_view"))
        expect_shown(home, db.execute("SELECT source, line, bytes FROM rejected_view").fetchall())
    done = subprocess.run([td.PROGRAM, "quarantine", "ls", "--json", "--limit", "100000", "--data", f"{home}/data"], check=True,
                          stdout=subprocess.PIPE, text=True)
    listed = {f"{row['partition']}/{row['offset']}": row["reason"] for row in map(json.loads, done.stdout.splitlines())}
    assert shown == listed and len(shown) > 100, (len(shown), len(listed))
    return f"{len(shown)} places"


@CASES.add
def made_once_more(home):
    file = market(home, 5000)
    td.run(file)
    before = {topic: sorted(map(repr, stored(home, topic))) for topic in TOPICS}
    with sqlite3.connect(f"{home}/data/market.db") as db:
        db.executescript("DELETE FROM rejected WHERE line % 2; UPDATE quarantine SET reason = 'x'; INSERT INTO rejected"
                         " SELECT 'theirs', receive_ns, source, file, line, reason, detail, bytes, src_partition, src_epoch, src_offset"
                         " FROM rejected LIMIT 5")
    subprocess.run([td.PROGRAM, "rebuild", "sqlite", "--config", file], check=True, stdout=subprocess.PIPE, timeout=60)
    assert before == {topic: sorted(map(repr, stored(home, topic))) for topic in TOPICS}
    said = subprocess.run([td.PROGRAM, "positions", "reset", "sqlite", "--to", "beginning", "--config", file], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60).stdout
    assert td.run(file)["rows"] >= sum(map(len, before.values())), said
    assert before == {topic: sorted(map(repr, stored(home, topic))) for topic in TOPICS}
    return expect_tables(home, 100)


@CASES.add
def only_what_is_named(home):
    file = market(home, 2000)
    text = file.read_text()
    file.write_text(re.sub(r"market.db }", "market.db, of: [bars, rejected] }", text))
    td.run(file)
    assert stored(home, "rejected") and stored(home, "bars") and not stored(home, "quarantine")
    file.write_text(text.replace(f"sqlite: {{ file: {home}/data/market.db", f"parquet: {{ dir: {home}/archive, of: [bars, rejected]"))
    said = td.run(file, check=EXIT_USAGE)["stderr"]
    assert "sinks of kind parquet have no place for rejected" in said, said
    return "bars and rejected alone"


if __name__ == "__main__":
    sys.exit(CASES.run())
