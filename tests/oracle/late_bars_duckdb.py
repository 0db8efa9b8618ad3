#!/usr/bin/env python3
"""After all revisions bars equal DuckDB's over the originals, though trades came up to 50 s late and some twice.

The bundled Binance recording is recorded anew here: each message arrives by a seeded delay later than it did, and one of
fifty comes again, later still. DuckDB sees the originals. Every revision must stand in SQLite, counted up from 0.
"""
import collections
import gzip
import pathlib
import random
import sys
import tempfile

import bars_duckdb
import originals
import vwap_decimal

DELAY_MAX_NS = 50 * 10**9  # with the feed's own lateness below the 60 s of grace
REVISED_AT_LEAST, DOUBLED_AT_LEAST = 20_000, 250


def record_anew(source, target, dice):
    """Writes the shuffled recording; returns how many trades it has twice."""
    lines, doubled = [], 0
    with gzip.open(source, "rb") as messages:
        for line in messages:
            receive, message = line.split(b" ", 1)
            if b"@depth" in message and not message.endswith(b"\n"):
                continue  # cut by the recorder
            at = int(receive) + dice.randrange(DELAY_MAX_NS)
            lines.append((at, message))
            if dice.randrange(50) == 0:
                lines.append((at + dice.randrange(10**9), message))
                doubled += b'"e":"trade"' in message
    lines.sort(key=lambda line: line[0])
    with gzip.open(target, "wb", compresslevel=1) as out:
        out.writelines(b"%d %s" % line for line in lines)
    return doubled


def check(data_set, folder):
    dice = random.Random(20261121)
    (folder / "shuffled").mkdir()
    shuffled = [folder / "shuffled" / path.name for path in data_set.files]
    doubled = sum(record_anew(path, target, dice) for path, target in zip(data_set.files, shuffled))
    summary, database = originals.run(data_set._replace(files=shuffled), folder)
    fields = ", ".join(bars_duckdb.FIELDS)
    ours = {row[:3]: row for row in database.execute(
        f"SELECT {fields} FROM (SELECT *, row_number() OVER (PARTITION BY instrument, width_ns, start_ns"
        " ORDER BY revision DESC) AS back FROM bars) WHERE back = 1")}
    theirs = bars_duckdb.expected(data_set, folder)
    differ = [key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)]
    gaps, = database.execute("SELECT count(*) FROM (SELECT max(revision) - count(*) + 1 AS holes FROM bars GROUP BY"
                             " instrument, width_ns, start_ns) WHERE holes != 0").fetchone()
    earlier, = database.execute("SELECT count(*) FROM bars AS a JOIN bars AS b USING(instrument, width_ns, start_ns)"
                                " WHERE b.revision = a.revision + 1 AND b.known_at_ns < a.known_at_ns").fetchone()
    vwaps = vwap_decimal.differences(database)
    kinds = collections.Counter(revision > 0 for revision, in database.execute("SELECT revision FROM bars"))
    print(f"{data_set.name}, late and doubled: {len(theirs)} bars by DuckDB, {len(ours)} of ours after {kinds[True]}"
          f" revisions; {len(differ)} differ, {gaps} with holes in their revisions, {earlier} known before the one they"
          f" revise, {len(vwaps)} vwaps differ; {summary['duplicates']} doubles, {doubled} were put in;"
          f" {summary['late']} late")
    for key in differ[:5]:
        print(f"  {key}\n    ours   {ours.get(key)}\n    theirs {theirs.get(key)}")
    for revision in vwaps[:5]:
        print(f"  {revision}")
    counted = sum(summary[name] for name in ("accepted", "quarantined", "duplicates", "rejected"))
    return (not differ and not gaps and not earlier and not vwaps and summary["late"] == 0
            and summary["duplicates"] == doubled >= DOUBLED_AT_LEAST and kinds[True] >= REVISED_AT_LEAST
            and summary["events"] == counted and len(theirs) >= bars_duckdb.ROWS_AT_LEAST[data_set.name, "all"])


def main():
    (data_set,) = [one for one in originals.data_sets() if one.name == "bundled Binance"]
    with tempfile.TemporaryDirectory() as folder:
        good = check(data_set, pathlib.Path(folder))
    print("1 passed" if good else "1 failed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
