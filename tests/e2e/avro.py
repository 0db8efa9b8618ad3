#!/usr/bin/env python3
"""tests/e2e/avro.py - Avro container files: what fastavro writes becomes the trades that it says, by whatever codec, field by field;
what is damaged is told with its place, and the rest is taken in.
"""
import datetime
import decimal
import pathlib
import re
import sys

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
    assert f"the block at byte {ends[1]} does not end with the file's marker" in rejected[0]["detail"] and len(ends) > 3, rejected
    assert EACH * 3 < told["accepted"] < EACH * 4, told
    pathlib.Path(f"{home}/x.parquet").write_bytes(b"")
    said = archives.import_archive(home, f"{home}/third", file, *own, check=archives.EXIT_CONFIG)["stderr"]
    assert "has *.avro and *.parquet: name those of one kind" in said, said
    return f"{told['accepted']} trades before {rejected[0]['detail']}"


if __name__ == "__main__":
    sys.exit(td.Cases(case for case in cases if not sys.argv[1:] or case.__name__ in sys.argv[1:]).run())
