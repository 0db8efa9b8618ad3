#!/usr/bin/env python3
"""Each trade of the Lean files sees the quote that DuckDB's ASOF JOIN over the originals gives it: both sides, and how old
it is. By asof(x) it sees the same, and what the trade before saw. A bar sees the one that stood at its end.

Tie-break, as the log has it: within a feed by event time, at one time quotes before trades, among quotes by line; so of
several quotes at one time the last line stands, and a trade of that time sees it.

Then the same files as two feeds, the quotes 5 seconds of the market behind the trades: asof(x, wait) sees what the join by
event time gives, whatever the log held when the trade came.
"""
import decimal
import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import zipfile

import duckdb
import originals

SYMBOLS = ("ibm", "aig", "bac")
TRADES_AT_LEAST, QUOTED_AT_LEAST, BARS_AT_LEAST = 100_000, 100_000, 1_000
STRATEGIES = """\
strategy seen on trades for LEAN:*
  emit nbbo { b = quote.bid, bs = quote.bid_size, a = quote.ask, as = quote.ask_size, age = quote.age }

strategy brought on trades for LEAN:*
  offer = asof(quote.ask)
  emit nbbo { b = asof(quote.bid), bs = asof(quote).bid_size, a = offer, as = asof(quote.ask_size), age = asof(quote).age,
              before = offer[1] }

strategy ended on bars(1m) for LEAN:*
  emit nbbo { b = quote.bid, bs = quote.bid_size, a = quote.ask, as = quote.ask_size, age = quote.age }
"""
WAITING = """\
strategy waits on trades for LEAN:*
  emit nbbo { b = asof(quote.bid, 250ms), bs = asof(quote, wait = 250ms).bid_size, a = asof(quote.ask, 250ms),
              as = asof(quote.ask_size, 250ms), age = asof(quote, 250ms).age, at_once = asof(quote.age) }
"""
QUOTES_FROM, TRADES_FROM = 34_200_000, 34_205_000  # ms of the exchange's day, 09:30:00 and 09:30:05
VALUES = ("b", "bs", "a", "as", "age")
WHAT = {"seen": "trade", "brought": "asof", "ended": "bar", "waits": "trade"}


def load(db, table, paths, columns):
    """The files' lines with their instruments, numbers and midnights."""
    db.execute(f"CREATE TABLE {table}(instrument VARCHAR, midnight_ns BIGINT, line BIGINT, {columns})")
    with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8") as out:
        for path in paths:
            with zipfile.ZipFile(path) as archive:
                (member,) = archive.namelist()
                midnight_ns = originals.lean_midnight_ns(member)
                instrument = f"LEAN:{member.split('_')[1].upper()}"
                for number, line in enumerate(archive.read(member).decode().splitlines()):
                    out.write(f"{instrument},{midnight_ns},{number},{line}\n")
        out.flush()
        db.execute(f"COPY {table} FROM '{out.name}' (HEADER false)")


def expected(files, quotes_from=0, trades_from=0):
    """{("trade", instrument, event_ns, n): sides and age}, as {("asof", …)} with the ask that the trade before saw, and
    {("bar", instrument, end_ns)}."""
    db = duckdb.connect()
    load(db, "raw_quotes", [p for p in files if "_quote" in p.name],
         "ms BIGINT, bid BIGINT, bid_size BIGINT, ask BIGINT, ask_size BIGINT, exchange VARCHAR, cond VARCHAR, sus INT")
    load(db, "raw_trades", [p for p in files if "_trade" in p.name],
         "ms BIGINT, price BIGINT, size BIGINT, exchange VARCHAR, cond VARCHAR, sus INT")
    db.execute(f"""
        CREATE TABLE quotes AS SELECT *, midnight_ns + ms * 1000000 AS event_ns FROM raw_quotes
        WHERE (bid > 0) = (bid_size > 0) AND (ask > 0) = (ask_size > 0) AND (bid > 0 OR ask > 0)
            AND ms >= {quotes_from}
        QUALIFY row_number() OVER (PARTITION BY instrument, event_ns ORDER BY line DESC) = 1;
        CREATE TABLE trades AS SELECT *, midnight_ns + ms * 1000000 AS event_ns FROM raw_trades
        WHERE price > 0 AND size > 0 AND ms >= {trades_from};
        CREATE TABLE asked AS
        SELECT 'trade' AS what, instrument, event_ns,
               row_number() OVER (PARTITION BY instrument, event_ns ORDER BY line) AS n FROM trades
        UNION ALL
        SELECT DISTINCT 'bar', instrument, event_ns - event_ns % 60000000000 + 60000000000, 1 FROM trades;""")
    rows = db.execute("""
        SELECT a.what, a.instrument, a.event_ns, a.n, nullif(q.bid, 0), nullif(q.bid_size, 0), nullif(q.ask, 0),
               nullif(q.ask_size, 0), a.event_ns - q.event_ns,
               lag(nullif(q.ask, 0)) OVER (PARTITION BY a.what, a.instrument ORDER BY a.event_ns, a.n)
        FROM asked AS a ASOF LEFT JOIN quotes AS q ON a.instrument = q.instrument AND a.event_ns >= q.event_ns""").fetchall()

    def number(value, scale):
        return None if value is None else decimal.Decimal(value) / scale
    seen = {row[:4]: (number(row[4], 10**4), number(row[5], 1), number(row[6], 10**4), number(row[7], 1),
                      number(row[8], 10**9)) for row in rows}
    return seen | {("asof", *row[1:4]): (*seen[row[:4]], number(row[9], 10**4)) for row in rows if row[0] == "trade"}


