#!/usr/bin/env python3
"""Bars under `rules: venue` equal DuckDB's over Lean's original files, of all hours and of the regular ones.

DuckDB reads the files itself. What a condition admits is said here by its name, after the consolidated columns of the
tape's specifications, and not read from the program's table.
"""
import sys
import zipfile

import duckdb
import originals
import vwap_decimal

FIELDS = ["instrument", "width_ns", "start_ns", "open", "high", "low", "close", "volume", "notional", "trade_count"]
# Fewer bars and fewer trades under a condition in a data set mean that the comparison itself is broken.
AT_LEAST = {("bundled Lean", "all"): (60_000, 500), ("bundled Lean", "regular"): (55_000, 400),
            ("Lean of 2013-10-08", "all"): (75_000, 500), ("Lean of 2013-10-08", "regular"): (68_000, 400)}

FLAGS = ["Regular", "Cash", "NextDay", "Seller", "YellowFlag", "IntermarketSweep", "OpeningPrints", "ClosingPrints",
         "ReOpeningPrints", "DerivativelyPriced", "FormT", "Sold", "Stopped", "ExtendedHours",
         "OutOfSequence", "Split", "Acquisition", "Bunched", "StockOption", "Distribution", "AveragePrice",
         "Cross", "PriceVariation", "Rule155", "OfficialClose", "PriorReferencePrice", "OfficialOpen",
         "CapElection", "AutoExecution", "TradeThroughExempt", "UndocumentedFlag", "OddLot"]
NO_LAST = {"Seller", "DerivativelyPriced", "OutOfSequence", "PriorReferencePrice"}
VOLUME_ALONE = {"Cash", "NextDay", "StockOption", "AveragePrice", "PriceVariation", "OddLot"}
OF_OTHER_HOURS = {"FormT", "ExtendedHours"}
OPENS, CLOSES = 34_200 * 10**9, 57_600 * 10**9  # 09:30 and 16:00
REPORTS = {"OfficialClose", "OfficialOpen"}

PLAIN = r"regexp_replace(CAST({} AS VARCHAR), '\.?0+$', '')"  # DECIMALs print all their decimals


def mask(names):
    assert names <= set(FLAGS)
    return sum(1 << FLAGS.index(name) for name in names)


def load(db, data_set, folder, hours):
    """Table trades: what each file says, with its day or session, and what its condition admits: 3 all, 2 no last,
    1 volume alone, 0 nothing."""
    volume = VOLUME_ALONE if hours == "all" else VOLUME_ALONE | OF_OTHER_HOURS
    db.execute("CREATE TABLE trades(instrument VARCHAR, event_ns BIGINT, ord BIGINT, price DECIMAL(19,9),"
               " size DECIMAL(19,8), admits INTEGER, day_start BIGINT, day_end BIGINT)")
    for path in data_set.files:
        with zipfile.ZipFile(path) as archive:
            (member,) = archive.namelist()
            if "trade" not in member.lower():
                continue
            archive.extract(member, folder)
        first_ns = next(originals.lean_trades(path)).event_ns
        midnight_ns, next_midnight_ns = originals.day("lean", first_ns, "all")
        day = (midnight_ns, next_midnight_ns) if hours == "all" else (midnight_ns + OPENS, midnight_ns + CLOSES)
        db.execute(f"""
            INSERT INTO trades
            SELECT 'LEAN:{member.split('_')[1].upper()}', {midnight_ns} + ms * 1000000,
                   ord, price / 10000::DECIMAL(19,0), size,
                   CASE WHEN flags & {mask(REPORTS)} != 0 THEN 0 WHEN flags & {mask(volume)} != 0 THEN 1
                        WHEN flags & {mask(NO_LAST)} != 0 THEN 2 ELSE 3 END, {day[0]}, {day[1]}
            FROM (SELECT *, ('0x' || condition)::BIGINT AS flags, row_number() OVER () AS ord
                  FROM read_csv('{folder}/{member}', header = false, columns = {{'ms': 'BIGINT',
                    'price': 'DECIMAL(19,0)', 'size': 'DECIMAL(19,8)', 'exchange': 'VARCHAR', 'condition': 'VARCHAR',
                    'suspicious': 'INTEGER'}}))
            WHERE price > 0 AND size > 0""")
    db.execute("DELETE FROM trades WHERE event_ns < day_start OR event_ns >= day_end")


def expected(db, hours):
    """{(instrument, width, start): row of FIELDS} by DuckDB."""
    bars = {}
    for width in originals.WIDTHS.values():
        start = f"event_ns - event_ns % {width}"
        if hours == "regular":
            start = f"greatest({start}, day_start)"
        if width == originals.WIDTHS["1d"]:
            start = "day_start"

        def at_the(end):
            better, worse = (f"{end}(price, (event_ns, ord)) FILTER (admits = {n})" for n in (3, 2))
            return PLAIN.format(f"coalesce({better}, {worse})")

        rows = db.execute(f"""
            SELECT instrument, {width}::BIGINT, start_ns, {at_the("arg_min")},
                   {PLAIN.format("max(price) FILTER (admits >= 2)")}, {PLAIN.format("min(price) FILTER (admits >= 2)")},
                   {at_the("arg_max")}, {PLAIN.format("sum(size) FILTER (admits >= 1)")},
                   {PLAIN.format("sum(price * size) FILTER (admits >= 1)")}, count(*) FILTER (admits >= 1)
            FROM (SELECT *, {start} AS start_ns FROM trades)
            GROUP BY instrument, start_ns HAVING max(admits) >= 2""").fetchall()
        bars.update({row[:3]: row for row in rows})
    return bars


def compare(data_set, folder, hours):
    """Prints what was compared; returns the number of differences."""
    summary, database = originals.run(data_set, folder, hours, rules="venue")
    ours = {row[:3]: row for row in database.execute(f"SELECT {', '.join(FIELDS)} FROM bars WHERE revision = 0")}
    db = duckdb.connect(config={"threads": 1})  # lines keep their order
    load(db, data_set, folder, hours)
    theirs = expected(db, hours)
    restricted, traded = db.execute("SELECT count(*) FILTER (admits < 3), count(*) FROM trades").fetchone()
    differences = originals.differing(ours, theirs)
    counts = {"restricted": restricted, "late": 0, "quarantined": 0, "revised": 0, "accepted": summary["events"]}
    differences += [(name, summary[name], count) for name, count in counts.items() if summary[name] != count]
    differences += vwap_decimal.differences(database)
    originals.show(differences, 10)
    print(f"{data_set.name}, hours {hours}: {len(theirs)} bars by DuckDB {duckdb.__version__}, {len(ours)} of ours;"
          f" {restricted} of {traded} trades under a condition; {len(differences)} differences")
    bars_at_least, restricted_at_least = AT_LEAST[data_set.name, hours]
    if len(theirs) < bars_at_least or restricted < restricted_at_least:
        print(f"  at least {bars_at_least} bars and {restricted_at_least} such trades are expected")
        return 1
    return len(differences)


def main():
    sets = [one for one in originals.data_sets() if one.format == "lean"]
    skipped = 0 if 2 * len(sets) == len(AT_LEAST) else 1
    if skipped:
        print("skipped: a further day; set TAPEDECK_TEST_DATA to a folder that has lean_equity/tick")
    return originals.hold_each(compare, sets, ("all", "regular"), skipped=skipped)


if __name__ == "__main__":
    sys.exit(main())
