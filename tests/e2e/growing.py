#!/usr/bin/env python3
"""tests/e2e/growing.py - a log goes on with new days of its recordings as one run over all of them would have, killed
or not; what is no new day is refused, and the log is as it was.
"""
import gzip
import json
import os
import pathlib
import random
import shutil
import sqlite3
import sys
import time
import zipfile

import tapedeck as td

CASES = td.Cases()
case = CASES.add
DAYS = ["20240102", "20240103", "20240104"]
PARTITIONS = 4


def lean_day(folder, day, symbols=("aaa", "bbb", "ccc"), rows=600):
    """One zip per symbol; each has a line that is refused."""
    for symbol in symbols:
        dice = random.Random(day + symbol)
        price, at, lines = 1000000, 34200000, []
        for n in range(rows):
            price += dice.randrange(-300, 301)
            at += dice.randrange(0, 4000)
            lines.append(f"{at},{price},{dice.randrange(1, 500)},P,0,0" if n != 20 else "no row at all")
        with zipfile.ZipFile(f"{folder}/{day}_{symbol}.zip", "w", zipfile.ZIP_DEFLATED) as out:
            out.writestr(f"{day}_{symbol}_Trade_Tick.csv", "\n".join(lines) + "\n")


def crypto(file, count=4000):
    """A feed that goes on while the other one has ended."""
    with gzip.open(file, "wt") as out:
        for n in range(count):
            at = 1704205800000 + n * 997
            trade = {"e": "trade", "s": "ZZZUSDT", "t": n + 1, "p": f"{1000 + n % 50}.5", "q": "2", "T": at, "m": False}
            out.write(f"{at}000000 {json.dumps({'stream': 'zzzusdt@trade', 'data': trade})}\n")


def market(home, name):
    """A configuration over home/days; the first day is there."""
    feeds = [f"file: {{ format: lean, path: {home}/days/*.zip }}",
             f"file: {{ format: binance-collector, path: {home}/zzz.gz }}"]
    return td.config(f"{home}/{name}.yaml", f"{home}/{name}", feeds, bars="[1s, 1m, 1h]", partitions=PARTITIONS,
                     strategies=sorted((td.ROOT / "strategies").glob("*.td")))


def first_day(home):
    days = pathlib.Path(home, "days")
    days.mkdir()
    lean_day(days, DAYS[0])
    crypto(f"{home}/zzz.gz")
    file = market(home, "grown")
    return days, file, td.run(file)


def last_bars(home, name):
    """{(instrument, width, start): the last revision}, without when it was known."""
    with sqlite3.connect(f"file:{home}/{name}/market.db?mode=ro", uri=True) as db:
        columns = [c[1] for c in db.execute("PRAGMA table_info(bars)")]
        kept = [c for c in columns if not c.startswith("src_") and c not in ("revision", "known_at", "known_at_ns")]
        order = ", ".join(kept)
        return {row[:3]: row for row in db.execute(f"SELECT instrument, width_ns, start_ns, {order} FROM bars "
                                                   "ORDER BY revision")}


def compare_with_one_run(home, days_grown):
    whole = td.run(market(home, "whole"))
    assert whole["bars"] > 500 and whole["rejected"] == 3 * (days_grown + 1), whole
    grown, wanted = last_bars(home, "grown"), last_bars(home, "whole")
    assert grown == wanted, sorted(set(grown.items()) ^ set(wanted.items()))[:4]
    counts = [td.digests(f"{home}/{name}", ["tape", "rejected"]) for name in ("grown", "whole")]
    tape = [sum(n for key, (n, _) in c.items() if key.startswith("tape")) for c in counts]
    assert tape[0] == tape[1] + days_grown * PARTITIONS, (tape, "but for one `ended` in each partition and day")
    rejected = [{k: v for k, v in c.items() if k.startswith("rejected")} for c in counts]
    assert rejected[0] == rejected[1]
    return len(wanted)


@case
def new_days_go_on(home):
    days, file, first = first_day(home)
    assert first["accepted"] > 5000, first
    for n, day in enumerate(DAYS[1:]):
        lean_day(days, day)
        more = td.run(file)
        assert more["accepted"] == 3 * 599 and more["rejected"] == 3 and more["diverged"] == 0, (n, more)
    again = td.run(file)
    assert again["events"] == 0 and again["bars"] == 0, again
    return f"two days after the first: {compare_with_one_run(home, 2)} bars equal to those of one run"


