#!/usr/bin/env python3
"""Profiles equal DuckDB's over the venues' original files: counts, missing sides and codes, rates, silence, prices,
volume exactly; quantiles of spreads within the 16th that docs/quality.md promises.

DuckDB reads Lean's columns itself; Binance's messages are decoded here.
"""
import csv
import datetime
import decimal
import gzip
import json
import subprocess
import sys
import zipfile

import duckdb
import originals

INSTRUMENTS_AT_LEAST = {"bundled Lean": 4, "bundled Binance": 2, "Lean of 2013-10-08": 4}
EXACT = ["trades", "quotes", "no_bid", "no_ask", "no_trade_id", "no_event_time", "no_exchange", "no_condition",
         "two_sided", "locked", "crossed", "ahead", "suspicious", "peak_events_per_second", "volume", "low", "high"]


def lean_events(db, path, folder):
    """DuckDB reads the venue's own columns: ms since midnight in New York, prices x 10000, codes, suspicious."""
    with zipfile.ZipFile(path) as archive:
        (member,) = archive.namelist()
        archive.extract(member, folder)
    date, symbol, kind = member.split("_")[:3]
    day = datetime.datetime.strptime(date, "%Y%m%d").replace(tzinfo=originals.NEW_YORK)
    price = "CAST({0} AS DECIMAL(19,9)) / 10000"
    side = "CASE WHEN {0} = 0 AND {1} = 0 THEN NULL ELSE " + price + " END"
    trade = kind.lower() == "trade"
    what = (f"'trade', {price.format('b')}, c, NULL, NULL, NULL, d, e, f" if trade else
            f"'quote', NULL, NULL, {side.format('b', 'c')}, {side.format('d', 'e')}, NULL, f, g, h")
    names = "abcdef" if trade else "abcdefgh"
    columns = ", ".join(f"'{n}': '{'VARCHAR' if n in names[-3:] else 'BIGINT'}'" for n in names)
    db.execute(f"INSERT INTO events SELECT 'LEAN:{symbol.upper()}', '{day:%Y-%m-%d}', ns, ns, {what} FROM (SELECT *, "
               f"{int(day.timestamp())}000000000 + a * 1000000 AS ns FROM read_csv('{folder}/{member}', header = false, "
               f"columns = {{{columns}}}))")


