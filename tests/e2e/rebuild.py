#!/usr/bin/env python3
"""tests/e2e/rebuild.py - `rebuild` and `positions reset --to`: a sink's tables, made once more from the log, equal those that they were,
row by row with each row's place, whatever somebody did to them and wherever it was killed; and what comes again leaves no doubles.
"""
import json
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import tapedeck as td

CASES = td.Cases()
DATA = td.ROOT / "examples" / "data"
FEEDS = [f'file: {{ format: lean, path: "{DATA}/lean/*.zip", from: "09:30", to: "09:40" }}',
         f"file: {{ format: alphavantage, path: {DATA}/alphavantage/MSFT_1min_2017-12-18.json }}"]
STRATEGY = """\
strategy flips on bars(1s) for LEAN:*
  buy  when close > open
  sell when close < open
"""
TABLES = ("bars", "signals", "fills", "gaps", "vendor_bars", "positions")
SEED = int(os.environ.get("SEED") or random.randrange(1 << 30))
EXIT_USAGE, EXIT_CONFIG, EXIT_FAILED = 2, 3, 4
ROWS_AT_LEAST = 2_000


def made(home):
    """A run that has ended, and its file."""
    strategy = pathlib.Path(home) / "flips.td"
    strategy.write_text(STRATEGY, encoding="utf-8")
    file = td.config(f"{home}/run.yaml", f"{home}/data", FEEDS, bars="[1s, 5s]", strategies=[strategy], partitions=2)
    td.run(file)
    return file


