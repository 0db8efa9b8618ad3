#!/usr/bin/env python3
"""tests/e2e/vendor_bars.py - kept answers of Alpha Vantage through the whole program: table, terminal and API have the
bars that the original files have, read here by a decoder of our own; said again they make no second row, said otherwise
they are revised; trades beside them are not late; and no key of a notice is kept anywhere.
"""
import csv
import datetime
import json
import pathlib
import sqlite3
import subprocess
import sys
import urllib.request
import zipfile
import zoneinfo
from decimal import Decimal

import tapedeck as td

CASES = td.Cases()
case = CASES.add
RECORDED = td.ROOT / "examples" / "data" / "alphavantage"
BARS_AT_LEAST = 11_290
NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
MINUTE_NS = 60 * 10**9


def end_ns(stamp):
    local = datetime.datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S").replace(tzinfo=NEW_YORK)
    return int(local.timestamp()) * 10**9


def originals():
    """{start: (open, high, low, close, volume)} of the files as they were recorded."""
    bars = {}
    series = json.loads((RECORDED / "MSFT_1min_2017-12-18.json").read_text(encoding="utf-8"))["Time Series (1min)"]
    for stamp, row in series.items():
        bars[end_ns(stamp) - MINUTE_NS] = tuple(Decimal(row[name]) for name in sorted(row))
    with open(RECORDED / "MSFT_1min_2020-12.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            bars[end_ns(row["time"]) - MINUTE_NS] = tuple(
                Decimal(row[name]) for name in ("open", "high", "low", "close", "volume"))
    assert len(bars) >= BARS_AT_LEAST, len(bars)
    return bars


def feed(path):
    return f"file: {{ format: alphavantage, path: \"{path}\" }}"


def stored(home, table="vendor_bars"):
    with sqlite3.connect(f"file:{home}/data/market.db?mode=ro", uri=True) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(f"SELECT * FROM {table}")]


def shown(home, *options):
    done = subprocess.run([td.PROGRAM, "bars", "ALPHAVANTAGE:MSFT", "1m", "--vendor", "--json", "--data", f"{home}/data",
                           "--limit", "100000", *options], stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()]


def numbers(row):
    return tuple(Decimal(row[name]) for name in ("open", "high", "low", "close", "volume"))


@case
def the_table_and_the_terminal_have_the_originals(home):
    wanted = originals()
    config = td.config(f"{home}/c.yaml", f"{home}/data", [feed(f"{RECORDED}/MSFT_*")], extra="serve: off\n")
    first = td.run(config)
    assert first["events"] == first["accepted"] == 1 and first["rejected"] == first["bars"] == 0, first  # the quote
    for rows in stored(home), shown(home):
        found = {row["start_ns"]: numbers(row) for row in rows}
        assert found == wanted and len(rows) == len(wanted), (len(found), len(wanted))
        assert all(row["end_ns"] - row["start_ns"] == MINUTE_NS and row["adjusted"] for row in rows)
    td.run(config)
    assert len(stored(home)) == len(wanted)
    state = subprocess.run([td.PROGRAM, "state", "ALPHAVANTAGE:MSFT", "--json", "--data", f"{home}/data"], text=True,
                           stdout=subprocess.PIPE, check=True, timeout=60)
    assert json.loads(state.stdout)["price"] == "112.13", state.stdout
    return f"{len(wanted)} bars and a price, twice"


def answer(close, *clocks):
    rows = [f"2013-10-07 {clock},100,110,90,{close},5" for clock in reversed(clocks)]
    return "\n".join(["timestamp,open,high,low,close,volume", *rows]) + "\n"


@case
def what_is_said_again_is_one_row(home):
    folder = pathlib.Path(f"{home}/answers")
    folder.mkdir()
    for name, text in (("1", answer(101, "10:00:00", "10:01:00")), ("2", answer(101, "10:01:00", "10:02:00")),
                       ("3", answer(102, "10:02:00", "10:03:00"))):
        (folder / f"MSFT_1min_{name}.csv").write_text(text, encoding="utf-8")
    td.run(td.config(f"{home}/c.yaml", f"{home}/data", [feed(f"{folder}/*.csv")], extra="serve: off\n"))
    assert sorted(row["close"] for row in stored(home)) == ["101", "101", "101", "102", "102"], stored(home)
    view = [(row["close"], row["revision"]) for row in stored(home, "vendor_bars_view")]
    assert view == [(101, 0), (101, 0), (102, 1), (102, 0)], view
    told = [(row["close"], row["revised"]) for row in shown(home)]
    assert told == [("101", False), ("101", False), ("102", True), ("102", False)], told
    return "3 answers: 4 bars, one of them revised"


