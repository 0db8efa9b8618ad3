#!/usr/bin/env python3
"""Filled and extended bars equal DuckDB's over the venues' original files, in every row and every exact field.

DuckDB makes the bars of all trades and of those of the session, joins them to the series of all intervals from each
instrument's first bar on (of a venue with hours from the first one of each day to its end), and carries the last close
forward over those without a trade.
"""
import csv
import decimal
import sys
import zipfile

import duckdb
import originals

FIELDS = ["instrument", "width_ns", "start_ns", "end_ns", "open", "high", "low", "close", "vwap", "volume", "notional",
          "trade_count"]
FILLED, EXTENDED = 10**17, 2 * 10**17
KINDS = {"": 0, " filled": FILLED, " extended": EXTENDED, " filled extended": FILLED + EXTENDED}
SPANS = {"lean": {"5s": 5 * 10**9, "1m": 60 * 10**9}, "binance-collector": {"20ms": 2 * 10**7, "1s": 10**9}}
HOURS = {"lean": "regular", "binance-collector": "all"}
# Fewer rows than these in a data set mean that the comparison itself is broken.
ROWS_AT_LEAST = {"bundled Lean": 100_000, "bundled Binance": 40_000, "Lean of 2013-10-08": 100_000}
PLAIN = r"regexp_replace(CAST({} AS VARCHAR), '\.?0+$', '')"  # DECIMALs print all their decimals


def widths_of(data_set):
    return {span + kind: ns + number for span, ns in SPANS[data_set.format].items() for kind, number in KINDS.items()}


def last_ns_of(data_set):
    """Of the newest event, which a quote may be."""
    last_ns = max(trade.event_ns for trade in originals.trades(data_set))
    for path in data_set.files if data_set.format == "lean" else ():
        with zipfile.ZipFile(path) as archive:
            (member,) = archive.namelist()
            ms = int(archive.read(member).rstrip().rsplit(b"\n", 1)[-1].split(b",", 1)[0])
            last_ns = max(last_ns, originals.lean_midnight_ns(member) + ms * 10**6)
    return last_ns


def load(db, data_set, folder, hours):
    """Table `trades` of (…, day_start, day_end), of those of the hours."""
    path = folder / f"{hours}.csv"
    with open(path, "w", newline="", encoding="utf-8") as out:
        for trade in originals.trades(data_set):
            day = originals.day(data_set.format, trade.event_ns, hours)
            if day is not None:
                csv.writer(out).writerow(trade + day)
    db.execute("CREATE OR REPLACE TABLE trades(instrument VARCHAR, event_ns BIGINT, ord BIGINT, price DECIMAL(19,9),"
               " size DECIMAL(19,8), day_start BIGINT, day_end BIGINT)")
    db.execute(f"COPY trades FROM '{path}' (HEADER false)")
    db.execute("DELETE FROM trades WHERE price <= 0 OR size <= 0")


def bars_of(db, ns, closes, last_ns, filled):
    """Rows of a width, in exact decimals; with `closes` an instrument's days stand alone, and end by themselves."""
    day = "day_start" if closes else "0::BIGINT"
    db.execute(f"""
        CREATE OR REPLACE TABLE bars AS
        SELECT instrument, {day} AS day, event_ns - event_ns % {ns} AS start_ns, max(day_end) AS day_end,
               arg_min(price, (event_ns, ord)) AS o, max(price) AS h, min(price) AS l,
               arg_max(price, (event_ns, ord)) AS c, sum(size) AS v, sum(price * size) AS n, count(*) AS k
        FROM trades GROUP BY ALL""")
    until = "max(day_end)" if closes else f"{last_ns + ns}"
    series = f"""
        SELECT instrument, day, unnest(range(since, till, {ns})) AS start_ns
        FROM (SELECT instrument, day, min(start_ns) AS since, {until} AS till FROM bars GROUP BY instrument, day)"""
    carry = "last_value(c IGNORE NULLS) OVER (PARTITION BY instrument, day ORDER BY start_ns)"
    return db.execute(f"""
        WITH wide AS (SELECT s.*, o, h, l, c, v, n, k, {carry} AS carried FROM ({series}) s LEFT JOIN bars
                      USING (instrument, day, start_ns))
        SELECT instrument, start_ns, start_ns + {ns}, {PLAIN.format("coalesce(o, carried)")}, {PLAIN.format("coalesce(h, carried)")},
               {PLAIN.format("coalesce(l, carried)")}, {PLAIN.format("carried")}, {PLAIN.format("coalesce(v, 0)")},
               {PLAIN.format("coalesce(n, 0)")}, coalesce(k, 0)
        FROM wide WHERE k > 0 OR ({filled} AND start_ns + {ns} <= {last_ns})""").fetchall()


def expected(data_set, folder):
    """{(instrument, width, start): row of FIELDS without vwap}."""
    bars, db, last_ns = {}, duckdb.connect(), last_ns_of(data_set)
    for kind in KINDS.values():
        if kind in (0, EXTENDED):
            load(db, data_set, folder, "all" if kind else HOURS[data_set.format])
        for ns in SPANS[data_set.format].values():
            for row in bars_of(db, ns, data_set.format == "lean", last_ns, kind % EXTENDED > 0):
                bars[row[0], ns + kind, row[1]] = (row[0], ns + kind, *row[1:])
    return bars


def compare(data_set, folder):
    """Prints what was compared; returns the number of differences."""
    widths = widths_of(data_set)
    summary, database = originals.run(data_set, folder, HOURS[data_set.format], widths=widths)
    rows = database.execute(f"SELECT {', '.join(FIELDS)}, revision FROM bars").fetchall()
    vwap = FIELDS.index("vwap")
    ours = {row[:3]: row[:vwap] + row[vwap + 1:-1] for row in rows}
    theirs = expected(data_set, folder)
    differences = originals.differing(ours, theirs)
    views = {width for width, in database.execute("SELECT DISTINCT width FROM bars_view")}
    for what, is_, wanted in (("rows with one key", len(rows) - len(ours), 0), ("late events", summary["late"], 0),
                              ("revisions", sum(row[-1] for row in rows), 0), ("widths by name", views, set(widths)),
                              ("vwaps of empty bars",
                               sum(decimal.Decimal(r[vwap]) != decimal.Decimal(r[vwap - 1]) for r in rows if r[-2] == 0), 0)):
        if is_ != wanted:
            differences.append((what, is_, wanted))
    originals.show(differences, 6)
    for name, width in widths.items():
        counts = [row[-1] == 0 for key, row in theirs.items() if key[1] == width]
        print(f"  {name:20} {len(counts):>8}, {sum(counts):>8} of them empty")
    print(f"{data_set.name}, hours {HOURS[data_set.format]}: {len(theirs)} bars by DuckDB {duckdb.__version__}, {len(ours)} of ours,"
          f" {summary['events']} events; {len(differences)} differ")
    at_least = ROWS_AT_LEAST[data_set.name]
    if len(theirs) < at_least:
        print(f"  at least {at_least} rows are expected")
        return 1
    return len(differences)


def main():
    return originals.hold_each(compare, originals.data_sets())


if __name__ == "__main__":
    sys.exit(main())