def binance_rows(path):
    """(instrument, day, receive ns, event ns, kind, price, size, bid, ask, id, exchange, condition, suspicious)"""
    clock = 0
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            receive, text = line.split(" ", 1)
            clock = max(clock, int(receive))  # as the feed's clock: it never goes back
            message = json.loads(text)
            data = message.get("data", message)
            day = datetime.datetime.fromtimestamp(clock // 10**9, datetime.timezone.utc)
            head = [f"BINANCE:{data.get('s')}", day.strftime("%Y-%m-%d"), clock]
            if data.get("e") == "trade":
                yield head + [data["T"] * 10**6, "trade", data["p"], data["q"], "", "", data["t"], "", "", "0"]
            elif message.get("stream", "").endswith("@bookTicker"):
                yield head + ["", "quote", "", "", data["b"], data["a"], "", "", "", "0"]


def binance_events(db, path, folder):
    rows = folder / "events.csv"
    with open(rows, "w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows(binance_rows(path))
    db.execute(f"COPY events FROM '{rows}' (HEADER false, NULLSTR '')")


def expected(data_set, folder):
    read = {"lean": lean_events, "binance-collector": binance_events}[data_set.format]
    db = duckdb.connect()
    db.execute("CREATE TABLE events(instrument VARCHAR, day VARCHAR, receive BIGINT, event BIGINT, kind VARCHAR,"
               " price DECIMAL(19,9), size DECIMAL(19,8), bid DECIMAL(19,9), ask DECIMAL(19,9), id BIGINT,"
               " exchange VARCHAR, condition VARCHAR, suspicious VARCHAR)")
    for path in data_set.files:
        read(db, path, folder)
    answer = db.execute("""
        WITH seconds AS (SELECT instrument, day, count(*) AS n FROM events
                         GROUP BY instrument, day, receive // 1000000000),
             gaps AS (SELECT instrument, day, receive - lag(receive) OVER
                             (PARTITION BY instrument, day ORDER BY receive) AS gap FROM events)
        SELECT instrument, day, count(*) FILTER (kind = 'trade') AS trades, count(*) FILTER (kind = 'quote') AS quotes,
               count(*) FILTER (kind = 'quote' AND bid IS NULL) AS no_bid,
               count(*) FILTER (kind = 'quote' AND ask IS NULL) AS no_ask,
               count(*) FILTER (kind = 'trade' AND id IS NULL) AS no_trade_id,
               count(*) FILTER (event IS NULL) AS no_event_time,
               count(*) FILTER (exchange IS NULL) AS no_exchange, count(*) FILTER (condition IS NULL) AS no_condition,
               count(*) FILTER (bid IS NOT NULL AND ask IS NOT NULL) AS two_sided,
               count(*) FILTER (bid = ask) AS locked, count(*) FILTER (bid > ask) AS crossed,
               count(*) FILTER (event > receive) AS ahead, count(*) FILTER (suspicious = '1') AS suspicious,
               min(price) FILTER (price > 0 AND size > 0) AS low, max(price) FILTER (price > 0 AND size > 0) AS high,
               coalesce(sum(size) FILTER (price > 0 AND size > 0), 0) AS volume,
               quantile_disc(ask - bid, 0.5) FILTER (bid <= ask) AS spread_median,
               quantile_disc(ask - bid, 0.99) FILTER (bid <= ask) AS spread_p99,
               count(*) * 1e9 / (max(receive) - min(receive)) AS events_per_second,
               (SELECT max(n) FROM seconds s WHERE s.instrument = e.instrument AND s.day = e.day)
                   AS peak_events_per_second,
               (SELECT max(gap) / 1e9 FROM gaps g WHERE g.instrument = e.instrument AND g.day = e.day) AS silence_s
        FROM events e GROUP BY instrument, day""")
    names = [column[0] for column in answer.description]
    return {(row[0], row[1]): dict(zip(names, row)) for row in answer.fetchall()}


def near(mine, theirs, part):
    return theirs is None or abs(float(mine) - float(theirs)) <= float(theirs) * part + 1e-12


def differences(mine, theirs):
    for name in EXACT:
        if theirs[name] is None or mine[name] is None:
            if theirs[name] is not mine[name]:
                yield name, mine[name], theirs[name]
        elif decimal.Decimal(mine[name]) != decimal.Decimal(theirs[name]):
            yield name, mine[name], theirs[name]
    for name, part in (("spread_median", 1 / 16), ("spread_p99", 1 / 16), ("events_per_second", 1e-5)):
        if not near(mine[name] or 0, theirs[name], part):
            yield name, mine[name], theirs[name]
    if abs(mine["silence_s"] - theirs["silence_s"]) > 0.001:
        yield "silence_s", mine["silence_s"], theirs["silence_s"]


def compare(data_set, folder):
    summary, database = originals.run(data_set, folder)
    database.close()
    done = subprocess.run([originals.BINARY, "profile", folder / "log", "--json"], stdout=subprocess.PIPE, text=True,
                          check=True)
    ours = {(row["instrument"], row["day"]): row for row in json.loads(done.stdout)["rows"] if row["instrument"]}
    theirs = expected(data_set, folder)
    wrong = [(key, "is missing on one side") for key in ours.keys() ^ theirs.keys()]
    for key in sorted(ours.keys() & theirs.keys()):
        wrong += [(key, *difference) for difference in differences(ours[key], theirs[key])]
    for row in wrong[:10]:
        print(f"  {row}")
    events = sum(row["trades"] + row["quotes"] for row in theirs.values())
    if events != summary["events"] - summary["rejected"]:
        wrong.append(("events", summary["events"], events))
    print(f"{data_set.name}: {len(theirs)} instruments, {events} events, {len(EXACT) + 4} numbers each by DuckDB "
          f"{duckdb.__version__}; {len(wrong)} differ")
    if len(theirs) < INSTRUMENTS_AT_LEAST[data_set.name]:
        print(f"  at least {INSTRUMENTS_AT_LEAST[data_set.name]} instruments are expected")
        return 1
    return len(wrong)


def main():
    sets = originals.data_sets()
    skipped = 0 if len(sets) == len(INSTRUMENTS_AT_LEAST) else 1
    return originals.hold_each(compare, sets, skipped=skipped)


if __name__ == "__main__":
    sys.exit(main())
