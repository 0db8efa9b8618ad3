#!/usr/bin/env python3
"""Bars equal DuckDB's over the venues' original files, in every row and every exact field; vwap equals Python's decimal.

DuckDB sees only what tests/oracle/originals.py decodes; it orders, groups and adds by itself, in exact decimals. Of all
trades, and of those of the regular hours: there bars end with the session, and 1d is the exchange's day.
"""
import collections
import csv
import sys

import duckdb
import originals
import vwap_decimal

FIELDS = ["instrument", "width_ns", "start_ns", "end_ns", "open", "high", "low", "close", "volume", "notional",
          "trade_count"]
# Fewer rows than these in a data set mean that the comparison itself is broken.
ROWS_AT_LEAST = {("bundled Lean", "all"): 60_000, ("bundled Lean", "regular"): 55_000,
                 ("bundled Binance", "all"): 800, ("bundled Binance", "regular"): 800,
                 ("Lean of 2013-10-08", "all"): 75_000, ("Lean of 2013-10-08", "regular"): 68_000}

PLAIN = r"regexp_replace(CAST({} AS VARCHAR), '\.?0+$', '')"  # DECIMALs print all their decimals


def expected(data_set, folder, hours="all"):
    """{(instrument, width, start): row of FIELDS} by DuckDB."""
    path = folder / "trades.csv"
    with open(path, "w", newline="", encoding="utf-8") as out:
        for trade in originals.trades(data_set):
            day = originals.day(data_set.format, trade.event_ns, hours)
            if day is not None:
                csv.writer(out).writerow(trade + day)
    db = duckdb.connect()
    db.execute("CREATE TABLE raw(instrument VARCHAR, event_ns BIGINT, ord BIGINT, price DECIMAL(19,9),"
               " size DECIMAL(19,8), day_start BIGINT, day_end BIGINT)")
    db.execute(f"COPY raw FROM '{path}' (HEADER false)")
    db.execute("CREATE TABLE trades AS SELECT * FROM raw WHERE price > 0 AND size > 0")  # the one rule so far
    bars = {}
    for width in originals.WIDTHS.values():
        start, end = f"event_ns - event_ns % {width}", f"event_ns - event_ns % {width} + {width}"
        if hours == "regular" and data_set.format == "lean":
            start, end = f"greatest({start}, day_start)", f"least({end}, day_end)"
        if width == originals.WIDTHS["1d"]:
            start, end = "day_start", "day_end"
        rows = db.execute(f"""
            SELECT instrument, {width}::BIGINT, start_ns, min(end_ns),
                   {PLAIN.format("arg_min(price, (event_ns, ord))")}, {PLAIN.format("max(price)")},
                   {PLAIN.format("min(price)")}, {PLAIN.format("arg_max(price, (event_ns, ord))")},
                   {PLAIN.format("sum(size)")}, {PLAIN.format("sum(price * size)")}, count(*)
            FROM (SELECT *, {start} AS start_ns, {end} AS end_ns FROM trades)
            GROUP BY instrument, start_ns""").fetchall()
        bars.update({(row[0], row[1], row[2]): row for row in rows})
    return bars


def compare(data_set, folder, hours):
    """Prints what was compared; returns the number of differences."""
    summary, database = originals.run(data_set, folder, hours)
    ours = {row[:3]: row for row in database.execute(f"SELECT {', '.join(FIELDS)} FROM bars WHERE revision = 0")}
    theirs = expected(data_set, folder, hours)
    differences = originals.differing(ours, theirs)
    revisions, = database.execute("SELECT count(*) FROM bars WHERE revision != 0").fetchone()
    for what, wrong in (("revised rows", revisions), ("late events", summary["late"])):
        if wrong:
            differences.append((what, wrong, 0))
    wrong_vwaps = vwap_decimal.differences(database)
    originals.show(differences + wrong_vwaps, 10)

    names = {width: name for name, width in originals.WIDTHS.items()}
    counts = collections.Counter((instrument, width) for instrument, width, _ in theirs)
    for instrument in sorted({instrument for instrument, _ in counts}):
        print(f"  {instrument:18}", *(f"{names[w]} {counts[instrument, w]:>6}" for w in originals.WIDTHS.values()))
    print(f"{data_set.name}, hours {hours}: {len(theirs)} bars by DuckDB {duckdb.__version__}, {len(ours)} of ours, {summary['events']}"
          f" events; {len(differences)} rows differ, {len(wrong_vwaps)} vwaps differ")
    at_least = ROWS_AT_LEAST[data_set.name, hours]
    if len(theirs) < at_least:
        print(f"  at least {at_least} rows are expected")
        return 1
    return len(differences) + len(wrong_vwaps)


def main():
    sets = originals.data_sets()
    skipped = 0 if 2 * len(sets) == len(ROWS_AT_LEAST) else 1
    if skipped:
        print("skipped: further days; set TAPEDECK_TEST_DATA to a folder that has lean_equity/tick")
    return originals.hold_each(compare, sets, ("all", "regular"), skipped=skipped)


if __name__ == "__main__":
    sys.exit(main())
