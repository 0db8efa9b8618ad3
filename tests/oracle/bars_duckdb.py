#!/usr/bin/env python3
"""Bars equal DuckDB's over the venues' original files, in every row and every exact field; vwap equals Python's decimal.

DuckDB sees only what tests/oracle/originals.py decodes; it orders, groups and adds by itself, in exact decimals.
"""
import collections
import csv
import pathlib
import sys
import tempfile

import duckdb

import originals
import vwap_decimal

FIELDS = ["instrument", "width_ns", "start_ns", "end_ns", "open", "high", "low", "close", "volume", "notional",
          "trade_count"]
# Fewer rows than these in a data set mean that the comparison itself is broken.
ROWS_AT_LEAST = {"bundled Lean": 60_000, "bundled Binance": 800, "Lean of 2013-10-08": 75_000}

PLAIN = r"regexp_replace(CAST({} AS VARCHAR), '\.?0+$', '')"  # DECIMALs print all their decimals


def expected(data_set, folder):
    """{(instrument, width, start): row of FIELDS} by DuckDB."""
    path = folder / "trades.csv"
    with open(path, "w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows(originals.trades(data_set))
    db = duckdb.connect()
    db.execute("CREATE TABLE raw(instrument VARCHAR, event_ns BIGINT, ord BIGINT, price DECIMAL(19,9),"
               " size DECIMAL(19,8))")
    db.execute(f"COPY raw FROM '{path}' (HEADER false)")
    db.execute("CREATE TABLE trades AS SELECT * FROM raw WHERE price > 0 AND size > 0")  # the one rule so far
    bars = {}
    for width in originals.WIDTHS.values():
        rows = db.execute(f"""
            SELECT instrument, {width}::BIGINT, start_ns, start_ns + {width},
                   {PLAIN.format("arg_min(price, (event_ns, ord))")}, {PLAIN.format("max(price)")},
                   {PLAIN.format("min(price)")}, {PLAIN.format("arg_max(price, (event_ns, ord))")},
                   {PLAIN.format("sum(size)")}, {PLAIN.format("sum(price * size)")}, count(*)
            FROM (SELECT *, event_ns - event_ns % {width} AS start_ns FROM trades)
            GROUP BY instrument, start_ns""").fetchall()
        bars.update({(row[0], row[1], row[2]): row for row in rows})
    return bars


def compare(data_set, folder):
    """Prints what was compared; returns the number of differences."""
    summary, database = originals.run(data_set, folder)
    ours = {row[:3]: row for row in database.execute(f"SELECT {', '.join(FIELDS)} FROM bars WHERE revision = 0")}
    theirs = expected(data_set, folder)
    differences = [(key, ours.get(key), theirs.get(key))
                   for key in sorted(ours.keys() | theirs.keys()) if ours.get(key) != theirs.get(key)]
    revisions, = database.execute("SELECT count(*) FROM bars WHERE revision != 0").fetchone()
    for what, wrong in (("revised rows", revisions), ("late events", summary["late"])):
        if wrong:
            differences.append((what, wrong, 0))
    wrong_vwaps = vwap_decimal.differences(database)
    for key, mine, other in (differences + wrong_vwaps)[:10]:
        print(f"  {key}\n    ours   {mine}\n    theirs {other}")

    names = {width: name for name, width in originals.WIDTHS.items()}
    counts = collections.Counter((instrument, width) for instrument, width, _ in theirs)
    for instrument in sorted({instrument for instrument, _ in counts}):
        print(f"  {instrument:18}", *(f"{names[w]} {counts[instrument, w]:>6}" for w in originals.WIDTHS.values()))
    print(f"{data_set.name}: {len(theirs)} bars by DuckDB {duckdb.__version__}, {len(ours)} of ours, {summary['events']}"
          f" events; {len(differences)} rows differ, {len(wrong_vwaps)} vwaps differ")
    if len(theirs) < ROWS_AT_LEAST[data_set.name]:
        print(f"  at least {ROWS_AT_LEAST[data_set.name]} rows are expected")
        return 1
    return len(differences) + len(wrong_vwaps)


def main():
    sys.stdout.reconfigure(line_buffering=True)
    failed, sets = 0, originals.data_sets()
    for data_set in sets:
        with tempfile.TemporaryDirectory() as folder:
            failed += compare(data_set, pathlib.Path(folder)) > 0
    skipped = 0 if len(sets) == len(ROWS_AT_LEAST) else 1
    if skipped:
        print("skipped: further days; set TAPEDECK_TEST_DATA to a folder that has lean_equity/tick")
    print(f"{len(sets) - failed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