@case
def killed_in_the_middle(home):
    days, file, _ = first_day(home)
    lean_day(days, DAYS[1])
    alive, seed = 0, random.randrange(1 << 30)
    dice = random.Random(seed)
    for _ in range(5):
        process = td.start(file, "--set", "speed=1500x")
        time.sleep(dice.uniform(0.05, 0.5))
        alive += process.poll() is None
        td.kill(process)
    last = td.run(file)
    assert last["diverged"] == 0 and alive > 0, (last, alive)
    return f"killed {alive} of 5 times (seed {seed}): {compare_with_one_run(home, 1)} bars equal to those of one run"


@case
def read_another_way(home):
    """A file whose columns are called otherwise than when the log was made of it: its rows would be others."""
    path = pathlib.Path(home, "table.csv")
    path.write_text("time,instrument,price,last,size\n" + "".join(f"{1704205800 + n},X:A,1.5,2.5,1\n" for n in range(20)), encoding="utf-8")
    for fields, check in (("{ size: size }", 0), ("{ price: last }", 3), ("{ size: size }", 0)):
        feed = f"file: {{ format: csv, path: {path}, fields: {fields} }}"
        told = td.run(td.config(f"{home}/table.yaml", f"{home}/table", [feed], bars="[1m]", partitions=1), check=check)
        if check:
            assert "feed csv: `fields` is not what the log was made with" in told["stderr"], told
    assert told["events"] == 0, told
    return "refused"


@case
def others_are_refused(home):
    days, file, _ = first_day(home)
    names = [f"{days}/{DAYS[0]}_{s}.zip" for s in ("aaa", "bbb", "ccc")]
    topics = td.TOPICS + ["_inputs"]
    before = td.digests(f"{home}/grown", topics)

    def replace():
        lean_day(days, DAYS[0], symbols=("bbb",), rows=601)
        return "20240102_bbb.zip has changed"

    def remove():
        os.remove(names[2])
        return "20240102_ccc.zip, of which the log was made, is gone"

    def put_in_front():
        lean_day(days, "20240101")
        return "20240101_aaa.zip stands where the log was made of 20240102_aaa.zip"

    def put_beside():
        lean_day(days, DAYS[0], symbols=("ddd",))
        return "20240102_ddd.zip is new and does not begin after 2024-01-02T"

    def put_in_what_is_none():
        (days / "20240105_zzz.zip").write_bytes(b"no zip")
        return "20240105_zzz.zip is new and cannot be known to begin after"

    def rename():
        text = file.read_text(encoding="utf-8").replace("format: lean,", "format: lean, name: other,")
        file.write_text(text, encoding="utf-8")
        return "feed lean, of which the log was made, is no longer configured"

    def set_hours():
        text = file.read_text(encoding="utf-8").replace("format: lean,", "format: lean, from: \"09:00\",")
        file.write_text(text, encoding="utf-8")
        return "feed lean: `from` is not what the log was made with"

    text, kept = file.read_text(encoding="utf-8"), shutil.copytree(days, f"{home}/kept")
    changes = [replace, remove, put_in_front, put_beside, put_in_what_is_none, rename, set_hours]
    for change in changes:
        said = change()
        err = td.run(file, check=3)["stderr"]
        assert said in err and "name another log.dir" in err, (change.__name__, err)
        assert td.digests(f"{home}/grown", topics) == before, change.__name__
        file.write_text(text, encoding="utf-8")
        shutil.rmtree(days)
        shutil.copytree(kept, days)
    assert td.run(file)["events"] == 0
    moved = shutil.move(days, f"{home}/elsewhere")
    file.write_text(text.replace("/days/", "/elsewhere/"), encoding="utf-8")
    lean_day(moved, DAYS[1])
    assert td.run(file)["accepted"] == 3 * 599
    return f"{len(changes)} changes refused by name, the log as it was; the same files elsewhere go on"


if __name__ == "__main__":
    sys.exit(CASES.run())