def tables(home):
    with sqlite3.connect(f"file:{home}/data/market.db?mode=ro", uri=True) as db:
        return {table: sorted(db.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in TABLES}


def bars_in(home):
    with sqlite3.connect(f"file:{home}/data/market.db?mode=ro", uri=True) as db:
        return db.execute("SELECT count(*) FROM bars").fetchone()[0]


def places(home):
    """{(topic, partition): next offset}"""
    return {(topic, partition): offset for topic, partition, _, offset in tables(home)["positions"] if topic != "_log"}


def change(home, sql):
    with sqlite3.connect(f"{home}/data/market.db") as db:
        return db.executescript(sql)


def ask(*words, timeout=60):
    """Exit code and what it said."""
    done = subprocess.run([td.PROGRAM, *words], cwd=td.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          timeout=timeout)
    return done.returncode, done.stdout + done.stderr


def must(*words):
    code, said = ask(*words)
    assert code == 0, (words, code, said)
    return said


def expect(home, wanted):
    for table, rows in tables(home).items():
        assert rows == wanted[table], (SEED, table, len(rows), len(wanted[table]), [pair for pair in zip(rows, wanted[table])
                                                                                  if pair[0] != pair[1]][:2])


@CASES.add
def rebuilt_it_is_what_it_was(home):
    file = made(home)
    before = tables(home)
    count = sum(map(len, before.values())) - len(before["positions"])
    assert count >= ROWS_AT_LEAST, count
    change(home, "DELETE FROM bars WHERE start_ns % 7 = 0; UPDATE bars SET close = '1' WHERE width_ns = 5000000000;"
                 "DELETE FROM signals; UPDATE positions SET next_offset = next_offset - 3 WHERE topic = 'bars';"
                 "INSERT INTO vendor_bars SELECT 'theirs', instrument, width_ns, start_ns, end_ns, open, high, low, close, volume,"
                 " adjusted, known_at_ns, src_partition, src_epoch, src_offset, origin FROM vendor_bars LIMIT 10")
    told = json.loads(must("rebuild", "sqlite", "--json", "--config", file))
    assert told["rows"] >= count and told["lost"] == 0 and told["whole"], (told, count)
    expect(home, before)
    assert td.run(file)["rows"] == 0
    return f"{count} rows"


@CASES.add
def from_a_place_on(home):
    """Of a time: what became known after it; of an offset: what the tape has made from there on."""
    file = made(home)
    before = tables(home)
    with sqlite3.connect(f"{home}/data/market.db") as db:
        at_ns = db.execute("SELECT known_at_ns FROM bars ORDER BY known_at_ns LIMIT 1 OFFSET 500").fetchone()[0]
        later = {table: db.execute(f"SELECT count(*) FROM {table} WHERE known_at_ns > {at_ns}").fetchone()[0] for table in TABLES[:-1]}
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at_ns // 10**9)) + f".{at_ns % 10**9:09}Z"
    must("rebuild", "sqlite", "--config", file, "--from", at)
    after = tables(home)
    assert {table: len(rows) for table, rows in after.items() if table != "positions"} == later and later["bars"] > 100, later
    assert all(set(rows) <= set(before[table]) for table, rows in after.items())
    must("rebuild", "sqlite", "--config", file, "--from", "@0")
    expect(home, before)
    said = must("positions", "reset", "sqlite", "--config", file, "--to", "@4000000000")
    assert " 0 records" in said and tables(home) == before, said
    return later


@CASES.add
def set_back_it_is_written_again(home):
    """Over what is there: what somebody changed is mended, and nothing is there twice."""
    file = made(home)
    before, ends = tables(home), places(home)
    change(home, "UPDATE bars SET close = '1' WHERE width_ns = 5000000000; DELETE FROM fills")
    said = must("positions", "reset", "sqlite", "--config", file, "--to", "beginning")
    wanted = sum(ends.values())
    assert int(re.search(r"(\d+) records", said)[1]) == wanted and set(places(home).values()) == {0}, (said, wanted)
    assert td.run(file)["rows"] == wanted
    expect(home, before)
    return f"{wanted} records"


@CASES.add
def killed_anywhere(home):
    """At any time, and as soon as something is gone. The next run goes on; what was emptied is whole again."""
    file = made(home)
    before, rng, cut, kills = tables(home), random.Random(SEED), 0, 0
    took = time.monotonic()
    must("rebuild", "sqlite", "--config", file)
    took = time.monotonic() - took
    whole, words = bars_in(home), ["nice", "-n", "19", td.PROGRAM, "rebuild", "sqlite", "--config", file]
    while cut < 2 and kills < 40:
        with subprocess.Popen(words, cwd=td.ROOT, stdout=subprocess.DEVNULL) as process:
            if kills % 2:
                time.sleep(rng.uniform(0, took))
            else:
                while process.poll() is None and bars_in(home) == whole:
                    time.sleep(0.0005)
            process.send_signal(signal.SIGKILL)
        kills += 1
        cut += tables(home) != before
        td.run(file)
        expect(home, before)
    assert cut == 2, (SEED, took, kills)
    return f"killed {kills} times within {took:.1f} s, {cut} of them in the middle (seed {SEED})"


@CASES.add
def a_sink_of_another_log(home):
    """A run refuses it, also where that log is the shorter one; rebuilt, it is this log's."""
    file = made(home)
    change(home, "UPDATE positions SET next_offset = next_offset + 1000000 WHERE topic != '_log'")
    before = tables(home)
    code, said = ask("run", "--until-end", "--quiet", file)
    assert code == EXIT_CONFIG and "which this log does not have" in said, (code, said)
    must("rebuild", "sqlite", "--config", file)
    assert {table: rows for table, rows in tables(home).items() if table != "positions"} == \
        {table: rows for table, rows in before.items() if table != "positions"}
    shutil.copytree(f"{home}/data", f"{home}/copy")  # a copy is the same log
    assert td.run(file, "--set", f"log.dir={home}/copy")["rows"] == 0
    change(home, "UPDATE positions SET next_offset = 1 WHERE topic != '_log' AND next_offset > 0")
    other = "--set", f"log.dir={home}/other"
    must("run", "--until-end", "--quiet", "--set", "sinks=", *other, file)
    code, said = ask("run", "--until-end", "--quiet", *other, file)
    assert code == EXIT_CONFIG and "was filled from another log, made at" in said and "`tapedeck rebuild sqlite`" in said, (code, said)
    must("rebuild", "sqlite", "--config", file, *other)
    assert ask("run", "--until-end", "--quiet", file)[0] == EXIT_CONFIG
    return td.run(file, *other)["rows"]


@CASES.add
def what_cannot_be(home):
    """Told, and nothing is touched."""
    file = made(home)
    with_kafka = pathlib.Path(home) / "kafka.yaml"
    with_kafka.write_text(file.read_text() + "  - kafka: { name: out, brokers: \"127.0.0.1:1\", topic: \"t_{symbol}\" }\n")
    before, told = tables(home), []
    for words, code, word in (
            (("rebuild", "nobody", "--config", file), EXIT_CONFIG, "sinks there: sqlite"),
            (("rebuild", "out", "--config", with_kafka), EXIT_CONFIG, "would be there twice"),
            (("positions", "reset", "out", "--config", with_kafka, "--to", "beginning"), EXIT_CONFIG, "would be there twice"),
            (("rebuild", "sqlite"), EXIT_USAGE, "--config FILE"),
            (("positions", "reset", "sqlite", "--to", "beginning"), EXIT_USAGE, "--config FILE"),
            (("rebuild", "sqlite", "--config", file, "--from", "soon"), EXIT_USAGE, "neither a time"),
            (("rebuild", "sqlite", "--config", file, "--set", f"log.dir={home}/nowhere"), EXIT_CONFIG, "there is no data folder")):
        got, said = ask(*words)
        assert got == code and word in said, (words, got, said)
        told.append(word)
    with td.locked(f"{home}/data/market.db"):
        code, said = ask("rebuild", "sqlite", "--config", file)
        assert code == EXIT_FAILED and "locked" in said, (code, said)
    run = subprocess.Popen([td.PROGRAM, "run", "--quiet", "--set", "speed=1x", file], cwd=td.ROOT, stderr=subprocess.PIPE)
    try:
        td.wait_for(lambda: "another process" in ask("check", "--connect", file)[1], "the folder is held", 20)  # it takes nothing
        code, said = ask("rebuild", "sqlite", "--config", file)
        assert code == EXIT_CONFIG and "another process" in said, (code, said)
    finally:
        td.kill(run)
    assert not pathlib.Path(f"{home}/nowhere").exists()
    td.run(file)
    expect(home, before)
    return f"{len(told) + 2} refused"


if __name__ == "__main__":
    sys.exit(CASES.run())
