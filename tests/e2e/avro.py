#!/usr/bin/env python3
"""tests/e2e/avro.py - Avro container files, both ways. What fastavro writes becomes the trades that it says, by whatever codec, field
by field; what is damaged is told with its place, and the rest is taken in. What fastavro reads of an archive is the log, row by row, and
what Parquet has of the same run; whoever is killed leaves the same files; an archive becomes a log again.
"""
import datetime
import decimal
import os
import pathlib
import re
import shutil
import sys
import urllib.parse

import fastavro
import import_archive as archives
import parquet as store
import tapedeck as td

UTC = datetime.timezone.utc
BEGIN = datetime.datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
CODECS = ("null", "deflate", "snappy", "zstandard")
EACH = 3000
cases = td.Cases()

VENDOR = fastavro.parse_schema({"type": "record", "name": "Tick", "namespace": "vendor", "fields": [
    {"name": "ts", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    {"name": "symbol", "type": {"type": "enum", "name": "Symbol", "symbols": ["AAA", "BBB"]}},
    {"name": "trade", "type": ["null", {"type": "record", "name": "Trade", "fields": [
        {"name": "px", "type": {"type": "bytes", "logicalType": "decimal", "precision": 19, "scale": 9}},
        {"name": "qty", "type": ["null", "double"], "default": None}]}]},
    {"name": "tags", "type": {"type": "map", "values": "string"}}]})


def price_of(n):
    return decimal.Decimal(10**18 + n) / 10**9


def write_vendor(home):
    """A file by each codec, of which each goes on where the one before ends."""
    for i, codec in enumerate(CODECS):
        rows = [{"ts": BEGIN + datetime.timedelta(microseconds=1500 * n), "symbol": "AAA" if n % 2 else "BBB",
                 "trade": {"px": price_of(n), "qty": n % 5 + 0.1}, "tags": {"n": str(n)}} for n in range(i * EACH, (i + 1) * EACH)]
        with open(f"{home}/{len(CODECS) - i}-{codec}.avro", "wb") as file:
            fastavro.writer(file, VENDOR, rows, codec=codec, sync_interval=16000)


def vendor_config(home):
    return store.config(home, [f"file: {{ format: avro, path: '{home}/*.avro', venue: XETR, rules: off, "
                               "fields: { time: ts, instrument: symbol, price: trade.px, size: trade.qty } }"])


@cases.add
def strangers(home):
    write_vendor(home)
    told = td.run(vendor_config(home), "--set", "sinks=")
    count = EACH * len(CODECS)
    assert (told["accepted"], told["rejected"]) == (count, 0), told
    trades = archives.trades_of(f"{home}/data")
    assert len(trades) == count
    for n, (name, value) in enumerate(trades):
        stamp = (BEGIN + datetime.timedelta(microseconds=1500 * n) - store.EPOCH) // datetime.timedelta(microseconds=1) * 1000
        got = name, value["event_ns"], decimal.Decimal(value["price"]), value["size"]
        assert got == ("XETR:AAA" if n % 2 else "XETR:BBB", stamp, price_of(n), f"{n % 5}.1"), (n, value)
    return f"{count} trades by {len(CODECS)} codecs"


@cases.add
def imported(home):
    """A folder of them, twice; and one that is damaged, of which the others know nothing."""
    write_vendor(home)
    file = vendor_config(home)
    own = [word for key in ("venue=XETR", "rules=off", "fields={ time: ts, instrument: symbol, price: trade.px, size: trade.qty }")
           for word in ("--set", f"feeds.0.file.{key}")]
    told = archives.import_archive(home, f"{home}/first", file, *own)
    assert (told["accepted"], told["rejected"]) == (EACH * len(CODECS), 0), told
    before = td.digests(f"{home}/first")
    again = archives.import_archive(home, f"{home}/first", file, *own)
    assert again["events"] == 0 and td.digests(f"{home}/first") == before, again
    broken = pathlib.Path(f"{home}/1-zstandard.avro")
    whole = broken.read_bytes()
    ends = [at.start() + 16 for at in re.finditer(re.escape(whole[-16:]), whole)]  # of its header, and of each block
    broken.write_bytes(whole[:ends[2] - 1] + bytes([whole[ends[2] - 1] ^ 1]) + whole[ends[2]:])
    told = archives.import_archive(home, f"{home}/second", file, *own)
    rejected = [r["value"] for r in archives.cat(f"{home}/second", "rejected")]
    assert [r["source"] for r in rejected] == [broken.name] and rejected[0]["reason"] == "unreadable", rejected
    said = f"the block at byte {ends[1]} does not end with the file's marker; read again from byte {ends[3]} on"
    assert rejected[0]["detail"] == said and len(ends) > 4, rejected
    lost = len(CODECS) * EACH - told["accepted"]
    assert 0 < lost < EACH / 2, told
    pathlib.Path(f"{home}/x.parquet").write_bytes(b"")
    said = archives.import_archive(home, f"{home}/third", file, *own, check=archives.EXIT_CONFIG)["stderr"]
    assert "has *.avro and *.parquet: name those of one kind" in said, said
    return f"{told['accepted']} trades, {lost} lost in two blocks"


def by_fastavro(folder):
    """Rows as they are, with the day that their folder says; the instrument is in both."""
    rows = []
    for path in sorted(pathlib.Path(folder).rglob("*.avro")):
        name, day = (urllib.parse.unquote(part.split("=", 1)[1]) for part in path.parts[-3:-1])
        with open(path, "rb") as file:
            for row in fastavro.reader(file):
                assert row.get("instrument") == name, (path, row)
                rows.append(row | {"day": datetime.date.fromisoformat(day)})
    return rows


@cases.add
def the_demo(home):
    """Every row and field of the log, and the same rows as Parquet has; each field of the type that it is."""
    file = store.config(home, store.DEMO, kind="avro")
    other = f"sinks:\n  - parquet: {{ dir: {home}/other, of: [{', '.join(store.TABLES)}] }}\n"
    file.write_text(file.read_text(encoding="utf-8").replace("sinks:\n", other), encoding="utf-8")
    td.run(file)
    counts = store.expect_log(home, readers=(by_fastavro,))
    assert counts["quotes"] > 3000 and counts["trades"] > 2000 and counts["vendor_bars"] > 10000 and counts["signals"] >= 3, counts
    for topic in counts:
        got, wanted = (sorted(reader(f"{home}/{folder}/{topic}"), key=store.place_of)
                       for reader, folder in ((by_fastavro, "archive"), (store.by_pyarrow, "other")))
        assert got == wanted, (topic, next(pair for pair in zip(got, wanted) if pair[0] != pair[1]))
    names, others = (sorted(os.path.splitext(name)[0] for name in store.files(home, folder, kind))
                     for folder, kind in (("archive", "avro"), ("other", "parquet")))
    assert names == others, (names[:3], others[:3])
    largest = max(pathlib.Path(f"{home}/archive/quotes").rglob("*.avro"), key=lambda path: path.stat().st_size)
    with open(largest, "rb") as file:
        reader = fastavro.reader(file)
        types = {field["name"]: field["type"] for field in reader.writer_schema["fields"]}
        assert reader.codec == "zstandard" and reader.writer_schema["name"] == "tapedeck.quotes", reader.writer_schema
    price = {"type": "bytes", "logicalType": "decimal", "precision": 19, "scale": 9}
    assert types["bid_price"] == ["null", price] and types["instrument"] == "string" and types["event_ns"] == "long", types
    assert types["event_time"] == {"type": "long", "logicalType": "timestamp-micros"} and "day" not in types, types
    return counts


@cases.add
def by_every_codec(home):
    """Blocks as large as was said, packed as was said."""
    feeds, sizes = store.write_days(home, days=2), {}
    for codec in ("zstandard", "deflate", "null"):
        pathlib.Path(f"{home}/{codec}").mkdir()
        td.run(store.config(f"{home}/{codec}", feeds, more=f", codec: {codec}, block: 4096", kind="avro"))
        store.expect_log(f"{home}/{codec}", readers=(by_fastavro,))
        files = list(pathlib.Path(f"{home}/{codec}/archive").rglob("*.avro"))
        sizes[codec] = sum(path.stat().st_size for path in files)
        with open(max(files, key=lambda path: path.stat().st_size), "rb") as file:
            blocks = list(fastavro.block_reader(file))
        assert len(blocks) > 2 and all(block.codec == codec for block in blocks), (codec, len(blocks))
    assert sizes["zstandard"] < sizes["null"] / 2 and sizes["deflate"] < sizes["null"] / 2, sizes
    return sizes


@cases.add
def killed_as_days_close(home):
    return store.killed(home, store.write_days(home, days=8), "100000x", 1.0, kind="avro", readers=(by_fastavro,))


@cases.add
def killed_as_days_go(home):
    return store.killed(home, store.write_days(home, days=8), "100000x", 1.0, kind="avro", readers=(by_fastavro,),
                        more=f", retain_time: {store.RETAINED}d", expect=store.retained)


@cases.add
def of_one_kind(home):
    """Whose folder is Avro's is not Parquet's, in no order and not in one run; and of two runs at once the second waits."""
    feeds = store.write_days(home, days=1)
    file = store.config(home, feeds, kind="avro")
    both = pathlib.Path(f"{home}/both.yaml")
    parquet = f"sinks:\n  - parquet: {{ dir: {home}/archive }}\n"
    both.write_text(file.read_text(encoding="utf-8").replace("sinks:\n", parquet), encoding="utf-8")
    said = td.run(both, check=store.EXIT_USAGE)["stderr"]
    assert "sinks[1].avro.dir: sinks[0] has the same" in said, said
    td.run(store.config(home, feeds))
    file = store.config(home, feeds, kind="avro")
    said = td.run(file, check=store.EXIT_CONFIG)["stderr"]
    assert "archive/.open.db is there, and a folder is of one archive alone" in said, said
    shutil.rmtree(f"{home}/archive")
    shutil.rmtree(f"{home}/data")
    process = td.start(file, "--set", "speed=100x")
    td.wait_for(lambda: any(pathlib.Path(f"{home}/archive").glob(".open.*")) or process.poll() is not None, "an archive", 60)
    second = td.start(file, "--set", f"log.dir={home}/other", "--set", "speed=100x")
    assert any("archive/.lock is held by another sink" in line for line in second.stderr), second.wait()
    assert second.poll() is None and process.poll() is None
    td.kill(second)
    td.kill(process)
    td.run(file)
    store.expect_log(home, readers=(by_fastavro,))
    before = store.files(home, kind="avro")
    said = td.run(store.config(home, feeds), check=store.EXIT_CONFIG)["stderr"]
    assert ".open.avro.db is there, and a folder is of one archive alone" in said and store.files(home, kind="avro") == before, said
    return f"{len(before)} files"


@cases.add
def an_archive_again(home):
    """What is imported of it is what was recorded, to the last digit and in its order."""
    file = store.config(home, store.DEMO, kind="avro")
    td.run(file)
    wanted = archives.ticks(f"{home}/data")
    told = archives.import_archive(f"{home}/archive", f"{home}/again", file)
    count = archives.expect_same(archives.ticks(f"{home}/again"), wanted)
    assert count == told["accepted"] > 5000 and told["rejected"] == told["quarantined"] == 0, told
    said = archives.import_archive(f"{home}/archive/bars", f"{home}/bars", file)
    details = {r["value"]["detail"] for r in archives.cat(f"{home}/bars", "rejected")}
    assert said["accepted"] == 0 and details == {"it is a table of results, which are made of trades and quotes anew: give those"}, details
    return f"{count} trades and quotes"


if __name__ == "__main__":
    sys.exit(td.Cases(case for case in cases if not sys.argv[1:] or case.__name__ in sys.argv[1:]).run())