@case
def trades_beside_them_are_not_late(home):
    lines = [f"{36000000 + second * 1000},{1000000 + second % 7 * 100},100,P,0,0" for second in range(600)]
    with zipfile.ZipFile(f"{home}/20131007_msft.zip", "w") as day:
        day.writestr("20131007_msft_Trade_Tick.csv", "\n".join(lines) + "\n")
    lean = f"file: {{ format: lean, path: {home}/20131007_msft.zip, venue: ALPHAVANTAGE }}"
    alone = td.run(td.config(f"{home}/a.yaml", f"{home}/a", [lean], bars="[1m]", extra="serve: off\n"))
    both = td.run(td.config(f"{home}/b.yaml", f"{home}/data", [lean, feed(f"{RECORDED}/MSFT_1min*")], bars="[1m]",
                            extra="serve: off\n"))
    assert both["late"] == 0 and both["accepted"] == alone["accepted"] == 600, (alone, both)
    assert td.rows(f"{home}/data", "bars") == td.rows(f"{home}/a", "bars") and both["bars"] == 10, both
    assert len(stored(home)) >= BARS_AT_LEAST
    return "bars of 2013 beside downloads of 2017 and 2020 are those without them"


def told_by(url):
    with urllib.request.urlopen(url, timeout=30) as reply:
        return json.load(reply)


@case
def the_api_pages_through_them(home):
    wanted = originals()
    with td.Live(home, [feed(f"{RECORDED}/MSFT_1min*")], TAPEDECK_SPEED="max") as live:
        td.wait_for(lambda: pathlib.Path(f"{live.data}/SERVE").exists(), "the dashboard")
        url = pathlib.Path(f"{live.data}/SERVE").read_text(encoding="utf-8").strip()
        first = f"{url}/api/v1/vendor_bars?instrument=ALPHAVANTAGE:MSFT&width=1m&limit=5000"
        td.wait_for(lambda: sum(1 for _ in live.read("bars", "ALPHAVANTAGE:MSFT", "1m", "--vendor", "--json", "--limit",
                                                     "100000")) == len(wanted), "all bars")
        found, pages, path = {}, 0, first
        while path:
            page = told_by(path)
            pages += 1
            for row in page["vendor_bars"]:
                assert row["start_ns"] not in found, row
                found[row["start_ns"]] = numbers(row)
            path = page["next"] and url + page["next"]
    assert found == wanted and pages == 3, (len(found), pages)
    return f"{len(found)} bars on {pages} pages"


@case
def notices_are_told_and_keys_are_not(home):
    folder = pathlib.Path(f"{home}/answers")
    folder.mkdir()
    key = "SECRET42KEY"
    limit = (f"We have detected your API key as {key} and our standard API rate limit is 25 requests per day. Please "
             "subscribe to any of the premium plans")
    (folder / "IBM_daily.csv").write_text(json.dumps({"Information": limit}), encoding="utf-8")
    (folder / "MSFT_daily.csv").write_text(answer(101, "10:00:00").replace(" 10:00:00", ""), encoding="utf-8")
    done = td.run(td.config(f"{home}/c.yaml", f"{home}/data", [feed(f"{folder}/*.csv")], extra="serve: off\n"))
    assert done["rejected"] == 1 and len(stored(home)) == 1, done
    told = subprocess.run([td.PROGRAM, "log", "cat", "rejected", "--data", f"{home}/data"], text=True, check=True,
                          stdout=subprocess.PIPE, timeout=60).stdout
    assert "the day's requests are used up: We have detected your API key as *** and" in told, told
    kept = b"".join(path.read_bytes() for path in pathlib.Path(f"{home}/data").rglob("*") if path.is_file())
    assert key.encode() not in kept and key not in done["stderr"]
    return "1 notice refused by its class, its key kept nowhere"


sys.exit(CASES.run())
