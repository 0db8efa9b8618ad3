#!/usr/bin/env python3
"""tests/e2e/import_archive.py - an archive becomes a log again: its trades and quotes are those of the log that it was made of, field
by field and in their order, and imported twice they are there once. Parquet that pyarrow and polars write is taken in; what is no
row, no table and no Parquet is told, and the rest goes on.
"""
import collections
import datetime
import decimal
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import parquet as store
import polars
import pyarrow
import pyarrow.parquet
import tapedeck as td

EXIT_USAGE, EXIT_CONFIG = 2, 3
OWN = {"feed", "schema", "origin"}  # of a record, what an import has of its own
UTC = datetime.timezone.utc
JUDGED = {"quality", "evidence"}  # of a bar, by ids, which an import does not compare; it is revised when they change
cases = td.Cases()


def import_archive(path, out, file, *options, check=0, env=None):
    done = subprocess.run([td.PROGRAM, "import", "--archive", path, "--out", out, "--json", *options, file], cwd=td.ROOT, timeout=300,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, env=env)
    assert done.returncode == check, f"exit {done.returncode}, wanted {check}:\n{done.stderr}"
    return (json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}) | {"stderr": done.stderr}


def cat(data, topic):
    done = subprocess.run([td.PROGRAM, "log", "cat", topic, "--data", data], stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def ticks(data):
    """{instrument: its trades and quotes, in the order of the tape}, each without what is the import's own."""
    found = collections.defaultdict(list)
    for topic in ("trades", "quotes"):
        for r in cat(data, topic):
            place = int(r["cause"].split("/")[3])
            found[r["key"]].append((place, topic, {k: v for k, v in r["value"].items() if k not in OWN}))
    return {name: [rest for _, *rest in sorted(rows, key=lambda row: row[0])] for name, rows in found.items()}


def expect_same(got, wanted):
    assert got.keys() == wanted.keys(), got.keys() ^ wanted.keys()
    for name, rows in wanted.items():
        for i, (row, other) in enumerate(zip(rows, got[name])):
            assert row == other, (name, i, row, other)
        assert len(rows) == len(got[name]), (name, len(rows), len(got[name]))
    return sum(map(len, wanted.values()))


def trades_of(data):
    return [(r["key"], r["value"]) for r in sorted(cat(data, "trades"), key=lambda r: (r["value"]["event_ns"], r["key"]))]


@cases.add
def the_demo(home):
    """Two markets of two years, at once: each tick is the same again, and meets the others in the same order."""
    file = store.config(home, store.DEMO)
    td.run(file)
    wanted = ticks(f"{home}/data")
    told = import_archive(f"{home}/archive", f"{home}/again", file)
    count = expect_same(ticks(f"{home}/again"), wanted)
    kinds = collections.Counter(topic for rows in wanted.values() for topic, _ in rows)
    assert count == told["accepted"] and min(kinds.values()) > 2000 and told["rejected"] == told["quarantined"] == 0, (kinds, told)
    assert any(value["condition"] for rows in wanted.values() for _, value in rows)
    before = td.digests(f"{home}/again")
    again = import_archive(f"{home}/archive", f"{home}/again", file)
    assert again["events"] == 0 and "holds all of these inputs already" in again["stderr"], again
    assert td.digests(f"{home}/again") == before
    import_archive(f"{home}/archive", f"{home}/third", file)
    assert td.digests(f"{home}/third") == before, "it is no function of the archive"
    return dict(kinds)


@cases.add
def several_days(home):
    """Late trades, of a day that is closed too, come late again; numbers of all their digits."""
    file = store.config(home, store.write_days(home))
    td.run(file)
    wanted = ticks(f"{home}/data")
    import_archive(f"{home}/archive", f"{home}/again", file)
    count = expect_same(ticks(f"{home}/again"), wanted)
    digits = [value for rows in wanted.values() for _, value in rows if value["size"] == "0.00000001" and len(value["price"]) == 13]
    assert len(digits) > 100 and len(list(pathlib.Path(f"{home}/archive").rglob("*.parquet"))) > 12, digits
    made, again = (sorted((r["key"], *(str(v) for k, v in sorted(r["value"].items()) if k not in JUDGED))
                          for r in cat(f"{home}/{data}", "bars") if r["value"]["revision"] == 0) for data in ("data", "again"))
    assert made == again and len(made) > 1000, next(pair for pair in zip(made, again) if pair[0] != pair[1])
    one = next(pathlib.Path(f"{home}/archive/trades").rglob("*.parquet"))
    part = import_archive(one, f"{home}/part", file)
    assert 0 < part["accepted"] < count and part["rejected"] == 0, part
    by_log = subprocess.run([td.PROGRAM, "sql", "--data", f"{home}/data", "--format", "csv", "from trades order by receive_ns, ord"],
                            stdout=subprocess.PIPE, text=True, check=True).stdout
    pathlib.Path(f"{home}/trades.csv").write_text(by_log, encoding="utf-8")
    td.run(store.config(f"{home}", [f"file: {{ format: csv, trade_ids: off, path: {home}/trades.csv }}"]), "--set",
           f"log.dir={home}/text", "--set", "sinks=")
    expect_same(ticks(f"{home}/text"), wanted)
    return f"{count} trades"


def write_in_order(home, days):
    begin, lines = datetime.datetime(2026, 3, 2, tzinfo=UTC), ["time,instrument,price,size,id"]
    for n in range(days * 48):
        for name in ("ONE:A", "TWO:B"):
            stamp = (begin + datetime.timedelta(minutes=30 * n)).isoformat().replace("+00:00", "Z")
            lines.append(f"{stamp},{name},{100 + n % 7},1,{n + 1}")
    path = pathlib.Path(home) / "in_order.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [f"file: {{ format: csv, path: {path} }}"]


@cases.add
def another_day(home):
    """An archive that grows is taken in day by day, as if at once; another archive is refused."""
    file = store.config(home, write_in_order(home, days=3))
    td.run(file)
    shutil.copytree(f"{home}/archive", f"{home}/growing")
    days = [path for path in pathlib.Path(f"{home}/growing/trades").glob("*/day=*") if path.name != "day=2026-03-02"]
    assert len(days) == 4, days
    for path in days:
        shutil.rmtree(path)
    first = import_archive(f"{home}/growing", f"{home}/again", file)
    shutil.copytree(f"{home}/archive", f"{home}/growing", dirs_exist_ok=True)
    second = import_archive(f"{home}/growing", f"{home}/again", file)
    assert (first["accepted"], second["accepted"], second["resumed"] > 0) == (96, 192, True), (first, second)
    expect_same(ticks(f"{home}/again"), ticks(f"{home}/data"))
    before = td.digests(f"{home}/again")
    shutil.rmtree(next(pathlib.Path(f"{home}/growing/trades").glob("*/day=2026-03-03")))
    said = import_archive(f"{home}/growing", f"{home}/again", file, check=EXIT_CONFIG)["stderr"]
    assert "a log goes on with the inputs it was made of" in said and td.digests(f"{home}/again") == before, said
    return f"{first['accepted']} and {second['accepted']} trades"


@cases.add
def a_release(home):
    """A crossed quote that somebody released is in the archive, and past that rule again."""
    path = pathlib.Path(home) / "quotes.csv"
    path.write_text("time,instrument,bid,ask\n" + "".join(
        f"2026-03-02T14:30:0{i}Z,X:A,{11 if i == 3 else 10},{10.5 if i == 3 else 11}\n" for i in range(6)), encoding="utf-8")
    file = store.config(home, [f"file: {{ format: csv, path: {path} }}"])
    td.run(file)
    refused = cat(f"{home}/data", "quarantine")
    assert len(refused) == 1, refused
    place = f"{refused[0]['partition']}/{refused[0]['offset']}"
    subprocess.run([td.PROGRAM, "quarantine", "release", place, "--yes", "--data", f"{home}/data"], stdout=subprocess.DEVNULL, check=True)
    td.run(file)
    quotes = sorted(cat(f"{home}/data", "quotes"), key=lambda r: r["offset"])
    assert [r["value"]["origin"] for r in quotes] == ["feed"] * 5 + ["release"], quotes
    import_archive(f"{home}/archive", f"{home}/again", file)
    again = sorted(cat(f"{home}/again", "quotes"), key=lambda r: r["offset"])
    assert [r["value"]["origin"] for r in again] == ["feed"] * 5 + ["release"] and not cat(f"{home}/again", "quarantine"), again
    expect_same(ticks(f"{home}/again"), {"X:A": ticks(f"{home}/data")["X:A"]})
    return f"{len(again)} quotes"


def write_strangers(home):
    """As pandas and pyarrow write them, and polars."""
    begin = datetime.datetime(2026, 3, 2, 14, 30)
    stamps = [begin + datetime.timedelta(microseconds=1500 * i) for i in range(9000)]
    table = pyarrow.table({
        "ts": pyarrow.array(stamps, pyarrow.timestamp("us")),
        "symbol": pyarrow.array(["AAA" if i % 2 else "B.B" for i in range(9000)]).dictionary_encode(),
        "px": pyarrow.array([100 + i % 50 / 10 for i in range(9000)], pyarrow.float64()),
        "qty": pyarrow.array([i % 5 + 1 for i in range(9000)], pyarrow.int32()),
        "more": pyarrow.array([[i] for i in range(9000)])})
    pyarrow.parquet.write_table(table, f"{home}/pyarrow.parquet", compression="snappy", row_group_size=2500)
    quotes = polars.DataFrame({
        "ts": [stamp.replace(tzinfo=UTC) + datetime.timedelta(microseconds=1) for stamp in stamps[:500]],
        "symbol": ["AAA"] * 500, "bid": [99.5] * 499 + [float("nan")], "ask": [None] + [200.25] * 499})
    quotes.with_columns(polars.col("ts").cast(polars.Datetime("ns", "UTC"))).write_parquet(f"{home}/polars.parquet")
    return stamps


@cases.add
def strangers(home):
    stamps = write_strangers(home)
    file = store.config(home, [f"file: {{ format: parquet, path: '{home}/p*.parquet', venue: XETR, rules: off, "
                               "fields: { time: ts, instrument: symbol, price: px, size: qty } }"])
    told = td.run(file, "--set", "sinks=")
    assert (told["accepted"], told["rejected"]) == (9500, 0), told
    trades = trades_of(f"{home}/data")
    assert len(trades) == 9000
    for i, (name, value) in enumerate(trades):
        stamp = (stamps[i] - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1) * 1000
        wanted = ("XETR:AAA" if i % 2 else "XETR:B.B", stamp, decimal.Decimal(1000 + i % 50) / 10, decimal.Decimal(i % 5 + 1))
        assert (name, value["event_ns"], decimal.Decimal(value["price"]), decimal.Decimal(value["size"])) == wanted, (i, value)
    quotes = sorted((r["value"] for r in cat(f"{home}/data", "quotes")), key=lambda v: v["event_ns"])
    assert [quotes[i][side] for i, side in ((0, "ask_price"), (0, "bid_price"), (499, "bid_price"), (499, "ask_price"))] == \
        [None, "99.5", None, "200.25"], (quotes[0], quotes[-1])
    return f"{len(trades)} trades, {len(quotes)} quotes"


@cases.add
def what_is_refused(home):
    """Bad rows, bad files and tables of results are told by name, with their reasons; the others are taken in."""
    file = store.config(home, write_in_order(home, days=2))
    td.run(file)
    archive = f"{home}/archive"
    good = sorted(pathlib.Path(f"{archive}/trades").rglob("*.parquet"))
    torn = good[0].read_bytes()
    good[0].write_bytes(torn[:len(torn) // 2])
    pyarrow.parquet.write_table(pyarrow.table({
        "time": ["2026-03-02T00:00:00Z", "yesterday", "2026-03-02T00:00:01Z", "2026-03-02T00:00:02Z"], "instrument": ["X:A"] * 4,
        "price": [1.5, 1.5, None, 2.5], "size": [1, 1, 1, 1]}), f"{archive}/trades/rows.parquet")
    told = import_archive(archive, f"{home}/again", file)
    rejected = [r["value"] for r in cat(f"{home}/again", "rejected")]
    by_source = collections.Counter(r["source"] for r in rejected)
    assert by_source == {good[0].name: 1, "rows.parquet": 2} and told["rejected"] == 3, rejected
    assert told["accepted"] == 2 * 96 - 48 + 2, told
    assert [r["line"] for r in rejected if r["source"] == "rows.parquet"] == [2, 3], rejected
    assert [r["reason"] for r in rejected if r["source"] == good[0].name] == ["unreadable"], rejected
    assert any("price is missing" in r["detail"] and "X:A" in r["bytes"] for r in rejected), rejected
    said = import_archive(f"{archive}/bars", f"{home}/bars", file)
    details = {r["value"]["detail"] for r in cat(f"{home}/bars", "rejected")}
    assert said["accepted"] == 0 and said["rejected"] > 3 and details == {
        "it is a table of results, which are made of trades and quotes anew: give those"}, (said, details)
    for words, options, text in (
            ([f"{home}/nothing"], (), "path: no file is named"), ([f"{archive}/gaps*"], (), "path: no file is named"),
            ([archive], ("--raw", "csv"), "two imports: one at a time"), ([archive], ("--from", "0"), "--from: is of --raw")):
        assert text in import_archive(*words, f"{home}/out", file, *options, check=EXIT_CONFIG)["stderr"], text
    os.makedirs(f"{home}/empty")
    said = import_archive(f"{home}/empty", f"{home}/out", file, check=EXIT_CONFIG)["stderr"]
    assert "has no *.parquet of trades or quotes" in said, said
    said = import_archive(archive, f"{home}/out", file, check=EXIT_CONFIG, env=os.environ | {"TAPEDECK_DUCKDB": f"{home}/no.so"})["stderr"]
    assert "DuckDB's library is not there" in said and "scripts/fetch_duckdb.sh" in said, said
    done = subprocess.run([td.PROGRAM, "import", file], stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == EXIT_USAGE and "--archive" in done.stderr, done
    return f"{len(rejected)} of {told['events']} events"


@cases.add
def damage(home):
    """Of a file whose pages are small, and end anywhere, what lies before the damage is taken in, and the next row group."""
    count, group = 100_000, 50_000
    table = pyarrow.table({
        "time": [1_700_000_000_000_000_000 + 1000 * i for i in range(count)], "instrument": ["X:A"] * count,
        "price": [i % 977 + 0.25 for i in range(count)], "size": [i % 31 + 1 for i in range(count)]})
    path = pathlib.Path(home) / "pages.parquet"
    pyarrow.parquet.write_table(table, path, data_page_size=20_000, use_dictionary=False, row_group_size=group)
    column = pyarrow.parquet.ParquetFile(path).metadata.row_group(0).column(2)
    bad = bytearray(path.read_bytes())
    at = column.data_page_offset + column.total_compressed_size // 2
    bad[at:at + 200] = b"\xa5" * 200
    path.write_bytes(bad)
    file = store.config(home, write_in_order(home, days=1))
    told = import_archive(path, f"{home}/again", file, "--set", "feeds.0.file.rules=off")
    (lost,) = (r["value"] for r in cat(f"{home}/again", "rejected"))
    first, last = re.match(r"rows (\d+) to (\d+) are damaged: duckdb: ", lost["detail"]).groups()
    assert (lost["line"], int(last), lost["reason"]) == (int(first), group, "unreadable") and 10_000 < int(first) < 40_000, lost
    assert (told["accepted"], told["rejected"]) == (count - (group - int(first) + 1), 1), told
    got = [r["value"]["event_ns"] for r in cat(f"{home}/again", "trades")]
    assert sorted(got) == [1_700_000_000_000_000_000 + 1000 * i for i in range(count) if not int(first) <= i + 1 <= group]
    again = import_archive(path, f"{home}/again", file, "--set", "feeds.0.file.rules=off")
    assert again["events"] == 0, again
    return f"{told['accepted']} of {count} trades"


if __name__ == "__main__":
    if subprocess.run([td.ROOT / "scripts" / "fetch_duckdb.sh"], check=False).returncode != 0:
        print("DuckDB's library is not to be had here")
        sys.exit(77)
    sys.exit(td.Cases(case for case in cases if not sys.argv[1:] or case.__name__ in sys.argv[1:]).run())
