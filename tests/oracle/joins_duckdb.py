#!/usr/bin/env python3
"""What strategies read of other widths and instruments equals DuckDB's ASOF JOIN over the originals, on every bar of one
minute: the last bar that ended by then, how old it is, and averages of such bars.

DuckDB makes the bars by itself from what tests/oracle/originals.py decodes. Of bars that end at one instant each sees the
other. The instruments lie in several partitions of the tape, so that they see copies.
"""
import json
import pathlib
import sys
import tempfile

import bars_duckdb
import duckdb
import originals

ROWS_AT_LEAST = 1_500
MINUTE, SEVEN, HOUR = (originals.WIDTHS[name] for name in ("1m", "7m", "1h"))
STRATEGIES = """\
strategy joined on bars(1m) for LEAN:IBM, LEAN:AIG, LEAN:SPY
  use hour  = bars(1h)
  use bac   = LEAN:BAC
  use seven = LEAN:BAC bars(7m)
  before = sma(hour.close, 2)
  mixed  = close - bac.close
  emit seen { own = close, hour = hour.close, mean = before, bac = bac.close, age = bac.age, mixed = mixed[1],
              seven = seven.high, sevens = sma(seven.close, 5), sevens_age = seven.age }
"""
QUERY = f"""
    WITH other AS (SELECT * FROM bars WHERE instrument = 'LEAN:BAC' AND width = {MINUTE}),
    seven AS (SELECT *, avg(close) OVER five AS mean, count(*) OVER five AS n FROM bars
              WHERE instrument = 'LEAN:BAC' AND width = {SEVEN}
              WINDOW five AS (ORDER BY end_ns ROWS 4 PRECEDING)),
    hour AS (SELECT *, avg(close) OVER two AS mean, count(*) OVER two AS n FROM bars WHERE width = {HOUR}
             WINDOW two AS (PARTITION BY instrument ORDER BY end_ns ROWS 1 PRECEDING)),
    own AS (SELECT * FROM bars WHERE width = {MINUTE} AND instrument IN ('LEAN:IBM', 'LEAN:AIG', 'LEAN:SPY')),
    joined AS (
        SELECT own.instrument, own.end_ns, own.close, hour.close AS hour,
               CASE WHEN hour.n = 2 THEN hour.mean END AS mean, other.close AS bac,
               (own.end_ns - other.end_ns) / 1e9 AS age, seven.high AS seven,
               CASE WHEN seven.n = 5 THEN seven.mean END AS sevens, (own.end_ns - seven.end_ns) / 1e9 AS sevens_age
        FROM own
        ASOF LEFT JOIN hour ON own.instrument = hour.instrument AND own.end_ns >= hour.end_ns
        ASOF LEFT JOIN other ON own.end_ns >= other.end_ns
        ASOF LEFT JOIN seven ON own.end_ns >= seven.end_ns)
    SELECT instrument, end_ns, close, hour, mean, bac, age,
           lag(close - bac) OVER (PARTITION BY instrument ORDER BY end_ns), seven, sevens, sevens_age FROM joined"""
VALUES = ("own", "hour", "mean", "bac", "age", "mixed", "seven", "sevens", "sevens_age")


def expected(data_set, folder):
    db = duckdb.connect()
    db.execute("CREATE TABLE bars(instrument VARCHAR, width BIGINT, end_ns BIGINT, high DOUBLE, close DOUBLE)")
    rows = bars_duckdb.expected(data_set, folder).values()
    db.executemany("INSERT INTO bars VALUES (?, ?, ?, ?, ?)",
                   [(row[0], row[1], row[3], float(row[5]), float(row[7])) for row in rows
                    if row[1] in (MINUTE, SEVEN, HOUR)])
    return {row[:2]: row[2:] for row in db.execute(QUERY).fetchall()}


def told(database):
    rows = {}
    for instrument, event_ns, data in database.execute("SELECT instrument, event_ns, data FROM signals"):
        values = json.loads(data)
        rows[instrument, event_ns] = tuple(values[name] for name in VALUES)
    return rows


def same(ours, theirs):
    return originals.same(ours, theirs, rel_tol=1e-12, abs_tol=1e-9)


def main():
    data_set = originals.data_sets()[0]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        strategy = folder / "joined.td"
        strategy.write_text(STRATEGIES, encoding="utf-8")
        _, database = originals.run(data_set, folder, strategies=[strategy])
        ours, theirs = told(database), expected(data_set, folder)
    differ = [key for key in sorted(ours.keys() | theirs.keys())
              if key not in ours or key not in theirs or not all(map(same, ours[key], theirs[key]))]
    for key in differ[:10]:
        print(f"  {key}\n    ours   {ours.get(key)}\n    theirs {theirs.get(key)}")
    known = {name: sum(row[i] is not None for row in theirs.values()) for i, name in enumerate(VALUES)}
    print(f"{len(theirs)} bars by DuckDB {duckdb.__version__}, {len(ours)} of ours; values {known}; {len(differ)} differ")
    failed = bool(differ) or len(theirs) < ROWS_AT_LEAST or min(known.values()) < ROWS_AT_LEAST // 2
    return originals.ended(not failed, failed)


if __name__ == "__main__":
    sys.exit(main())