def told(database):
    """The same of what the strategies told."""
    rows = {}
    for strategy, instrument, event_ns, ident, data in database.execute(
            "SELECT strategy, instrument, event_ns, id, data FROM signals WHERE status IN ('fresh', 'withheld')"):
        values = json.loads(data, parse_float=decimal.Decimal, parse_int=decimal.Decimal)
        row = tuple(values[k] for k in (*VALUES, "before") if k in values)
        rows[WHAT[strategy], instrument, event_ns, int(ident.rpartition("#")[2])] = row
    return rows


def two_feeds(files, folder):
    """What a strategy told that waits, and how old the quotes were that stood in the log."""
    (folder / "waits.td").write_text(WAITING, encoding="utf-8")
    for path in files:
        kind = folder / path.name.rpartition("_")[2].removesuffix(".zip")
        kind.mkdir(exist_ok=True)
        (kind / path.name).symlink_to(path)
    config = folder / "waits.yaml"
    config.write_text(f"""\
feeds:
  - file: {{ name: trades, format: lean, path: "{folder}/trade/*", rules: off, from: "09:30:05" }}
  - file: {{ name: quotes, format: lean, path: "{folder}/quote/*", rules: off, from: "09:30:00" }}
bars: [1m]
strategies: [{folder}/waits.td]
log: {{ dir: "{folder}/waits" }}
sinks:
  - sqlite: {{ file: "{folder}/waits.db" }}
""", encoding="utf-8")
    subprocess.run([originals.BINARY, "run", "--until-end", "--quiet", config], check=True, stdout=subprocess.DEVNULL)
    database = sqlite3.connect(folder / "waits.db")
    (others,) = database.execute("""SELECT count(*) FROM signals
        WHERE json_extract(data, '$.age') IS NOT json_extract(data, '$.at_once')""").fetchone()
    return told(database), others


def compare(ours, theirs):
    differ = [key for key in sorted(ours.keys() | theirs.keys()) if ours.get(key) != theirs.get(key)]
    for key in differ[:5]:
        print(f"  {key}: ours {ours.get(key)}, DuckDB {theirs.get(key)}")
    return len(differ)


def main():
    (bundled,) = [s for s in originals.data_sets() if s.name == "bundled Lean"]
    files = [p for p in bundled.files if p.name.split("_")[1] in SYMBOLS]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        strategies = folder / "asof.td"
        strategies.write_text(STRATEGIES, encoding="utf-8")
        _, database = originals.run(bundled._replace(files=files), folder, rules="off", strategies=[strategies])
        theirs = expected(files)
        differ = compare(told(database), theirs)
        waited, others = two_feeds(files, folder)
        by_time = {key: row for key, row in expected(files, QUOTES_FROM, TRADES_FROM).items() if key[0] == "trade"}
    trades = [key for key in theirs if key[0] == "trade"]
    quoted = sum(theirs[key][4] is not None for key in trades)
    bars = sum(key[0] == "bar" for key in theirs)
    print(f"{len(trades)} trades as of quotes by DuckDB, {quoted} with one, as often by asof, {bars} bars;"
          f" {differ} differ")
    waits_differ = compare(waited, by_time)
    print(f"{len(by_time)} trades that wait for their quotes, {others} of which had others when they came;"
          f" {waits_differ} differ")
    enough = len(trades) >= TRADES_AT_LEAST and quoted >= QUOTED_AT_LEAST and bars >= BARS_AT_LEAST
    enough &= len(by_time) >= TRADES_AT_LEAST and others >= TRADES_AT_LEAST // 2
    return 0 if enough and not differ and not waits_differ else 1


if __name__ == "__main__":
    sys.exit(main())
